/*
 * A configuration: its file, its values, its URLs. The first byte chooses.
 *
 *	'f'    the rest is the text of a file
 *	'v'    the rest is a value: for every kind of key
 *	'u'    the rest, cut at blanks, is the parts of a URL: user, host, path
 */
#include "fuzz/fuzz.h"

#include "base/config.h"
#include "base/config_value.h"
#include "base/log.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct values {
	struct config_text text, choice, url;
	int64_t integer;
	struct shares shares;
	struct evm_address address;
	struct config_addresses addresses;
};

static struct values values;

enum key { KEY_TEXT, KEY_CHOICE, KEY_URL, KEY_INTEGER, KEY_SHARES, KEY_ADDRESS, KEY_ADDRESSES };

static const struct config_key keys[] = {
	{.name = "TEXT", .kind = CONFIG_KIND_TEXT, .fallback = "default", .target = &values.text},
	{.name = "CHOICE",
	 .kind = CONFIG_KIND_CHOICE,
	 .fallback = "one",
	 .choices = "one|two",
	 .target = &values.choice},
	{.name = "URL", .kind = CONFIG_KIND_URL, .choices = "ws|wss", .target = &values.url},
	{.name = "INTEGER",
	 .kind = CONFIG_KIND_INTEGER,
	 .fallback = "5",
	 .minimum = -3,
	 .maximum = INT64_MAX,
	 .target = &values.integer},
	{.name = "SHARES", .kind = CONFIG_KIND_SHARES, .fallback = "1", .target = &values.shares},
	{.name = "ADDRESS", .kind = CONFIG_KIND_ADDRESS, .target = &values.address},
	{.name = "ADDRESSES", .kind = CONFIG_KIND_ADDRESSES, .target = &values.addresses},
};

static struct values untouched(void)
{
	struct values filled;

	memset(&filled, 0x77, sizeof(filled));
	return filled;
}

static bool same_values(const struct values *a, const struct values *b)
{
	if (strcmp(a->text.text, b->text.text) != 0 ||
	    strcmp(a->choice.text, b->choice.text) != 0 || strcmp(a->url.text, b->url.text) != 0 ||
	    a->integer != b->integer || a->shares.units != b->shares.units ||
	    !evm_address_equal(&a->address, &b->address) ||
	    a->addresses.count != b->addresses.count)
		return false;
	return memcmp(a->addresses.items, b->addresses.items,
		      a->addresses.count * sizeof(a->addresses.items[0])) == 0;
}

static bool load(struct bytes text, struct values *loaded)
{
	int fd = memfd_create("configuration", MFD_CLOEXEC);
	char path[64];
	bool good;

	fuzz_require(fd >= 0);
	fuzz_require(write(fd, text.data, text.length) == (ssize_t)text.length);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(&values, 0, sizeof(values));
	good = config_load(keys, ARRAY_LENGTH(keys), &(struct config_files){.path = path});
	(void)close(fd);
	*loaded = values;
	return good;
}

/* A value as it stands in the file, so that every blank and quote in it survives. */
static bool append_value(struct buffer *file, const struct config_key *key)
{
	const struct config_addresses *addresses = key->target;
	bool fits = buffer_append_format(file, "%s=\"", key->name);

	switch (key->kind) {
	case CONFIG_KIND_TEXT:
	case CONFIG_KIND_CHOICE:
	case CONFIG_KIND_URL:
		fits = fits && buffer_append_text(file, key->target);
		break;
	case CONFIG_KIND_INTEGER:
		fits = fits && buffer_append_format(file, "%" PRId64, *(int64_t *)key->target);
		break;
	case CONFIG_KIND_SHARES:
		fits = fits &&
		       buffer_append_text(file, shares_text(*(struct shares *)key->target).text);
		break;
	case CONFIG_KIND_USD:
		fits = fits && buffer_append_text(file, usd_text(*(struct usd *)key->target).text);
		break;
	case CONFIG_KIND_ADDRESS:
		fits = fits && buffer_append_text(file, evm_address_text(key->target).text);
		break;
	case CONFIG_KIND_ADDRESSES:
		for (size_t i = 0; i < addresses->count && fits; i++)
			fits = buffer_append_format(file, "%s%s", i == 0 ? "" : ", ",
						    evm_address_text(&addresses->items[i]).text);
		break;
	}
	return fits && buffer_append_text(file, "\"\n");
}

/* What is in values, written to a file, loads as the same. */
static void check_written(const struct values *expected)
{
	struct buffer file;
	struct values back;

	buffer_init(&file, BUFFER_MAX_CONFIG);
	values = *expected;
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		fuzz_require(append_value(&file, &keys[i]));
	fuzz_require(load((struct bytes){file.bytes, file.length}, &back));
	fuzz_require(same_values(expected, &back));
	buffer_free(&file);
}

/* What came last and what a value may be. */
static void check_values(const struct values *loaded)
{
	fuzz_require(memchr(loaded->text.text, '\0', CONFIG_TEXT_SIZE) != NULL);
	fuzz_require(strcmp(loaded->choice.text, "one") == 0 ||
		     strcmp(loaded->choice.text, "two") == 0);
	fuzz_require(loaded->url.text[0] == '\0' || strncmp(loaded->url.text, "ws://", 5) == 0 ||
		     strncmp(loaded->url.text, "wss://", 6) == 0);
	fuzz_require(loaded->integer >= -3 && loaded->shares.units > 0);
	fuzz_require(loaded->addresses.count <= CONFIG_MAX_ADDRESSES);
	for (size_t i = 1; i < loaded->addresses.count; i++)
		fuzz_require(memcmp(&loaded->addresses.items[i - 1], &loaded->addresses.items[i],
				    sizeof(loaded->addresses.items[0])) < 0);
}

/* The same with a comment above and every line ended as DOS does. */
static void check_dressed(struct bytes text, bool expected_good, const struct values *expected)
{
	struct buffer dressed;
	struct values again;
	bool good;

	buffer_init(&dressed, BUFFER_MAX_CONFIG);
	fuzz_require(buffer_append_text(&dressed, " # TEXT=comment\r\n\t\r\n"));
	for (size_t i = 0; i < text.length; i++)
		fuzz_require((text.data[i] != '\n' || buffer_append_text(&dressed, "\r")) &&
			     buffer_append(&dressed, &text.data[i], 1));
	good = load((struct bytes){dressed.bytes, dressed.length}, &again);
	fuzz_require(good == expected_good);
	fuzz_require(!good || same_values(expected, &again));
	buffer_free(&dressed);
}

/* A file is refused exactly when somebody is told why (unknown keys are warnings). */
static void check_file(struct bytes text)
{
	struct values loaded;
	size_t lines = fuzz_log_lines();
	bool good = load(text, &loaded);

	fuzz_require(good || fuzz_log_lines() > lines);
	if (good) {
		fuzz_require(memchr(text.data, '\0', text.length) == NULL);
		check_values(&loaded);
		check_written(&loaded);
	}
	check_dressed(text, good, &loaded);
}

/* The value in a file of its own: whole, or refused when it is too long. */
static void check_in_file(const char *value)
{
	struct buffer file;
	struct values loaded;
	bool good;

	if (value[0] == '\0' || strchr(value, '\n') != NULL)
		return;
	buffer_init(&file, BUFFER_MAX_CONFIG);
	fuzz_require(buffer_append_format(&file, "\tTEXT = \"%s\" ", value));
	good = load((struct bytes){file.bytes, file.length}, &loaded);
	fuzz_require(good == (strlen(value) < CONFIG_TEXT_SIZE));
	fuzz_require(!good || strcmp(loaded.text.text, value) == 0);
	buffer_free(&file);
}

/* A log line as a machine reads it. */
static void check_json_line(void)
{
	json_t *line = json_loads(fuzz_last_log_line(), JSON_REJECT_DUPLICATES, NULL);

	fuzz_require(json_is_object(line));
	fuzz_require(strcmp(json_string_value(json_object_get(line, "program")), "fuzz") == 0);
	json_decref(line);
}

static void check_value(const char *value)
{
	const struct values before = untouched();

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		size_t lines = fuzz_log_lines();
		bool good;

		values = before;
		good = config_set_value(&keys[i], value);
		fuzz_require(good == (fuzz_log_lines() == lines));
		if (!good)
			fuzz_require(memcmp(&values, &before, sizeof(values)) == 0);
	}
	values = before;
	if (config_set_value(&keys[KEY_TEXT], value))
		fuzz_require(strcmp(values.text.text, value) == 0);
	if (config_set_value(&keys[KEY_URL], value)) {
		fuzz_require(strcmp(values.url.text, value) == 0);
		fuzz_require(strpbrk(value, " \t\r\n\x7f") == NULL);
	}
	check_in_file(value);
	/* Whatever it is, as a line of the log it is one. */
	log_start("fuzz", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info("value=%s other=%s", value, value);
	check_json_line();
	log_info("%s", value);
	check_json_line();
	log_start("fuzz", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
}

#define SECRET "S3CR3T"

static void check_switched(const char *url)
{
	struct config_text http;
	struct config_text back;

	fuzz_require(!config_switch_scheme(url, true, &http));
	if (!config_switch_scheme(url, false, &http))
		return;
	fuzz_require(strncmp(http.text, "https://", 8) == 0);
	fuzz_require(config_switch_scheme(http.text, true, &back));
	fuzz_require(strcmp(back.text, url) == 0);
}

/* Whatever stands around it: what is secret does not come out. */
static void check_redacted(const char *url)
{
	struct config_text redacted = config_redact_url(url);

	fuzz_require(memchr(redacted.text, '\0', sizeof(redacted.text)) != NULL);
	fuzz_require(strstr(redacted.text, SECRET) == NULL);
	values = untouched();
	if (config_set_value(&keys[KEY_URL], url))
		check_switched(url);
}

static void check_url(char *user)
{
	char *host = strchr(user, ' ');
	char *path;
	char url[8192]; /* the longest input three times: none is cut before its "@" */

	/* What is secret stands only where it is put below. */
	if (host == NULL || strstr(user, "S3") != NULL)
		return;
	*host++ = '\0';
	path = strchr(host, ' ');
	if (path == NULL)
		return;
	*path++ = '\0';
	(void)snprintf(url, sizeof(url), "wss://%s" SECRET "@node.example%s", user, path);
	check_redacted(url);
	(void)snprintf(url, sizeof(url), "wss://%s:" SECRET "%s@%s/%s", user, path, host, path);
	check_redacted(url);
	(void)snprintf(url, sizeof(url), "wss://node.example:8546/%s" SECRET "%s", user, path);
	check_redacted(url);
	(void)snprintf(url, sizeof(url), "wss://node.example?%s" SECRET "%s", user, path);
	check_redacted(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = {.data = data, .length = size};
	uint8_t choice = fuzz_take_byte(&rest);
	char *text = fuzz_text(rest);

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		(void)unsetenv(keys[i].name);
	if (choice == 'f')
		check_file(rest);
	else if (choice == 'v')
		check_value(text);
	else if (choice == 'u')
		check_url(text);
	else
		(void)config_redact_url(text);
	memory_free(text);
	return 0;
}
