/* See executor.h. May not know: the chain, positions, or how a broker is reached. */
#include "executor/executor.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/process.h"
#include "executor/execution_lifecycle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define CLIENT_ORDER_ID_RANDOM_BYTES 8

/* After a restart: from one open order's question to the next. */
#define POLL_SPREAD_MS 200

/* From an unclear outcome to the first look for the order, and from look to look. */
#define LOOK_FIRST_MS 250
#define LOOK_AGAIN_MS 2000

#define ANOTHER_BROKER_MS 300000

/* An order whose reports make no sense is HELD after so many times the broker's absence, and looks.
 */
#define DOUBT_FACTOR 15
#define DOUBT_LOOKS  5

static bool order_is_known(void *context, const char *order_id)
{
	struct executor *executor = context;

	return executions_order_is_known(&executor->executions, executor->broker.operations->name,
					 order_id);
}

/* After a restart all open orders are due: one after another, not all at once. */
static void spread_polls(struct executor *executor)
{
	struct execution execution = {.id = 0};

	for (int64_t i = 0;
	     executions_next(&executor->executions, EXECUTION_SUBMITTED, execution.id, &execution);
	     i++)
		order_timers_wait(&executor->timers, execution.id, i * POLL_SPREAD_MS);
}

void executor_open(struct executor *executor, const struct store *store,
		   const struct broker *broker, const struct executor_options *options)
{
	*executor = (struct executor){.store = *store, .broker = *broker};
	executions_open(&executor->executions, &executor->store);
	trade_allocations_open(&executor->allocations, &executor->store);
	controls_open(&executor->controls, &executor->store);
	order_timers_init(&executor->timers);
	order_gate_open(&executor->gate, &options->limits, options->enforce_hours);
	executor->known =
		(struct broker_known_orders){.is_known = order_is_known, .context = executor};
	if (!options->once)
		spread_polls(executor);
}

void executor_close(struct executor *executor)
{
	executor->broker.operations->close(executor->broker.context);
	order_timers_free(&executor->timers);
	controls_close(&executor->controls);
	trade_allocations_close(&executor->allocations);
	executions_close(&executor->executions);
	store_close(&executor->store);
}

int64_t executor_wait_ms(const struct executor *executor)
{
	int64_t wait_ms = order_timers_next_ms(&executor->timers);
	int64_t keep_ms = executor->keep_due_ms - clock_monotonic_ms();

	if (executor->broker.operations->keep == NULL)
		return wait_ms;
	if (keep_ms < 0)
		keep_ms = 0;
	return wait_ms < 0 || keep_ms < wait_ms ? keep_ms : wait_ms;
}

static void make_order(struct executor *executor, const struct execution *execution,
		       struct broker_order *order)
{
	bool ordered = !shares_is_zero(execution->order_shares);

	*order = (struct broker_order){
		.client_order_id = execution->client_order_id,
		.order_id = execution->order_id,
		.symbol = execution->symbol,
		.shares = ordered ? execution->order_shares : execution->shares,
		.direction = execution->direction,
		.submitted_at_ms = execution->submitted_at_ms,
		.known = &executor->known,
	};
	order->has_reference_price =
		trade_allocations_average_price(&executor->allocations, execution->id,
						&order->reference_price) ||
		executions_last_price(&executor->executions, &execution->symbol,
				      &order->reference_price);
}

/*
 * Random, so that it can never be one that another ledger, or an earlier life of this one, has used
 * with the same broker account. Read back from the row, never computed again.
 */
static void make_client_order_id(int64_t execution_id, char *text, size_t size)
{
	uint8_t random[CLIENT_ORDER_ID_RANDOM_BYTES];
	char digits[2 * CLIENT_ORDER_ID_RANDOM_BYTES + 3];
	int length;

	invariant(getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random));
	hex_format_fixed(random, sizeof(random), digits);
	length = snprintf(text, size, "ballast-%" PRId64 "-%s", execution_id, digits + 2);
	invariant(length > 0 && (size_t)length < size);
}

static void log_transition(const struct execution *execution, enum execution_status to,
			   const char *why)
{
	log_info("execution %s execution_id=%" PRId64 " symbol=%s direction=%s shares=%s "
		 "client_order_id=%s from=%s%s%s",
		 execution_status_name(to), execution->id, execution->symbol.text,
		 direction_name(execution->direction), shares_text(execution->shares).text,
		 execution->client_order_id, execution_status_name(execution->status),
		 why[0] == '\0' ? "" : " reason=", why);
}

/* SUBMITTING -> to, in one transaction. acceptance is given for SUBMITTED, why for the others. */
static void store_submission(struct executor *executor, const struct execution *execution,
			     enum execution_status to, const struct broker_acceptance *acceptance,
			     const struct error *why)
{
	struct executions *executions = &executor->executions;
	struct shares none = {0};

	switch (to) {
	case EXECUTION_SUBMITTED:
		executions_mark_submitted(executions, execution->id, acceptance->order_id,
					  acceptance->shares);
		return;
	case EXECUTION_PENDING:
		executions_mark_pending(executions, execution->id, why->text);
		return;
	case EXECUTION_FAILED:
		executions_mark_failed(executions, execution->id, none, NULL, why->text);
		return;
	case EXECUTION_HELD:
		executions_mark_held(executions, execution->id, why->text);
		return;
	case EXECUTION_SUBMITTING:
	case EXECUTION_FILLED:
		break;
	}
	invariant_unreachable("a state that follows SUBMITTING");
}

static void announce_held(const struct execution *execution, const char *why)
{
	log_error("execution HELD: a person must decide with executor resolve; its symbol is not "
		  "hedged until then execution_id=%" PRId64 " symbol=%s reason=%s",
		  execution->id, execution->symbol.text, why);
}

/* Still SUBMITTING: when to look again, and the line that says so. */
static void look_again(struct executor *executor, const struct execution *execution,
		       int64_t wait_ms, const char *why)
{
	order_timers_wait(&executor->timers, execution->id, wait_ms);
	log_warn("execution unclear: asking the broker again execution_id=%" PRId64
		 " symbol=%s wait_ms=%" PRId64 " reason=%s",
		 execution->id, execution->symbol.text, wait_ms, why);
}

/*
 * Writes what became of a submission or of the search for it. False when the process is to stop
 * before it could be written: then the row says SUBMITTING, which is what the next start
 * reconciles.
 */
static bool finish_submission(struct executor *executor, const struct execution *execution,
			      enum execution_status to, const struct broker_acceptance *acceptance,
			      const struct error *why)
{
	if (!store_begin(&executor->store))
		return false;
	store_submission(executor, execution, to, acceptance, why);
	store_commit(&executor->store);
	log_transition(execution, to, to == EXECUTION_SUBMITTED ? "" : why->text);
	if (to == EXECUTION_HELD)
		announce_held(execution, why->text);
	if (to == EXECUTION_PENDING)
		(void)order_timers_back_off(&executor->timers, execution->id, why->retry_after_ms);
	else
		order_timers_forget(&executor->timers, execution->id);
	return true;
}

/* Whether an order has been absent for as long and as often as decides it. */
static bool is_settled(struct executor *executor, const struct execution *execution)
{
	const struct broker_absence *absence = &executor->broker.operations->absence;
	struct order_looks looks = order_timers_look(&executor->timers, execution->id);

	return looks.count >= absence->looks && looks.during_ms >= absence->settles_after_ms;
}

/* A row that was sent to a broker is that broker's: another one knows nothing of it. */
static bool is_of_this_broker(struct executor *executor, const struct execution *execution)
{
	const char *name = executor->broker.operations->name;

	if (strcmp(execution->broker, name) == 0)
		return true;
	look_again(executor, execution, ANOTHER_BROKER_MS,
		   "it went to another broker than BROKER names: run the executor for that one");
	return false;
}

/* A row in SUBMITTING may have been sent, by this process or by one that died: only the broker
 * knows. */
static bool reconcile(struct executor *executor, const struct execution *execution)
{
	const struct broker_absence *absence = &executor->broker.operations->absence;
	struct broker_acceptance acceptance = {.order_id = ""};
	struct error error = {.kind = ERROR_KIND_NONE};
	enum broker_search search = BROKER_SEARCH_ABSENT;
	struct broker_order order;
	enum execution_status to;
	bool settled = false;

	if (!is_of_this_broker(executor, execution))
		return false;
	make_order(executor, execution, &order);
	if (executor->broker.operations->find(executor->broker.context, &order, &search,
					      &acceptance, &error) != OUTCOME_OK) {
		look_again(executor, execution,
			   order_timers_back_off(&executor->timers, execution->id,
						 error.retry_after_ms),
			   error.text);
		return false;
	}
	if (search == BROKER_SEARCH_ABSENT)
		settled = is_settled(executor, execution);
	to = lifecycle_after_find(search, settled, absence->proves_not_placed);
	if (to == EXECUTION_SUBMITTING) {
		look_again(executor, execution, LOOK_AGAIN_MS,
			   "the order is not there, or not yet");
		return false;
	}
	(void)error_set(&error, OUTCOME_UNKNOWN, ERROR_KIND_NONE, "%s",
			search == BROKER_SEARCH_AMBIGUOUS
				? "several orders at the broker could be this one"
			: to == EXECUTION_HELD
				? "the outcome was unclear, and no such order is at the broker"
				: "the outcome was unclear, and surely nothing was placed");
	return finish_submission(executor, execution, to, &acceptance, &error);
}

/* Writes and says why a PENDING execution waits, when that is news. */
static void note_waiting(struct executor *executor, const struct execution *execution,
			 const struct order_decision *decision)
{
	if (decision->wait_ms > 0)
		order_timers_wait(&executor->timers, execution->id, decision->wait_ms);
	else
		(void)order_timers_back_off(&executor->timers, execution->id,
					    decision->why.retry_after_ms);
	if (strcmp(execution->error, decision->why.text) == 0 || !store_begin(&executor->store))
		return;
	executions_mark_waiting(&executor->executions, execution->id, decision->why.text);
	store_commit(&executor->store);
	log_warn("execution waits execution_id=%" PRId64 " symbol=%s reason=%s", execution->id,
		 execution->symbol.text, decision->why.text);
}

/* Once, not each time that it is tried again. */
static void report_shortfall(struct executor *executor, const struct execution *execution,
			     const char *why)
{
	struct execution_error last =
		executions_last_error(&executor->executions, &execution->symbol);

	if (strcmp(last.text, why) != 0)
		log_error("not hedged: execution_id=%" PRId64 " symbol=%s shares=%s reason=%s",
			  execution->id, execution->symbol.text,
			  shares_text(execution->shares).text, why);
}

/* PENDING -> FAILED: what was asked for goes back to the position, and is tried again later. */
static bool refuse(struct executor *executor, const struct execution *execution, const char *why)
{
	report_shortfall(executor, execution, why);
	if (!store_begin(&executor->store))
		return false;
	executions_mark_refused(&executor->executions, execution->id,
				executor->broker.operations->name, execution->client_order_id, why);
	store_commit(&executor->store);
	log_transition(execution, EXECUTION_FAILED, why);
	order_timers_forget(&executor->timers, execution->id);
	return true;
}

/* PENDING -> SUBMITTING on disk. False: it may not go after all. */
static bool write_intent(struct executor *executor, struct execution *execution,
			 struct shares shares)
{
	if (!store_begin(&executor->store))
		return false;
	/* Read again under the lock: whoever halts trading before this commit has stopped this
	 * order. */
	if (controls_trading_halted(&executor->controls, NULL)) {
		store_rollback(&executor->store);
		return false;
	}
	executions_mark_submitting(&executor->executions, execution->id,
				   executor->broker.operations->name, execution->client_order_id,
				   shares);
	store_commit(&executor->store);
	log_transition(execution, EXECUTION_SUBMITTING, "");
	/* As it stands now, with the time of the intent. */
	return executions_find(&executor->executions, execution->id, execution);
}

/* The intent is on disk: the broker, then the result on disk. */
static bool place(struct executor *executor, const struct execution *execution,
		  enum order_effect effect)
{
	struct broker_acceptance acceptance = {.order_id = ""};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct broker_order order;
	enum execution_status to;

	make_order(executor, execution, &order);
	order.effect = effect;
	to = lifecycle_after_submit(executor->broker.operations->submit(
		executor->broker.context, &order, &acceptance, &error));
	if (to == EXECUTION_SUBMITTING)
		look_again(executor, execution, LOOK_FIRST_MS, error.text);
	else
		(void)finish_submission(executor, execution, to, &acceptance, &error);
	return true;
}

static bool submit(struct executor *executor, struct execution *execution)
{
	struct order_decision decision;
	struct broker_order order;

	if (execution->client_order_id[0] == '\0')
		make_client_order_id(execution->id, execution->client_order_id,
				     sizeof(execution->client_order_id));
	make_order(executor, execution, &order);
	order_gate_ask(&executor->gate, &executor->broker, &executor->executions, &order,
		       &decision);
	switch (decision.verdict) {
	case ORDER_WAITS:
		note_waiting(executor, execution, &decision);
		return false;
	case ORDER_REFUSED:
		return refuse(executor, execution, decision.why.text);
	case ORDER_MAY_GO:
		break;
	}
	if (decision.allowance.reason[0] != '\0')
		report_shortfall(executor, execution, decision.allowance.reason);
	if (process_stopping() || !write_intent(executor, execution, decision.allowance.shares))
		return false;
	return place(executor, execution, decision.allowance.effect);
}

static bool finish_order(struct executor *executor, const struct execution *execution,
			 enum execution_status to, const struct broker_report *report)
{
	const struct usd *price = report->has_average_price ? &report->average_price : NULL;
	const char *reason = report->reason[0] != '\0' || to == EXECUTION_FILLED
				     ? report->reason
				     : "filled, but the order was for less than was asked";

	if (!store_begin(&executor->store))
		return false;
	if (to == EXECUTION_FILLED)
		executions_mark_filled(&executor->executions, execution->id, report->filled_shares,
				       price);
	else
		executions_mark_failed(&executor->executions, execution->id, report->filled_shares,
				       price, reason);
	store_commit(&executor->store);
	log_transition(execution, to, reason);
	log_info("order ended execution_id=%" PRId64 " order_id=%s filled_shares=%s "
		 "average_price=%s",
		 execution->id, execution->order_id, shares_text(report->filled_shares).text,
		 price == NULL ? "none" : usd_text(*price).text);
	order_timers_forget(&executor->timers, execution->id);
	return true;
}

/* The broker contradicts itself, or what we know of the order: time may mend it, or a person. */
static bool doubt_order(struct executor *executor, const struct execution *execution,
			const struct error *why)
{
	struct order_looks looks = order_timers_look(&executor->timers, execution->id);
	int64_t patience_ms = DOUBT_FACTOR * executor->broker.operations->absence.settles_after_ms;

	if (looks.count < DOUBT_LOOKS || looks.during_ms < patience_ms) {
		look_again(executor, execution,
			   order_timers_back_off(&executor->timers, execution->id, 0), why->text);
		return false;
	}
	if (!store_begin(&executor->store))
		return false;
	executions_mark_held(&executor->executions, execution->id, why->text);
	store_commit(&executor->store);
	log_transition(execution, EXECUTION_HELD, why->text);
	announce_held(execution, why->text);
	order_timers_forget(&executor->timers, execution->id);
	return true;
}

static bool follow_order(struct executor *executor, const struct execution *execution)
{
	struct broker_report report = {.state = BROKER_ORDER_OPEN};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct broker_order order;
	enum execution_status to;
	enum outcome outcome;

	if (!is_of_this_broker(executor, execution))
		return false;
	make_order(executor, execution, &order);
	outcome = executor->broker.operations->report(executor->broker.context, &order, &report,
						      &error);
	if (outcome == OUTCOME_UNKNOWN)
		return doubt_order(executor, execution, &error);
	if (outcome != OUTCOME_OK) {
		int64_t wait_ms = order_timers_back_off(&executor->timers, execution->id,
							error.retry_after_ms);

		log_warn("order state unknown: asking again execution_id=%" PRId64
			 " symbol=%s wait_ms=%" PRId64 " reason=%s",
			 execution->id, execution->symbol.text, wait_ms, error.text);
		return false;
	}
	order_timers_settle(&executor->timers, execution->id);
	to = lifecycle_after_report(&report, execution->shares);
	if (to != EXECUTION_SUBMITTED)
		return finish_order(executor, execution, to, &report);
	if (report.ask_again_ms > 0)
		order_timers_wait(&executor->timers, execution->id, report.ask_again_ms);
	else
		order_timers_poll(&executor->timers, execution->id);
	return false;
}

static bool touch(struct executor *executor, struct execution *execution)
{
	switch (execution->status) {
	case EXECUTION_SUBMITTING:
		return reconcile(executor, execution);
	case EXECUTION_SUBMITTED:
		return follow_order(executor, execution);
	case EXECUTION_PENDING:
		return submit(executor, execution);
	case EXECUTION_FILLED:
	case EXECUTION_FAILED:
	case EXECUTION_HELD:
		break;
	}
	invariant_unreachable("a state the executor acts on");
}

static bool touch_all(struct executor *executor, enum execution_status status)
{
	struct execution execution;
	int64_t after_id = 0;
	bool moved = false;

	while (!process_stopping() &&
	       executions_next(&executor->executions, status, after_id, &execution)) {
		after_id = execution.id;
		if (order_timers_due(&executor->timers, execution.id))
			moved = touch(executor, &execution) || moved;
	}
	return moved;
}

/* Says once that trading is halted, and once that it goes on. */
static bool trading_halted(struct executor *executor)
{
	struct control_reason reason;
	bool halted = controls_trading_halted(&executor->controls, &reason);

	if (halted && !executor->halt_announced)
		log_warn("trading halted: new orders wait reason=%s", reason.text);
	if (!halted && executor->halt_announced)
		log_info("trading resumed");
	executor->halt_announced = halted;
	return halted;
}

/* The broker's own housekeeping, when it is time. */
static void keep_broker(struct executor *executor)
{
	const struct broker_operations *operations = executor->broker.operations;

	if (operations->keep == NULL || clock_monotonic_ms() < executor->keep_due_ms)
		return;
	executor->keep_due_ms = clock_monotonic_ms() + operations->keep(executor->broker.context);
}

bool executor_step(struct executor *executor)
{
	bool moved;

	keep_broker(executor);
	moved = touch_all(executor, EXECUTION_SUBMITTING);

	moved = touch_all(executor, EXECUTION_SUBMITTED) || moved;
	if (!trading_halted(executor))
		moved = touch_all(executor, EXECUTION_PENDING) || moved;
	return moved;
}
