/*
 * The asking half of websocket_handshake.h: key, request, and what the key must be answered with.
 */
#include "chain/websocket_handshake.h"

#include "base/log.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define KEY_BYTES    16
#define ACCEPT_BYTES 20

/* RFC 6455, 1.3: the text that makes the accept value one of this protocol. */
static const char accept_salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

struct websocket_key websocket_key_new(void)
{
	unsigned char bytes[KEY_BYTES];
	struct websocket_key key;
	int length;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		fatal(EXIT_CODE_TRY_AGAIN, "no random bytes");
	length = EVP_EncodeBlock((unsigned char *)key.text, bytes, sizeof(bytes));
	invariant(length == WEBSOCKET_KEY_SIZE - 1);
	return key;
}

struct websocket_accept websocket_accept_of(const struct websocket_key *key)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char salted[WEBSOCKET_KEY_SIZE + sizeof(accept_salt)];
	unsigned int digest_length = 0;
	struct websocket_accept accept;
	size_t key_length = strlen(key->text);
	int length;

	invariant(key_length < sizeof(key->text));
	memcpy(salted, key->text, key_length);
	memcpy(salted + key_length, accept_salt, sizeof(accept_salt));
	if (EVP_Digest(salted, strlen(salted), digest, &digest_length, EVP_sha1(), NULL) != 1)
		fatal(EXIT_CODE_BUG, "libcrypto has no SHA-1, which the WebSocket handshake needs");
	invariant(digest_length == ACCEPT_BYTES);
	length = EVP_EncodeBlock((unsigned char *)accept.text, digest, ACCEPT_BYTES);
	invariant(length == WEBSOCKET_ACCEPT_SIZE - 1);
	return accept;
}

/* A part of the URL, NULL when absent. Owns: curl_free. */
static char *url_part(CURLU *url, CURLUPart part, unsigned int flags)
{
	char *text = NULL;
	CURLUcode code = curl_url_get(url, part, &text, flags);

	if (code == CURLUE_OUT_OF_MEMORY)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory");
	return code == CURLUE_OK ? text : NULL;
}

static bool append_authorization(CURLU *url, struct buffer *request)
{
	char *user = url_part(url, CURLUPART_USER, CURLU_URLDECODE);
	char *password = url_part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
	struct buffer plain;
	unsigned char encoded[4 * ((BUFFER_MAX_WEBSOCKET_HEAD / 8 + 2) / 3) + 1];
	bool fits = true;

	buffer_init(&plain, BUFFER_MAX_WEBSOCKET_HEAD / 8);
	if (user != NULL || password != NULL) {
		fits = buffer_append_format(&plain, "%s:%s", user == NULL ? "" : user,
					    password == NULL ? "" : password);
		(void)EVP_EncodeBlock(encoded, (const unsigned char *)buffer_text(&plain),
				      (int)plain.length);
		fits = fits && buffer_append_format(request, "Authorization: Basic %s\r\n",
						    (const char *)encoded);
	}
	buffer_free(&plain);
	curl_free(user);
	curl_free(password);
	return fits;
}

static bool append_request(CURLU *url, const struct websocket_key *key, struct buffer *request)
{
	char *host = url_part(url, CURLUPART_HOST, 0);
	char *port = url_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
	char *path = url_part(url, CURLUPART_PATH, CURLU_URLENCODE);
	char *query = url_part(url, CURLUPART_QUERY, CURLU_URLENCODE);
	bool done = host != NULL && path != NULL &&
		    buffer_append_format(request,
					 "GET %s%s%s HTTP/1.1\r\n"
					 "Host: %s%s%s\r\n"
					 "Upgrade: websocket\r\n"
					 "Connection: Upgrade\r\n"
					 "Sec-WebSocket-Key: %s\r\n"
					 "Sec-WebSocket-Version: 13\r\n",
					 path, query == NULL ? "" : "?", query == NULL ? "" : query,
					 host, port == NULL ? "" : ":", port == NULL ? "" : port,
					 key->text) &&
		    append_authorization(url, request) && buffer_append_text(request, "\r\n");

	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(query);
	return done;
}

enum outcome websocket_handshake_request(const char *url_text, const struct websocket_key *key,
					 struct buffer *request, struct error *error)
{
	CURLU *url = curl_url();
	bool done;

	if (url == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory");
	done = curl_url_set(url, CURLUPART_URL, url_text, 0) == CURLUE_OK &&
	       append_request(url, key, request);
	curl_url_cleanup(url);
	if (!done)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "not a URL that a WebSocket can be opened to");
	return OUTCOME_OK;
}
