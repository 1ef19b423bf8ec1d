/* See redirect_listener.h. */
#include "executor/redirect_listener.h"

#include "base/buffer.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A browser that connects and says nothing must not hold up the one that brings the code. */
#define PATIENCE_SECONDS	 5
#define CERTIFICATE_LIFE_SECONDS (60 * 60)

struct redirect_listener {
	int fd;
	SSL_CTX *tls;
};

/* Of "https://127.0.0.1:8443/callback" 8443; 0 for any other host, or without a port. */
static uint16_t loopback_port(const char *uri)
{
	static const char *const prefixes[] = {"https://127.0.0.1:", "https://localhost:"};

	for (size_t i = 0; i < ARRAY_LENGTH(prefixes); i++) {
		size_t length = strlen(prefixes[i]);
		char *end;
		long port;

		if (strncmp(uri, prefixes[i], length) != 0)
			continue;
		port = strtol(uri + length, &end, 10);
		if (end != uri + length && (*end == '\0' || *end == '/') && port > 0 &&
		    port <= UINT16_MAX)
			return (uint16_t)port;
	}
	return 0;
}

static bool sign(X509 *certificate, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -60) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_LIFE_SECONDS) != NULL &&
	       X509_set_pubkey(certificate, key) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"localhost", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1 &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

static SSL_CTX *make_tls(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	bool good = tls != NULL && key != NULL && certificate != NULL && sign(certificate, key) &&
		    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
		    SSL_CTX_use_certificate(tls, certificate) == 1 &&
		    SSL_CTX_use_PrivateKey(tls, key) == 1;

	/* The context holds its own references. */
	X509_free(certificate);
	EVP_PKEY_free(key);
	if (good)
		return tls;
	SSL_CTX_free(tls);
	return NULL;
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 8) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

struct redirect_listener *redirect_listener_open(const char *redirect_uri)
{
	uint16_t port = loopback_port(redirect_uri);
	struct redirect_listener *listener;
	int fd;

	if (port == 0)
		return NULL;
	fd = listen_on(port);
	if (fd < 0) {
		log_warn("the login cannot be caught at SCHWAB_REDIRECT_URI, only pasted: %s "
			 "port=%u",
			 strerror(errno), port);
		return NULL;
	}
	listener = memory_allocate(1, sizeof(*listener));
	listener->fd = fd;
	listener->tls = make_tls();
	if (listener->tls != NULL)
		return listener;
	log_warn("the login cannot be caught, only pasted: no certificate could be made");
	redirect_listener_close(listener);
	return NULL;
}

void redirect_listener_close(struct redirect_listener *listener)
{
	SSL_CTX_free(listener->tls);
	(void)close(listener->fd);
	memory_free(listener);
}

int redirect_listener_fd(const struct redirect_listener *listener)
{
	return listener->fd;
}

/* The head of a request, up to its empty line. */
static bool read_head(SSL *connection, char *head, size_t size)
{
	size_t length = 0;

	head[0] = '\0';
	while (length + 1 < size && strstr(head, "\r\n\r\n") == NULL) {
		int count = SSL_read(connection, head + length, (int)(size - length - 1));

		if (count <= 0)
			return false;
		length += (size_t)count;
		head[length] = '\0';
	}
	return true;
}

/* "GET /callback?code=... HTTP/1.1" -> "/callback?code=..." */
static bool requested_address(const char *head, char *redirect, size_t size)
{
	static const char method[] = "GET ";
	size_t length;

	if (strncmp(head, method, strlen(method)) != 0)
		return false;
	head += strlen(method);
	length = strcspn(head, " \r\n");
	if (length >= size || memchr(head, '?', length) == NULL)
		return false;
	memcpy(redirect, head, length);
	redirect[length] = '\0';
	return true;
}

static bool serve(SSL *connection, char *redirect, size_t size)
{
	static const char found[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
				    "Connection: close\r\n\r\n"
				    "Ballast has taken the login. You may close this page.\n";
	static const char missing[] = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
				      "Connection: close\r\n\r\n"
				      "This address is not the end of a login.\n";
	char *head = memory_allocate(1, REDIRECT_SIZE);
	bool taken = SSL_accept(connection) == 1 && read_head(connection, head, REDIRECT_SIZE) &&
		     requested_address(head, redirect, size);
	const char *answer = taken ? found : missing;

	memory_free(head);
	/* Whether the browser gets its page changes nothing. */
	(void)SSL_write(connection, answer, (int)strlen(answer));
	(void)SSL_shutdown(connection);
	return taken;
}

bool redirect_listener_take(struct redirect_listener *listener, char *redirect, size_t size)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	SSL *connection;
	bool taken = false;

	if (fd < 0)
		return false;
	connection = SSL_new(listener->tls);
	if (connection != NULL && SSL_set_fd(connection, fd) == 1 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0)
		taken = serve(connection, redirect, size);
	SSL_free(connection);
	(void)close(fd);
	return taken;
}
