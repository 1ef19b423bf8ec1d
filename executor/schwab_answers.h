/*
 * What Schwab's Trader API answers, read into our terms. Pure. Sources: Schwab's OpenAPI documents
 * "Trader API - Account Access and User Preferences" and "Market Data"; for what they do not say
 * (closed days, the time format of replies, legs of rejected orders), recorded replies.
 */
#ifndef BALLAST_EXECUTOR_SCHWAB_ANSWERS_H
#define BALLAST_EXECUTOR_SCHWAB_ANSWERS_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "executor/broker.h"
#include "executor/order_allowance.h"

#include <stdbool.h>
#include <stdint.h>

#define SCHWAB_WORD_SIZE  41
#define SCHWAB_HASH_SIZE  129
#define SCHWAB_TOKEN_SIZE 4096

struct schwab_order {
	char id[21]; /* digits: a 64-bit number */
	char status[SCHWAB_WORD_SIZE];
	char order_type[SCHWAB_WORD_SIZE];
	char instruction[SCHWAB_WORD_SIZE];
	char symbol[SYMBOL_SIZE]; /* "" when the answer has none */
	struct shares quantity;
	struct shares filled_shares; /* filledQuantity */
	struct shares leg_shares;    /* the sum of the EXECUTION/FILL legs */
	bool has_average_price;
	struct usd average_price; /* over those legs */
	bool has_entered_at;
	int64_t entered_at_ms;
	char description[EXECUTION_ERROR_SIZE]; /* statusDescription */
};

/* Of a word for an order's status. A word that is not in the document is an open order's. */
enum broker_order_state schwab_order_state(const char *status);

/* False for an instruction that is neither a kind of buying nor of selling. */
MUST_USE bool schwab_direction(const char *instruction, enum direction *direction);

/* Share classes are written BRK.B or BRK/B: the same. */
bool schwab_same_symbol(const char *a, const char *b);

/* What to ask for; NULL for an effect that the direction cannot have. */
const char *schwab_instruction(enum direction direction, enum order_effect effect);

/* OK, or REJECTED: not an order. */
enum outcome schwab_read_order(struct bytes text, struct schwab_order *order, struct error *error);

/* A list of orders, one after another into visit. REJECTED: not a list; what is no order in it is
 * passed over. */
typedef void schwab_visit_fn(void *context, const struct schwab_order *order);
enum outcome schwab_read_orders(struct bytes text, schwab_visit_fn *visit, void *context,
				int64_t *count, struct error *error);

/*
 * What a read order means for us. OK, or UNKNOWN while its legs do not add up to what it says was
 * filled (they may come later).
 */
enum outcome schwab_report(const struct schwab_order *order, struct broker_report *report,
			   struct error *error);

/*
 * Whether an order of the account can be the one that was sent: symbol, side, quantity and type are
 * the same, and it was entered no earlier than the intent, less a tolerance for clocks.
 */
bool schwab_order_matches(const struct schwab_order *order, const struct broker_order *sent);

/* The digits behind ".../orders/" in a Location header. False: it has none. */
MUST_USE bool schwab_order_id_of(const char *location, char *order_id, size_t size);

/* What became of an order that was answered with another status than 201. */
enum outcome schwab_judge_refusal(long status, struct bytes body, struct error *error);

/* The hash that stands for the account in paths. REJECTED: the login has no such account. */
enum outcome schwab_read_account_hash(struct bytes text, const char *account_number, char *hash,
				      size_t size, struct error *error);

/* What the account holds of the symbol, and its dollars. description: of the account, for people.
 */
enum outcome schwab_read_account(struct bytes text, const struct symbol *symbol,
				 struct account_state *state, char *description, size_t size,
				 struct error *error);

/* The regular session of the day that was asked for, seen from now_ms. */
enum outcome schwab_read_market(struct bytes text, int64_t now_ms, struct broker_market *market,
				struct error *error);

/* To be kept in locked memory. */
struct schwab_tokens {
	char access[SCHWAB_TOKEN_SIZE];
	char refresh[SCHWAB_TOKEN_SIZE];
	int64_t expires_in_s;
};
/*
 * An answer of the token endpoint. OK; REJECTED: a person must log in again; RETRY: anything else.
 * No token stands in error.
 */
enum outcome schwab_read_tokens(long status, struct bytes text, struct schwab_tokens *tokens,
				struct error *error);

#endif
