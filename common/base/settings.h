/*
 * The configuration keys that more than one program reads, once: a row of a program's key table
 * each. The rows a single program reads stand in that program's own table.
 */
#ifndef BALLAST_BASE_SETTINGS_H
#define BALLAST_BASE_SETTINGS_H

#include "base/config.h"

/* What every program reads. */
struct log_settings {
	struct config_text level;
	struct config_text format;
};

/* What the three programs read that speak to the chain. */
struct chain_settings {
	struct config_text websocket_url; /* each derived from the other when absent */
	struct config_text http_url;
	struct config_text ca_file;
	int64_t chain_id; /* 0: any */
	struct evm_address orderbook;
	struct config_addresses owners;
	int64_t deployment_block;
	int64_t rpc_timeout_ms;
};

#define SETTINGS_DATABASE_PATH(target_)                                                            \
	{                                                                                          \
		.name = "DATABASE_PATH", .kind = CONFIG_KIND_TEXT, .fallback = "ballast.db",       \
		.help = "the SQLite file", .target = (target_)                                     \
	}

#define SETTINGS_LOG(settings_)                                                                    \
	{.name = "LOG_LEVEL",                                                                      \
	 .kind = CONFIG_KIND_CHOICE,                                                               \
	 .fallback = "info",                                                                       \
	 .choices = "debug|info|warn|error",                                                       \
	 .help = "least level that is written",                                                    \
	 .target = &(settings_)->level},                                                           \
	{                                                                                          \
		.name = "LOG_FORMAT", .kind = CONFIG_KIND_CHOICE, .fallback = "text",              \
		.choices = "text|json", .help = "form of a log line",                              \
		.target = &(settings_)->format                                                     \
	}

#define SETTINGS_CHAIN(settings_)                                                                  \
	{.name = "WS_RPC_URL",                                                                     \
	 .kind = CONFIG_KIND_URL,                                                                  \
	 .choices = "ws|wss",                                                                      \
	 .help = "the node's WebSocket (derived from HTTP_RPC_URL if absent)",                     \
	 .target = &(settings_)->websocket_url},                                                   \
		{.name = "HTTP_RPC_URL",                                                           \
		 .kind = CONFIG_KIND_URL,                                                          \
		 .choices = "http|https",                                                          \
		 .help = "the node's HTTP address (derived from WS_RPC_URL if absent)",            \
		 .target = &(settings_)->http_url},                                                \
		{.name = "TLS_CA_FILE",                                                            \
		 .kind = CONFIG_KIND_TEXT,                                                         \
		 .help = "PEM file of trusted authorities instead of the system's",                \
		 .target = &(settings_)->ca_file},                                                 \
		{.name = "CHAIN_ID",                                                               \
		 .kind = CONFIG_KIND_INTEGER,                                                      \
		 .minimum = 0,                                                                     \
		 .maximum = INT64_MAX,                                                             \
		 .help = "refuse any other chain (0: take the node's)",                            \
		 .target = &(settings_)->chain_id},                                                \
		{.name = "ORDERBOOK",                                                              \
		 .kind = CONFIG_KIND_ADDRESS,                                                      \
		 .required = true,                                                                 \
		 .help = "address of the orderbook contract",                                      \
		 .target = &(settings_)->orderbook},                                               \
		{.name = "ORDER_OWNER",                                                            \
		 .kind = CONFIG_KIND_ADDRESSES,                                                    \
		 .required = true,                                                                 \
		 .help = "owner(s) of the orders, comma separated",                                \
		 .target = &(settings_)->owners},                                                  \
		{.name = "DEPLOYMENT_BLOCK",                                                       \
		 .kind = CONFIG_KIND_INTEGER,                                                      \
		 .required = true,                                                                 \
		 .minimum = 0,                                                                     \
		 .maximum = INT64_MAX,                                                             \
		 .help = "first block that is accounted for",                                      \
		 .target = &(settings_)->deployment_block},                                        \
	{                                                                                          \
		.name = "RPC_TIMEOUT_MS", .kind = CONFIG_KIND_INTEGER, .fallback = "10000",        \
		.minimum = 100, .maximum = 600000, .help = "how long one request may take",        \
		.target = &(settings_)->rpc_timeout_ms                                             \
	}

/*
 * Fills the absent one of the two URLs from the other. False after logging what is wrong (neither
 * is set). Fits process_usage.complete; context is the struct chain_settings.
 */
bool settings_complete_chain(void *context);

#endif
