/*
 * Catches the end of a login: an https server on a port of the loopback, with a certificate made on
 * the spot (a browser warns of it once), that answers GET and keeps the address it was asked for.
 */
#ifndef BALLAST_EXECUTOR_REDIRECT_LISTENER_H
#define BALLAST_EXECUTOR_REDIRECT_LISTENER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* The longest address of a request that is read. */
#define REDIRECT_SIZE ((size_t)8192)

struct redirect_listener;

/* NULL when the address names no port of 127.0.0.1 or localhost, or the port cannot be had (which
 * is logged). */
struct redirect_listener *redirect_listener_open(const char *redirect_uri);
void redirect_listener_close(struct redirect_listener *listener);

/* Readable when a browser knocks. */
int redirect_listener_fd(const struct redirect_listener *listener);

/* Answers one connection. True when it asked for an address with a query, which is in redirect. */
MUST_USE bool redirect_listener_take(struct redirect_listener *listener, char *redirect,
				     size_t size);

#endif
