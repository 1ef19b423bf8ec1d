/* See config_known.h. A new key of any program is added here. */
#include "base/config_known.h"

#include "base/compiler.h"

#include <stddef.h>
#include <string.h>

static const char *const known_keys[] = {
	"ALLOWED_SYMBOLS",
	"ALLOW_SHORT",
	"ALPACA_ACCOUNT_NUMBER",
	"ALPACA_API_KEY",
	"ALPACA_API_SECRET",
	"ALPACA_BASE_URL",
	"BACKFILL_ATTEMPTS",
	"BACKFILL_BATCH_SIZE",
	"BACKFILL_CONCURRENCY",
	"BROKER",
	"BROKER_CA_FILE",
	"BROKER_TIMEOUT_MS",
	"CHAIN_ID",
	"CUTOFF_TIMEOUT_SECONDS",
	"DATABASE_PATH",
	"DEPLOYMENT_BLOCK",
	"DRY_RUN_FILL_DELAY_MS",
	"DRY_RUN_SCRIPT",
	"ENCRYPTION_KEY",
	"ENCRYPTION_KEY_FILE",
	"FINALITY_BLOCKS",
	"HEAD_TIMEOUT_SECONDS",
	"HEDGE_RETRY_SECONDS",
	"HEDGE_THRESHOLD_SHARES",
	"HTTP_RPC_URL",
	"LOGS_BLOOM",
	"LOG_FORMAT",
	"LOG_LEVEL",
	"MARKET_HOURS",
	"MAX_DAILY_ORDERS",
	"MAX_ORDER_NOTIONAL",
	"MAX_ORDER_SHARES",
	"MONITOR_LISTEN",
	"MONITOR_LISTENER",
	"MONITOR_STALE_SECONDS",
	"ORDERBOOK",
	"ORDER_OWNER",
	"PING_SECONDS",
	"RECONCILE_SECONDS",
	"RECONNECT_MAX_SECONDS",
	"RETENTION_DAYS",
	"RPC_TIMEOUT_MS",
	"SCHWAB_ACCOUNT_NUMBER",
	"SCHWAB_APP_KEY",
	"SCHWAB_APP_SECRET",
	"SCHWAB_BASE_URL",
	"SCHWAB_REDIRECT_URI",
	"TLS_CA_FILE",
	"TRADING_MODE",
	"TRAIL_SECONDS",
	"WS_RPC_URL",
};

bool config_key_is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(known_keys); i++) {
		if (strcmp(name, known_keys[i]) == 0)
			return true;
	}
	return false;
}
