/* What the executor reads from its configuration, and which broker that means. */
#ifndef BALLAST_EXECUTOR_EXECUTOR_CONFIG_H
#define BALLAST_EXECUTOR_EXECUTOR_CONFIG_H

#include "base/compiler.h"
#include "base/config.h"
#include "base/settings.h"
#include "executor/broker.h"
#include "executor/executor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In locked memory. */
struct executor_secrets {
	struct config_text alpaca_key, alpaca_secret;
	struct config_text schwab_key, schwab_secret;
	struct config_text encryption_key;
};

struct executor_config {
	struct config_text database_path;
	struct log_settings log;
	struct config_text broker;
	struct config_text trading_mode;
	struct config_text market_hours;
	struct config_text allow_short;
	struct config_text ca_file;
	int64_t timeout_ms;
	int64_t reconcile_seconds;
	struct order_limits limits;

	int64_t dry_run_fill_delay_ms;
	struct config_text dry_run_script;

	struct config_text alpaca_url, alpaca_account;
	struct config_text schwab_url, schwab_account, schwab_redirect_uri;
	struct config_text encryption_key_file;
	struct executor_secrets *secrets;
};

#define EXECUTOR_KEYS_MAXIMUM 40

/* Fills keys, whose targets are in config; how many there are. config->secrets is set already. */
size_t executor_config_keys(struct executor_config *config,
			    struct config_key keys[EXECUTOR_KEYS_MAXIMUM]);

/*
 * Checks what a broker needs, sets what depends on other keys, and opens it; a command that needs
 * no broker (halt) works without its keys. False after logging all that is wrong. For Schwab the
 * database is opened, and made if need be.
 */
MUST_USE bool executor_config_open_broker(struct executor_config *config, struct broker *broker);

void executor_config_options(const struct executor_config *config, bool once,
			     struct executor_options *options);

/* Overwrites and gives back the secrets, once the broker has its own. */
void executor_config_forget(struct executor_config *config);

#endif
