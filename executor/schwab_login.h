/* executor auth: the login of a person at Schwab. */
#ifndef BALLAST_EXECUTOR_SCHWAB_LOGIN_H
#define BALLAST_EXECUTOR_SCHWAB_LOGIN_H

#include "executor/broker.h"

/*
 * Prints the address to open; takes the address at which the login ends from stdin, or catches it
 * at redirect_uri when that names a port of the loopback. The exit code.
 */
int schwab_login(const struct broker *broker, const char *base_url, const char *redirect_uri);

#endif
