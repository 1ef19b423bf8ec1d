/*
 * The process that reads the database for the server. A database error ends the process that meets
 * it (store.h), and a long query holds up whatever waits for it: so the one that serves never
 * touches the database. It asks a child, and begins another when that has ended, for whatever
 * reason: the file was replaced, is missing, locked, older than the schema or damaged.
 */
#ifndef BALLAST_MONITOR_READER_H
#define BALLAST_MONITOR_READER_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/process.h"
#include "monitor/reader_messages.h"
#include "monitor/reader_settings.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define READER_PROBLEM_SIZE 512
#define READER_POLL_FDS	    2

/* Called by reader_step alone. */
struct reader_events {
	/* What was asked under that ticket, or READER_TICKET_... by itself. */
	void (*answered)(void *context, const struct reader_answer *answer, struct bytes body);
	/* Nothing that was asked will be answered. */
	void (*lost)(void *context);
	/* The problem appeared, changed or, when NULL, is gone. */
	void (*problem)(void *context, const char *problem);
	void *context;
};

struct reader {
	const struct reader_settings *settings;
	struct reader_events events;
	struct process_child child;
	bool running;
	bool follows;
	struct buffer received;
	struct buffer to_send;
	struct buffer errors;	  /* what the child wrote to stderr, its last line not whole */
	bool greeted;		  /* the child has sent the state it begins with */
	int64_t unanswered;	  /* questions */
	int64_t waiting_since_ms; /* since when nothing came although something should */
	int64_t start_at_ms;	  /* when the next child begins */
	char last_error[READER_PROBLEM_SIZE]; /* of the child: why it will end */
	char problem[READER_PROBLEM_SIZE];    /* "": the database can be read */
};

void reader_open(struct reader *reader, const struct reader_settings *settings,
		 const struct reader_events *events);
void reader_close(struct reader *reader);

/* False: it cannot be asked just now, reader_problem says why. */
MUST_USE bool reader_ask(struct reader *reader, const struct reader_request *request);

/* Whether the state is wanted after each commit. */
void reader_follow(struct reader *reader, bool follow);

/* NULL: the database can be read. */
const char *reader_problem(const struct reader *reader);

/* Fills READER_POLL_FDS of them. */
void reader_poll(const struct reader *reader, struct pollfd *fds);
/* Does what there is to do, without blocking; to be called again within a second. */
void reader_step(struct reader *reader);

#endif
