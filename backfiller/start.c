/* See start.h. One question at a time, over a connection of its own. */
#include "backfiller/start.h"

#include "base/backoff.h"
#include "base/log.h"
#include "base/process.h"
#include "chain/evm_node.h"

#include <inttypes.h>

#define START_BACKOFF_BASE_MS	 250
#define START_BACKOFF_MAXIMUM_MS 60000

static enum outcome read_head(struct evm_node *node, int64_t *head, struct error *error)
{
	uint64_t number;
	enum outcome outcome = evm_node_block_number(node, &number, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (number > INT64_MAX)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "no chain has so many blocks");
	*head = (int64_t)number;
	return OUTCOME_OK;
}

static enum outcome ask(struct evm_node *node, const struct chain_settings *settings,
			struct chain_identity *identity, int64_t *head, struct error *error)
{
	enum outcome outcome = chain_identity_read(node, settings, identity, error);

	return outcome == OUTCOME_OK ? read_head(node, head, error) : outcome;
}

/* False: the process is to stop. */
static bool ask_until_answered(struct evm_node *node, const struct chain_settings *settings,
			       int64_t attempts, struct chain_identity *identity, int64_t *head)
{
	struct config_text url = config_redact_url(settings->http_url.text);
	struct backoff backoff;

	backoff_init(&backoff, START_BACKOFF_BASE_MS, START_BACKOFF_MAXIMUM_MS);
	for (int64_t attempt = 1; !process_stopping(); attempt++) {
		struct error error;
		int64_t wait_ms;

		if (ask(node, settings, identity, head, &error) == OUTCOME_OK)
			return true;
		if (process_stopping())
			return false;
		if (attempt == attempts)
			fatal(EXIT_CODE_TRY_AGAIN,
			      "cannot start: the node does not answer url=%s kind=%s reason=%s",
			      url.text, error_kind_name(error.kind), error.text);
		wait_ms = backoff_next_ms(&backoff, error.retry_after_ms);
		log_warn("the node does not answer: asking again url=%s attempt=%" PRId64
			 " wait_ms=%" PRId64 " kind=%s reason=%s",
			 url.text, attempt, wait_ms, error_kind_name(error.kind), error.text);
		(void)process_sleep_ms(wait_ms);
	}
	return false;
}

bool start_with_node(struct store *store, const struct chain_settings *settings, int64_t attempts,
		     struct chain_identity *identity, int64_t *head)
{
	struct evm_node node;
	bool answered;

	evm_node_open(&node, settings);
	answered = ask_until_answered(&node, settings, attempts, identity, head);
	evm_node_close(&node);
	if (answered)
		chain_identity_record(store, identity, settings);
	return answered;
}

void start_check(const struct chain_settings *settings, const char *database_path)
{
	struct config_text url = config_redact_url(settings->http_url.text);
	struct chain_identity identity;
	struct evm_node node;
	struct error error;
	int64_t head = 0;

	evm_node_open(&node, settings);
	if (ask(&node, settings, &identity, &head, &error) != OUTCOME_OK)
		fatal(EXIT_CODE_UNAVAILABLE, "cannot reach the node url=%s kind=%s reason=%s",
		      url.text, error_kind_name(error.kind), error.text);
	evm_node_close(&node);
	log_info("node reached url=%s chain_id=%" PRIu64 " head=%" PRId64, url.text,
		 identity.chain_id, head);
	store_check(database_path);
}
