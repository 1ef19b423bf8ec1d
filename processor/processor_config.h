/* What the processor reads of the configuration. */
#ifndef BALLAST_PROCESSOR_PROCESSOR_CONFIG_H
#define BALLAST_PROCESSOR_PROCESSOR_CONFIG_H

#include "base/compiler.h"
#include "base/config.h"
#include "base/settings.h"
#include "processor/fill_details.h"
#include "processor/symbol_map.h"

#include <stdbool.h>
#include <stdint.h>

#define MOST_RETENTION_DAYS 10000

struct processor_config {
	struct config_text database_path;
	struct log_settings log;
	struct chain_settings chain;
	struct shares threshold;
	int64_t retry_seconds;
	int64_t retention_days;
	struct config_text symbol_map;
	int64_t require_mapped_tokens;
	struct config_text fill_details;
	struct evm_address pyth_contract;
	struct symbol_map symbols; /* of the two above, by processor_config_complete */
};

/* The rows of the table of keys. */
#define PROCESSOR_CONFIG_KEYS(config_)                                                             \
	SETTINGS_DATABASE_PATH(&(config_)->database_path), SETTINGS_LOG(&(config_)->log),          \
		SETTINGS_CHAIN(&(config_)->chain),                                                 \
		{.name = "HEDGE_THRESHOLD_SHARES",                                                 \
		 .kind = CONFIG_KIND_SHARES,                                                       \
		 .fallback = "1",                                                                  \
		 .help = "hedge a ticker's whole shares when its unhedged position reaches this",  \
		 .target = &(config_)->threshold},                                                 \
		{.name = "HEDGE_RETRY_SECONDS",                                                    \
		 .kind = CONFIG_KIND_INTEGER,                                                      \
		 .fallback = "1",                                                                  \
		 .minimum = 0,                                                                     \
		 .maximum = 3600,                                                                  \
		 .help = "wait after a hedge of which nothing filled; doubled each time, 300 at "  \
			 "most",                                                                   \
		 .target = &(config_)->retry_seconds},                                             \
		{.name = "RETENTION_DAYS",                                                         \
		 .kind = CONFIG_KIND_INTEGER,                                                      \
		 .fallback = "0",                                                                  \
		 .minimum = 0,                                                                     \
		 .maximum = MOST_RETENTION_DAYS,                                                   \
		 .help = "move the raw data of settled events into DATABASE_PATH.archive after "   \
			 "so many days (0: keep all)",                                             \
		 .target = &(config_)->retention_days},                                            \
		{.name = "FILL_DETAILS",                                                           \
		 .kind = CONFIG_KIND_CHOICE,                                                       \
		 .fallback = "trace",                                                              \
		 .choices = "trace|receipt|off",                                                   \
		 .help = "what is found out about a fill when it is booked: gas from its "         \
			 "receipt, "                                                               \
			 "and with trace the price its order read",                                \
		 .target = &(config_)->fill_details},                                              \
		{.name = "PYTH_CONTRACT",                                                          \
		 .kind = CONFIG_KIND_ADDRESS,                                                      \
		 .fallback = "0x8250f4aF4B972684F7b336503E2D6dFeDeB1487a",                         \
		 .help = "the Pyth contract whose prices orders read (the default is Base's)",     \
		 .target = &(config_)->pyth_contract},                                             \
		{.name = "SYMBOL_MAP",                                                             \
		 .kind = CONFIG_KIND_TEXT,                                                         \
		 .help = "ADDRESS=TICKER or SYMBOL=TICKER, comma separated, or @FILE of them; "    \
			 "wtTICKER for wrapped shares",                                            \
		 .target = &(config_)->symbol_map},                                                \
	{                                                                                          \
		.name = "REQUIRE_MAPPED_TOKENS", .kind = CONFIG_KIND_INTEGER, .fallback = "0",     \
		.minimum = 0, .maximum = 1,                                                        \
		.help = "1: quarantine fills of tokens that SYMBOL_MAP does not name, USDC too",   \
		.target = &(config_)->require_mapped_tokens                                        \
	}

/* Checks between keys, and the map. Fits process_usage.complete; context is the struct
 * processor_config. */
bool processor_config_complete(void *context);

bool processor_config_wants_details(const struct processor_config *config);
struct fill_details_settings processor_config_fill_details(const struct processor_config *config);

#endif
