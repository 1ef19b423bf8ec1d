/*
 * A server for the network tests: a child process on a free port of the loopback that follows a
 * script, in plain TCP or TLS with certificates made here. What the script demands of the client is
 * demanded with server_require: the child then ends with 1 and server_finish fails the test. No
 * script waits for time to pass unless the test is about that.
 *
 * Include after cmocka.h.
 */
#ifndef BALLAST_TESTS_UNIT_CHAIN_SCRIPTED_SERVER_H
#define BALLAST_TESTS_UNIT_CHAIN_SCRIPTED_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER_LIFE_SECONDS 60
#define SERVER_TEXT_SIZE    (64 * 1024)

typedef void server_script(int listener, void *context);

struct server {
	pid_t pid;
	int port;
};

/* One connection of the child. */
struct peer {
	int fd;
	SSL *ssl; /* NULL: plain */
};

static inline void server_require_at(bool condition, const char *what, int line)
{
	if (condition)
		return;
	(void)fprintf(stderr, "the server's script demands: %s (line %d)\n", what, line);
	_exit(1);
}
#define server_require(condition) server_require_at((condition), #condition, __LINE__)

static inline void server_start(struct server *server, server_script *script, void *context)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	server->port = ntohs(address.sin_port);
	(void)fflush(NULL);
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0) {
		/* A script that waits for ever is a failure, not a test that never ends. */
		(void)alarm(SERVER_LIFE_SECONDS);
		(void)signal(SIGPIPE, SIG_IGN);
		script(listener, context);
		_exit(0);
	}
	(void)close(listener);
}

/* The script came to its end and every demand was met. */
static inline void server_finish(const struct server *server)
{
	int status;

	assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline struct peer server_accept(int listener)
{
	struct peer peer = {.fd = accept(listener, NULL, NULL), .ssl = NULL};

	server_require(peer.fd >= 0);
	return peer;
}

/* 0: the client closed; -1: the connection is broken. */
static inline ssize_t peer_read(const struct peer *peer, void *bytes, size_t size)
{
	return peer->ssl != NULL ? SSL_read(peer->ssl, bytes, (int)size)
				 : recv(peer->fd, bytes, size, 0);
}

static inline void peer_write(const struct peer *peer, const void *bytes, size_t length)
{
	const char *rest = bytes;

	while (length > 0) {
		ssize_t written = peer->ssl != NULL ? SSL_write(peer->ssl, rest, (int)length)
						    : send(peer->fd, rest, length, MSG_NOSIGNAL);

		server_require(written > 0);
		rest += written;
		length -= (size_t)written;
	}
}

static inline void peer_write_text(const struct peer *peer, const char *text)
{
	peer_write(peer, text, strlen(text));
}

static inline void peer_close(struct peer *peer)
{
	if (peer->ssl != NULL) {
		(void)SSL_shutdown(peer->ssl);
		SSL_free(peer->ssl);
	}
	(void)close(peer->fd);
}

/* A reset instead of an orderly end. */
static inline void peer_reset(const struct peer *peer)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};

	server_require(setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	(void)close(peer->fd);
}

/* Reads until the client closes, whatever it sends. */
static inline void peer_wait_for_end(const struct peer *peer)
{
	char bytes[4096];

	while (peer_read(peer, bytes, sizeof(bytes)) > 0)
		continue;
}

/* Reads up to and with the empty line, byte by byte so that nothing behind it is lost. */
static inline void peer_read_head(const struct peer *peer, char text[SERVER_TEXT_SIZE])
{
	size_t length = 0;

	while (length < 4 || memcmp(text + length - 4, "\r\n\r\n", 4) != 0) {
		server_require(length + 1 < SERVER_TEXT_SIZE);
		server_require(peer_read(peer, text + length, 1) == 1);
		length++;
	}
	text[length] = '\0';
}

/* One HTTP request: its head into head, its body into body (both with a NUL). */
static inline void peer_read_request(const struct peer *peer, char head[SERVER_TEXT_SIZE],
				     char body[SERVER_TEXT_SIZE])
{
	const char *field;
	size_t expected;
	size_t length = 0;

	peer_read_head(peer, head);
	field = strcasestr(head, "\r\nContent-Length: ");
	server_require(field != NULL);
	expected = strtoul(field + strlen("\r\nContent-Length: "), NULL, 10);
	server_require(expected < SERVER_TEXT_SIZE);
	while (length < expected) {
		ssize_t got = peer_read(peer, body + length, expected - length);

		server_require(got > 0);
		length += (size_t)got;
	}
	body[length] = '\0';
}

/* status: "200 OK"; headers: each with its CRLF, or "". */
static inline void peer_answer(const struct peer *peer, const char *status, const char *headers,
			       const char *body)
{
	char head[1024];
	int length = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n",
			      status, headers, strlen(body));

	server_require(length > 0 && (size_t)length < sizeof(head));
	peer_write(peer, head, (size_t)length);
	peer_write_text(peer, body);
}

#define SERVER_CONNECTIONS 8

/* A request has come, or the client has closed, which is to be told: false. */
typedef bool server_handler(const struct peer *peer, void *context);

static inline bool peer_has_closed(const struct peer *peer)
{
	char byte;

	return recv(peer->fd, &byte, 1, MSG_PEEK) != 1;
}

/* For ever; several connections beside each other, none of which waits for another. */
static inline void server_serve_all(int listener, server_handler *handle, void *context)
{
	struct pollfd fds[1 + SERVER_CONNECTIONS] = {{.fd = listener, .events = POLLIN}};

	for (size_t i = 1; i <= SERVER_CONNECTIONS; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	for (;;) {
		server_require(poll(fds, 1 + SERVER_CONNECTIONS, -1) > 0);
		for (size_t i = 1; i <= SERVER_CONNECTIONS; i++) {
			struct peer peer = {.fd = fds[i].fd};

			if (fds[i].fd < 0 && fds[0].revents != 0) {
				fds[i].fd = server_accept(listener).fd;
				fds[0].revents = 0;
			} else if (fds[i].fd >= 0 && fds[i].revents != 0 &&
				   !handle(&peer, context)) {
				peer_close(&peer);
				fds[i].fd = -1;
			}
		}
		server_require(fds[0].revents == 0); /* a place for each */
	}
}

/* A key and its certificate; issuer NULL: it signs itself and may sign others. */
struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

static inline void add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Valid from a day ago until valid_seconds from now. */
static inline struct identity identity_new(const char *name, const struct identity *issuer,
					   long valid_seconds)
{
	struct identity made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
	char alternative[128];
	X509_NAME *subject;

	assert_non_null(made.key);
	assert_non_null(made.certificate);
	assert_int_equal(X509_set_version(made.certificate, 2), 1);
	assert_int_equal(
		ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), issuer == NULL ? 1 : 2),
		1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(made.certificate), -86400));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(made.certificate), valid_seconds));
	assert_int_equal(X509_set_pubkey(made.certificate, made.key), 1);
	subject = X509_get_subject_name(made.certificate);
	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
						    (const unsigned char *)name, -1, -1, 0),
			 1);
	assert_int_equal(
		X509_set_issuer_name(made.certificate,
				     X509_get_subject_name(issuer == NULL ? made.certificate
									  : issuer->certificate)),
		1);
	if (issuer == NULL) {
		add_extension(made.certificate, NID_basic_constraints, "critical,CA:TRUE");
	} else {
		(void)snprintf(alternative, sizeof(alternative), "DNS:%s", name);
		add_extension(made.certificate, NID_subject_alt_name, alternative);
	}
	assert_true(X509_sign(made.certificate, issuer == NULL ? made.key : issuer->key,
			      EVP_sha256()) > 0);
	return made;
}

static inline void identity_free(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	X509_free(identity->certificate);
}

/* The certificate as a PEM file; the caller unlinks path. */
static inline void identity_write(const struct identity *identity, char path[32])
{
	FILE *file;
	int fd;

	(void)snprintf(path, 32, "/tmp/ballast-ca-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, identity->certificate), 1);
	assert_int_equal(fclose(file), 0);
}

/* A client that offered h2 could be given it. */
static inline int refuse_h2(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
			    const unsigned char *offered, unsigned int length, void *context)
{
	(void)ssl;
	(void)context;
	server_require(memmem(offered, length, "\x02h2", 3) == NULL);
	server_require(length >= 9 && memcmp(offered, "\x08http/1.1", 9) == 0);
	*chosen = offered + 1;
	*chosen_length = offered[0];
	return SSL_TLSEXT_ERR_OK;
}

/* Accepts and shakes hands; false when the client refused. maximum_version 0: any. */
static inline bool server_accept_tls(int listener, const struct identity *identity,
				     int maximum_version, struct peer *peer)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	server_require(tls != NULL);
	if (maximum_version != 0) {
		/* OpenSSL itself refuses the old versions at its usual level of security. */
		SSL_CTX_set_security_level(tls, 0);
		server_require(SSL_CTX_set_min_proto_version(tls, maximum_version) == 1);
		server_require(SSL_CTX_set_max_proto_version(tls, maximum_version) == 1);
	}
	server_require(SSL_CTX_use_certificate(tls, identity->certificate) == 1);
	server_require(SSL_CTX_use_PrivateKey(tls, identity->key) == 1);
	SSL_CTX_set_alpn_select_cb(tls, refuse_h2, NULL);
	*peer = server_accept(listener);
	peer->ssl = SSL_new(tls);
	SSL_CTX_free(tls);
	server_require(peer->ssl != NULL);
	server_require(SSL_set_fd(peer->ssl, peer->fd) == 1);
	return SSL_accept(peer->ssl) == 1;
}

#endif
