/* The answers that need nothing but what is to be said. */
#ifndef BALLAST_MONITOR_ANSWERS_H
#define BALLAST_MONITOR_ANSWERS_H

#include "base/buffer.h"
#include "monitor/assets.h"
#include "monitor/http_server.h"

/* {"error": error}. Begins the buffer, which the caller frees. */
void answers_error_text(struct buffer *text, const char *error);

void answers_give_error(struct http_exchange *exchange, unsigned int status, const char *error);
/* What the reader said; an empty body is an error with that status. */
void answers_give_data(struct http_exchange *exchange, const char *content_type,
		       unsigned int status, struct bytes body);
/* if_none_match: NULL when the client has none. */
void answers_give_asset(struct http_exchange *exchange, const struct asset *asset,
			const char *if_none_match);
void answers_give_health(struct http_exchange *exchange);

#endif
