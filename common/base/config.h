/*
 * Configuration: KEY=VALUE lines of one file, the environment wins. Every program lists the keys it
 * knows in a table; all problems are reported together, key by key, and end the process with
 * exit 78.
 *
 * File: UTF-8 lines; empty lines and lines that begin with '#' are skipped; KEY=VALUE with optional
 * blanks around both; a value may be wrapped in one pair of double quotes. The file may hold keys
 * of the other programs; a key that no program of the group knows is warned about by name (a typing
 * error, most likely).
 */
#ifndef BALLAST_BASE_CONFIG_H
#define BALLAST_BASE_CONFIG_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "base/evm_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_TEXT_SIZE     1024
#define CONFIG_MAX_ADDRESSES 32

struct config_text {
	char text[CONFIG_TEXT_SIZE]; /* "" when not set */
};

/* Sorted, without duplicates. */
struct config_addresses {
	struct evm_address items[CONFIG_MAX_ADDRESSES];
	size_t count;
};

bool config_addresses_contain(const struct config_addresses *addresses,
			      const struct evm_address *address);

enum config_kind {
	CONFIG_KIND_TEXT,      /* struct config_text */
	CONFIG_KIND_CHOICE,    /* struct config_text, one of the words in choices ("a|b|c") */
	CONFIG_KIND_URL,       /* struct config_text; its scheme is one of choices ("ws|wss") */
	CONFIG_KIND_INTEGER,   /* int64_t within minimum..maximum */
	CONFIG_KIND_SHARES,    /* struct shares, greater than zero */
	CONFIG_KIND_USD,       /* struct usd, greater than zero */
	CONFIG_KIND_ADDRESS,   /* struct evm_address */
	CONFIG_KIND_ADDRESSES, /* struct config_addresses, comma separated, at least one */
};

struct config_key {
	const char *name;
	enum config_kind kind;
	bool required;
	bool secret; /* text that only the environment and the file of secrets may give; never
			printed */
	const char *fallback; /* the default as text; NULL: empty (text), 0 (integer), all zero
				 (address) */
	int64_t minimum, maximum;
	const char *choices;
	const char *help; /* one line for --help */
	void *target;
};

/* NULL: there is none. */
struct config_files {
	const char *path;
	/*
	 * What it says counts more than path's. Refused when anybody but its owner, who is this
	 * process' user or root, has a right to it.
	 */
	const char *secrets_path;
};

/* One problem or more: each is logged as an error that names key and remedy. */
MUST_USE bool config_load(const struct config_key *keys, size_t key_count,
			  const struct config_files *files);

struct buffer;

/* The bytes of a text file that a value names. False after logging what is wrong. The caller frees
 * the buffer either way. */
MUST_USE bool config_read_file(const char *path, struct buffer *text);

/*
 * The bytes of a file that only its owner can read, as the file of secrets must be. False after
 * logging what is wrong, which never includes its contents. The caller frees the buffer either way.
 */
MUST_USE bool config_read_private_file(const char *path, struct buffer *text);

/* "KEY=value" lines for --check, URLs redacted, of secrets only whether they are set. */
void config_print(const struct config_key *keys, size_t key_count);

/*
 * The URL as it may be logged: scheme, host and port; user, password, path and query, where
 * providers put their API keys, become "...". Never fails: what is not a URL becomes "(unreadable
 * URL)".
 */
struct config_text config_redact_url(const char *url);

/* ws://host/x from http://host/x and the reverse (wss from https). False: not such a URL or too
 * long. */
MUST_USE bool config_switch_scheme(const char *url, bool to_websocket,
				   struct config_text *switched);

#endif
