/* Dialogues with a node: nobody waits, what was answered is not asked again, what departs is asked
 * anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_dialogues.h"
#include "unit/chain/scripted_server.h"

#include <sys/mman.h>

struct fixture {
	struct server server;
	struct http_client *http;
	struct evm_dialogues dialogues;
	int *asked; /* requests; shared with the server */
};

static struct evm_word key_of(uint8_t number)
{
	struct evm_word key = {{number}};

	return key;
}

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

/* Answers with what it was sent; never to what begins with "silence". False: closed. */
static bool echo(const struct peer *peer, void *context)
{
	static char head[SERVER_TEXT_SIZE];
	static char body[SERVER_TEXT_SIZE];
	int *asked = context;

	if (peer_has_closed(peer))
		return false;
	peer_read_request(peer, head, body);
	++*asked;
	if (strncmp(body, "silence", strlen("silence")) != 0)
		peer_answer(peer, "200 OK", "", body);
	return true;
}

static void serve(int listener, void *context)
{
	server_serve_all(listener, echo, context);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	static char url[64];
	struct http_options options = {
		.url = url,
		.ca_file = "",
		.timeout_ms = 10000,
		.concurrency = EVM_DIALOGUES,
		.maximum_answer_bytes = 1024,
	};

	fixture.asked = mmap(NULL, sizeof(*fixture.asked), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fixture.asked != MAP_FAILED);
	server_start(&fixture.server, serve, fixture.asked);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", fixture.server.port);
	fixture.http = http_open(&options);
	evm_dialogues_open(&fixture.dialogues, fixture.http);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	evm_dialogues_close(&fixture->dialogues);
	http_close(fixture->http);
	assert_int_equal(kill(fixture->server.pid, SIGKILL), 0);
	assert_int_equal(waitpid(fixture->server.pid, NULL, 0), fixture->server.pid);
	assert_int_equal(munmap(fixture->asked, sizeof(*fixture->asked)), 0);
	return 0;
}

/* One run: the questions in their order, until one has no answer yet. How many have. */
static size_t run(struct fixture *fixture, uint8_t key, const char *const *questions, size_t count)
{
	const struct evm_word word = key_of(key);
	struct http_answer answer;
	uint64_t first_id;
	size_t answered = 0;

	assert_true(evm_dialogues_enter(&fixture->dialogues, &word, false, &first_id));
	while (answered < count &&
	       evm_dialogues_ask(&fixture->dialogues, bytes_of(questions[answered]), &answer)) {
		assert_int_equal(answer.outcome, OUTCOME_OK);
		assert_int_equal(answer.body.length, strlen(questions[answered]));
		assert_memory_equal(answer.body.data, questions[answered], answer.body.length);
		answered++;
	}
	evm_dialogues_leave(&fixture->dialogues, answered < count);
	return answered;
}

static void await(struct fixture *fixture)
{
	assert_true(evm_dialogues_wait(&fixture->dialogues, NULL, INT64_MAX));
}

static void each_answer_is_kept_until_the_last_has_come(void **state)
{
	static const char *const questions[] = {"one", "two", "three"};
	struct fixture *fixture = *state;
	struct evm_word key = key_of(1);

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(run(fixture, 1, questions, 3), i);
		assert_true(evm_dialogues_under_way(&fixture->dialogues));
		assert_false(evm_dialogues_can_go_on(&fixture->dialogues, &key));
		/* Coming too early changes nothing. */
		assert_int_equal(run(fixture, 1, questions, 3), i);
		await(fixture);
		assert_true(evm_dialogues_can_go_on(&fixture->dialogues, &key));
	}
	assert_int_equal(run(fixture, 1, questions, 3), 3);
	assert_int_equal(*fixture->asked, 3);
	/* It has ended: the same again is a new one. */
	assert_int_equal(run(fixture, 1, questions, 3), 0);
	await(fixture);
	assert_int_equal(*fixture->asked, 4);
}

static void a_run_that_departs_is_asked_anew_from_there(void **state)
{
	static const char *const first[] = {"one", "two", "three"};
	static const char *const other[] = {"one", "else", "three"};
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, 1, first, 3), 0);
	await(fixture);
	assert_int_equal(run(fixture, 1, first, 3), 1);
	await(fixture);
	assert_int_equal(run(fixture, 1, first, 3), 2); /* the third is under way */
	assert_int_equal(run(fixture, 1, other, 3), 1);
	await(fixture);
	assert_int_equal(run(fixture, 1, other, 3), 2);
	await(fixture);
	assert_int_equal(run(fixture, 1, other, 3), 3);
	assert_false(evm_dialogues_under_way(&fixture->dialogues));
}

static void one_that_hangs_holds_up_no_other(void **state)
{
	static const char *const silent[] = {"silence"};
	static const char *const spoken[] = {"one", "two"};
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, 1, silent, 1), 0);
	for (uint8_t key = 2; key < 20; key++) {
		assert_int_equal(run(fixture, key, spoken, 2), 0);
		await(fixture);
		assert_int_equal(run(fixture, key, spoken, 2), 1);
		await(fixture);
		assert_int_equal(run(fixture, key, spoken, 2), 2);
	}
	assert_true(evm_dialogues_under_way(&fixture->dialogues));
	assert_false(evm_dialogues_wait(&fixture->dialogues, NULL, 0));
}

static void when_all_are_taken_a_new_one_must_come_again(void **state)
{
	static const char *const silent[] = {"silence"};
	static const char *const spoken[] = {"one"};
	struct fixture *fixture = *state;
	struct evm_word key = key_of(EVM_DIALOGUES + 1);
	uint64_t first_id;

	for (uint8_t i = 1; i < EVM_DIALOGUES; i++)
		assert_int_equal(run(fixture, i, silent, 1), 0);
	assert_int_equal(run(fixture, EVM_DIALOGUES, spoken, 1), 0);
	assert_false(evm_dialogues_can_go_on(&fixture->dialogues, &key));
	assert_false(evm_dialogues_enter(&fixture->dialogues, &key, false, &first_id));
	await(fixture);
	assert_int_equal(run(fixture, EVM_DIALOGUES, spoken, 1), 1);
	assert_true(evm_dialogues_can_go_on(&fixture->dialogues, &key));
	assert_int_equal(run(fixture, EVM_DIALOGUES + 1, spoken, 1), 0);
}

/* Or those that nobody comes for would take the places of all. */
static void one_whose_asker_stays_away_is_given_up(void **state)
{
	static const char *const questions[] = {"one", "two"};
	struct fixture *fixture = *state;
	const struct evm_word lasting = key_of(9);
	struct http_answer answer;
	uint64_t first_id;

	evm_dialogues_begin_round(&fixture->dialogues);
	assert_int_equal(run(fixture, 1, questions, 2), 0);
	assert_true(evm_dialogues_enter(&fixture->dialogues, &lasting, true, &first_id));
	assert_false(evm_dialogues_ask(&fixture->dialogues, bytes_of("one"), &answer));
	evm_dialogues_leave(&fixture->dialogues, true);
	evm_dialogues_end_round(&fixture->dialogues);

	/* Under way: nobody can have come. */
	evm_dialogues_begin_round(&fixture->dialogues);
	evm_dialogues_end_round(&fixture->dialogues);
	await(fixture);
	await(fixture);
	evm_dialogues_begin_round(&fixture->dialogues);
	evm_dialogues_end_round(&fixture->dialogues);
	assert_int_equal(run(fixture, 1, questions, 2), 0); /* from the beginning */
	assert_true(evm_dialogues_enter(&fixture->dialogues, &lasting, true, &first_id));
	assert_true(evm_dialogues_ask(&fixture->dialogues, bytes_of("one"), &answer));
	evm_dialogues_leave(&fixture->dialogues, false);
}

static void ids_are_the_same_in_each_run_and_no_other_dialogues(void **state)
{
	static const char *const questions[] = {"one"};
	struct fixture *fixture = *state;
	const struct evm_word first = key_of(1);
	const struct evm_word second = key_of(2);
	struct http_answer answer;
	uint64_t ids[3];

	assert_true(evm_dialogues_enter(&fixture->dialogues, &first, false, &ids[0]));
	assert_false(evm_dialogues_ask(&fixture->dialogues, bytes_of(questions[0]), &answer));
	evm_dialogues_leave(&fixture->dialogues, true);
	assert_true(evm_dialogues_enter(&fixture->dialogues, &second, false, &ids[1]));
	evm_dialogues_leave(&fixture->dialogues, false);
	assert_true(evm_dialogues_enter(&fixture->dialogues, &first, false, &ids[2]));
	evm_dialogues_leave(&fixture->dialogues, false);
	assert_int_equal(ids[0], ids[2]);
	assert_true(ids[1] >= ids[0] + EVM_DIALOGUE_EXCHANGES);
}

static void a_failure_is_an_answer_too(void **state)
{
	struct fixture *fixture = *state;
	const struct evm_word key = key_of(1);
	static char long_text[2000];
	struct http_answer answer;
	uint64_t first_id;

	memset(long_text, 'x', sizeof(long_text) - 1);
	for (int i = 0; i < 2; i++) {
		bool answered;

		assert_true(evm_dialogues_enter(&fixture->dialogues, &key, false, &first_id));
		answered = evm_dialogues_ask(&fixture->dialogues, bytes_of(long_text), &answer);
		assert_int_equal(answered, i == 1);
		if (i == 1)
			assert_int_equal(answer.error.kind, ERROR_KIND_RANGE_TOO_LARGE);
		evm_dialogues_leave(&fixture->dialogues, i == 0);
		if (i == 0)
			await(fixture);
	}
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(each_answer_is_kept_until_the_last_has_come),
		STORY(a_run_that_departs_is_asked_anew_from_there),
		STORY(one_that_hangs_holds_up_no_other),
		STORY(when_all_are_taken_a_new_one_must_come_again),
		STORY(one_whose_asker_stays_away_is_given_up),
		STORY(ids_are_the_same_in_each_run_and_no_other_dialogues),
		STORY(a_failure_is_an_answer_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
