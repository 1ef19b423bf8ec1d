/* A node whose chain moves, against the rows of a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/chain_guard.h"
#include "unit/store/test_store.h"

#include <inttypes.h>

/* Block n of the branch b that left the first one at fork f has the hash (b if n >= f, n). */
struct node {
	int64_t head;
	int64_t finalized;
	unsigned int branch;
	int64_t fork;
};

struct fixture {
	struct test_store database;
	struct block_coverage coverage;
	struct blocks blocks;
	struct event_queue queue;
	struct controls controls;
	struct chain_guard guard;
	struct node node;
	int questions;
};

#define FIRST  INT64_C(100)
#define HEAD   INT64_C(120)
#define BRANCH 0xb0U

static unsigned int branch_of(const struct node *node, int64_t number)
{
	return number >= node->fork ? node->branch : BRANCH;
}

static void open_guard(struct fixture *fixture, bool accept_reorg)
{
	const struct chain_guard_options options = {
		.once = true, .accept_reorg = accept_reorg, .finality_blocks = 50};
	const struct reorganisation writer = {
		.store = &fixture->database.store,
		.coverage = &fixture->coverage,
		.blocks = &fixture->blocks,
		.queue = &fixture->queue,
		.controls = &fixture->controls,
	};
	const struct evm_word genesis = {.bytes = {[0] = BRANCH}};
	struct head_watch watch;

	head_watch_init(&watch, &genesis, 1000);
	chain_guard_init(&fixture->guard, &options, &watch, &writer);
}

static struct block_row row_of(const struct node *node, int64_t number)
{
	struct block_row row = {.block_number = number};

	row.block_hash.bytes[0] = (uint8_t)branch_of(node, number);
	row.block_hash.bytes[31] = (uint8_t)number;
	row.parent_hash.bytes[0] = (uint8_t)branch_of(node, number - 1);
	row.parent_hash.bytes[31] = (uint8_t)(number - 1);
	return row;
}

/* The blocks from 100 to 120 of the node's present chain are covered. */
static void cover(struct fixture *fixture)
{
	assert_true(store_begin(&fixture->database.store));
	for (int64_t number = FIRST; number <= HEAD; number++) {
		const struct block_row row = row_of(&fixture->node, number);

		blocks_put(&fixture->blocks, &row);
	}
	block_coverage_add(&fixture->coverage, (struct block_range){FIRST, HEAD});
	store_commit(&fixture->database.store);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.node =
		(struct node){.head = HEAD, .finalized = 50, .branch = BRANCH, .fork = INT64_MAX};
	test_store_open(&fixture.database);
	block_coverage_open(&fixture.coverage, &fixture.database.store);
	blocks_open(&fixture.blocks, &fixture.database.store);
	event_queue_open(&fixture.queue, &fixture.database.store);
	controls_open(&fixture.controls, &fixture.database.store);
	open_guard(&fixture, false);
	cover(&fixture);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	controls_close(&fixture->controls);
	event_queue_close(&fixture->queue);
	blocks_close(&fixture->blocks);
	block_coverage_close(&fixture->coverage);
	test_store_close(&fixture->database);
	return 0;
}

static void write_block(const struct node *node, int64_t number, char *text, size_t size)
{
	if (number > node->head) {
		(void)snprintf(text, size, "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":null}");
		return;
	}
	(void)snprintf(text, size,
		       "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"number\":\"0x%" PRIx64
		       "\",\"hash\":\"0x%02x%062" PRIx64 "\",\"parentHash\":\"0x%02x%062" PRIx64
		       "\",\"timestamp\":\"0x1\"}}",
		       (uint64_t)number, branch_of(node, number), (uint64_t)number,
		       branch_of(node, number - 1), (uint64_t)number - 1);
}

/* What the node answers to the question in request. */
static void answer_text(const struct fixture *fixture, const char *request, char *text, size_t size)
{
	const char *params = strstr(request, "\"params\":[");
	long long number = 0;

	assert_non_null(params);
	if (strstr(request, "eth_blockNumber") != NULL) {
		(void)snprintf(text, size,
			       "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":\"0x%" PRIx64 "\"}",
			       (uint64_t)fixture->node.head);
		return;
	}
	if (strstr(request, "finalized") != NULL)
		number = fixture->node.finalized;
	else
		number = strtoll(params + strlen("\"params\":[\"0x"), NULL, 16);
	write_block(&fixture->node, number, text, size);
}

static void step(struct fixture *fixture)
{
	struct buffer request;
	char text[512];
	struct http_answer answer = {.outcome = OUTCOME_OK, .status = 200};

	buffer_init(&request, BUFFER_MAX_HTTP_REQUEST);
	chain_guard_request(&fixture->guard, 9, 3, &request);
	assert_true(chain_guard_asks_in(&fixture->guard, 3));
	answer_text(fixture, buffer_text(&request), text, sizeof(text));
	buffer_free(&request);
	answer.body = (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
	assert_int_equal(chain_guard_answer(&fixture->guard, &answer, 1000, NULL), OUTCOME_OK);
	fixture->questions++;
}

/* One whole round; the questions of its search. */
static int go_round(struct fixture *fixture)
{
	fixture->questions = 0;
	do
		step(fixture);
	while (fixture->guard.watch.stage != HEAD_WATCH_GENESIS ||
	       fixture->guard.search.finding == FORK_SEARCHING);
	return fixture->questions - 3;
}

static int64_t covered_to(struct fixture *fixture)
{
	return block_coverage_contiguous_to(&fixture->coverage, FIRST);
}

static void a_chain_that_stands_costs_one_header(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->guard.trust, CHAIN_UNSURE);
	assert_int_equal(go_round(fixture), 1);
	assert_int_equal(fixture->guard.trust, CHAIN_SURE);
	assert_int_equal(fixture->guard.linked_from, 51);
	assert_int_equal(covered_to(fixture), HEAD);
	assert_int_equal(chain_guard_due_ms(&fixture->guard), INT64_MAX);
}

static void every_fork_is_found_where_it_is(void **state)
{
	struct fixture *fixture = *state;

	for (int64_t fork = HEAD; fork > FIRST; fork--) {
		fixture->node = (struct node){
			.head = HEAD, .finalized = 50, .branch = BRANCH, .fork = INT64_MAX};
		assert_true(store_begin(&fixture->database.store));
		blocks_remove_above(&fixture->blocks, -1);
		store_commit(&fixture->database.store);
		cover(fixture);
		open_guard(fixture, false);
		fixture->node.branch = 0xa0;
		fixture->node.fork = fork;
		assert_true(go_round(fixture) <= 7);
		assert_int_equal(fixture->guard.trust, CHAIN_SURE);
		assert_int_equal(covered_to(fixture), fork - 1);
	}
}

static void without_a_common_block_everything_is_read_again(void **state)
{
	struct fixture *fixture = *state;

	fixture->node.branch = 0xa0;
	fixture->node.fork = FIRST - 5;
	(void)go_round(fixture);
	assert_int_equal(covered_to(fixture), FIRST - 1);
}

static void a_node_that_lags_moves_nothing(void **state)
{
	struct fixture *fixture = *state;

	fixture->node.head = HEAD - 4;
	assert_int_equal(go_round(fixture), 5);
	assert_int_equal(fixture->guard.trust, CHAIN_SURE);
	assert_int_equal(covered_to(fixture), HEAD);
	/* A shorter branch is seen all the same, where its blocks differ. */
	open_guard(fixture, false);
	fixture->node.branch = 0xa0;
	fixture->node.fork = HEAD - 6;
	(void)go_round(fixture);
	assert_int_equal(covered_to(fixture), HEAD - 7);
}

static void a_suspect_is_compared_at_once(void **state)
{
	struct fixture *fixture = *state;

	(void)go_round(fixture);
	fixture->node.branch = 0xa0;
	fixture->node.fork = 110;
	chain_guard_suspect(&fixture->guard, 112);
	assert_int_equal(fixture->guard.trust, CHAIN_UNSURE);
	while (fixture->guard.search.finding == FORK_SEARCHING)
		step(fixture);
	assert_int_equal(fixture->guard.trust, CHAIN_SURE);
	assert_int_equal(covered_to(fixture), 109);
}

static void make_final(struct fixture *fixture)
{
	fixture->node.finalized = 110;
	(void)go_round(fixture);
	assert_int_equal(fixture->guard.linked_from, 111);
	assert_int_equal(test_store_int64(&fixture->database.store,
					  "SELECT count(*) AS n FROM blocks WHERE finalized = 1",
					  "n"),
			 1);
}

static void a_final_block_that_is_gone_halts_trading_and_destroys_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct control_reason reason;

	make_final(fixture);
	open_guard(fixture, false);
	fixture->node.branch = 0xa0;
	fixture->node.fork = 110;
	for (int i = 1; i < CHAIN_GUARD_PROOFS; i++) {
		(void)go_round(fixture);
		assert_int_equal(fixture->guard.trust, CHAIN_UNSURE);
		assert_false(controls_trading_halted(&fixture->controls, &reason));
	}
	(void)go_round(fixture);
	assert_int_equal(fixture->guard.trust, CHAIN_HALTED);
	assert_true(controls_trading_halted(&fixture->controls, &reason));
	assert_non_null(strstr(reason.text, "called final"));
	assert_int_equal(covered_to(fixture), HEAD);
	/* It may come back. */
	fixture->node.fork = INT64_MAX;
	(void)go_round(fixture);
	assert_int_equal(fixture->guard.trust, CHAIN_SURE);
	assert_true(controls_trading_halted(&fixture->controls, &reason));
}

static void a_person_can_accept_it(void **state)
{
	struct fixture *fixture = *state;
	struct control_reason reason;

	make_final(fixture);
	open_guard(fixture, true);
	fixture->node.branch = 0xa0;
	fixture->node.fork = 105;
	for (int i = 0; i < CHAIN_GUARD_PROOFS; i++)
		(void)go_round(fixture);
	assert_int_equal(fixture->guard.trust, CHAIN_SURE);
	assert_int_equal(covered_to(fixture), FIRST - 1);
	assert_false(controls_trading_halted(&fixture->controls, &reason));
}

static void without_a_final_block_the_setting_decides(void **state)
{
	struct fixture *fixture = *state;

	/* Beyond the head: the node does not have it. */
	fixture->node.finalized = HEAD + 1;
	(void)go_round(fixture);
	assert_int_equal(fixture->guard.linked_from, HEAD - 50 + 1);
}

#define GUARD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUARD_TEST(a_chain_that_stands_costs_one_header),
		GUARD_TEST(every_fork_is_found_where_it_is),
		GUARD_TEST(without_a_common_block_everything_is_read_again),
		GUARD_TEST(a_node_that_lags_moves_nothing),
		GUARD_TEST(a_suspect_is_compared_at_once),
		GUARD_TEST(a_final_block_that_is_gone_halts_trading_and_destroys_nothing),
		GUARD_TEST(a_person_can_accept_it),
		GUARD_TEST(without_a_final_block_the_setting_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
