/*
 * What the monitor's tests share: a database with the real schema, rows as the programs write them,
 * and a second connection that only reads, as the monitor's.
 */
#ifndef BALLAST_TESTS_MONITOR_TEST_LEDGER_H
#define BALLAST_TESTS_MONITOR_TEST_LEDGER_H

#include "unit/store/test_store.h"

#include <inttypes.h>

#include "base/clock.h"
#include "monitor/conditions.h"
#include "store/instance_lock.h"

struct test_ledger {
	struct test_store writer;
	struct store reader;
	struct instance_lock lock; /* of the programs that the test plays */
	struct conditions conditions;
	struct condition_list list;
	int64_t now_ms;
};

#define TEST_STALE_MS ((int64_t)60000)

static inline struct condition_options test_options(void)
{
	struct condition_options options = {
		.deployment_block = 100,
		.stale_ms = TEST_STALE_MS,
		.resident = true,
		.needs_listener = true,
		.broker = "",
	};

	assert_true(shares_from_integer(1, &options.threshold));
	return options;
}

static inline void test_ledger_open(struct test_ledger *ledger,
				    const struct condition_options *options)
{
	memset(ledger, 0, sizeof(*ledger));
	test_store_open(&ledger->writer);
	store_open_read_only(&ledger->reader, ledger->writer.file.path);
	instance_lock_open(&ledger->lock, ledger->writer.file.path);
	conditions_open(&ledger->conditions, &ledger->reader, options);
	ledger->now_ms = 1000000;
}

static inline void test_ledger_close(struct test_ledger *ledger)
{
	conditions_close(&ledger->conditions);
	instance_lock_close(&ledger->lock);
	store_close(&ledger->reader);
	test_store_close(&ledger->writer);
}

/* Formatted SQL, one statement that changes rows, as one transaction. */
static inline void PRINTF_LIKE(2, 3)
	test_ledger_run(struct test_ledger *ledger, const char *format, ...)
{
	char sql[2048];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(sql, sizeof(sql), format, arguments);
	va_end(arguments);
	assert_true(length > 0 && (size_t)length < sizeof(sql));
	assert_true(test_store_run(&ledger->writer.store, sql) > 0);
}

static inline struct clock_text test_ago(int64_t ms)
{
	return clock_text_of_ms(clock_wall_ms() - ms);
}

static inline void test_claim_all(struct test_ledger *ledger)
{
	instance_lock_claim(&ledger->lock, INSTANCE_LOCK_LISTENER);
	instance_lock_share(&ledger->lock, INSTANCE_LOCK_BACKFILLER);
	instance_lock_claim(&ledger->lock, INSTANCE_LOCK_PROCESSOR);
	instance_lock_claim(&ledger->lock, INSTANCE_LOCK_EXECUTOR);
}

/* An open session that began so long ago. */
static inline void test_add_session(struct test_ledger *ledger, int64_t id, int64_t cutoff,
				    int64_t last, int64_t age_ms)
{
	test_ledger_run(
		ledger,
		"INSERT INTO listener_sessions (id, cutoff_block, cutoff_source, last_block,"
		" started_at) VALUES (%" PRId64 ", %" PRId64 ", 'block_number', %" PRId64 ", '%s')",
		id, cutoff, last, test_ago(age_ms).text);
	instance_lock_hold_session(&ledger->lock, id);
}

static inline void test_cover(struct test_ledger *ledger, int64_t first, int64_t last)
{
	test_ledger_run(ledger,
			"INSERT OR REPLACE INTO block_coverage VALUES (%" PRId64 ", %" PRId64 ")",
			first, last);
}

/* All programs at work, everything covered: nothing needs a person. */
static inline void test_make_well(struct test_ledger *ledger)
{
	test_claim_all(ledger);
	test_add_session(ledger, 1, 150, 200, 600000);
	test_cover(ledger, 100, 198);
}

static inline void test_add_event(struct test_ledger *ledger, int64_t id, int64_t block,
				  const char *outcome, const char *error, int64_t age_ms)
{
	const bool done = outcome != NULL;

	test_ledger_run(
		ledger,
		"INSERT INTO event_queue (id, tx_hash, log_index, block_number, block_hash,"
		" block_timestamp, event_type, event_data, processed, outcome, error, source,"
		" created_at, processed_at) VALUES (%" PRId64 ", printf('0x%%064x', %" PRId64
		"), 0, %" PRId64 ", '0x' || printf('%%064x', 1), '%s', 'take', '{}', %d, %s%s%s,"
		" '%s', 'listener', '%s', %s%s%s)",
		id, id, block, test_ago(age_ms).text, done ? 1 : 0, done ? "'" : "",
		done ? outcome : "NULL", done ? "'" : "", error, test_ago(age_ms).text,
		done ? "'" : "", done ? test_ago(age_ms).text : "NULL", done ? "'" : "");
}

static inline void test_add_execution(struct test_ledger *ledger, int64_t id, const char *symbol,
				      const char *status, const char *error, int64_t age_ms)
{
	const bool ended = strcmp(status, "FILLED") == 0 || strcmp(status, "FAILED") == 0;

	test_ledger_run(ledger,
			"INSERT INTO executions (id, symbol, shares, direction, broker, status,"
			" client_order_id, order_id, filled_shares, error, created_at, executed_at)"
			" VALUES (%" PRId64 ", '%s', '5', 'BUY', 'alpaca', '%s', 'c%" PRId64
			"', 'o%" PRId64 "', '%s', '%s', '%s', %s%s%s)",
			id, symbol, status, id, id, strcmp(status, "FILLED") == 0 ? "5" : "0",
			error, test_ago(age_ms).text, ended ? "'" : "",
			ended ? test_ago(age_ms).text : "NULL", ended ? "'" : "");
}

static inline void test_add_position(struct test_ledger *ledger, const char *symbol,
				     const char *net, const char *pending)
{
	test_ledger_run(ledger,
			"INSERT INTO trade_accumulators (symbol, net_position, accumulated_long,"
			" pending_execution_id) VALUES ('%s', '%s', '%s', %s)",
			symbol, net, net, pending);
}

static inline void test_read(struct test_ledger *ledger)
{
	conditions_read(&ledger->conditions, ledger->now_ms, &ledger->list);
}

/* Exactly this condition is there; NULL: none is. */
static inline void test_expect(struct test_ledger *ledger, const char *name, const char *subject,
			       const char *words)
{
	const struct condition_list *list = &ledger->list;

	test_read(ledger);
	if (list->count != (name == NULL ? 0 : 1))
		fail_msg("%zu conditions, the first %s: %s", list->count,
			 list->count > 0 ? condition_name(list->items[0].kind) : "none",
			 list->count > 0 ? list->items[0].text : "");
	if (name == NULL)
		return;
	assert_string_equal(condition_name(list->items[0].kind), name);
	assert_string_equal(list->items[0].subject, subject);
	if (strstr(list->items[0].text, words) == NULL)
		fail_msg("not \"%s\" in: %s", words, list->items[0].text);
}

#endif
