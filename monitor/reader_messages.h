/*
 * What goes over the socket pair between the process that serves and the one that reads: structs as
 * they are, since both are one program.
 */
#ifndef BALLAST_MONITOR_READER_MESSAGES_H
#define BALLAST_MONITOR_READER_MESSAGES_H

#include "store/symbols.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reader_question {
	READER_FOLLOW, /* id 1: from now on the state after each commit; 0: no longer. No answer. */
	READER_STATE,
	READER_METRICS,	  /* text for Prometheus, but for what the alarms count */
	READER_READINESS, /* text for people: a line for each problem */
	READER_FILLS,
	READER_EXECUTIONS,
	READER_PNL,
	READER_TRACE_EVENT,
	READER_TRACE_TRADE,
	READER_TRACE_EXECUTION,
};

struct reader_request {
	int64_t ticket; /* above zero */
	enum reader_question question;
	int64_t id;
	int64_t limit;
	int64_t before;	      /* ids below it; INT64_MAX: all */
	struct symbol symbol; /* "": all */
};

/* Tickets of what nobody asked for: the state, and the struct condition_list for the alarms. */
#define READER_TICKET_COMMIT	 0
#define READER_TICKET_CONDITIONS (-1)

/* length bytes follow it. */
struct reader_answer {
	int64_t ticket;
	int64_t length;
	unsigned int status; /* as in HTTP */
};

/* No answer is longer: a page of rows, each with a text or two from outside. */
#define READER_ANSWER_MAXIMUM ((size_t)8 * 1024 * 1024)

#endif
