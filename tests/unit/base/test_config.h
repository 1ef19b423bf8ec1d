/* A key of every kind, and how the tests of the configuration give them values. */
#ifndef BALLAST_TESTS_BASE_TEST_CONFIG_H
#define BALLAST_TESTS_BASE_TEST_CONFIG_H

#include "unit/store/test_store.h"

#include "base/config.h"

struct values {
	struct config_text text, choice, url;
	int64_t integer;
	struct shares shares;
	struct evm_address address;
	struct config_addresses addresses;
};

static struct values values;

#define ADDRESS_A "0x00000000000000000000000000000000000000aa"
#define ADDRESS_B "0x00000000000000000000000000000000000000bb"

static const struct config_key keys[] = {
	{.name = "TEST_TEXT",
	 .kind = CONFIG_KIND_TEXT,
	 .fallback = "default",
	 .target = &values.text},
	{.name = "TEST_CHOICE",
	 .kind = CONFIG_KIND_CHOICE,
	 .fallback = "one",
	 .choices = "one|two",
	 .target = &values.choice},
	{.name = "TEST_URL", .kind = CONFIG_KIND_URL, .choices = "ws|wss", .target = &values.url},
	{.name = "TEST_INTEGER",
	 .kind = CONFIG_KIND_INTEGER,
	 .fallback = "5",
	 .minimum = -3,
	 .maximum = 10,
	 .target = &values.integer},
	{.name = "TEST_SHARES",
	 .kind = CONFIG_KIND_SHARES,
	 .fallback = "1",
	 .target = &values.shares},
	{.name = "TEST_ADDRESS",
	 .kind = CONFIG_KIND_ADDRESS,
	 .required = true,
	 .help = "an address",
	 .target = &values.address},
	{.name = "TEST_ADDRESSES", .kind = CONFIG_KIND_ADDRESSES, .target = &values.addresses},
};

static inline int set_up(void **state)
{
	(void)state;
	memset(&values, 0, sizeof(values));
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		unsetenv(keys[i].name);
	setenv("TEST_ADDRESS", ADDRESS_A, 1);
	return 0;
}

static inline bool load(void)
{
	return config_load(keys, ARRAY_LENGTH(keys), &(struct config_files){.path = NULL});
}

static inline bool load_with(const char *name, const char *value)
{
	bool good;

	setenv(name, value, 1);
	good = load();
	unsetenv(name);
	return good;
}

static inline bool load_bytes(const char *text, size_t length)
{
	char path[] = "/tmp/ballast-config-XXXXXX";
	int fd = mkstemp(path);
	bool good;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	close(fd);
	good = config_load(keys, ARRAY_LENGTH(keys), &(struct config_files){.path = path});
	unlink(path);
	return good;
}

static inline bool load_file(const char *text)
{
	return load_bytes(text, strlen(text));
}

static inline const struct config_key *key_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	fail_msg("no such key: %s", name);
	return NULL;
}

#endif
