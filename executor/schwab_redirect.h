/*
 * The address at which a Schwab login ends: CALLBACK?code=C0.abc%40&session=...&state=... Pure.
 */
#ifndef BALLAST_EXECUTOR_SCHWAB_REDIRECT_H
#define BALLAST_EXECUTOR_SCHWAB_REDIRECT_H

#include "base/compiler.h"
#include "base/outcome.h"

#define SCHWAB_CODE_SIZE 4096

/*
 * The code, decoded once (it ends in '@'), into SCHWAB_CODE_SIZE bytes. redirect: the whole
 * address, or its query alone. REJECTED: no code in it, what Schwab says instead, or a state that
 * is not the one we sent.
 */
enum outcome schwab_redirect_code(const char *redirect, const char *state, char *code,
				  struct error *error);

#endif
