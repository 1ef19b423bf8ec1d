/* See route.h. */
#include "monitor/route.h"

#include "base/compiler.h"
#include "base/integer.h"
#include "monitor/metrics.h"
#include "net/percent.h"

#include <stdbool.h>
#include <string.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MAXIMUM 500

#define CONTENT_JSON "application/json"
#define CONTENT_TEXT "text/plain; charset=utf-8"

struct data_route {
	const char *path;
	enum reader_question question;
	const char *content_type;
	bool pages;  /* takes limit and before */
	bool symbol; /* takes symbol */
};

static const struct data_route data_routes[] = {
	{"/api/state", READER_STATE, CONTENT_JSON, false, false},
	{"/readyz", READER_READINESS, CONTENT_TEXT, false, false},
	{"/metrics", READER_METRICS, METRICS_CONTENT_TYPE, false, false},
	{"/api/fills", READER_FILLS, CONTENT_JSON, true, true},
	{"/api/executions", READER_EXECUTIONS, CONTENT_JSON, true, true},
	{"/api/pnl", READER_PNL, CONTENT_JSON, false, true},
};

static const struct data_route trace_routes[] = {
	{"/api/trace/event/", READER_TRACE_EVENT, CONTENT_JSON, false, false},
	{"/api/trace/trade/", READER_TRACE_TRADE, CONTENT_JSON, false, false},
	{"/api/trace/execution/", READER_TRACE_EXECUTION, CONTENT_JSON, false, false},
};

/* A view into the target. */
struct part {
	const char *text;
	size_t length;
};

static bool part_is(struct part part, const char *word)
{
	return strlen(word) == part.length && memcmp(part.text, word, part.length) == 0;
}

/* 1 to INT64_MAX, without sign or leading zero. */
static bool parse_number(struct part part, int64_t *number)
{
	return part.length > 0 && part.text[0] != '0' &&
	       integer_parse(part.text, part.length, number);
}

/* A symbol has no blank, so there is no '+' for one. */
static bool parse_symbol(struct part part, struct symbol *symbol)
{
	char text[SYMBOL_SIZE];

	return percent_decode(part.text, part.length, text, sizeof(text)) &&
	       symbol_set(symbol, text);
}

struct seen_parameters {
	bool limit, before, symbol;
};

/* NULL, or what is wrong. */
static const char *take_parameter(struct part name, struct part value,
				  const struct data_route *route, struct seen_parameters *seen,
				  struct reader_request *request)
{
	if (route->pages && part_is(name, "limit") && !seen->limit) {
		seen->limit = true;
		if (!parse_number(value, &request->limit) || request->limit > LIMIT_MAXIMUM)
			return "limit must be a number from 1 to 500";
	} else if (route->pages && part_is(name, "before") && !seen->before) {
		seen->before = true;
		if (!parse_number(value, &request->before))
			return "before must be an id, a number above 0";
	} else if (route->symbol && part_is(name, "symbol") && !seen->symbol) {
		seen->symbol = true;
		if (!parse_symbol(value, &request->symbol))
			return "symbol must be a ticker of 1 to 32 printable characters";
	} else {
		return "a parameter is unknown here, or given twice";
	}
	return NULL;
}

/* query: what follows the '?', NULL when there is none. */
static const char *take_query(const char *query, const struct data_route *route,
			      struct reader_request *request)
{
	struct seen_parameters seen = {.limit = false};
	const char *error = NULL;

	while (query != NULL && *query != '\0' && error == NULL) {
		const size_t length = strcspn(query, "&");
		const char *equals = memchr(query, '=', length);
		struct part name;
		struct part value;

		if (equals == NULL)
			return "a parameter has no value";
		name = (struct part){query, (size_t)(equals - query)};
		value = (struct part){equals + 1, length - name.length - 1};
		error = take_parameter(name, value, route, &seen, request);
		query += length;
		if (*query == '&')
			query++;
	}
	return error;
}

static struct route malformed(const char *error)
{
	return (struct route){.kind = ROUTE_MALFORMED, .error = error};
}

static struct route find_data(const struct data_route *found, int64_t id, const char *query)
{
	struct route route = {
		.kind = ROUTE_DATA,
		.request = {.question = found->question,
			    .id = id,
			    .limit = LIMIT_DEFAULT,
			    .before = INT64_MAX},
		.content_type = found->content_type,
	};
	const char *error = take_query(query, found, &route.request);

	return error != NULL ? malformed(error) : route;
}

/* "/api/trace/trade/17" */
static struct route find_trace(struct part path, const char *query)
{
	for (size_t i = 0; i < ARRAY_LENGTH(trace_routes); i++) {
		const char *prefix = trace_routes[i].path;
		const size_t length = strlen(prefix);
		int64_t id;

		if (path.length < length || memcmp(path.text, prefix, length) != 0)
			continue;
		if (!parse_number((struct part){path.text + length, path.length - length}, &id))
			return malformed("an id must be a number above 0");
		return find_data(&trace_routes[i], id, query);
	}
	return (struct route){.kind = ROUTE_NOT_FOUND, .error = "there is no such path"};
}

static const struct asset *find_asset(struct part path)
{
	char text[128];

	if (path.length >= sizeof(text))
		return NULL;
	memcpy(text, path.text, path.length);
	text[path.length] = '\0';
	return asset_find(text);
}

struct route route_find(const char *target)
{
	const size_t length = strcspn(target, "?");
	const struct part path = {target, length};
	const char *query = target[length] == '?' ? target + length + 1 : NULL;
	const struct asset *asset = find_asset(path);

	if (asset != NULL)
		return (struct route){.kind = ROUTE_ASSET, .asset = asset};
	if (part_is(path, "/events"))
		return (struct route){.kind = ROUTE_EVENTS};
	if (part_is(path, "/healthz"))
		return (struct route){.kind = ROUTE_HEALTH};
	for (size_t i = 0; i < ARRAY_LENGTH(data_routes); i++) {
		if (part_is(path, data_routes[i].path))
			return find_data(&data_routes[i], 0, query);
	}
	return find_trace(path, query);
}
