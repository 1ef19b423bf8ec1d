/* See evm_dialogues.h. */
#include "chain/evm_dialogues.h"

#include "base/log.h"

#include <string.h>

/* Ids of different dialogues never meet: an answer to another question is known by its id. */
_Static_assert(EVM_DIALOGUE_EXCHANGES <= 64, "ids of a dialogue");
#define IDS_A_DIALOGUE 64

void evm_dialogues_open(struct evm_dialogues *dialogues, struct http_client *http)
{
	*dialogues = (struct evm_dialogues){.http = http, .next_id = 1, .round = 1};
}

static size_t slot_of(const struct evm_dialogues *dialogues, const struct evm_dialogue *dialogue)
{
	return (size_t)(dialogue - dialogues->items);
}

/* Forgets all exchanges but the first count. */
static void forget_from(struct evm_dialogues *dialogues, struct evm_dialogue *dialogue,
			size_t count)
{
	if (dialogue->under_way && count < dialogue->count)
		http_release(dialogues->http, slot_of(dialogues, dialogue));
	if (count < dialogue->count)
		dialogue->under_way = false;
	while (dialogue->count > count) {
		struct evm_exchange *exchange = &dialogue->exchanges[--dialogue->count];

		buffer_free(&exchange->request);
		buffer_free(&exchange->body);
	}
}

static void end(struct evm_dialogues *dialogues, struct evm_dialogue *dialogue)
{
	forget_from(dialogues, dialogue, 0);
	dialogue->open = false;
}

void evm_dialogues_close(struct evm_dialogues *dialogues)
{
	for (size_t i = 0; i < EVM_DIALOGUES; i++)
		end(dialogues, &dialogues->items[i]);
}

void evm_dialogues_begin_round(struct evm_dialogues *dialogues)
{
	dialogues->round++;
}

void evm_dialogues_end_round(struct evm_dialogues *dialogues)
{
	for (size_t i = 0; i < EVM_DIALOGUES; i++) {
		struct evm_dialogue *dialogue = &dialogues->items[i];

		if (dialogue->open && !dialogue->under_way && dialogue->round != 0 &&
		    dialogue->round < dialogues->round)
			end(dialogues, dialogue);
	}
}

/* The key's, else a free one, else NULL. */
static struct evm_dialogue *find(struct evm_dialogues *dialogues, const struct evm_word *key)
{
	struct evm_dialogue *free = NULL;

	for (size_t i = 0; i < EVM_DIALOGUES; i++) {
		struct evm_dialogue *dialogue = &dialogues->items[i];

		if (dialogue->open && evm_word_equal(&dialogue->key, key))
			return dialogue;
		if (!dialogue->open)
			free = dialogue;
	}
	return free;
}

bool evm_dialogues_can_go_on(struct evm_dialogues *dialogues, const struct evm_word *key)
{
	const struct evm_dialogue *found = find(dialogues, key);

	return found != NULL && !found->under_way;
}

bool evm_dialogues_enter(struct evm_dialogues *dialogues, const struct evm_word *key, bool lasting,
			 uint64_t *first_id)
{
	struct evm_dialogue *dialogue = find(dialogues, key);

	invariant(dialogues->current == NULL);
	if (dialogue == NULL)
		return false;
	if (!dialogue->open) {
		dialogue->open = true;
		dialogue->key = *key;
		dialogue->first_id = dialogues->next_id;
		dialogues->next_id += IDS_A_DIALOGUE;
	}
	dialogue->position = 0;
	dialogue->round = lasting ? 0 : dialogues->round;
	dialogues->current = dialogue;
	*first_id = dialogue->first_id;
	return true;
}

void evm_dialogues_leave(struct evm_dialogues *dialogues, bool awaits_answer)
{
	invariant(dialogues->current != NULL);
	if (!awaits_answer)
		end(dialogues, dialogues->current);
	dialogues->current = NULL;
}

static bool is_the_same(const struct evm_exchange *exchange, struct bytes request)
{
	return exchange->request.length == request.length &&
	       memcmp(exchange->request.bytes, request.data, request.length) == 0;
}

static void send(struct evm_dialogues *dialogues, struct evm_dialogue *dialogue,
		 struct bytes request)
{
	struct evm_exchange *exchange = &dialogue->exchanges[dialogue->count];
	bool fits;

	invariant(dialogue->count < EVM_DIALOGUE_EXCHANGES);
	buffer_init(&exchange->request, BUFFER_MAX_HTTP_REQUEST);
	buffer_init(&exchange->body, BUFFER_MAX_HTTP_ANSWER);
	fits = buffer_append(&exchange->request, request.data, request.length);
	invariant(fits);
	dialogue->count++;
	dialogue->under_way = true;
	http_start(dialogues->http, slot_of(dialogues, dialogue), request, NULL);
}

bool evm_dialogues_ask(struct evm_dialogues *dialogues, struct bytes request,
		       struct http_answer *answer)
{
	struct evm_dialogue *dialogue = dialogues->current;
	size_t position;

	invariant(dialogue != NULL);
	position = dialogue->position++;
	invariant(position <= dialogue->count);
	if (position < dialogue->count && !is_the_same(&dialogue->exchanges[position], request))
		forget_from(dialogues, dialogue, position);
	if (position == dialogue->count)
		send(dialogues, dialogue, request);
	if (dialogue->under_way && position + 1 == dialogue->count)
		return false;
	*answer = dialogue->exchanges[position].answer;
	return true;
}

bool evm_dialogues_under_way(const struct evm_dialogues *dialogues)
{
	for (size_t i = 0; i < EVM_DIALOGUES; i++) {
		if (dialogues->items[i].under_way)
			return true;
	}
	return false;
}

bool evm_dialogues_wait(struct evm_dialogues *dialogues,
			const struct http_interruption *interruption, int64_t timeout_ms)
{
	struct evm_dialogue *dialogue;
	struct evm_exchange *exchange;
	struct http_answer answer;

	if (!http_wait_beside(dialogues->http, interruption, timeout_ms, &answer))
		return false;
	dialogue = &dialogues->items[answer.slot];
	invariant(dialogue->under_way);
	exchange = &dialogue->exchanges[dialogue->count - 1];
	http_take(dialogues->http, answer.slot, &exchange->body);
	exchange->answer = answer;
	if (answer.body.data != NULL)
		exchange->answer.body.data = (const uint8_t *)buffer_text(&exchange->body);
	dialogue->under_way = false;
	return true;
}
