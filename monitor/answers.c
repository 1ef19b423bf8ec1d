/* See answers.h. */
#include "monitor/answers.h"

#include "base/log.h"
#include "monitor/json.h"

#include <string.h>

#define ERROR_MAXIMUM ((size_t)4096)

void answers_error_text(struct buffer *text, const char *error)
{
	struct json json;

	buffer_init(text, ERROR_MAXIMUM);
	json_begin(&json, text);
	json_open_object(&json, NULL);
	json_text(&json, "error", error);
	json_close_object(&json);
	if (!json_end(&json))
		invariant_unreachable("an error has room");
}

void answers_give_error(struct http_exchange *exchange, unsigned int status, const char *error)
{
	struct http_answer answer = {.status = status, .content_type = "application/json"};
	struct buffer text;

	answers_error_text(&text, error);
	answer.body = text.bytes;
	answer.length = text.length;
	answer.allow = status == 405 ? "GET, HEAD" : NULL;
	answer.retry_after_s = status == 503 ? 1 : 0;
	http_exchange_answer(exchange, &answer);
	buffer_free(&text);
}

void answers_give_data(struct http_exchange *exchange, const char *content_type,
		       unsigned int status, struct bytes body)
{
	const struct http_answer answer = {
		.status = status,
		.content_type = content_type,
		.body = body.data,
		.length = body.length,
	};

	if (body.length > 0)
		http_exchange_answer(exchange, &answer);
	else if (status == 404)
		answers_give_error(exchange, 404, "there is no such row");
	else if (status == 503)
		answers_give_error(exchange, 503, "it is being computed");
	else
		answers_give_error(exchange, 500, "the answer would be too long");
}

/* "*", or a list that has it. */
static bool etag_matches(const char *if_none_match, const char *etag)
{
	return if_none_match != NULL &&
	       (strcmp(if_none_match, "*") == 0 || strstr(if_none_match, etag) != NULL);
}

void answers_give_asset(struct http_exchange *exchange, const struct asset *asset,
			const char *if_none_match)
{
	const bool known = etag_matches(if_none_match, asset->etag);
	const struct http_answer answer = {
		.status = known ? 304 : 200,
		.content_type = asset->content_type,
		.etag = asset->etag,
		.body = asset->bytes,
		.length = known ? 0 : asset->length,
		.lives_for_ever = true,
	};

	http_exchange_answer(exchange, &answer);
}

void answers_give_health(struct http_exchange *exchange)
{
	const struct http_answer answer = {
		.status = 200,
		.content_type = "text/plain; charset=utf-8",
		.body = "ok\n",
		.length = strlen("ok\n"),
		.lives_for_ever = true,
	};

	http_exchange_answer(exchange, &answer);
}
