/* See unanswered.h. A handful at a time: plain walks will do. */
#include "processor/unanswered.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"

#define BACKOFF_BASE_MS	   500
#define BACKOFF_MAXIMUM_MS 30000
/* How long a refusal answers for new events before the chain is asked again. */
#define REFUSAL_HOLDS_MS 60000
/* So many answers that the node has nothing are believed. */
#define EMPTY_ANSWERS_BELIEVED 5

void unanswered_init(struct unanswered *list, struct asked_node *node)
{
	*list = (struct unanswered){.node = node};
}

void unanswered_free(struct unanswered *list)
{
	memory_free(list->items);
}

static struct question *find(const struct unanswered *list, const struct evm_word *key)
{
	for (size_t i = 0; i < list->count; i++) {
		if (evm_word_equal(&list->items[i].key, key))
			return &list->items[i];
	}
	return NULL;
}

static struct question *add(struct unanswered *list, const struct evm_word *key)
{
	size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
	struct question *added;

	if (list->count == list->capacity) {
		list->items =
			memory_grow(list->items, list->capacity, capacity, sizeof(*list->items));
		list->capacity = capacity;
	}
	invariant(list->items != NULL);
	added = &list->items[list->count++];
	*added = (struct question){.key = *key, .pass = list->pass};
	backoff_init(&added->backoff, BACKOFF_BASE_MS, BACKOFF_MAXIMUM_MS);
	return added;
}

void unanswered_begin_pass(struct unanswered *list)
{
	list->pass++;
}

bool unanswered_may_ask(struct unanswered *list, const struct evm_word *key)
{
	struct question *question = find(list, key);

	if (question == NULL)
		return true;
	question->pass = list->pass;
	return question->due_ms <= clock_monotonic_ms();
}

void unanswered_remove(struct unanswered *list, const struct evm_word *key)
{
	struct question *question = find(list, key);

	if (question != NULL)
		*question = list->items[--list->count];
}

const struct question *unanswered_note_failure(struct unanswered *list, const struct evm_word *key,
					       enum outcome outcome, const struct error *error)
{
	struct question *question = find(list, key);

	if (question == NULL)
		question = add(list, key);
	question->failures++;
	if (error->kind == ERROR_KIND_ABSENT && ++question->empty_answers >= EMPTY_ANSWERS_BELIEVED)
		outcome = OUTCOME_REJECTED;
	question->refused = outcome == OUTCOME_REJECTED;
	question->reason = *error;
	question->due_ms =
		clock_monotonic_ms() +
		(question->refused ? REFUSAL_HOLDS_MS
				   : backoff_next_ms(&question->backoff, error->retry_after_ms));
	return question;
}

enum outcome unanswered_why(struct unanswered *list, const struct evm_word *key, const char *what,
			    struct error *error)
{
	struct question *question = find(list, key);

	if (question == NULL) {
		/* Due at once, or nobody would ask; if it is asked already, when the answer comes.
		 */
		question = add(list, key);
		question->due_ms = clock_monotonic_ms();
		(void)error_set(&question->reason, OUTCOME_RETRY, ERROR_KIND_UNDER_WAY,
				"%s not known yet", what);
	}
	question->pass = list->pass;
	if (question->refused && question->due_ms <= clock_monotonic_ms())
		question->refused = false; /* it has held for long enough */
	*error = question->reason;
	return question->refused ? OUTCOME_REJECTED : OUTCOME_RETRY;
}

int64_t unanswered_wait_ms(const struct unanswered *list)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t wait_ms = -1;

	for (size_t i = 0; i < list->count; i++) {
		const struct question *question = &list->items[i];
		int64_t left_ms = question->due_ms - now_ms;

		if (question->refused || question->pass != list->pass)
			continue;
		if (left_ms <= 0 && !asked_node_can_go_on(list->node, &question->key))
			continue;
		if (left_ms < 0)
			left_ms = 0;
		wait_ms = clock_shorter_wait_ms(wait_ms, left_ms);
	}
	return wait_ms;
}
