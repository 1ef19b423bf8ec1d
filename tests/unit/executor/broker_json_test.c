/* Numbers, times and words as brokers really write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "executor/broker_json.h"

#include "base/clock.h"

#include <string.h>

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

static void every_form_of_a_number_reads_exactly(void **state)
{
	static const struct {
		const char *written, *plain;
	} numbers[] = {
		{"18.0", "18"},
		{"10", "10"},
		{"0", "0"},
		{"-0", "0"},
		{"0.10", "0.1"},
		{"150.1", "150.1"},
		{"1e3", "1000"},
		{"1.25E-2", "0.0125"},
		{"-1.25e1", "-12.5"},
		{"007", "7"},
		{"0.000", "0"},
		{"1E+2", "100"},
		{"1006387238791", "1006387238791"},
		{"0.000000000000000001", "0.000000000000000001"},
		{"1e-18", "0.000000000000000001"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		struct decimal_plain plain;
		struct shares read;
		struct shares wanted;

		assert_true(broker_number_plain(numbers[i].written, false, &plain));
		assert_true(shares_parse(plain.text, &read));
		assert_true(shares_parse(numbers[i].plain, &wanted));
		assert_int_equal(shares_compare(read, wanted), 0);
	}
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const words[] = {"",	   "+5",    ".5",    "5.",	 "abc",
					    "1e",  "1e99",  "--1",   "1 ",	 "0x10",
					    "NaN", "1,000", "1.2.3", "Infinity", "1e-99x"};
	struct decimal_plain plain;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		assert_false(broker_number_plain(words[i], false, &plain));
}

static void an_endless_average_is_cut_and_an_endless_quantity_refused(void **state)
{
	static const char endless[] = "33.3333333333333333333333";
	struct decimal_plain plain;
	struct shares value;

	(void)state;
	assert_true(broker_number_plain(endless, true, &plain));
	assert_string_equal(plain.text, "33.333333333333333333");
	assert_false(broker_number_plain(endless, false, &plain));
	assert_true(broker_number_plain("33.5000000000000000000000", false, &plain));
	assert_true(shares_parse(plain.text, &value));
	assert_string_equal(shares_text(value).text, "33.5");
}

static void a_number_is_read_whether_it_is_one_or_a_string(void **state)
{
	struct error error;
	struct shares value;
	struct usd price;
	json_t *root = broker_json_parse(
		bytes_of("{\"a\":150.1,\"b\":\"150.1\",\"c\":null,\"d\":\"x\",\"e\":[1]}"), "test",
		&error);

	(void)state;
	assert_non_null(root);
	assert_true(broker_json_shares(root, "a", &value));
	assert_string_equal(shares_text(value).text, "150.1");
	assert_true(broker_json_usd(root, "b", &price));
	assert_string_equal(usd_text(price).text, "150.1");
	assert_false(broker_json_shares(root, "c", &value));
	assert_false(broker_json_shares(root, "d", &value));
	assert_false(broker_json_shares(root, "e", &value));
	assert_false(broker_json_shares(root, "f", &value));
	json_decref(root);
}

static void digits_inside_strings_stay_what_they_are(void **state)
{
	struct error error;
	json_t *root =
		broker_json_parse(bytes_of("{\"a\":\"1.0 \\\" 2\",\"b\":-3.50}"), "test", &error);

	(void)state;
	assert_non_null(root);
	assert_string_equal(broker_json_text(root, "a"), "1.0 \" 2");
	assert_string_equal(broker_json_text(root, "b"), "-3.50");
	json_decref(root);
}

static void what_is_not_json_stays_so(void **state)
{
	static const char *const texts[] = {"",
					    "<html>",
					    "{\"a\":01}",
					    "{\"a\":1.}",
					    "{\"a\":-}",
					    "{\"a\":+1}",
					    "{\"a\":1.2.3}",
					    "{\"a\":1,\"a\":2}",
					    "{\"a\":1",
					    "upstream request timeout"};
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_null(broker_json_parse(bytes_of(texts[i]), "test", &error));
}

static void every_form_of_a_time_reads(void **state)
{
	static const struct {
		const char *written, *utc;
	} times[] = {
		{"2026-05-15T18:55:30+0000", "2026-05-15T18:55:30.000Z"},
		{"2026-05-15T18:55:30Z", "2026-05-15T18:55:30.000Z"},
		{"2026-05-15T14:55:30.123456789-04:00", "2026-05-15T18:55:30.123Z"},
		{"2024-10-18T09:30:00-04:00", "2024-10-18T13:30:00.000Z"},
		{"2026-01-01T00:00:00.5+0530", "2025-12-31T18:30:00.500Z"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
		int64_t wall_ms = 0;

		assert_true(broker_time_parse(times[i].written, &wall_ms));
		assert_string_equal(clock_text_of_ms(wall_ms).text, times[i].utc);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const words[] = {"",
					    "2026-05-15",
					    "2026-02-30T00:00:00Z",
					    "2026-05-15T18:55:30",
					    "2026-05-15T18:55:30+00",
					    "2026-05-15T18:55:30.Z",
					    "2026-05-15T18:55:30+9900",
					    "2026-05-15 18:55:30Z",
					    "1747335330"};
	int64_t wall_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		assert_false(broker_time_parse(words[i], &wall_ms));
}

static void what_a_broker_said_becomes_one_short_line(void **state)
{
	char text[24];

	(void)state;
	broker_words(bytes_of("<html>\r\n  <b>502\x1b[31m Bad Gateway</b>"), text, sizeof(text));
	assert_string_equal(text, "<html> <b>502 [31m Bad ");
	broker_words(bytes_of(""), text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_number_reads_exactly),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(an_endless_average_is_cut_and_an_endless_quantity_refused),
		cmocka_unit_test(a_number_is_read_whether_it_is_one_or_a_string),
		cmocka_unit_test(digits_inside_strings_stay_what_they_are),
		cmocka_unit_test(what_is_not_json_stays_so),
		cmocka_unit_test(every_form_of_a_time_reads),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(what_a_broker_said_becomes_one_short_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
