/* The kinds of conditions, and a list of them that has an end. */
#ifndef BALLAST_MONITOR_CONDITION_LIST_H
#define BALLAST_MONITOR_CONDITION_LIST_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The order in which they are told. condition_name() gives the public words. */
enum condition_kind {
	CONDITION_DATABASE_UNREADABLE, /* told by who serves, instead of all that could be read */
	CONDITION_TRADING_HALTED,
	CONDITION_EXECUTION_HELD,    /* subject: the execution's id */
	CONDITION_LIMIT_REACHED,     /* the ticker */
	CONDITION_HEDGE_FAILING,     /* the ticker */
	CONDITION_ORDER_WAITING,     /* the execution's id */
	CONDITION_LOGIN_ENDED,	     /* the broker */
	CONDITION_LOGIN_ENDING,	     /* the broker */
	CONDITION_EVENT_QUARANTINED, /* the event's id */
	CONDITION_EVENT_WAITING,
	CONDITION_LISTENER_ABSENT,
	CONDITION_LISTENER_SILENT,
	CONDITION_COVERAGE_GAP,
	CONDITION_COVERAGE_BEHIND,
	CONDITION_BACKFILLER_ABSENT,
	CONDITION_PROCESSOR_ABSENT,
	CONDITION_EXECUTOR_ABSENT,
	CONDITION_DISK_LOW,
	CONDITION_WAL_LARGE,
};

#define CONDITION_KINDS (CONDITION_WAL_LARGE + 1)

/* So many of one kind are told each, the rest as one more whose subject is "more". */
#define CONDITIONS_OF_A_KIND   10
#define CONDITION_SUBJECT_MORE "more"

/* Five kinds have subjects of their own. */
#define CONDITIONS_MAXIMUM (CONDITION_KINDS + 5 * CONDITIONS_OF_A_KIND)

#define CONDITION_SUBJECT_SIZE 40
#define CONDITION_TEXT_SIZE    512

/* Both printable ASCII, whatever came from the chain or a broker: other bytes stand as \xNN. */
struct condition {
	enum condition_kind kind;
	char subject[CONDITION_SUBJECT_SIZE]; /* "" where there can be one only */
	char text[CONDITION_TEXT_SIZE];
};

struct condition_list {
	struct condition items[CONDITIONS_MAXIMUM];
	size_t count;
	int64_t of_kind[CONDITION_KINDS]; /* with those that have no item of their own */
};

/* "trading_halted": stands in the API, in metrics, and is given to ALERT_COMMAND. */
const char *condition_name(enum condition_kind kind);

void condition_list_clear(struct condition_list *list);

/* Kept in the order of kinds. Of one cause (kind and subject) the first counts. A text that is too
 * long is cut. */
void condition_list_add(struct condition_list *list, enum condition_kind kind, const char *subject,
			const char *format, ...) PRINTF_LIKE(4, 5);

/* After the last: says how many of a kind there are besides those that are told. */
void condition_list_finish(struct condition_list *list);

bool condition_list_has(const struct condition_list *list, enum condition_kind kind);

/* Writes text as printable ASCII, cut to size. */
void condition_copy_printable(const char *text, char *copy, size_t size);

#endif
