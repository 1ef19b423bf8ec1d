/*
 * The processor's steps without a process: real events in a real database, a node of the test's
 * own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/orderbook_json.h"
#include "processor/processor.h"
#include "unit/chain/orderbook_logs.h"
#include "unit/processor/test_laws.h"
#include "unit/processor/test_node.h"
#include "unit/store/test_sql.h"

#include <fcntl.h>

struct fixture {
	struct test_file file;
	struct chain_settings settings;
	struct symbol_map symbols;
	struct test_node node;
	struct processor processor;
	struct test_laws laws;
	pid_t listener; /* 0: none runs */
};

static void open_processor(struct fixture *fixture)
{
	struct processor *processor = &fixture->processor;
	struct shares threshold;

	assert_true(shares_parse("1", &threshold));
	store_open(&processor->store, fixture->file.path);
	instance_lock_open(&processor->lock, fixture->file.path);
	processor_open(processor, &fixture->settings, &fixture->symbols, threshold, 0);
	test_laws_open(&fixture->laws, &processor->store);
}

static void close_processor(struct fixture *fixture)
{
	test_laws_close(&fixture->laws);
	processor_close(&fixture->processor);
	instance_lock_close(&fixture->processor.lock);
	store_close(&fixture->processor.store);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.settings.orderbook = address_of(0x0b);
	fixture.settings.owners.items[0] = address_of(OWNER);
	fixture.settings.owners.count = 1;
	test_node_start(&fixture.node, &fixture.settings);
	(void)test_node_token(&fixture.node, address_of(USDC), "USDC", 6);
	(void)test_node_token(&fixture.node, address_of(AAPL), "AAPL0x", 18);
	(void)test_node_token(&fixture.node, address_of(NVDA), "NVDAs1", 18);
	test_file_create(&fixture.file);
	open_processor(&fixture);
	*state = &fixture;
	return 0;
}

static void stop_listener(struct fixture *fixture)
{
	if (fixture->listener == 0)
		return;
	assert_int_equal(kill(fixture->listener, SIGKILL), 0);
	assert_int_equal(waitpid(fixture->listener, NULL, 0), fixture->listener);
	fixture->listener = 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	stop_listener(fixture);
	close_processor(fixture);
	test_file_remove(&fixture->file);
	test_node_stop(&fixture->node);
	return 0;
}

static void append(struct fixture *fixture, const struct evm_logs *logs)
{
	struct orderbook_occurrence occurrence;
	struct buffer json;
	size_t cursor = 0;
	struct event_record record = {
		.block_timestamp = clock_text_of_ms(0),
		.source = EVENT_SOURCE_LISTENER,
	};

	buffer_init(&json, BUFFER_MAX_EVENT_JSON);
	assert_true(orderbook_next_occurrence(logs, &cursor, &occurrence));
	assert_true(orderbook_json_write(logs, &occurrence, &json));
	record.tx_hash = occurrence.log->tx_hash;
	record.log_index = (int64_t)occurrence.log->log_index;
	record.block_number = (int64_t)occurrence.log->block_number;
	record.block_hash = occurrence.log->block_hash;
	record.event_type = orderbook_event_type_name(occurrence.type);
	record.event_data = buffer_text(&json);
	assert_true(store_begin(&fixture->processor.store));
	assert_int_equal(event_queue_append(&fixture->processor.events, &record), EVENT_ADDED);
	store_commit(&fixture->processor.store);
	buffer_free(&json);
}

/* The transaction's hash is of the place: two events are never one. */
static struct evm_log place_of(enum topic topic, uint64_t block_number, uint64_t log_index)
{
	struct evm_log log = log_of(topic, (uint8_t)log_index, log_index);

	log.block_number = block_number;
	log.tx_hash.bytes[0] = (uint8_t)(block_number >> 8);
	log.tx_hash.bytes[1] = (uint8_t)block_number;
	return log;
}

static void take(struct fixture *fixture, uint64_t block_number, uint64_t log_index,
		 enum vector vector)
{
	struct evm_log log = place_of(TOPIC_TAKE_ORDER, block_number, log_index);
	struct evm_logs logs;

	evm_logs_init(&logs);
	add_vector(&logs, &log, vector);
	append(fixture, &logs);
	evm_logs_free(&logs);
}

static void clear(struct fixture *fixture, uint64_t block_number, enum vector vector,
		  enum vector after)
{
	struct evm_log log = place_of(TOPIC_CLEAR, block_number, 0);
	struct evm_logs logs;

	evm_logs_init(&logs);
	add_vector(&logs, &log, vector);
	log.topics[0] = orderbook_topics[TOPIC_AFTER_CLEAR];
	log.log_index = 1;
	add_vector(&logs, &log, after);
	append(fixture, &logs);
	evm_logs_free(&logs);
}

/* OWNER buys 2 NVDA. */
static void buy_nvda(struct fixture *fixture, uint64_t block_number)
{
	clear(fixture, block_number, CLEAR_BOB, AFTER_BOB);
}

static void cover(struct fixture *fixture, int64_t first, int64_t last)
{
	assert_true(store_begin(&fixture->processor.store));
	block_coverage_add(&fixture->processor.coverage, (struct block_range){first, last});
	store_commit(&fixture->processor.store);
}

/* All that is to do; each transaction leaves the laws standing. */
static void run(struct fixture *fixture)
{
	bool more;

	do {
		more = processor_step(&fixture->processor);
		test_laws_hold(&fixture->laws);
	} while (more || test_node_await(&fixture->processor.node));
}

static void expect(struct fixture *fixture, const char *sql, const char *value)
{
	test_sql_expect(&fixture->processor.store, sql, value);
}

static void events_are_applied_in_chain_order_however_they_arrived(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 7, 4, TAKE_BUY);
	take(fixture, 7, 1, TAKE_WEI);
	take(fixture, 5, 9, TAKE_SELL);
	cover(fixture, 0, 10);
	run(fixture);
	expect(fixture,
	       "SELECT group_concat(block_number || '/' || log_index || ' ' || direction || ' ' ||"
	       " amount, ', ') AS value FROM (SELECT * FROM onchain_trades ORDER BY id)",
	       "5/9 SELL 0.6, 7/1 SELL 0.000000000000000001, 7/4 BUY 2.5");
	expect(fixture, "SELECT direction || ' ' || shares AS value FROM executions", "SELL 1");
	expect(fixture, "SELECT net_position AS value FROM trade_accumulators",
	       "0.899999999999999999");
	expect(fixture, "SELECT price_usdc AS value FROM onchain_trades WHERE id = 1", "230");
	expect(fixture, "SELECT price_usdc AS value FROM onchain_trades WHERE id = 2", NULL);
	assert_false(processor_step(&fixture->processor));
	assert_int_equal(processor_wait_ms(&fixture->processor), -1);
}

static void events_beyond_contiguous_coverage_wait(void **state)
{
	struct fixture *fixture = *state;

	fixture->settings.deployment_block = 3;
	take(fixture, 5, 0, TAKE_SELL);
	take(fixture, 9, 0, TAKE_BUY);
	cover(fixture, 4, 6);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "0");
	cover(fixture, 3, 3);
	cover(fixture, 8, 10);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "1");
	cover(fixture, 7, 7);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "2");
}

/* A session that begins at block 8, held until the process is killed. */
static void listen_until_killed(const struct fixture *fixture, int ready)
{
	struct listener_sessions sessions;
	struct instance_lock lock;
	struct store store;
	int64_t id;

	store_open(&store, fixture->file.path);
	instance_lock_open(&lock, fixture->file.path);
	listener_sessions_open(&sessions, &store, &lock);
	if (!store_begin(&store))
		_exit(1);
	id = listener_sessions_begin(&sessions, 8, CUTOFF_FIRST_EVENT, clock_now_text());
	instance_lock_hold_session(&lock, id);
	store_commit(&store);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		(void)pause();
}

static void start_listener(struct fixture *fixture)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	(void)fflush(NULL);
	fixture->listener = fork();
	assert_true(fixture->listener >= 0);
	if (fixture->listener == 0)
		listen_until_killed(fixture, ready[1]);
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
}

static void an_open_session_answers_for_the_blocks_from_its_cutoff(void **state)
{
	struct fixture *fixture = *state;

	start_listener(fixture);
	take(fixture, 100, 0, TAKE_SELL);
	cover(fixture, 0, 6);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "0");
	cover(fixture, 7, 7);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "1");
	stop_listener(fixture);
	take(fixture, 101, 0, TAKE_SELL);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "1");
}

static void with_deployment_at_the_cutoff_nothing_needs_to_be_covered(void **state)
{
	struct fixture *fixture = *state;

	start_listener(fixture);
	fixture->settings.deployment_block = 8;
	take(fixture, 9, 0, TAKE_SELL);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "1");
}

static void what_cannot_be_applied_is_set_aside_and_blocks_nothing(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 1, 0, TAKE_SELL);
	take(fixture, 1, 1, TAKE_INPUT_INDEX);
	take(fixture, 1, 2, TAKE_LARGEST);
	take(fixture, 1, 3, TAKE_SELL);
	cover(fixture, 0, 1);
	run(fixture);
	expect(fixture,
	       "SELECT group_concat(outcome, ' ') AS value"
	       " FROM (SELECT outcome FROM event_queue ORDER BY log_index)",
	       "trade quarantined quarantined trade");
	expect(fixture,
	       "SELECT count(*) || '' AS value FROM event_queue WHERE log_index = 2"
	       " AND error LIKE 'amount out of range%AAPL0x%'",
	       "1");
	expect(fixture, "SELECT net_position AS value FROM trade_accumulators", "-0.2");

	/* Taken up again, it comes to the same. */
	assert_true(store_begin(&fixture->processor.store));
	assert_int_equal(event_queue_requeue_quarantined(&fixture->processor.events), 2);
	store_commit(&fixture->processor.store);
	run(fixture);
	expect(fixture,
	       "SELECT count(*) || '' AS value FROM event_queue WHERE outcome = 'quarantined'",
	       "2");
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "2");
}

static void a_token_that_is_no_share_is_quarantined_by_name(void **state)
{
	struct fixture *fixture = *state;

	test_node_string(&fixture->node.words->tokens[1].symbol, "WETH", 4);
	take(fixture, 1, 0, TAKE_SELL);
	cover(fixture, 0, 1);
	run(fixture);
	expect(fixture,
	       "SELECT count(*) || '' AS value FROM event_queue WHERE outcome = 'quarantined'"
	       " AND error LIKE 'unknown token pair%USDC%WETH%e018%'",
	       "1");
}

static void a_token_that_reverts_is_quarantined_and_can_be_taken_up_again(void **state)
{
	struct fixture *fixture = *state;

	test_node_error(&fixture->node.words->tokens[1].symbol, 3, "execution reverted");
	take(fixture, 1, 0, TAKE_SELL);
	buy_nvda(fixture, 2);
	cover(fixture, 0, 2);
	run(fixture);
	expect(fixture,
	       "SELECT group_concat(outcome, ' ') AS value"
	       " FROM (SELECT outcome FROM event_queue ORDER BY block_number)",
	       "quarantined trade");
	test_node_string(&fixture->node.words->tokens[1].symbol, "AAPL0x", 6);
	assert_true(store_begin(&fixture->processor.store));
	assert_int_equal(event_queue_requeue_quarantined(&fixture->processor.events), 1);
	store_commit(&fixture->processor.store);
	/* As a new process, with --retry-quarantined. */
	close_processor(fixture);
	open_processor(fixture);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "2");
}

static void strangers_are_filtered_without_a_question_to_the_node(void **state)
{
	struct fixture *fixture = *state;

	fixture->node.words->is_broken = true;
	take(fixture, 1, 0, TAKE_FOREIGN);
	cover(fixture, 0, 1);
	run(fixture);
	expect(fixture, "SELECT outcome AS value FROM event_queue", "filtered");
	assert_int_equal(fixture->processor.waiting_for_tokens, 0);
}

static void a_clear_between_two_of_our_owners_sends_no_order_for_what_cancels(void **state)
{
	struct fixture *fixture = *state;

	fixture->settings.owners.items[1] = address_of(OTHER);
	fixture->settings.owners.count = 2;
	clear(fixture, 1, CLEAR_BOUNTY, AFTER_BOUNTY);
	cover(fixture, 0, 1);
	run(fixture);
	expect(fixture,
	       "SELECT group_concat(direction || ' ' || amount || ' ' || usdc_amount, ', ') AS "
	       "value"
	       " FROM (SELECT * FROM onchain_trades ORDER BY id)",
	       "SELL 1.5 300, BUY 1.4 310");
	expect(fixture, "SELECT count(*) || '' AS value FROM executions", "0");
	expect(fixture, "SELECT net_position AS value FROM trade_accumulators", "-0.1");
}

static void dust_in_batches_is_one_order(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 1, 0, TAKE_WEI);
	cover(fixture, 0, 1);
	run(fixture);
	for (uint64_t i = 1; i < 250; i++)
		take(fixture, 1, i, i < 248 ? TAKE_WEI : TAKE_SELL);
	assert_true(processor_step(&fixture->processor));
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "201");
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "250");
	expect(fixture, "SELECT direction || ' ' || shares AS value FROM executions", "BUY 1");
	expect(fixture, "SELECT net_position AS value FROM trade_accumulators",
	       "-0.200000000000000248");
}

/* The executor waits for the commit of a batch, not for a look at what may be behind it. */
static void a_step_says_whether_the_next_has_something_to_do(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 1, 0, TAKE_WEI);
	cover(fixture, 0, 1);
	run(fixture);
	assert_int_equal(processor_step(&fixture->processor), PROCESSOR_IDLE);
	for (uint64_t i = 1; i < 250; i++)
		take(fixture, 1, i, TAKE_WEI);
	assert_int_equal(processor_step(&fixture->processor), PROCESSOR_MORE);
	assert_int_equal(processor_step(&fixture->processor), PROCESSOR_DONE);
	assert_int_equal(processor_step(&fixture->processor), PROCESSOR_IDLE);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "250");
}

static void what_nobody_has_asked_about_ends_a_batch_and_is_asked_about_next(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 1, 0, TAKE_WEI);
	cover(fixture, 0, 4);
	run(fixture);
	assert_false(fixture->processor.asks_first);
	fixture->processor.in_order_until_ms = 0;
	take(fixture, 2, 0, TAKE_WEI);
	buy_nvda(fixture, 3);
	take(fixture, 4, 0, TAKE_WEI);
	assert_int_equal(processor_step(&fixture->processor), PROCESSOR_MORE);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "2");
	assert_false(asked_node_awaits_answer(&fixture->processor.node));
	/* The token's other events wait, those of other tokens do not. */
	(void)processor_step(&fixture->processor);
	assert_true(asked_node_awaits_answer(&fixture->processor.node));
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "3");
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "4");
	assert_false(fixture->processor.asks_first);
}

static void a_token_that_cannot_be_asked_holds_only_its_own_events(void **state)
{
	struct fixture *fixture = *state;
	struct test_node_answer *nvda = &fixture->node.words->tokens[2].symbol;

	/* More than a batch, more than could be told apart if each counted. */
	test_node_error(nvda, -32000, "header not found");
	for (uint64_t block = 1; block <= 300; block++)
		buy_nvda(fixture, block);
	take(fixture, 301, 0, TAKE_SELL);
	take(fixture, 302, 0, TAKE_BUY);
	cover(fixture, 0, 302);
	run(fixture);
	expect(fixture,
	       "SELECT group_concat(DISTINCT base_symbol) || ' ' || count(*) AS value"
	       " FROM onchain_trades",
	       "AAPL 2");
	assert_int_equal(fixture->processor.waiting_for_tokens, 300);
	assert_in_range(processor_wait_ms(&fixture->processor), 0, 30000);
	/* Another process would be told nothing: the wait alone wakes it. */
	test_node_string(nvda, "NVDAs1", 6);
	fixture->processor.resolver.waiting.items[0].due_ms = 0;
	assert_int_equal(processor_wait_ms(&fixture->processor), 0);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "302");
	assert_int_equal(fixture->processor.waiting_for_tokens, 0);
	assert_int_equal(processor_wait_ms(&fixture->processor), -1);
}

/* Until that many trades are booked. */
static void run_until_booked(struct fixture *fixture, int64_t trades)
{
	while (test_store_int64(&fixture->processor.store,
				"SELECT count(*) AS n FROM onchain_trades", "n") < trades) {
		if (!processor_step(&fixture->processor)) {
			int64_t wait_ms = processor_wait_ms(&fixture->processor);

			assert_true(asked_node_awaits_answer(&fixture->processor.node));
			asked_node_wait(&fixture->processor.node, NULL,
					wait_ms < 0 ? INT64_MAX : wait_ms);
		}
		test_laws_hold(&fixture->laws);
	}
}

static void a_question_that_hangs_holds_up_no_other_token(void **state)
{
	struct fixture *fixture = *state;

	fixture->node.words->tokens[2].is_silent = true;
	for (uint64_t block = 1; block <= 300; block++)
		buy_nvda(fixture, block);
	take(fixture, 301, 0, TAKE_SELL);
	cover(fixture, 0, 301);
	run_until_booked(fixture, 1);
	expect(fixture, "SELECT base_symbol AS value FROM onchain_trades", "AAPL");
	/* Nothing has timed out, and nothing is to do but wait. */
	assert_true(asked_node_awaits_answer(&fixture->processor.node));
	assert_false(processor_step(&fixture->processor));
	assert_int_equal(processor_wait_ms(&fixture->processor), -1);
	take(fixture, 302, 0, TAKE_SELL);
	cover(fixture, 302, 302);
	run_until_booked(fixture, 2);
	assert_int_equal(fixture->node.words->tokens[2].asked, 1);
}

/* A ledger that begins: AAPL's answers are there before NVDA's. */
static void the_first_events_are_applied_in_order_whatever_token_is_known_first(void **state)
{
	struct fixture *fixture = *state;

	fixture->processor.in_order_until_ms = INT64_MAX;
	fixture->node.words->tokens[2].is_silent = true;
	buy_nvda(fixture, 1);
	take(fixture, 2, 0, TAKE_SELL);
	cover(fixture, 0, 2);
	for (;;) {
		if (processor_step(&fixture->processor))
			continue;
		if (test_store_int64(&fixture->processor.store, "SELECT count(*) AS n FROM tokens",
				     "n") == 2)
			break;
		assert_true(test_node_await(&fixture->processor.node));
	}
	assert_false(processor_step(&fixture->processor));
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "0");
	/* But not for long. */
	fixture->processor.in_order_until_ms = 0;
	run_until_booked(fixture, 1);
	expect(fixture, "SELECT base_symbol AS value FROM onchain_trades", "AAPL");
}

/* Its block leaves the chain while a token is asked for: the answer is of use all the same. */
static void an_answer_that_nobody_waits_for_any_more_harms_nothing(void **state)
{
	struct fixture *fixture = *state;

	buy_nvda(fixture, 1);
	cover(fixture, 0, 2);
	assert_false(processor_step(&fixture->processor));
	assert_true(asked_node_awaits_answer(&fixture->processor.node));
	assert_int_equal(
		test_store_run(&fixture->processor.store, "UPDATE event_queue SET removed = 1"), 1);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "0");
	for (size_t i = 0; i < EVM_DIALOGUES; i++)
		assert_false(fixture->processor.node.dialogues.items[i].under_way);
	take(fixture, 2, 0, TAKE_SELL);
	run(fixture);
	expect(fixture, "SELECT base_symbol AS value FROM onchain_trades", "AAPL");
}

static void order_within_a_symbol_holds_behind_an_event_that_waits(void **state)
{
	struct fixture *fixture = *state;
	struct test_node_answer *nvda = &fixture->node.words->tokens[2].symbol;

	/* Every pair is equity against equity here: what stands for dollars elsewhere is TSLA. */
	test_node_string(&fixture->node.words->tokens[0].symbol, "tTSLA", 5);
	take(fixture, 1, 0, TAKE_WEI);
	cover(fixture, 0, 3);
	run(fixture);
	test_node_error(nvda, -32000, "header not found");
	buy_nvda(fixture, 2);
	/* Of AAPL and TSLA, both known; but the one before it moves TSLA too. */
	take(fixture, 3, 0, TAKE_SELL);
	run(fixture);
	expect(fixture, "SELECT max(block_number) || '' AS value FROM onchain_trades", "1");
	assert_int_equal(fixture->processor.waiting_for_tokens, 2);
	test_node_string(nvda, "NVDAs1", 6);
	fixture->processor.resolver.waiting.items[0].due_ms = 0;
	run(fixture);
	expect(fixture,
	       "SELECT group_concat(block_number || ' ' || direction || ' ' || base_symbol, ', ')"
	       " AS value FROM (SELECT * FROM onchain_trades WHERE block_number > 1 ORDER BY id)",
	       "2 SELL TSLA, 2 BUY NVDA, 3 SELL AAPL, 3 BUY TSLA");
}

static void while_the_node_is_away_known_tokens_go_on(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, 1, 0, TAKE_SELL);
	cover(fixture, 0, 4);
	run(fixture);
	fixture->node.words->is_broken = true;
	buy_nvda(fixture, 2);
	take(fixture, 3, 0, TAKE_SELL);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "2");
	/* A new one behind those that wait is seen at once. */
	take(fixture, 4, 0, TAKE_SELL);
	run(fixture);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "3");
	assert_int_equal(fixture->processor.waiting_for_tokens, 1);
}

static void die_in_the_transaction(void *context)
{
	struct fixture *fixture = context;
	struct processor *processor = &fixture->processor;
	struct onchain_trade trade = {.direction = DIRECTION_SELL};
	struct event_row row;

	open_processor(fixture);
	if (!store_begin(&processor->store) ||
	    !event_queue_next(&processor->events, EVENT_POSITION_START, 10, &row) ||
	    !symbol_set(&trade.symbol, "AAPL0x") || !symbol_set(&trade.base_symbol, "AAPL") ||
	    !shares_from_integer(5, &trade.amount))
		_exit(1);
	trade.event = &row;
	positions_take_trades(&processor->positions, &trade, 1);
	event_queue_mark_processed(&processor->events, row.id, EVENT_OUTCOME_TRADE, NULL);
	(void)raise(SIGKILL);
}

static void a_death_before_the_commit_repeats_and_loses_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct test_child child;

	take(fixture, 1, 0, TAKE_BUY);
	cover(fixture, 0, 1);
	child = test_child_run(die_in_the_transaction, fixture);
	assert_int_equal(child.exit_code, -1);
	expect(fixture, "SELECT count(*) || '' AS value FROM onchain_trades", "0");
	run(fixture);
	expect(fixture, "SELECT direction || ' ' || amount AS value FROM onchain_trades",
	       "BUY 2.5");
	expect(fixture, "SELECT direction || ' ' || shares AS value FROM executions", "SELL 2");
	/* And a new process finds nothing to do again. */
	close_processor(fixture);
	open_processor(fixture);
	assert_false(processor_step(&fixture->processor));
	expect(fixture, "SELECT count(*) || '' AS value FROM executions", "1");
}

static void run_in_child(void *context)
{
	struct fixture *fixture = context;

	open_processor(fixture);
	run(fixture);
}

static void an_event_found_late_is_applied_with_a_warning(void **state)
{
	struct fixture *fixture = *state;
	struct test_child child;

	take(fixture, 5, 0, TAKE_SELL);
	cover(fixture, 0, 9);
	run(fixture);
	take(fixture, 4, 0, TAKE_SELL);
	child = test_child_run(run_in_child, fixture);
	test_child_assert(&child, 0, "late event applied");
	expect(fixture, "SELECT direction || ' ' || shares AS value FROM executions", "BUY 1");
}

static void what_an_execution_did_not_fill_is_taken_up_after_a_restart(void **state)
{
	struct fixture *fixture = *state;
	struct executions *executions = &fixture->processor.positions.executions;
	struct shares one;

	take(fixture, 1, 0, TAKE_BUY);
	cover(fixture, 0, 1);
	run(fixture);
	assert_true(shares_from_integer(1, &one));
	assert_true(store_begin(&fixture->processor.store));
	executions_mark_submitting(executions, 1, "test", "one", one);
	executions_mark_failed(executions, 1, one, NULL, "expired");
	store_commit(&fixture->processor.store);
	close_processor(fixture);
	open_processor(fixture);
	run(fixture);
	expect(fixture,
	       "SELECT group_concat(direction || ' ' || shares || ' ' || status, ', ') AS value"
	       " FROM executions",
	       "SELL 2 FAILED, SELL 1 PENDING");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(events_are_applied_in_chain_order_however_they_arrived),
		STORY(events_beyond_contiguous_coverage_wait),
		STORY(an_open_session_answers_for_the_blocks_from_its_cutoff),
		STORY(with_deployment_at_the_cutoff_nothing_needs_to_be_covered),
		STORY(what_cannot_be_applied_is_set_aside_and_blocks_nothing),
		STORY(a_token_that_is_no_share_is_quarantined_by_name),
		STORY(a_token_that_reverts_is_quarantined_and_can_be_taken_up_again),
		STORY(strangers_are_filtered_without_a_question_to_the_node),
		STORY(a_clear_between_two_of_our_owners_sends_no_order_for_what_cancels),
		STORY(dust_in_batches_is_one_order),
		STORY(a_step_says_whether_the_next_has_something_to_do),
		STORY(what_nobody_has_asked_about_ends_a_batch_and_is_asked_about_next),
		STORY(a_token_that_cannot_be_asked_holds_only_its_own_events),
		STORY(a_question_that_hangs_holds_up_no_other_token),
		STORY(the_first_events_are_applied_in_order_whatever_token_is_known_first),
		STORY(an_answer_that_nobody_waits_for_any_more_harms_nothing),
		STORY(order_within_a_symbol_holds_behind_an_event_that_waits),
		STORY(while_the_node_is_away_known_tokens_go_on),
		STORY(a_death_before_the_commit_repeats_and_loses_nothing),
		STORY(an_event_found_late_is_applied_with_a_warning),
		STORY(what_an_execution_did_not_fill_is_taken_up_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
