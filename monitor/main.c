/*
 * monitor: tells an operator how things are.
 *
 * Reads: every table, in a database opened read-only. Writes: nothing, anywhere. Talks to: who asks
 * it on MONITOR_LISTEN.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings.h"
#include "monitor/alarms.h"
#include "monitor/condition_settings.h"
#include "monitor/listen_address.h"
#include "monitor/reports.h"
#include "monitor/serve.h"
#include "monitor/status.h"
#include "store/store.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct monitor_config {
	struct config_text database_path;
	struct log_settings log;
	struct shares threshold;
	int64_t deployment_block;
	struct condition_settings conditions;
	struct alarm_settings alarms;
	struct config_text listen;
	struct listen_address address;
};

struct monitor_options {
	const char *symbol;
	const char *from;
	const char *to;
	const char *csv;
	const char *json;
};

#define EXIT_CODE_NOT_WELL 1

static const char details[] =
	"Without a command it serves a page that shows the state live, the same as JSON "
	"(docs/monitor-api.md)\n"
	"and metrics, on MONITOR_LISTEN, and calls ALERT_COMMAND when a person is needed, until "
	"it is told to\n"
	"stop.\n"
	"\n"
	"Commands:\n"
	"  status          one screen; exit 0 when all is well, 1 when something needs a person "
	"(each is a line\n"
	"                  that begins with \"!\")\n"
	"  alert-test      calls ALERT_COMMAND once, with the name test; exit 0 when it left with "
	"0\n"
	"  report pnl      profit and loss of on-chain trades and broker fills together, first in, "
	"first out\n"
	"  report positions, report executions, report coverage, report latency\n"
	"\n"
	"Reports are text for people, or with --csv or --json for programs. Amounts are the exact "
	"decimals of\n"
	"the database; JSON has them as strings. --from and --to choose rows by their time (pnl: "
	"the time of\n"
	"the trade; positions: the last change; executions and latency: the beginning).\n"
	"\n"
	"The database is opened read-only, and nothing is written or locked.\n";

static int usage_error(void)
{
	log_error(
		"say what to show: monitor alone to serve, monitor status, monitor alert-test, or "
		"monitor report pnl|positions|executions|coverage|latency (monitor --help)");
	return EXIT_CODE_USAGE;
}

static void choose_conditions(const struct monitor_config *config,
			      struct condition_options *options)
{
	const struct condition_settings *settings = &config->conditions;

	*options = (struct condition_options){
		.deployment_block = config->deployment_block,
		.threshold = config->threshold,
		.stale_ms = settings->stale_seconds * 1000,
		.disk_low_bytes = settings->disk_low_mb * 1024 * 1024,
		.resident = strcmp(settings->programs.text, "resident") == 0,
		.needs_listener = strcmp(settings->listener.text, "required") == 0,
		.broker = settings->broker.text,
	};
}

static int show_status(const struct monitor_config *config)
{
	static struct condition_list list;
	struct condition_options options;
	struct conditions conditions;
	struct store store;

	choose_conditions(config, &options);
	options.at_once = true;
	store_open_read_only(&store, config->database_path.text);
	conditions_open(&conditions, &store, &options);
	store_begin_read(&store);
	conditions_read(&conditions, clock_monotonic_ms(), &list);
	status_print(&conditions, &list, isatty(STDOUT_FILENO) == 1, stdout);
	store_end_read(&store);
	conditions_close(&conditions);
	store_close(&store);
	if (fflush(stdout) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "the status could not be written");
	return list.count == 0 ? 0 : EXIT_CODE_NOT_WELL;
}

static int show_report(const struct monitor_config *config, const struct monitor_options *chosen,
		       const char *name)
{
	const struct report_options options = {
		.symbol = chosen->symbol,
		.from = chosen->from,
		.to = chosen->to,
		.format = chosen->csv != NULL	 ? TABLE_FORMAT_CSV
			  : chosen->json != NULL ? TABLE_FORMAT_JSON
						 : TABLE_FORMAT_TEXT,
	};
	struct store store;
	bool complete;

	if (!report_check(name, &options))
		return EXIT_CODE_USAGE;
	store_open_read_only(&store, config->database_path.text);
	complete = report_print(&store, name, &options, stdout);
	store_close(&store);
	return complete ? 0 : EXIT_CODE_TRY_AGAIN;
}

static int run_server(const struct monitor_config *config)
{
	struct serve_settings settings = {
		.address = &config->address,
		.alarms = &config->alarms,
		.reader = {.database_path = config->database_path.text},
	};

	if (!alarm_settings_check(&config->alarms))
		return EXIT_CODE_NEEDS_PERSON;
	choose_conditions(config, &settings.reader.conditions);
	return serve(&settings);
}

static int test_alarms(const struct monitor_config *config)
{
	return alarm_settings_check(&config->alarms) ? alarms_test(&config->alarms)
						     : EXIT_CODE_NEEDS_PERSON;
}

/* Fits process_usage.complete. */
static bool complete_config(void *context)
{
	struct monitor_config *config = context;

	if (listen_address_parse(&config->address, config->listen.text))
		return true;
	log_error("MONITOR_LISTEN: must be ADDRESS:PORT with an address in numbers, as "
		  "127.0.0.1:9464 or [::1]:9464");
	return false;
}

static int run(const struct monitor_config *config, const struct monitor_options *options,
	       const struct process_arguments *arguments, const struct process_usage *usage)
{
	const char *const *words = arguments->operands;
	const bool chosen = options->symbol != NULL || options->from != NULL ||
			    options->to != NULL || options->csv != NULL || options->json != NULL;

	if (arguments->check && arguments->operand_count == 0) {
		if (!alarm_settings_check(&config->alarms))
			return EXIT_CODE_NEEDS_PERSON;
		store_check(config->database_path.text);
		config_print(usage->keys, usage->key_count);
		printf("monitor: configuration and database are good\n");
		return 0;
	}
	if (options->csv != NULL && options->json != NULL)
		log_error("choose one of --csv and --json");
	else if (arguments->operand_count == 0 && !chosen && !arguments->once)
		return run_server(config);
	else if (arguments->operand_count == 1 && strcmp(words[0], "status") == 0 && !chosen)
		return show_status(config);
	else if (arguments->operand_count == 1 && strcmp(words[0], "alert-test") == 0 && !chosen)
		return test_alarms(config);
	else if (arguments->operand_count == 2 && strcmp(words[0], "report") == 0)
		return show_report(config, options, words[1]);
	return usage_error();
}

int main(int argc, char **argv)
{
	static struct monitor_config config;
	struct monitor_options chosen = {.symbol = NULL};
	const struct config_key keys[] = {
		SETTINGS_DATABASE_PATH(&config.database_path),
		SETTINGS_LOG(&config.log),
		{.name = "HEDGE_THRESHOLD_SHARES",
		 .kind = CONFIG_KIND_SHARES,
		 .fallback = "1",
		 .help = "from how many shares on a position is hedged",
		 .target = &config.threshold},
		{.name = "DEPLOYMENT_BLOCK",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "-1",
		 .minimum = -1,
		 .maximum = INT64_MAX,
		 .help = "first block that is accounted for (-1: the first that is covered)",
		 .target = &config.deployment_block},
		CONDITION_KEYS(&config.conditions),
		ALARM_KEYS(&config.alarms),
		{.name = "MONITOR_LISTEN",
		 .kind = CONFIG_KIND_TEXT,
		 .fallback = "127.0.0.1:9464",
		 .help = "where to serve; there is no login, so keep to the loopback",
		 .target = &config.listen},
	};
	const struct process_option options[] = {
		{"--symbol", "TICKER", "report: only this ticker", &chosen.symbol},
		{"--from", "TIME", "report: rows since then (UTC, 2026-01-31)", &chosen.from},
		{"--to", "TIME", "report: rows before then", &chosen.to},
		{"--csv", NULL, "report: comma separated values", &chosen.csv},
		{"--json", NULL, "report: a JSON array", &chosen.json},
	};
	const struct process_usage usage = {
		.program = "monitor",
		.summary = "tells how things are: a live page, status for a glance, reports for "
			   "the books",
		.details = details,
		.options = options,
		.option_count = ARRAY_LENGTH(options),
		.keys = keys,
		.key_count = ARRAY_LENGTH(keys),
		.complete = complete_config,
		.context = &config,
	};
	struct process_arguments arguments;

	process_start(&usage, 2, argc, argv, &arguments);
	return run(&config, &chosen, &arguments, &usage);
}
