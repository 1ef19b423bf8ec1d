/*
 * Table broker_tokens: what a broker's login gave, sealed. What is in it only the executor can
 * open; here it is text.
 */
#ifndef BALLAST_STORE_BROKER_TOKENS_H
#define BALLAST_STORE_BROKER_TOKENS_H

#include "base/clock.h"
#include "base/compiler.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Hex of a nonce, two tokens of at most 4 KiB, and a tag. */
#define BROKER_TOKENS_SEALED_SIZE 16640

/* How long Schwab's refresh token lives from login_at on, and how long before its end a person is
 * to be told. */
#define BROKER_LOGIN_LIFE_MS ((int64_t)7 * 24 * 60 * 60 * 1000)
#define BROKER_LOGIN_WARN_MS ((int64_t)48 * 60 * 60 * 1000)

struct broker_tokens_row {
	char broker[17];
	struct clock_text login_at;
	struct clock_text refreshed_at;
	struct clock_text access_expires_at;
	int64_t generation;
	char sealed[BROKER_TOKENS_SEALED_SIZE];
};

struct broker_tokens {
	struct store *store;
	struct statement find, find_generation, put;
};

void broker_tokens_open(struct broker_tokens *tokens, struct store *store);
void broker_tokens_close(struct broker_tokens *tokens);

MUST_USE bool broker_tokens_find(struct broker_tokens *tokens, const char *broker,
				 struct broker_tokens_row *row);

/* 0: there is no row. */
int64_t broker_tokens_generation(struct broker_tokens *tokens, const char *broker);

/* Inside a transaction: in place of what the broker had. */
void broker_tokens_put(struct broker_tokens *tokens, const struct broker_tokens_row *row);

#endif
