/* Questions that wait: each by itself, or refused for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "processor/unanswered.h"

static struct evm_word key_of(uint8_t number)
{
	struct evm_word key = {{number}};

	return key;
}

static enum outcome fail_with(struct unanswered *list, uint8_t key, enum outcome outcome,
			      enum error_kind kind)
{
	struct evm_word word = key_of(key);
	struct error error;

	(void)error_set(&error, outcome, kind, "words");
	(void)unanswered_note_failure(list, &word, outcome, &error);
	return unanswered_why(list, &word, "it", &error);
}

static bool may_ask(struct unanswered *list, uint8_t key)
{
	struct evm_word word = key_of(key);

	return unanswered_may_ask(list, &word);
}

static int set_up(void **state)
{
	static struct asked_node node; /* that answers at once */
	static struct unanswered list;

	unanswered_init(&list, &node);
	unanswered_begin_pass(&list);
	*state = &list;
	return 0;
}

static int tear_down(void **state)
{
	unanswered_free(*state);
	return 0;
}

static void what_was_never_asked_is_due_at_once(void **state)
{
	struct unanswered *list = *state;
	struct evm_word key = key_of(1);
	struct error error;

	assert_int_equal(unanswered_wait_ms(list), -1);
	assert_true(may_ask(list, 1));
	assert_int_equal(unanswered_why(list, &key, "token", &error), OUTCOME_RETRY);
	assert_string_equal(error.text, "token not known yet");
	assert_int_equal(unanswered_wait_ms(list), 0);
	unanswered_remove(list, &key);
	assert_int_equal(unanswered_wait_ms(list), -1);
}

static void a_failure_waits_by_itself(void **state)
{
	struct unanswered *list = *state;

	assert_int_equal(fail_with(list, 1, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE), OUTCOME_RETRY);
	list->items[0].due_ms += 60000;
	assert_false(may_ask(list, 1));
	assert_true(may_ask(list, 2));
	assert_true(unanswered_wait_ms(list) > 50000);
	list->items[0].due_ms = 0;
	assert_true(may_ask(list, 1));
}

static void five_answers_that_the_node_has_nothing_are_believed(void **state)
{
	struct unanswered *list = *state;
	struct evm_word key = key_of(1);
	struct error error;

	for (int i = 0; i < 4; i++)
		assert_int_equal(fail_with(list, 1, OUTCOME_RETRY, ERROR_KIND_ABSENT),
				 OUTCOME_RETRY);
	assert_int_equal(fail_with(list, 1, OUTCOME_RETRY, ERROR_KIND_ABSENT), OUTCOME_REJECTED);
	/* Nobody waits for it; it stands for a while, then is asked again. */
	assert_int_equal(unanswered_wait_ms(list), -1);
	unanswered_begin_pass(list);
	assert_false(may_ask(list, 1));
	assert_int_equal(list->items[0].failures, 5);
	list->items[0].due_ms = 0;
	assert_int_equal(unanswered_why(list, &key, "it", &error), OUTCOME_RETRY);
	assert_int_equal(unanswered_wait_ms(list), 0);
}

static void what_no_event_needs_any_more_is_not_waited_for(void **state)
{
	struct unanswered *list = *state;

	(void)fail_with(list, 1, OUTCOME_RETRY, ERROR_KIND_RPC);
	unanswered_begin_pass(list);
	assert_int_equal(unanswered_wait_ms(list), -1);
}

static void many_questions_are_kept_apart(void **state)
{
	struct unanswered *list = *state;

	for (int i = 1; i < 100; i++)
		(void)fail_with(list, (uint8_t)i, i % 2 == 0 ? OUTCOME_RETRY : OUTCOME_REJECTED,
				ERROR_KIND_RPC);
	assert_int_equal(list->count, 99);
	for (int i = 1; i < 100; i++) {
		struct evm_word key = key_of((uint8_t)i);
		struct error error;

		assert_int_equal(unanswered_why(list, &key, "it", &error),
				 i % 2 == 0 ? OUTCOME_RETRY : OUTCOME_REJECTED);
		unanswered_remove(list, &key);
	}
	assert_int_equal(list->count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_never_asked_is_due_at_once),
		TEST(a_failure_waits_by_itself),
		TEST(five_answers_that_the_node_has_nothing_are_believed),
		TEST(what_no_event_needs_any_more_is_not_waited_for),
		TEST(many_questions_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
