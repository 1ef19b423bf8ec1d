/* See conditions.h. Here: the switch, the login, the programs and the machine. */
#include "monitor/conditions_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "monitor/files.h"
#include "store/broker_tokens.h"

#include <inttypes.h>
#include <string.h>

#define MIB	((int64_t)1024 * 1024)
#define HOUR_MS ((int64_t)60 * 60 * 1000)

/* The programs let 64 MiB stand, and begin it anew then. Twice that is a reader that does not end.
 */
#define WAL_LARGE_BYTES (128 * MIB)

static const char login_sql[] =
	"SELECT broker, login_at FROM broker_tokens WHERE :broker IN ('', broker) ORDER BY broker";

void conditions_open(struct conditions *conditions, struct store *store,
		     const struct condition_options *options)
{
	*conditions = (struct conditions){.store = store, .options = *options};
	controls_open(&conditions->controls, store);
	statement_prepare(&conditions->login, store, login_sql);
	conditions_open_chain(conditions);
	conditions_open_orders(conditions);
}

void conditions_close(struct conditions *conditions)
{
	conditions_close_orders(conditions);
	conditions_close_chain(conditions);
	statement_finalize(&conditions->login);
	controls_close(&conditions->controls);
	if (conditions->has_lock)
		instance_lock_close(&conditions->lock);
}

static void read_switch(struct conditions *conditions, struct condition_list *list)
{
	struct control_reason reason;

	if (controls_trading_halted(&conditions->controls, &reason))
		condition_list_add(list, CONDITION_TRADING_HALTED, "",
				   "trading is HALTED: %s (when its cause is gone: executor "
				   "resume)",
				   reason.text);
}

static void add_login(struct condition_list *list, const char *broker, int64_t left_ms)
{
	if (left_ms <= 0)
		condition_list_add(list, CONDITION_LOGIN_ENDED, broker,
				   "the login at %s has ended: no new order leaves; log in again "
				   "with executor auth",
				   broker);
	else if (left_ms <= BROKER_LOGIN_WARN_MS)
		condition_list_add(list, CONDITION_LOGIN_ENDING, broker,
				   "the login at %s ends in %" PRId64
				   " hours: log in again with executor auth",
				   broker, left_ms / HOUR_MS);
}

static void read_login(struct conditions *conditions, struct condition_list *list)
{
	struct statement *login = &conditions->login;
	const char *broker = conditions->options.broker;
	bool any = false;

	statement_bind_text(login, ":broker", broker);
	while (statement_row(login)) {
		int64_t login_at_ms;

		any = true;
		if (clock_parse_text(statement_text(login, "login_at"), &login_at_ms))
			add_login(list, statement_text(login, "broker"),
				  login_at_ms + BROKER_LOGIN_LIFE_MS - clock_wall_ms());
	}
	if (!any && strcmp(broker, "schwab") == 0)
		condition_list_add(list, CONDITION_LOGIN_ENDED, broker,
				   "there is no login at %s yet: no order leaves; log in with "
				   "executor auth",
				   broker);
}

const struct instance_lock *conditions_lock(struct conditions *conditions)
{
	if (!conditions->has_lock)
		conditions->has_lock = instance_lock_open_read_only(&conditions->lock,
								    conditions->store->path.text);
	return conditions->has_lock ? &conditions->lock : NULL;
}

bool conditions_lives(const struct conditions *conditions, enum instance_lock_program program)
{
	return conditions->has_lock && instance_lock_is_held(&conditions->lock, program);
}

static void read_programs(struct conditions *conditions, struct condition_list *list)
{
	(void)conditions_lock(conditions);
	if (!conditions->options.resident)
		return;
	if (!conditions_lives(conditions, INSTANCE_LOCK_BACKFILLER))
		condition_list_add(list, CONDITION_BACKFILLER_ABSENT, "",
				   "no backfiller runs: nothing proves that no fill is missing; "
				   "start it, or see why it ended");
	if (!conditions_lives(conditions, INSTANCE_LOCK_PROCESSOR))
		condition_list_add(list, CONDITION_PROCESSOR_ABSENT, "",
				   "no processor runs: fills are not booked; start it, or see why "
				   "it ended");
	if (!conditions_lives(conditions, INSTANCE_LOCK_EXECUTOR))
		condition_list_add(list, CONDITION_EXECUTOR_ABSENT, "",
				   "no executor runs: nothing is hedged; start it, or see why it "
				   "ended");
}

static void read_machine(const struct conditions *conditions, struct condition_list *list)
{
	const struct file_sizes sizes = files_measure(conditions->store->path.text);

	if (sizes.disk_free >= 0 && sizes.disk_free < conditions->options.disk_low_bytes)
		condition_list_add(list, CONDITION_DISK_LOW, "",
				   "%" PRId64
				   " MiB are left on the database's disk: when it is full nothing "
				   "is booked or hedged any more; make room",
				   sizes.disk_free / MIB);
	if (sizes.wal > WAL_LARGE_BYTES)
		condition_list_add(list, CONDITION_WAL_LARGE, "",
				   "the write-ahead log has grown to %" PRId64
				   " MiB: some program keeps a read transaction open, find it with "
				   "lsof and end it",
				   sizes.wal / MIB);
}

void conditions_read(struct conditions *conditions, int64_t now_ms, struct condition_list *list)
{
	const bool outermost = !conditions->store->reading;

	condition_list_clear(list);
	if (outermost)
		store_begin_read(conditions->store);
	read_programs(conditions, list);
	read_switch(conditions, list);
	read_login(conditions, list);
	conditions_read_chain(conditions, now_ms, list);
	conditions_read_orders(conditions, list);
	if (outermost)
		store_end_read(conditions->store);
	read_machine(conditions, list);
	condition_list_finish(list);
}
