/* What a request line asks for. Parameters are taken as they should be or refused, never guessed.
 */
#ifndef BALLAST_MONITOR_ROUTE_H
#define BALLAST_MONITOR_ROUTE_H

#include "monitor/assets.h"
#include "monitor/reader_messages.h"

enum route_kind {
	ROUTE_ASSET,
	ROUTE_EVENTS,
	ROUTE_HEALTH,
	ROUTE_DATA, /* request says what to ask the reader */
	ROUTE_NOT_FOUND,
	ROUTE_MALFORMED,
};

struct route {
	enum route_kind kind;
	const struct asset *asset;
	struct reader_request request;
	const char *content_type; /* of the data */
	const char *error;	  /* what is malformed or was not found */
};

/* target: path and query as they stand in the request line. */
struct route route_find(const char *target);

#endif
