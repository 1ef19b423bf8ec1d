/* See schwab_session.h. Source: Schwab's developer portal, "OAuth", and what its token endpoint
 * answers. */
#include "executor/schwab_session.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "executor/broker_json.h"
#include "executor/locked_memory.h"
#include "executor/schwab_answers.h"
#include "executor/schwab_redirect.h"
#include "store/broker_tokens.h"
#include "store/instance_lock.h"
#include "store/store.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BROKER		 "schwab"
#define TOKEN_PATH	 "/v1/oauth/token"
#define FORM_TYPE	 "application/x-www-form-urlencoded"
#define SECOND_MS	 ((int64_t)1000)
#define MINUTE_MS	 (60 * SECOND_MS)
#define HOUR_MS		 (60 * MINUTE_MS)
#define LOGIN_LIFE_MS	 BROKER_LOGIN_LIFE_MS
#define REFRESH_AHEAD_MS (5 * MINUTE_MS)
#define WARN_AHEAD_MS	 BROKER_LOGIN_WARN_MS
#define RETRY_REFRESH_MS MINUTE_MS

/* In locked memory, as a whole. */
struct session_secrets {
	struct schwab_tokens tokens;
	char packed[2 * SCHWAB_TOKEN_SIZE + 2]; /* as sealed: access, line end, refresh */
	char bearer[SCHWAB_TOKEN_SIZE + 32];
	char basic[4096];
	char form[4 * SCHWAB_TOKEN_SIZE];
	char encoded[3 * SCHWAB_TOKEN_SIZE];
};

struct schwab_session {
	struct store store;
	struct broker_tokens table;
	struct instance_lock lock;
	struct broker_http *http;
	struct token_box *box;
	struct session_secrets *secrets;
	char redirect_uri[1024];
	char app_key[1024];

	int64_t generation; /* of what is in secrets; 0: nothing */
	int64_t login_at_ms;
	int64_t refreshed_at_ms;
	int64_t expires_at_ms;
	int64_t distrusted_generation; /* its access token was refused */
	int64_t refused_generation;    /* its refresh token was refused: only a login helps */
	int64_t unreadable_generation;
	int64_t warned_at_ms; /* monotonic */
};

/* What the sealed tokens are bound to: they open in this row only. */
struct bound_text {
	char text[256];
};

static struct bound_text bound_of(const struct broker_tokens_row *row)
{
	struct bound_text bound;
	int length = snprintf(bound.text, sizeof(bound.text),
			      "ballast broker_tokens 1\n%s\n%s\n%s\n%s\n%" PRId64, row->broker,
			      row->login_at.text, row->refreshed_at.text,
			      row->access_expires_at.text, row->generation);

	invariant(length > 0 && (size_t)length < sizeof(bound.text));
	return bound;
}

/* "access\nrefresh" into the two. */
static bool unpack(struct session_secrets *secrets)
{
	char *end = strchr(secrets->packed, '\n');

	if (end == NULL || (size_t)(end - secrets->packed) >= sizeof(secrets->tokens.access) ||
	    strlen(end + 1) >= sizeof(secrets->tokens.refresh))
		return false;
	*end = '\0';
	memcpy(secrets->tokens.access, secrets->packed, strlen(secrets->packed) + 1);
	memcpy(secrets->tokens.refresh, end + 1, strlen(end + 1) + 1);
	return true;
}

static bool take_row(struct schwab_session *session, const struct broker_tokens_row *row)
{
	struct session_secrets *secrets = session->secrets;
	const struct bound_text bound = bound_of(row);
	bool good = token_box_unseal(session->box, bound.text, row->sealed, secrets->packed,
				     sizeof(secrets->packed)) &&
		    unpack(secrets) &&
		    clock_parse_text(row->login_at.text, &session->login_at_ms) &&
		    clock_parse_text(row->refreshed_at.text, &session->refreshed_at_ms) &&
		    clock_parse_text(row->access_expires_at.text, &session->expires_at_ms);

	sodium_memzero(secrets->packed, sizeof(secrets->packed));
	return good;
}

/* Reads the row if it is another than the one we have. False when there is nothing to use. */
static enum outcome look(struct schwab_session *session, struct error *error)
{
	int64_t generation = broker_tokens_generation(&session->table, BROKER);
	struct broker_tokens_row row;

	if (generation == 0)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_INVALID,
				 "there is no Schwab login yet: run executor auth");
	if (generation != session->generation && generation != session->unreadable_generation) {
		session->generation = 0;
		if (broker_tokens_find(&session->table, BROKER, &row) && take_row(session, &row)) {
			session->generation = row.generation;
		} else {
			session->unreadable_generation = generation;
		}
	}
	if (session->generation == 0)
		return error_set(
			error, OUTCOME_RETRY, ERROR_KIND_INVALID,
			"the stored Schwab tokens cannot be opened: ENCRYPTION_KEY is another than "
			"they were sealed with, or the row was changed; set the right key, or run "
			"executor auth");
	return OUTCOME_OK;
}

/* The tokens in hand may be the only ones that still work: being told to stop does not lose them.
 */
static bool begin_anyway(struct store *store)
{
	int64_t deadline_ms = clock_monotonic_ms() + 10 * SECOND_MS;

	do {
		if (store_begin(store))
			return true;
	} while (clock_monotonic_ms() < deadline_ms);
	return false;
}

/* Seals what is in secrets->tokens and puts it on disk. False: the process is to stop. */
static bool keep_tokens(struct schwab_session *session, int64_t login_at_ms)
{
	struct session_secrets *secrets = session->secrets;
	struct broker_tokens_row row = {.broker = BROKER};
	int64_t now_ms = clock_wall_ms();
	struct bound_text bound;
	int length = snprintf(secrets->packed, sizeof(secrets->packed), "%s\n%s",
			      secrets->tokens.access, secrets->tokens.refresh);
	bool sealed;

	invariant(length > 0 && (size_t)length < sizeof(secrets->packed));
	row.login_at = clock_text_of_ms(login_at_ms);
	row.refreshed_at = clock_text_of_ms(now_ms);
	row.access_expires_at = clock_text_of_ms(now_ms + secrets->tokens.expires_in_s * SECOND_MS);
	if (!begin_anyway(&session->store))
		return false;
	row.generation = broker_tokens_generation(&session->table, BROKER) + 1;
	bound = bound_of(&row);
	sealed = token_box_seal(session->box, bound.text, secrets->packed, row.sealed,
				sizeof(row.sealed));
	invariant(sealed);
	sodium_memzero(secrets->packed, sizeof(secrets->packed));
	broker_tokens_put(&session->table, &row);
	store_commit(&session->store);

	session->login_at_ms = login_at_ms;
	session->refreshed_at_ms = now_ms;
	session->expires_at_ms = now_ms + secrets->tokens.expires_in_s * SECOND_MS;
	session->generation = row.generation;
	return true;
}

/* POSTs secrets->form to the token endpoint; the answer into secrets->tokens. */
static enum outcome ask_for_tokens(struct schwab_session *session, struct error *error)
{
	struct session_secrets *secrets = session->secrets;
	const struct broker_http_request request = {
		.method = "POST",
		.path = TOKEN_PATH,
		.authorization = secrets->basic,
		.content_type = FORM_TYPE,
		.body = {.data = (const uint8_t *)secrets->form, .length = strlen(secrets->form)},
		/* Not repeated by libcurl: a refresh token may be good for one use only. */
		.is_order = true,
	};
	struct broker_http_answer answer;
	enum outcome outcome = broker_http_call(session->http, &request, &answer, error);

	sodium_memzero(secrets->form, sizeof(secrets->form));
	if (outcome != OUTCOME_OK)
		return OUTCOME_RETRY;
	return schwab_read_tokens(answer.status, answer.body, &secrets->tokens, error);
}

/* Appends a form value, encoded. */
static bool encode_into_form(struct session_secrets *secrets, const char *prefix, const char *value)
{
	size_t length = strlen(secrets->form);
	int added;

	if (!broker_http_encode(value, secrets->encoded, sizeof(secrets->encoded)))
		return false;
	added = snprintf(secrets->form + length, sizeof(secrets->form) - length, "%s%s", prefix,
			 secrets->encoded);
	sodium_memzero(secrets->encoded, sizeof(secrets->encoded));
	return added > 0 && (size_t)added < sizeof(secrets->form) - length;
}

/* A failed answer leaves no half of new tokens behind. */
static void forget_tokens(struct schwab_session *session)
{
	sodium_memzero(&session->secrets->tokens, sizeof(session->secrets->tokens));
	session->generation = 0;
}

static enum outcome refresh(struct schwab_session *session, struct error *error)
{
	int64_t generation = session->generation;
	int64_t login_at_ms = session->login_at_ms;
	bool fits;
	enum outcome outcome;

	session->secrets->form[0] = '\0';
	fits = encode_into_form(session->secrets, "grant_type=refresh_token&refresh_token=",
				session->secrets->tokens.refresh);
	invariant(fits);
	outcome = ask_for_tokens(session, error);
	if (outcome == OUTCOME_OK) {
		if (keep_tokens(session, login_at_ms)) {
			log_info("schwab access token refreshed generation=%" PRId64,
				 session->generation);
			return OUTCOME_OK;
		}
		forget_tokens(session);
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_NONE, "told to stop");
	}
	forget_tokens(session);
	if (outcome == OUTCOME_REJECTED) {
		session->refused_generation = generation;
		log_error("schwab refuses to refresh: new orders wait, nothing is lost; log in "
			  "again with executor auth reason=%s",
			  error == NULL ? "" : error->text);
	}
	return OUTCOME_RETRY;
}

static bool is_fresh(const struct schwab_session *session, int64_t ahead_ms)
{
	int64_t left_ms = session->expires_at_ms - clock_wall_ms();

	return session->generation != session->distrusted_generation && left_ms > ahead_ms &&
	       left_ms <= 24 * HOUR_MS;
}

static enum outcome login_ended(struct error *error)
{
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_INVALID,
			 "the Schwab login has ended: new orders wait; log in again with executor "
			 "auth");
}

/* Under the lock: another process may have refreshed, or a person logged in, while we waited. */
static enum outcome refresh_alone(struct schwab_session *session, struct error *error)
{
	enum outcome outcome = look(session, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (is_fresh(session, REFRESH_AHEAD_MS))
		return OUTCOME_OK;
	if (session->generation == session->refused_generation ||
	    clock_wall_ms() - session->login_at_ms >= LOGIN_LIFE_MS)
		return login_ended(error);
	return refresh(session, error);
}

static enum outcome refresh_locked(struct schwab_session *session, struct error *error)
{
	enum outcome outcome;

	if (!instance_lock_wait(&session->lock, INSTANCE_LOCK_TOKENS))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_NONE, "told to stop");
	outcome = refresh_alone(session, error);
	instance_lock_release(&session->lock, INSTANCE_LOCK_TOKENS);
	return outcome;
}

enum outcome schwab_session_header(struct schwab_session *session, const char **header,
				   struct error *error)
{
	struct session_secrets *secrets = session->secrets;
	struct error why = {.kind = ERROR_KIND_NONE};
	enum outcome outcome = look(session, &why);
	int length;

	if (outcome == OUTCOME_OK && !is_fresh(session, REFRESH_AHEAD_MS))
		outcome = refresh_locked(session, &why);
	/* A token that lives a little longer serves while it cannot be refreshed. */
	if (outcome != OUTCOME_OK &&
	    (look(session, NULL) != OUTCOME_OK || !is_fresh(session, 10 * SECOND_MS))) {
		if (error != NULL)
			*error = why;
		return OUTCOME_RETRY;
	}
	length = snprintf(secrets->bearer, sizeof(secrets->bearer), "Authorization: Bearer %s",
			  secrets->tokens.access);
	invariant(length > 0 && (size_t)length < sizeof(secrets->bearer));
	*header = secrets->bearer;
	return OUTCOME_OK;
}

void schwab_session_distrust(struct schwab_session *session)
{
	session->distrusted_generation = session->generation;
}

/* Once an hour, and four times as seldom while more than a day is left. */
static void warn_of_end(struct schwab_session *session)
{
	int64_t left_ms = session->login_at_ms + LOGIN_LIFE_MS - clock_wall_ms();
	int64_t now_ms = clock_monotonic_ms();
	int64_t pause_ms = left_ms > 24 * HOUR_MS ? 4 * HOUR_MS : HOUR_MS;
	bool refused = session->refused_generation != 0 &&
		       session->refused_generation == session->generation;

	if ((left_ms > WARN_AHEAD_MS && !refused) ||
	    (session->warned_at_ms != 0 && now_ms - session->warned_at_ms < pause_ms))
		return;
	session->warned_at_ms = now_ms;
	if (left_ms <= 0 || refused)
		log_error("the Schwab login has ended: new orders wait, nothing is lost; log in "
			  "again with executor auth");
	else
		log_warn("the Schwab login ends soon: log in again with executor auth "
			 "hours_left=%" PRId64,
			 left_ms / HOUR_MS);
}

int64_t schwab_session_keep(struct schwab_session *session)
{
	struct error error = {.kind = ERROR_KIND_NONE};
	const char *header;
	int64_t left_ms;

	if (look(session, &error) == OUTCOME_OK)
		warn_of_end(session);
	if (schwab_session_header(session, &header, &error) != OUTCOME_OK) {
		if (session->warned_at_ms == 0 ||
		    clock_monotonic_ms() - session->warned_at_ms >= HOUR_MS) {
			session->warned_at_ms = clock_monotonic_ms();
			log_error("schwab is not usable: new orders wait reason=%s", error.text);
		}
		return RETRY_REFRESH_MS;
	}
	left_ms = session->expires_at_ms - clock_wall_ms() - REFRESH_AHEAD_MS;
	if (left_ms < RETRY_REFRESH_MS)
		left_ms = RETRY_REFRESH_MS;
	return left_ms > HOUR_MS ? HOUR_MS : left_ms;
}

void schwab_session_describe(struct schwab_session *session)
{
	struct error error = {.kind = ERROR_KIND_NONE};
	int64_t now_ms = clock_wall_ms();

	if (look(session, &error) != OUTCOME_OK) {
		printf("tokens: %s\n", error.text);
		return;
	}
	printf("login: %s, ends in %" PRId64 " hours\n",
	       clock_text_of_ms(session->login_at_ms).text,
	       (session->login_at_ms + LOGIN_LIFE_MS - now_ms) / HOUR_MS);
	printf("access token: %" PRId64 " minutes old, ends in %" PRId64 " minutes\n",
	       (now_ms - session->refreshed_at_ms) / MINUTE_MS,
	       (session->expires_at_ms - now_ms) / MINUTE_MS);
}

void schwab_session_login_url(const struct schwab_session *session, const char *base_url,
			      const char *state, char *url, size_t size)
{
	char key[3 * sizeof(session->app_key)];
	char uri[3 * sizeof(session->redirect_uri)];
	bool fits = broker_http_encode(session->app_key, key, sizeof(key)) &&
		    broker_http_encode(session->redirect_uri, uri, sizeof(uri));
	int length =
		snprintf(url, size,
			 "%s/v1/oauth/authorize?response_type=code&client_id=%s&redirect_uri=%s"
			 "&state=%s",
			 base_url, key, uri, state);

	invariant(fits && length > 0);
	if ((size_t)length >= size)
		fatal(EXIT_CODE_NEEDS_PERSON, "SCHWAB_REDIRECT_URI or SCHWAB_APP_KEY is too long");
}

/* The code for the tokens, and the tokens to disk; under the lock, so that no refresh of the old
 * login comes between. */
static enum outcome exchange_code(struct schwab_session *session, const char *code,
				  struct error *error)
{
	enum outcome outcome;

	session->secrets->form[0] = '\0';
	if (!encode_into_form(session->secrets, "grant_type=authorization_code&code=", code) ||
	    !encode_into_form(session->secrets, "&redirect_uri=", session->redirect_uri))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "the code is too long");
	if (!instance_lock_wait(&session->lock, INSTANCE_LOCK_TOKENS))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_NONE, "told to stop");
	outcome = ask_for_tokens(session, error);
	if (outcome == OUTCOME_OK && !keep_tokens(session, clock_wall_ms()))
		outcome = error_set(error, OUTCOME_RETRY, ERROR_KIND_NONE, "told to stop");
	instance_lock_release(&session->lock, INSTANCE_LOCK_TOKENS);
	return outcome;
}

enum outcome schwab_session_login(struct schwab_session *session, const char *redirect,
				  const char *state, struct error *error)
{
	char *code = locked_memory_allocate(SCHWAB_CODE_SIZE);
	enum outcome outcome = schwab_redirect_code(redirect, state, code, error);

	if (outcome == OUTCOME_OK)
		outcome = exchange_code(session, code, error);
	locked_memory_free(code);
	return outcome;
}

/* "Authorization: Basic base64(key:secret)" */
static void make_basic(struct session_secrets *secrets,
		       const struct schwab_session_options *options)
{
	static const char prefix[] = "Authorization: Basic ";
	int length = snprintf(secrets->form, sizeof(secrets->form), "%s:%s", options->app_key,
			      options->app_secret);

	invariant(length > 0 && (size_t)length < sizeof(secrets->form));
	memcpy(secrets->basic, prefix, sizeof(prefix));
	invariant(
		sizeof(prefix) - 1 +
			sodium_base64_encoded_len((size_t)length, sodium_base64_VARIANT_ORIGINAL) <=
		sizeof(secrets->basic));
	(void)sodium_bin2base64(secrets->basic + sizeof(prefix) - 1,
				sizeof(secrets->basic) - sizeof(prefix) + 1,
				(const unsigned char *)secrets->form, (size_t)length,
				sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(secrets->form, sizeof(secrets->form));
}

struct schwab_session *schwab_session_open(const struct schwab_session_options *options,
					   struct broker_http *http)
{
	struct schwab_session *session = memory_allocate(1, sizeof(*session));
	int length = snprintf(session->redirect_uri, sizeof(session->redirect_uri), "%s",
			      options->redirect_uri);

	invariant(length >= 0 && (size_t)length < sizeof(session->redirect_uri));
	length = snprintf(session->app_key, sizeof(session->app_key), "%s", options->app_key);
	invariant(length > 0 && (size_t)length < sizeof(session->app_key));
	session->secrets = locked_memory_allocate(sizeof(*session->secrets));
	make_basic(session->secrets, options);
	session->box = options->box;
	session->http = http;
	store_open(&session->store, options->database_path);
	broker_tokens_open(&session->table, &session->store);
	instance_lock_open(&session->lock, options->database_path);
	return session;
}

void schwab_session_close(struct schwab_session *session)
{
	instance_lock_close(&session->lock);
	broker_tokens_close(&session->table);
	store_close(&session->store);
	token_box_close(session->box);
	locked_memory_free(session->secrets);
	memory_free(session);
}
