/* See asked_node.h. */
#include "processor/asked_node.h"

#include "ingest/chain_identity.h"

/* Not the key of a question: those are addresses, and digests. */
static const struct evm_word identity_key = {{1}};

void asked_node_open(struct asked_node *asked, struct store *store,
		     const struct chain_settings *settings)
{
	*asked = (struct asked_node){.store = store, .settings = settings};
	evm_node_open_for_dialogues(&asked->node, settings, &asked->dialogues);
}

void asked_node_open_waiting(struct asked_node *asked, struct store *store,
			     const struct chain_settings *settings)
{
	*asked = (struct asked_node){.store = store, .settings = settings};
	evm_node_open(&asked->node, settings);
}

void asked_node_close(struct asked_node *asked)
{
	evm_node_close(&asked->node);
}

static enum outcome enter(struct asked_node *asked, const struct evm_word *key, bool lasting,
			  struct error *error)
{
	if (evm_node_enter(&asked->node, key, lasting))
		return OUTCOME_OK;
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNDER_WAY,
			 "not asked yet: others are asked first");
}

/* A dialogue of its own, which all others wait for. */
static enum outcome check_identity(struct asked_node *asked, struct error *error)
{
	enum outcome outcome;

	if (asked->is_ours)
		return OUTCOME_OK;
	outcome = enter(asked, &identity_key, true, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = chain_identity_check(&asked->node, asked->store, asked->settings, &asked->is_ours,
				       error);
	asked_node_end(asked, outcome, error);
	/* No word of a token's, or a fill's: to be asked again in any case. */
	return outcome == OUTCOME_OK ? OUTCOME_OK : OUTCOME_RETRY;
}

enum outcome asked_node_begin(struct asked_node *asked, const struct evm_word *key, bool lasting,
			      struct error *error)
{
	enum outcome outcome = check_identity(asked, error);

	return outcome == OUTCOME_OK ? enter(asked, key, lasting, error) : outcome;
}

void asked_node_end(struct asked_node *asked, enum outcome outcome, const struct error *error)
{
	evm_node_leave(&asked->node, outcome, error);
}

bool asked_node_can_go_on(struct asked_node *asked, const struct evm_word *key)
{
	return asked->node.dialogues == NULL ||
	       evm_dialogues_can_go_on(&asked->dialogues, asked->is_ours ? key : &identity_key);
}

bool asked_node_awaits_answer(const struct asked_node *asked)
{
	return asked->node.dialogues != NULL && evm_dialogues_under_way(&asked->dialogues);
}

bool asked_node_take_answers(struct asked_node *asked)
{
	bool taken = false;

	while (asked_node_awaits_answer(asked) && evm_dialogues_wait(&asked->dialogues, NULL, 0))
		taken = true;
	return taken;
}

void asked_node_wait(struct asked_node *asked, const struct http_interruption *interruption,
		     int64_t timeout_ms)
{
	(void)evm_dialogues_wait(&asked->dialogues, interruption, timeout_ms);
}
