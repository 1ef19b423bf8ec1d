/*
 * Several sequences of questions to a node beside each other, on one thread, each written as if
 * every answer came at once.
 *
 * A dialogue keeps what was answered in its sequence. Its asker runs the sequence from the
 * beginning each time: what was answered is answered from here, the first question that was not is
 * sent, and he is told to come again (RETRY of kind UNDER_WAY). So a sequence must ask the same
 * questions in the same order as long as it gets the same answers; where it does not, what was kept
 * from there on is dropped, and asked anew.
 *
 * For evm_node.c; askers go through evm_node.h.
 */
#ifndef BALLAST_CHAIN_EVM_DIALOGUES_H
#define BALLAST_CHAIN_EVM_DIALOGUES_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "chain/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At once: each has the slot of its number in http.h's client. */
#define EVM_DIALOGUES 4

/* More questions than any sequence has. */
#define EVM_DIALOGUE_EXCHANGES 16

struct evm_exchange {
	struct buffer request;
	struct http_answer answer; /* its body is the next */
	struct buffer body;
};

struct evm_dialogue {
	bool open;
	bool under_way; /* the last exchange has no answer yet */
	struct evm_word key;
	uint64_t first_id; /* of the JSON-RPC ids, which are the same in each run */
	struct evm_exchange exchanges[EVM_DIALOGUE_EXCHANGES];
	size_t count;
	size_t position; /* in this run: the next exchange */
	uint64_t round;	 /* in which the asker last came; 0: he comes in none */
};

struct evm_dialogues {
	struct http_client *http;
	struct evm_dialogue items[EVM_DIALOGUES];
	struct evm_dialogue *current; /* NULL: nobody is asking */
	uint64_t next_id;
	uint64_t round;
};

/* http: the caller's, with EVM_DIALOGUES slots that nobody else uses. */
void evm_dialogues_open(struct evm_dialogues *dialogues, struct http_client *http);
void evm_dialogues_close(struct evm_dialogues *dialogues);

/*
 * Begins a round, in which every asker comes who still wants his answer; at its end the dialogues
 * are given up whose asker did not, unless they are under way. Those with lasting set are spared.
 */
void evm_dialogues_begin_round(struct evm_dialogues *dialogues);
void evm_dialogues_end_round(struct evm_dialogues *dialogues);

/*
 * Whether enter would find the key's dialogue with an answer in it, or a free one: else there is
 * nothing to come for yet.
 */
bool evm_dialogues_can_go_on(struct evm_dialogues *dialogues, const struct evm_word *key);

/* The run of a sequence begins; first_id is that of its first question. False: all are taken. */
bool evm_dialogues_enter(struct evm_dialogues *dialogues, const struct evm_word *key, bool lasting,
			 uint64_t *first_id);
/* The run has ended, and the dialogue with it unless an answer is awaited. */
void evm_dialogues_leave(struct evm_dialogues *dialogues, bool awaits_answer);

/* The answer to this question of the current run, valid until it leaves; false: it is under way. */
bool evm_dialogues_ask(struct evm_dialogues *dialogues, struct bytes request,
		       struct http_answer *answer);

bool evm_dialogues_under_way(const struct evm_dialogues *dialogues);

/* Waits until an answer has come to one of them (true); else as http_wait_beside. interruption:
 * or NULL. */
bool evm_dialogues_wait(struct evm_dialogues *dialogues,
			const struct http_interruption *interruption, int64_t timeout_ms);

#endif
