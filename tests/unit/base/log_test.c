/* What stands on stderr: the form of a line, hostile text, levels, and how a process ends. */
#include "unit/store/test_store.h"

#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static void write_text(void *context)
{
	(void)context;
	log_start("tester", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_debug("not written");
	log_info("trade booked symbol=%s shares=%s", "AAPL", "2.5");
	log_warn("evil symbol=%s", "a\nfatal\x1b[31m\"\\\xff");
}

static void a_text_line_has_time_level_program_and_no_control_bytes(void **state)
{
	struct test_child child = test_child_run(write_text, NULL);

	(void)state;
	assert_int_equal(child.exit_code, 0);
	assert_null(strstr(child.text, "not written"));
	assert_non_null(strstr(child.text, "Z info tester: trade booked symbol=AAPL shares=2.5\n"));
	assert_non_null(strstr(child.text, "symbol=a\\x0afatal\\x1b[31m\"\\\\xff\n"));
	assert_null(strchr(child.text, 0x1b));
}

static void write_json(void *context)
{
	(void)context;
	log_start("tester", LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	log_debug("trade booked symbol=%s reason=%s", "A\"B\\C\n", "several words here");
	log_info("only words");
	log_info("a=1 b=2");
}

static void a_json_line_has_a_member_for_each_key(void **state)
{
	struct test_child child = test_child_run(write_json, NULL);

	(void)state;
	assert_non_null(strstr(child.text, "\"level\":\"debug\",\"program\":\"tester\","
					   "\"message\":\"trade booked\","
					   "\"symbol\":\"A\\\"B\\\\C\\u000a\","
					   "\"reason\":\"several words here\"}\n"));
	assert_non_null(strstr(child.text, "\"message\":\"only words\"}\n"));
	assert_non_null(strstr(child.text, "\"message\":\"\",\"a\":\"1\",\"b\":\"2\"}\n"));
}

static void write_long(void *context)
{
	char text[5000];

	(void)context;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_start("tester", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("%s", text);
}

static void a_line_too_long_is_cut_and_stays_one_line(void **state)
{
	struct test_child child = test_child_run(write_long, NULL);
	const char *newline = strchr(child.text, '\n');

	(void)state;
	assert_int_equal(child.exit_code, 0);
	assert_true(newline == NULL || newline[1] == '\0');
}

static void write_every_byte(void *context)
{
	char text[256];

	for (size_t i = 0; i < 255; i++)
		text[i] = (char)(i + 1);
	text[255] = '\0';
	log_start("tester", LOG_LEVEL_INFO, *(const enum log_format *)context);
	log_info("%s", text);
}

static void every_byte_is_written_in_printable_ascii(void **state)
{
	enum log_format formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_JSON};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
		struct test_child child = test_child_run(write_every_byte, &formats[i]);
		const char *newline = strchr(child.text, '\n');

		assert_non_null(newline);
		assert_string_equal(newline, "\n");
		for (const char *byte = child.text; byte < newline; byte++)
			assert_in_range((unsigned char)*byte, ' ', '~');
	}
}

static void write_hostile_json(void *context)
{
	(void)context;
	log_start("tester", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_error("node refused chain_id=%d reason=%s", 1,
		  "no level=info program=x time=0 message=ok chain_id=2 reason=none \"level\":1");
	log_error("%s", "level=info message=ok \",\"level\":\"info a=1 a=2");
}

/* Most readers of JSON take the last of two members of one name. */
static void text_from_outside_replaces_no_member(void **state)
{
	struct test_child child = test_child_run(write_hostile_json, NULL);

	(void)state;
	test_child_assert(
		&child, 0,
		"\"level\":\"error\",\"program\":\"tester\",\"message\":\"node refused\","
		"\"chain_id\":\"1\",\"reason\":\"no level=info program=x time=0 message=ok "
		"chain_id=2 reason=none \\\"level\\\":1\"}\n");
	test_child_assert(&child, 0,
			  "\"level\":\"error\",\"program\":\"tester\",\"message\":\"level=info "
			  "message=ok \\\",\\\"level\\\":\\\"info\",\"a\":\"1 a=2\"}\n");
}

static void write_odd_members(void *context)
{
	(void)context;
	log_start("tester", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info("%s", "");
	log_info("words = none Key=no a-b=no =no a_1=yes");
	log_info("empty a= b=");
}

static void only_a_key_of_small_letters_is_a_member(void **state)
{
	struct test_child child = test_child_run(write_odd_members, NULL);

	(void)state;
	test_child_assert(&child, 0, "\"message\":\"\"}\n");
	test_child_assert(&child, 0,
			  "\"message\":\"words = none Key=no a-b=no =no\",\"a_1\":\"yes\"}\n");
	test_child_assert(&child, 0, "\"message\":\"empty\",\"a\":\"\",\"b\":\"\"}\n");
}

static void write_worst_json(void *context)
{
	/* Every byte takes six in JSON; and a member of two bytes takes seven. */
	char text[4096];

	(void)context;
	log_start("tester", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	memset(text, 1, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
}

static void a_cut_line_of_json_is_still_closed(void **state)
{
	/* More than the child's text can hold: its end is what counts. */
	int lines[2];
	char text[32768];
	ssize_t length;
	int kept = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe2(lines, O_NONBLOCK), 0);
	assert_true(dup2(lines[1], STDERR_FILENO) >= 0);
	write_worst_json(NULL);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	/* All of it in one read: it was one write. */
	length = read(lines[0], text, sizeof(text) - 1);
	assert_true(length > 12000);
	text[length] = '\0';
	assert_string_equal(text + length - 9, "\\u0001\"}\n");
	(void)close(kept);
	(void)close(lines[0]);
	(void)close(lines[1]);
}

static void write_at(void *context)
{
	log_start("tester", *(const enum log_level *)context, LOG_FORMAT_TEXT);
	log_debug("one");
	log_info("one");
	log_warn("one");
	log_error("one");
}

static void nothing_below_the_level_is_written_and_all_from_it_is(void **state)
{
	static const char *const names[] = {" debug tester: one\n", " info tester: one\n",
					    " warn tester: one\n", " error tester: one\n"};

	(void)state;
	for (enum log_level level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
		struct test_child child = test_child_run(write_at, &level);

		for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
			assert_int_equal(strstr(child.text, names[i]) != NULL, i >= level);
	}
}

static void write_into_packets(void *context)
{
	(void)context;
	log_start("tester", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	log_info("first a=%d", 1);
	log_error("second");
}

/* A socket that keeps the bounds of what is written: one line is one write. */
static void each_line_is_one_write_with_its_time_in_front(void **state)
{
	int ends[2];
	char text[256];
	int64_t wall_ms;
	int kept = dup(STDERR_FILENO);
	ssize_t length;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	write_into_packets(NULL);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	length = recv(ends[0], text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(length > CLOCK_TEXT_SIZE);
	text[length] = '\0';
	assert_string_equal(text + CLOCK_TEXT_SIZE, "info tester: first a=1\n");
	text[CLOCK_TEXT_SIZE - 1] = '\0';
	assert_true(clock_parse_text(text, &wall_ms));
	length = recv(ends[0], text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(length > CLOCK_TEXT_SIZE);
	text[length] = '\0';
	assert_string_equal(text + CLOCK_TEXT_SIZE, "error tester: second\n");
	assert_int_equal(recv(ends[0], text, sizeof(text), MSG_DONTWAIT), -1);
	(void)close(kept);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void write_to_nobody(void *context)
{
	(void)context;
	(void)close(STDERR_FILENO);
	log_error("lost");
	_exit(5);
}

static void a_line_that_nobody_reads_stops_nothing(void **state)
{
	struct test_child child = test_child_run(write_to_nobody, NULL);

	(void)state;
	assert_int_equal(child.exit_code, 5);
	assert_string_equal(child.text, "");
}

static void fail_an_invariant(void *context)
{
	invariant(context != NULL);
}

static void be_fatal(void *context)
{
	(void)context;
	fatal(EXIT_CODE_NEEDS_PERSON, "wrong chain: %d", 1);
}

static void an_invariant_ends_with_70_and_says_which(void **state)
{
	struct test_child child = test_child_run(fail_an_invariant, NULL);

	(void)state;
	test_child_assert(&child, 70, "context != NULL");
	child = test_child_run(be_fatal, NULL);
	test_child_assert(&child, 78, "error");
	test_child_assert(&child, 78, "wrong chain: 1");
}

struct stream {
	bool is_stderr;
	enum log_format format;
};

static void write_to_the_journal(void *context)
{
	const struct stream *stream = context;
	char name[64];
	struct stat status;

	if (fstat(STDERR_FILENO, &status) != 0)
		_exit(99);
	(void)snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino + (stream->is_stderr ? 0 : 1));
	setenv("JOURNAL_STREAM", name, 1);
	log_start("tester", LOG_LEVEL_DEBUG, stream->format);
	log_debug("one a=1");
	log_info("two");
	log_warn("three <3>");
	log_error("four\n<3>five");
}

static void the_journal_gets_a_priority_and_no_second_time(void **state)
{
	struct stream stream = {.is_stderr = true, .format = LOG_FORMAT_TEXT};
	struct test_child child = test_child_run(write_to_the_journal, &stream);

	(void)state;
	assert_int_equal(child.exit_code, 0);
	assert_string_equal(child.text, "<7>one a=1\n<6>two\n<4>three <3>\n<3>four\\x0a<3>five\n");
	stream.format = LOG_FORMAT_JSON;
	child = test_child_run(write_to_the_journal, &stream);
	assert_memory_equal(child.text, "<7>{\"time\":\"", strlen("<7>{\"time\":\""));
	test_child_assert(&child, 0, "\n<3>{\"time\":\"");
}

/* The variable is inherited by what a service starts, with its stderr sent elsewhere. */
static void another_streams_name_is_not_the_journal(void **state)
{
	struct stream stream = {.is_stderr = false, .format = LOG_FORMAT_TEXT};
	struct test_child child = test_child_run(write_to_the_journal, &stream);

	(void)state;
	test_child_assert(&child, 0, "Z debug tester: one a=1\n");
	assert_null(strstr(child.text, "<7>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_journal_gets_a_priority_and_no_second_time),
		cmocka_unit_test(another_streams_name_is_not_the_journal),
		cmocka_unit_test(a_text_line_has_time_level_program_and_no_control_bytes),
		cmocka_unit_test(a_json_line_has_a_member_for_each_key),
		cmocka_unit_test(a_line_too_long_is_cut_and_stays_one_line),
		cmocka_unit_test(every_byte_is_written_in_printable_ascii),
		cmocka_unit_test(text_from_outside_replaces_no_member),
		cmocka_unit_test(only_a_key_of_small_letters_is_a_member),
		cmocka_unit_test(a_cut_line_of_json_is_still_closed),
		cmocka_unit_test(nothing_below_the_level_is_written_and_all_from_it_is),
		cmocka_unit_test(each_line_is_one_write_with_its_time_in_front),
		cmocka_unit_test(a_line_that_nobody_reads_stops_nothing),
		cmocka_unit_test(an_invariant_ends_with_70_and_says_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
