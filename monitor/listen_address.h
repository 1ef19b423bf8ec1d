/* MONITOR_LISTEN: where the monitor serves, and which names it answers to there. */
#ifndef BALLAST_MONITOR_LISTEN_ADDRESS_H
#define BALLAST_MONITOR_LISTEN_ADDRESS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <sys/socket.h>

#define LISTEN_HOST_SIZE 64

struct listen_address {
	char host[LISTEN_HOST_SIZE]; /* as in a URL: an IPv6 address has its brackets */
	struct sockaddr_storage socket_address;
	socklen_t length;
	bool loopback;
};

/* "127.0.0.1:9464", "[::1]:9464". Numbers only, so that no name service decides who may connect. */
MUST_USE bool listen_address_parse(struct listen_address *address, const char *text);

/*
 * The socket, listening, with the port it got (asked for port 0: any). -1 after logging what is
 * wrong.
 */
MUST_USE int listen_address_open(const struct listen_address *address, int *port);

/*
 * Whether a request that names this host (header Host, NULL: none) may be answered. On the loopback
 * only the loopback's own names are: a page from elsewhere whose name was made to lead here must
 * not read what we serve.
 */
bool listen_address_answers_to(const struct listen_address *address, const char *host);

#endif
