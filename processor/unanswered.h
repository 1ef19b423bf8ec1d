/*
 * Questions to the chain that have no answer yet: each waits by itself, with a backoff of its own,
 * or stands as refused for a while. Nothing is asked here, and no table: what was learned is
 * elsewhere.
 */
#ifndef BALLAST_PROCESSOR_UNANSWERED_H
#define BALLAST_PROCESSOR_UNANSWERED_H

#include "base/backoff.h"
#include "base/compiler.h"
#include "base/evm_types.h"
#include "base/outcome.h"
#include "processor/asked_node.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Refused for a while, or to be asked again. */
struct question {
	struct evm_word key;
	bool refused;
	int failures;
	int empty_answers; /* of them */
	uint64_t pass;	   /* in which an event last needed it */
	struct error reason;
	struct backoff backoff;
	int64_t due_ms; /* monotonic */
};

struct unanswered {
	struct asked_node *node;
	struct question *items;
	size_t count;
	size_t capacity;
	uint64_t pass;
};

/* node: who is asked; the caller's. */
void unanswered_init(struct unanswered *list, struct asked_node *node);
void unanswered_free(struct unanswered *list);

void unanswered_begin_pass(struct unanswered *list);

/* Somebody needs the answer: whether it is time to ask, or to go on asking. */
bool unanswered_may_ask(struct unanswered *list, const struct evm_word *key);

void unanswered_remove(struct unanswered *list, const struct evm_word *key);

/*
 * The question failed with outcome RETRY or REJECTED. An answer of kind ABSENT is the node's word
 * that it does not have what it was asked about: believed, and so refused, when it was given five
 * times; of kind BEHIND, that it will have it: never. The question as it stands now, to be logged.
 */
const struct question *unanswered_note_failure(struct unanswered *list, const struct evm_word *key,
					       enum outcome outcome, const struct error *error);

/*
 * Why there is no answer: REJECTED, or RETRY; one that has not failed is due at once, with what as
 * its reason.
 */
MUST_USE enum outcome unanswered_why(struct unanswered *list, const struct evm_word *key,
				     const char *what, struct error *error);

/*
 * Milliseconds until a question of this pass may be asked, or gone on with; -1: none waits but for
 * the node's answer.
 */
int64_t unanswered_wait_ms(const struct unanswered *list);

#endif
