#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "monitor/listen_address.h"

static struct listen_address parsed(const char *text)
{
	struct listen_address address;

	assert_true(listen_address_parse(&address, text));
	return address;
}

static void addresses_are_numbers_and_a_port(void **state)
{
	static const char *const wrong[] = {
		"",
		":",
		"127.0.0.1",
		"127.0.0.1:",
		":80",
		"localhost:80",
		"127.1:80",
		"127.0.0.1:80 ",
		"127.0.0.1:+1",
		"::1:80",
		"[::1]",
		"[::1]80",
		"[::1:80",
		"[]:80",
		"[::g]:80",
		"[127.0.0.1]:80",
		"0:80",
		"1.2.3.4:65536",
		"[1:2]:80",
		"1.2.3.4:99999999999",
	};
	struct listen_address address;

	(void)state;
	assert_string_equal(parsed("127.0.0.1:9464").host, "127.0.0.1");
	assert_string_equal(parsed("[::1]:0").host, "[::1]");
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		if (listen_address_parse(&address, wrong[i]))
			fail_msg("taken: %s", wrong[i]);
	}
}

static void the_loopback_is_known(void **state)
{
	(void)state;
	assert_true(parsed("127.0.0.1:1").loopback);
	assert_true(parsed("127.9.9.9:1").loopback);
	assert_true(parsed("[::1]:1").loopback);
	assert_false(parsed("0.0.0.0:1").loopback);
	assert_false(parsed("[::]:1").loopback);
	assert_false(parsed("192.168.0.1:1").loopback);
}

static void the_loopback_answers_to_its_own_names(void **state)
{
	static const char *const own[] = {"localhost", "LocalHost:1", "127.0.0.1:65535",
					  "[::1]",     "[::1]:9464",  "127.0.0.9:80"};
	static const char *const others[] = {"",
					     "ballast.example",
					     "localhost.",
					     "localhost.example",
					     "127.0.0.1.nip.io",
					     "localhost:",
					     "localhost:1x",
					     "127.0.0.2",
					     "[::1]x",
					     "localhost:123456"};
	const struct listen_address address = parsed("127.0.0.9:80");
	const struct listen_address open = parsed("0.0.0.0:80");

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(own); i++)
		assert_true(listen_address_answers_to(&address, own[i]));
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		if (listen_address_answers_to(&address, others[i]))
			fail_msg("answered: %s", others[i]);
		assert_true(listen_address_answers_to(&open, others[i]));
	}
	assert_false(listen_address_answers_to(&address, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_numbers_and_a_port),
		cmocka_unit_test(the_loopback_is_known),
		cmocka_unit_test(the_loopback_answers_to_its_own_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
