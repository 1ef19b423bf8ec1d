/*
 * Who we are to Schwab: the login of a person, its tokens at rest and in use.
 *
 * An access token lives 30 minutes and is refreshed five minutes ahead; a refresh token lives seven
 * days from the login, and no refresh makes that longer. One process refreshes at a time, under a
 * lock; what the answer holds is on disk before it is used, so that a crash never loses the only
 * token that still works.
 */
#ifndef BALLAST_EXECUTOR_SCHWAB_SESSION_H
#define BALLAST_EXECUTOR_SCHWAB_SESSION_H

#include "base/compiler.h"
#include "base/outcome.h"
#include "executor/broker_http.h"
#include "executor/token_box.h"

#include <stdbool.h>
#include <stdint.h>

struct schwab_session;

/* Strings are copied, the secret ones into locked memory. Takes the box over. */
struct schwab_session_options {
	const char *database_path;
	const char *app_key;
	const char *app_secret;
	const char *redirect_uri;
	struct token_box *box;
};

/* http: of the caller, and kept by it. Opens a connection of its own to the database. */
struct schwab_session *schwab_session_open(const struct schwab_session_options *options,
					   struct broker_http *http);
void schwab_session_close(struct schwab_session *session);

/*
 * The header "Authorization: Bearer ..." with a token that still lives, refreshed if need be; in
 * locked memory, until the next call. OK; RETRY: cannot be had now (no login, an ended one, or the
 * network), which error explains to the operator.
 */
enum outcome schwab_session_header(struct schwab_session *session, const char **header,
				   struct error *error);

/* Schwab has refused the token that schwab_session_header gave: the next call refreshes. */
void schwab_session_distrust(struct schwab_session *session);

/*
 * Refreshes ahead and warns of the login's end, from 48 hours before it. How long until it should
 * be called again.
 */
int64_t schwab_session_keep(struct schwab_session *session);

/* Lines about the tokens for people, on stdout; never the tokens. */
void schwab_session_describe(struct schwab_session *session);

/*
 * The login of a person: the address to open, and what to do with the address that it ends at.
 * state: random, to be recognised in the answer.
 */
#define SCHWAB_LOGIN_URL_SIZE 2048
void schwab_session_login_url(const struct schwab_session *session, const char *base_url,
			      const char *state, char *url, size_t size);
/* OK: the tokens are stored. REJECTED or RETRY: not, and error says why. */
enum outcome schwab_session_login(struct schwab_session *session, const char *redirect,
				  const char *state, struct error *error);

#endif
