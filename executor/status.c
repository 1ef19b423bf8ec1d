/* See status.h. Reads only; a broker is asked, never told. */
#include "executor/status.h"

#include "base/log.h"
#include "executor/order_gate.h"
#include "store/controls.h"
#include "store/executions.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *or_none(const char *text)
{
	return text[0] != '\0' ? text : "none";
}

static const char *amount(struct shares shares)
{
	static struct decimal_text text;

	if (shares_is_zero(shares))
		return "none";
	text = shares_text(shares);
	return text.text;
}

static void print_execution(const struct execution *execution)
{
	printf("execution %" PRId64 " %s %s %s %s", execution->id,
	       execution_status_name(execution->status), direction_name(execution->direction),
	       shares_text(execution->shares).text, execution->symbol.text);
	printf(" ordered=%s", amount(execution->order_shares));
	printf(" accepted=%s", amount(execution->accepted_shares));
	printf(" order_id=%s submitted_at=%s%s%s\n", or_none(execution->order_id),
	       execution->submitted_at_ms == 0 ? "never"
					       : clock_text_of_ms(execution->submitted_at_ms).text,
	       execution->error[0] != '\0' ? " reason=" : "", execution->error);
}

static void print_held(const struct execution *execution)
{
	print_execution(execution);
	printf("  broker=%s client_order_id=%s\n", or_none(execution->broker),
	       or_none(execution->client_order_id));
	printf("  look at the broker's own list of orders for %s %s %s from %s on, then say one:\n"
	       "    executor resolve %" PRId64 " --adopt ORDER_ID --reason TEXT\n"
	       "    executor resolve %" PRId64 " --not-placed --reason TEXT\n"
	       "    executor resolve %" PRId64 " --filled SHARES PRICE --reason TEXT\n",
	       direction_name(execution->direction), amount(execution->order_shares),
	       execution->symbol.text,
	       execution->submitted_at_ms == 0 ? "its creation"
					       : clock_text_of_ms(execution->submitted_at_ms).text,
	       execution->id, execution->id, execution->id);
}

typedef void print_fn(const struct execution *execution);

/* How many there were. */
static int64_t print_all(struct executions *executions, enum execution_status status,
			 print_fn *print)
{
	struct execution execution = {.id = 0};
	int64_t count = 0;

	while (executions_next(executions, status, execution.id, &execution)) {
		print(&execution);
		count++;
	}
	return count;
}

int status_held(const char *database_path)
{
	struct executions executions;
	struct store store;

	store_open_read_only(&store, database_path);
	executions_open(&executions, &store);
	if (print_all(&executions, EXECUTION_HELD, print_held) == 0)
		printf("nothing is HELD\n");
	executions_close(&executions);
	store_close(&store);
	return 0;
}

static void print_halted(struct store *store)
{
	struct control_reason reason;
	struct controls controls;

	controls_open(&controls, store);
	if (controls_trading_halted(&controls, &reason))
		printf("trading: HALTED, %s\n", reason.text);
	else
		printf("trading: on\n");
	controls_close(&controls);
}

static void print_limits(const struct order_limits *limits, int64_t used)
{
	const bool shares = !shares_is_zero(limits->order_shares);
	const bool notional = !usd_is_zero(limits->order_notional);

	printf("orders today: %" PRId64, used);
	if (limits->daily_orders > 0)
		printf(" of %" PRId64, limits->daily_orders);
	printf("\nlimits: order shares %s, order notional %s, symbols %s\n",
	       shares ? shares_text(limits->order_shares).text : "none",
	       notional ? usd_text(limits->order_notional).text : "none",
	       limits->allowed_symbols.text[0] != '\0' ? limits->allowed_symbols.text : "all");
}

static void print_ledger(const struct executor_config *config)
{
	static const enum execution_status open[] = {EXECUTION_PENDING, EXECUTION_SUBMITTING,
						     EXECUTION_SUBMITTED, EXECUTION_HELD};
	struct executions executions;
	struct store store;
	int64_t count = 0;

	store_open_read_only(&store, config->database_path.text);
	executions_open(&executions, &store);
	print_halted(&store);
	print_limits(&config->limits, order_gate_used_today(&executions, config->broker.text));
	for (size_t i = 0; i < ARRAY_LENGTH(open); i++)
		count += print_all(&executions, open[i], print_execution);
	printf("open executions: %" PRId64 "\n", count);
	executions_close(&executions);
	store_close(&store);
}

static bool print_account(const struct broker *broker)
{
	struct broker_account account = {.number = ""};
	struct error error = {.kind = ERROR_KIND_NONE};

	if (broker->operations->account == NULL) {
		printf("account: none, nothing is traded\n");
		return true;
	}
	if (broker->operations->account(broker->context, &account, &error) != OUTCOME_OK) {
		printf("account: unknown, %s\n", error.text);
		return false;
	}
	printf("account: %s (%s)\n", account.number, account.description);
	return true;
}

static bool print_market(const struct broker *broker)
{
	struct broker_market market;
	struct error error = {.kind = ERROR_KIND_NONE};

	if (broker->operations->market == NULL) {
		printf("market: always open\n");
		return true;
	}
	if (broker->operations->market(broker->context, &market, &error) != OUTCOME_OK) {
		printf("market: unknown, %s\n", error.text);
		return false;
	}
	printf("market: %s\n", market.open ? "open" : "closed");
	return true;
}

int status_print(struct executor_config *config)
{
	struct broker broker;
	bool reached;

	print_ledger(config);
	if (!executor_config_open_broker(config, &broker))
		return EXIT_CODE_NEEDS_PERSON;
	executor_config_forget(config);
	printf("broker: %s, TRADING_MODE=%s\n", config->broker.text, config->trading_mode.text);
	if (broker.operations->describe != NULL)
		broker.operations->describe(broker.context);
	reached = print_account(&broker);
	reached = print_market(&broker) && reached;
	broker.operations->close(broker.context);
	return reached ? 0 : EXIT_CODE_UNAVAILABLE;
}
