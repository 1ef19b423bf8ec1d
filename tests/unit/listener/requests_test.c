/* The table of questions under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "listener/requests.h"

static void an_answer_takes_its_question_out_once(void **state)
{
	struct requests requests = {.count = 0};
	struct request *asked;
	struct request taken;
	uint64_t id;

	(void)state;
	assert_true(requests_add(&requests, REQUEST_BLOCK_LOGS, 1000, &asked));
	asked->block_number = 5;
	id = asked->id;
	assert_true(requests_pending(&requests, REQUEST_BLOCK_LOGS, 5));
	assert_false(requests_pending(&requests, REQUEST_BLOCK_LOGS, 6));
	assert_false(requests_pending(&requests, REQUEST_BLOCK_TIME, 5));
	assert_false(requests_take(&requests, id + 1, &taken));
	assert_true(requests_take(&requests, id, &taken));
	assert_int_equal(taken.block_number, 5);
	assert_false(requests_take(&requests, id, &taken));
	assert_false(requests_pending(&requests, REQUEST_BLOCK_LOGS, 5));
}

static void ids_are_never_used_again_on_a_new_connection(void **state)
{
	struct requests requests = {.count = 0};
	struct request *asked;
	uint64_t last;

	(void)state;
	assert_true(requests_add(&requests, REQUEST_CHAIN_ID, 1000, &asked));
	last = asked->id;
	requests_clear(&requests);
	assert_true(requests_add(&requests, REQUEST_CHAIN_ID, 1000, &asked));
	assert_true(asked->id > last);
}

static void the_table_is_full_at_its_size(void **state)
{
	struct requests requests = {.count = 0};
	struct request *asked;

	(void)state;
	for (int i = 0; i < REQUESTS_MAXIMUM; i++)
		assert_true(requests_add(&requests, REQUEST_BLOCK_TIME, 1000, &asked));
	assert_false(requests_add(&requests, REQUEST_BLOCK_TIME, 1000, &asked));
}

static void the_earliest_deadline_counts(void **state)
{
	struct requests requests = {.count = 0};
	struct request *late;
	struct request *early;

	(void)state;
	assert_true(requests_next_deadline_ms(&requests) == INT64_MAX);
	assert_true(requests_add(&requests, REQUEST_CUTOFF, 5000, &late));
	assert_true(requests_add(&requests, REQUEST_HEAD_CHECK, 1000, &early));
	assert_true(requests_next_deadline_ms(&requests) == early->deadline_ms);
	assert_true(early->deadline_ms < late->deadline_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_takes_its_question_out_once),
		cmocka_unit_test(ids_are_never_used_again_on_a_new_connection),
		cmocka_unit_test(the_table_is_full_at_its_size),
		cmocka_unit_test(the_earliest_deadline_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
