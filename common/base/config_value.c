/* See config_value.h. */
#include "base/config_value.h"

#include "base/integer.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool copy_text(const char *value, struct config_text *text)
{
	size_t length = strlen(value);

	if (length >= sizeof(text->text))
		return false;
	memcpy(text->text, value, length + 1);
	return true;
}

static bool set_text(const struct config_key *key, const char *value)
{
	if (copy_text(value, key->target))
		return true;
	log_error("%s: longer than %d characters", key->name, CONFIG_TEXT_SIZE - 1);
	return false;
}

/* Whether choices ("a|b|c") has the word. */
static bool is_choice(const char *choices, const char *word, size_t word_length)
{
	while (*choices != '\0') {
		size_t length = strcspn(choices, "|");

		if (length == word_length && memcmp(choices, word, length) == 0)
			return true;
		choices += length;
		if (*choices == '|')
			choices++;
	}
	return false;
}

static bool set_choice(const struct config_key *key, const char *value)
{
	if (is_choice(key->choices, value, strlen(value)))
		return set_text(key, value);
	log_error("%s: must be one of %s", key->name, key->choices);
	return false;
}

/* Whether something stands between "://", or user and password, and the port or path. */
static bool names_host(const char *authority)
{
	size_t length = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', length);
	const char *host = at == NULL ? authority : at + 1;

	return host < authority + length && *host != ':';
}

static bool set_url(const struct config_key *key, const char *value)
{
	const char *colon = strstr(value, "://");

	if (colon == NULL || !is_choice(key->choices, value, (size_t)(colon - value)) ||
	    !names_host(colon + strlen("://"))) {
		log_error("%s: must be a URL that begins with one of %s and ://, and names a host",
			  key->name, key->choices);
		return false;
	}
	for (const char *byte = value; *byte != '\0'; byte++) {
		if ((unsigned char)*byte <= ' ' || (unsigned char)*byte > '~') {
			log_error("%s: has a blank or an unprintable character", key->name);
			return false;
		}
	}
	return set_text(key, value);
}

static bool parse_integer(const char *value, int64_t *number)
{
	int64_t parsed;
	bool negative = *value == '-';

	if (negative)
		value++;
	if (!integer_parse(value, strlen(value), &parsed))
		return false;
	*number = negative ? -parsed : parsed;
	return true;
}

static bool set_integer(const struct config_key *key, const char *value)
{
	int64_t number;

	if (!parse_integer(value, &number) || number < key->minimum || number > key->maximum) {
		log_error("%s: must be a whole number from %" PRId64 " to %" PRId64, key->name,
			  key->minimum, key->maximum);
		return false;
	}
	*(int64_t *)key->target = number;
	return true;
}

static bool set_shares(const struct config_key *key, const char *value)
{
	struct shares amount;

	if (!shares_parse(value, &amount) || shares_is_negative(amount) || shares_is_zero(amount)) {
		log_error("%s: must be a decimal number above 0, such as 1 or 0.5", key->name);
		return false;
	}
	*(struct shares *)key->target = amount;
	return true;
}

static bool set_usd(const struct config_key *key, const char *value)
{
	struct usd amount;

	if (!usd_parse(value, &amount) || usd_is_negative(amount) || usd_is_zero(amount)) {
		log_error("%s: must be a decimal number of dollars above 0, such as 25000",
			  key->name);
		return false;
	}
	*(struct usd *)key->target = amount;
	return true;
}

static bool set_address(const struct config_key *key, const char *value)
{
	if (evm_address_parse(value, key->target))
		return true;
	log_error("%s: must be an address: 0x and 40 hex digits", key->name);
	return false;
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct evm_address));
}

static void add_address(struct config_addresses *addresses, const struct evm_address *address)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (evm_address_equal(&addresses->items[i], address))
			return;
	}
	addresses->items[addresses->count++] = *address;
}

static bool parse_item(const char *item, size_t length, struct evm_address *address)
{
	char text[EVM_ADDRESS_TEXT_SIZE];

	while (length > 0 && *item == ' ') {
		item++;
		length--;
	}
	while (length > 0 && item[length - 1] == ' ')
		length--;
	if (length != sizeof(text) - 1)
		return false;
	memcpy(text, item, length);
	text[length] = '\0';
	return evm_address_parse(text, address);
}

static bool set_addresses(const struct config_key *key, const char *value)
{
	struct config_addresses parsed = {.count = 0};
	const char *item = value;

	for (;;) {
		size_t length = strcspn(item, ",");
		struct evm_address address;

		if (parsed.count == CONFIG_MAX_ADDRESSES || !parse_item(item, length, &address)) {
			log_error(
				"%s: must be 1 to %d addresses (0x and 40 hex digits each), comma "
				"separated",
				key->name, CONFIG_MAX_ADDRESSES);
			return false;
		}
		add_address(&parsed, &address);
		if (item[length] == '\0')
			break;
		item += length + 1;
	}
	qsort(parsed.items, parsed.count, sizeof(parsed.items[0]), compare_addresses);
	*(struct config_addresses *)key->target = parsed;
	return true;
}

bool config_set_value(const struct config_key *key, const char *value)
{
	switch (key->kind) {
	case CONFIG_KIND_TEXT:
		return set_text(key, value);
	case CONFIG_KIND_CHOICE:
		return set_choice(key, value);
	case CONFIG_KIND_URL:
		return set_url(key, value);
	case CONFIG_KIND_INTEGER:
		return set_integer(key, value);
	case CONFIG_KIND_SHARES:
		return set_shares(key, value);
	case CONFIG_KIND_USD:
		return set_usd(key, value);
	case CONFIG_KIND_ADDRESS:
		return set_address(key, value);
	case CONFIG_KIND_ADDRESSES:
		return set_addresses(key, value);
	}
	invariant_unreachable("a known kind");
}
