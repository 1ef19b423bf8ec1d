/*
 * Realised profit of a database that grows: reads what is new, a slice at a time, each in a
 * transaction of its own, and computes between answers.
 */
#ifndef BALLAST_MONITOR_PNL_H
#define BALLAST_MONITOR_PNL_H

#include "base/clock.h"
#include "base/compiler.h"
#include "monitor/json.h"
#include "monitor/pnl_book.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Ids of executions that had not ended when they were read: one a symbol, for the most part. */
#define PNL_OPEN_MAXIMUM 1000

struct pnl_totals {
	struct symbol symbols[PNL_SYMBOLS_MAXIMUM];
	struct usd realised[PNL_SYMBOLS_MAXIMUM];
	struct shares net[PNL_SYMBOLS_MAXIMUM];
	size_t symbol_count;
	struct usd realised_total;
	struct shares unpriced;
	int64_t fills;
	struct clock_text computed_at;
};

struct pnl {
	struct store *store;
	struct statement trades, executions, execution;
	struct pnl_book book;
	int64_t last_trade_id;
	int64_t last_execution_id;
	int64_t trades_read_to_ms; /* time of the last row: the two are read side by side */
	int64_t executions_read_to_ms;
	int64_t open_ids[PNL_OPEN_MAXIMUM];
	size_t open_count;
	bool unread;	  /* there may be rows that were not read */
	bool unlooked;	  /* there may be open executions that have ended */
	bool from_start;  /* is being computed from the first fill on */
	int64_t spent_us; /* on that */
	int64_t again_us; /* when it may be done again */
	bool known;	  /* totals are */
	struct pnl_totals totals;
};

void pnl_open(struct pnl *pnl, struct store *store);
void pnl_close(struct pnl *pnl);

/* The database has changed. */
void pnl_note_commit(struct pnl *pnl);

/* Whether pnl_step has something to do at once. */
bool pnl_has_work(const struct pnl *pnl);

/* Works for some milliseconds, outside of a transaction. True when the totals are new. */
MUST_USE bool pnl_step(struct pnl *pnl);

/* Member "pnl" of the state. */
void pnl_write_summary(const struct pnl *pnl, struct json *json);

/* symbol "": all. False, and nothing written, while it is being computed from the start. */
MUST_USE bool pnl_write(const struct pnl *pnl, const struct symbol *symbol, struct json *json);

#endif
