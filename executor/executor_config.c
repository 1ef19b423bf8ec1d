/* See executor_config.h. */
#include "executor/executor_config.h"

#include "base/log.h"
#include "executor/broker_alpaca.h"
#include "executor/broker_dry_run.h"
#include "executor/broker_http.h"
#include "executor/broker_schwab.h"
#include "executor/locked_memory.h"

#include <stdio.h>
#include <string.h>

#define ALPACA_PAPER "https://paper-api.alpaca.markets"
#define ALPACA_LIVE  "https://api.alpaca.markets"
#define SCHWAB_LIVE  "https://api.schwabapi.com"

static bool is_set(const struct config_text *text)
{
	return text->text[0] != '\0';
}

static bool is_word(const struct config_text *text, const char *word)
{
	return strcmp(text->text, word) == 0;
}

size_t executor_config_keys(struct executor_config *config,
			    struct config_key keys[EXECUTOR_KEYS_MAXIMUM])
{
	struct executor_secrets *secrets = config->secrets;
	const struct config_key all[] = {
		SETTINGS_DATABASE_PATH(&config->database_path),
		SETTINGS_LOG(&config->log),
		{.name = "BROKER",
		 .kind = CONFIG_KIND_CHOICE,
		 .fallback = "dry-run",
		 .choices = "dry-run|alpaca|schwab",
		 .help = "where orders go",
		 .target = &config->broker},
		{.name = "TRADING_MODE",
		 .kind = CONFIG_KIND_CHOICE,
		 .fallback = "paper",
		 .choices = "paper|live",
		 .help = "live: real money; asks for account number and limits",
		 .target = &config->trading_mode},
		{.name = "MARKET_HOURS",
		 .kind = CONFIG_KIND_CHOICE,
		 .fallback = "enforce",
		 .choices = "enforce|ignore",
		 .help = "orders wait while the broker's market is closed",
		 .target = &config->market_hours},
		{.name = "ALLOW_SHORT",
		 .kind = CONFIG_KIND_CHOICE,
		 .fallback = "0",
		 .choices = "0|1",
		 .help = "1: sell what the account does not hold",
		 .target = &config->allow_short},
		{.name = "ALLOWED_SYMBOLS",
		 .kind = CONFIG_KIND_TEXT,
		 .help = "tickers that may be traded, comma separated (empty: all)",
		 .target = &config->limits.allowed_symbols},
		{.name = "MAX_ORDER_SHARES",
		 .kind = CONFIG_KIND_SHARES,
		 .help = "no order for more shares (live: needed)",
		 .target = &config->limits.order_shares},
		{.name = "MAX_ORDER_NOTIONAL",
		 .kind = CONFIG_KIND_USD,
		 .help = "no order for more dollars, at the last known price (live: needed)",
		 .target = &config->limits.order_notional},
		{.name = "MAX_DAILY_ORDERS",
		 .kind = CONFIG_KIND_INTEGER,
		 .minimum = 0,
		 .maximum = 1000000,
		 .help = "no more orders a day of UTC; 0: no limit (live: needed)",
		 .target = &config->limits.daily_orders},
		{.name = "RECONCILE_SECONDS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "60",
		 .minimum = 1,
		 .maximum = 86400,
		 .help = "how long an order that may have been placed is looked for",
		 .target = &config->reconcile_seconds},
		{.name = "BROKER_TIMEOUT_MS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "15000",
		 .minimum = 100,
		 .maximum = 600000,
		 .help = "how long one request to the broker may take",
		 .target = &config->timeout_ms},
		{.name = "BROKER_CA_FILE",
		 .kind = CONFIG_KIND_TEXT,
		 .help = "PEM file of authorities to trust for the broker instead of the system's",
		 .target = &config->ca_file},
		{.name = "ALPACA_BASE_URL",
		 .kind = CONFIG_KIND_URL,
		 .choices = "https|http",
		 .help = "(" ALPACA_PAPER ", live " ALPACA_LIVE ")",
		 .target = &config->alpaca_url},
		{.name = "ALPACA_ACCOUNT_NUMBER",
		 .kind = CONFIG_KIND_TEXT,
		 .help = "refuse any other account (live: needed)",
		 .target = &config->alpaca_account},
		{.name = "ALPACA_API_KEY",
		 .kind = CONFIG_KIND_TEXT,
		 .secret = true,
		 .help = "secret; alpaca: needed",
		 .target = &secrets->alpaca_key},
		{.name = "ALPACA_API_SECRET",
		 .kind = CONFIG_KIND_TEXT,
		 .secret = true,
		 .help = "secret; alpaca: needed",
		 .target = &secrets->alpaca_secret},
		{.name = "SCHWAB_BASE_URL",
		 .kind = CONFIG_KIND_URL,
		 .choices = "https|http",
		 .fallback = SCHWAB_LIVE,
		 .help = "Schwab has no paper trading",
		 .target = &config->schwab_url},
		{.name = "SCHWAB_ACCOUNT_NUMBER",
		 .kind = CONFIG_KIND_TEXT,
		 .help = "which account of the login trades; schwab: needed",
		 .target = &config->schwab_account},
		{.name = "SCHWAB_REDIRECT_URI",
		 .kind = CONFIG_KIND_URL,
		 .choices = "https",
		 .fallback = "https://127.0.0.1",
		 .help = "the app's callback, exactly as registered",
		 .target = &config->schwab_redirect_uri},
		{.name = "SCHWAB_APP_KEY",
		 .kind = CONFIG_KIND_TEXT,
		 .secret = true,
		 .help = "secret; schwab: needed",
		 .target = &secrets->schwab_key},
		{.name = "SCHWAB_APP_SECRET",
		 .kind = CONFIG_KIND_TEXT,
		 .secret = true,
		 .help = "secret; schwab: needed",
		 .target = &secrets->schwab_secret},
		{.name = "ENCRYPTION_KEY",
		 .kind = CONFIG_KIND_TEXT,
		 .secret = true,
		 .help = "secret; 64 hex digits that seal Schwab's tokens in the database",
		 .target = &secrets->encryption_key},
		{.name = "ENCRYPTION_KEY_FILE",
		 .kind = CONFIG_KIND_TEXT,
		 .help = "a file with them that only its owner can read",
		 .target = &config->encryption_key_file},
		{.name = "DRY_RUN_FILL_DELAY_MS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "0",
		 .minimum = 0,
		 .maximum = 86400000,
		 .help = "dry run: from order to fill",
		 .target = &config->dry_run_fill_delay_ms},
		{.name = "DRY_RUN_SCRIPT",
		 .kind = CONFIG_KIND_TEXT,
		 .help = "dry run: what the first orders meet (fill, refuse, unreachable, lost, "
			 "expire, partial:N), comma separated",
		 .target = &config->dry_run_script},
	};

	_Static_assert(ARRAY_LENGTH(all) <= EXECUTOR_KEYS_MAXIMUM, "keys do not fit");
	memcpy(keys, all, sizeof(all));
	return ARRAY_LENGTH(all);
}

static bool need(bool given, const char *key, const char *why)
{
	if (!given)
		log_error("%s: is missing (%s)", key, why);
	return given;
}

static bool need_safe_url(const struct config_text *url, const char *key)
{
	if (broker_http_url_is_safe(url->text))
		return true;
	log_error("%s: must be https:// (http:// only to the loopback)", key);
	return false;
}

/* Real money is asked for twice: by the mode, and by naming what bounds it. */
static bool complete_live(const struct executor_config *config)
{
	bool good = true;

	if (!is_word(&config->trading_mode, "live"))
		return true;
	good = need(!shares_is_zero(config->limits.order_shares), "MAX_ORDER_SHARES",
		    "TRADING_MODE=live") &&
	       good;
	good = need(!usd_is_zero(config->limits.order_notional), "MAX_ORDER_NOTIONAL",
		    "TRADING_MODE=live") &&
	       good;
	good = need(config->limits.daily_orders > 0, "MAX_DAILY_ORDERS", "TRADING_MODE=live") &&
	       good;
	if (is_word(&config->broker, "alpaca"))
		good = need(is_set(&config->alpaca_account), "ALPACA_ACCOUNT_NUMBER",
			    "TRADING_MODE=live") &&
		       good;
	return good;
}

static bool complete_alpaca(struct executor_config *config)
{
	static const char live_host[] = "://api.alpaca.markets";
	bool live = is_word(&config->trading_mode, "live");
	bool good;

	if (!is_set(&config->alpaca_url))
		(void)snprintf(config->alpaca_url.text, sizeof(config->alpaca_url.text), "%s",
			       live ? ALPACA_LIVE : ALPACA_PAPER);
	good = need_safe_url(&config->alpaca_url, "ALPACA_BASE_URL");
	if (!live && strstr(config->alpaca_url.text, live_host) != NULL) {
		log_error(
			"ALPACA_BASE_URL: is the live one: set TRADING_MODE=live too, or neither");
		good = false;
	}
	if (live && strstr(config->alpaca_url.text, "://paper-api.") != NULL) {
		log_error("ALPACA_BASE_URL: is the paper one, but TRADING_MODE=live");
		good = false;
	}
	good = need(is_set(&config->secrets->alpaca_key), "ALPACA_API_KEY", "BROKER=alpaca") &&
	       good;
	return need(is_set(&config->secrets->alpaca_secret), "ALPACA_API_SECRET",
		    "BROKER=alpaca") &&
	       good;
}

static bool complete_schwab(const struct executor_config *config)
{
	bool good = need_safe_url(&config->schwab_url, "SCHWAB_BASE_URL");

	if (!is_word(&config->trading_mode, "live") && is_word(&config->schwab_url, SCHWAB_LIVE)) {
		log_error("TRADING_MODE: Schwab has no paper trading: set live, or BROKER=dry-run");
		good = false;
	}
	good = need(is_set(&config->secrets->schwab_key), "SCHWAB_APP_KEY", "BROKER=schwab") &&
	       good;
	good = need(is_set(&config->secrets->schwab_secret), "SCHWAB_APP_SECRET",
		    "BROKER=schwab") &&
	       good;
	if (is_set(&config->secrets->encryption_key) == is_set(&config->encryption_key_file)) {
		log_error("set one of ENCRYPTION_KEY and ENCRYPTION_KEY_FILE (64 hex digits; make "
			  "one: openssl rand -hex 32)");
		good = false;
	}
	return need(is_set(&config->schwab_account), "SCHWAB_ACCOUNT_NUMBER", "BROKER=schwab") &&
	       good;
}

static bool complete(struct executor_config *config)
{
	bool good = true;

	if (is_word(&config->broker, "dry-run"))
		return true;
	if (is_word(&config->broker, "alpaca"))
		good = complete_alpaca(config);
	else if (is_word(&config->broker, "schwab"))
		good = complete_schwab(config);
	return complete_live(config) && good;
}

static bool fits(const struct config_text *text, size_t size, const char *key)
{
	if (strlen(text->text) < size)
		return true;
	log_error("%s: is too long", key);
	return false;
}

static bool open_alpaca(const struct executor_config *config, struct broker *broker)
{
	const struct alpaca_options options = {
		.base_url = config->alpaca_url.text,
		.ca_file = config->ca_file.text,
		.timeout_ms = config->timeout_ms,
		.reconcile_ms = config->reconcile_seconds * 1000,
		.key = config->secrets->alpaca_key.text,
		.secret = config->secrets->alpaca_secret.text,
		.account_number = config->alpaca_account.text,
		.allow_short = is_word(&config->allow_short, "1"),
	};

	if (!fits(&config->alpaca_account, BROKER_ACCOUNT_NUMBER_SIZE, "ALPACA_ACCOUNT_NUMBER"))
		return false;
	broker_alpaca_open(broker, &options);
	return true;
}

static bool open_schwab(const struct executor_config *config, struct broker *broker)
{
	struct schwab_options options = {
		.base_url = config->schwab_url.text,
		.ca_file = config->ca_file.text,
		.timeout_ms = config->timeout_ms,
		.reconcile_ms = config->reconcile_seconds * 1000,
		.account_number = config->schwab_account.text,
		.allow_short = is_word(&config->allow_short, "1"),
		.session = {.database_path = config->database_path.text,
			    .app_key = config->secrets->schwab_key.text,
			    .app_secret = config->secrets->schwab_secret.text,
			    .redirect_uri = config->schwab_redirect_uri.text},
	};

	if (!fits(&config->schwab_account, BROKER_ACCOUNT_NUMBER_SIZE, "SCHWAB_ACCOUNT_NUMBER"))
		return false;
	options.session.box = token_box_open(config->secrets->encryption_key.text,
					     config->encryption_key_file.text);
	if (options.session.box == NULL)
		return false;
	broker_schwab_open(broker, &options);
	return true;
}

bool executor_config_open_broker(struct executor_config *config, struct broker *broker)
{
	const struct dry_run_options dry_run = {
		.fill_delay_ms = config->dry_run_fill_delay_ms,
		.script = config->dry_run_script.text,
	};

	if (!complete(config)) {
		log_error("configuration is not usable: mend what is named above (--help lists the "
			  "keys)");
		return false;
	}
	if (is_word(&config->broker, "alpaca"))
		return open_alpaca(config, broker);
	if (is_word(&config->broker, "schwab"))
		return open_schwab(config, broker);
	return broker_dry_run_open(broker, &dry_run);
}

void executor_config_options(const struct executor_config *config, bool once,
			     struct executor_options *options)
{
	*options = (struct executor_options){
		.limits = config->limits,
		.enforce_hours = is_word(&config->market_hours, "enforce"),
		.once = once,
	};
}

void executor_config_forget(struct executor_config *config)
{
	locked_memory_free(config->secrets);
	config->secrets = NULL;
}
