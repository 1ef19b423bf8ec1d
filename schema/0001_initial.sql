-- The tables that Ballast's programs coordinate through, and that dashboards, scripts and audits read.
--
-- Times: UTC ISO-8601 text with milliseconds. Hashes, addresses: lower-case 0x hex. Quantities and prices: canonical
-- decimal text ('0.3', '-12', never '1e-1'). Who writes what stands above each table; nobody writes another's columns.

-- Which ledger this file is: chain_id, genesis_hash, orderbook, order_owner. Written once by the first program that
-- knows a value; every later one must agree.
CREATE TABLE ledger (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

-- Raw events. listener and backfiller append; the processor sets processed, outcome, error, processed_at.
CREATE TABLE event_queue (
	id              INTEGER PRIMARY KEY AUTOINCREMENT,
	tx_hash         TEXT    NOT NULL CHECK (length(tx_hash) = 66),
	log_index       INTEGER NOT NULL CHECK (log_index >= 0),
	block_number    INTEGER NOT NULL CHECK (block_number >= 0),
	block_hash      TEXT    NOT NULL CHECK (length(block_hash) = 66),
	block_timestamp TEXT    NOT NULL,
	event_type      TEXT    NOT NULL,
	event_data      TEXT    NOT NULL CHECK (json_valid(event_data)),
	removed         INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)), -- its block left the chain
	processed       INTEGER NOT NULL DEFAULT 0 CHECK (processed IN (0, 1)),
	outcome         TEXT    CHECK (outcome IN ('trade', 'filtered', 'quarantined')),
	error           TEXT, -- why it was quarantined or filtered
	source          TEXT    NOT NULL CHECK (source IN ('listener', 'backfiller')),
	created_at      TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	processed_at    TEXT,
	CHECK ((processed = 1) = (outcome IS NOT NULL)),
	CHECK ((processed = 1) = (processed_at IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX event_queue_standing ON event_queue (tx_hash, log_index) WHERE removed = 0;
CREATE INDEX event_queue_waiting ON event_queue (block_number, log_index) WHERE processed = 0 AND removed = 0;
CREATE INDEX event_queue_block ON event_queue (block_number, log_index);
CREATE INDEX event_queue_quarantined ON event_queue (id) WHERE outcome = 'quarantined';

-- Decoded fills of the owners' orders. Written by the processor.
CREATE TABLE onchain_trades (
	id                INTEGER PRIMARY KEY AUTOINCREMENT,
	event_id          INTEGER NOT NULL REFERENCES event_queue (id),
	tx_hash           TEXT    NOT NULL,
	log_index         INTEGER NOT NULL,
	block_number      INTEGER NOT NULL,
	block_timestamp   TEXT    NOT NULL,
	order_owner       TEXT    NOT NULL CHECK (length(order_owner) = 42),
	symbol            TEXT    NOT NULL, -- as on chain: tBRK.B
	base_symbol       TEXT    NOT NULL, -- the ticker: BRK.B
	direction         TEXT    NOT NULL CHECK (direction IN ('BUY', 'SELL')), -- the owner's side
	amount            TEXT    NOT NULL, -- shares, >= 0
	usdc_amount       TEXT,             -- NULL: equity against equity
	price_usdc        TEXT,             -- usdc_amount / amount, rounded towards zero at the 18th digit; NULL: none
	reverses_trade_id INTEGER UNIQUE REFERENCES onchain_trades (id),
	unallocated       TEXT    NOT NULL, -- shares neither offset nor contributed to an execution
	created_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE UNIQUE INDEX onchain_trades_fill
	ON onchain_trades (event_id, order_owner, symbol, direction) WHERE reverses_trade_id IS NULL;
CREATE INDEX onchain_trades_unallocated ON onchain_trades (base_symbol, direction, id) WHERE unallocated <> '0';
CREATE INDEX onchain_trades_tx ON onchain_trades (tx_hash, log_index);

-- The trades that stand: neither reversed nor a reversal.
CREATE VIEW live_trades AS
	SELECT t.*
	FROM onchain_trades AS t
	WHERE t.reverses_trade_id IS NULL
	  AND NOT EXISTS (SELECT 1 FROM onchain_trades AS r WHERE r.reverses_trade_id = t.id);

-- One intended broker order and its life. The processor inserts (symbol, shares, direction, PENDING); from then on the
-- executor writes broker, status, client_order_id, order_id, filled_shares, average_price, error and the times.
CREATE TABLE executions (
	id              INTEGER PRIMARY KEY AUTOINCREMENT,
	symbol          TEXT    NOT NULL,
	shares          TEXT    NOT NULL, -- whole shares
	direction       TEXT    NOT NULL CHECK (direction IN ('BUY', 'SELL')), -- the broker order's side
	broker          TEXT,
	status          TEXT    NOT NULL DEFAULT 'PENDING'
		CHECK (status IN ('PENDING', 'SUBMITTING', 'SUBMITTED', 'FILLED', 'FAILED', 'HELD')),
	client_order_id TEXT UNIQUE,
	order_id        TEXT,
	filled_shares   TEXT    NOT NULL DEFAULT '0',
	average_price   TEXT, -- dollars a share; NULL: nothing filled, or no price known
	error           TEXT,
	created_at      TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	submitted_at    TEXT,
	executed_at     TEXT, -- when it ended
	CHECK (status = 'PENDING' OR client_order_id IS NOT NULL),
	CHECK (status NOT IN ('SUBMITTED', 'FILLED') OR order_id IS NOT NULL),
	CHECK ((status IN ('FILLED', 'FAILED')) = (executed_at IS NOT NULL))
) STRICT;

-- One open execution a symbol, whatever program errs.
CREATE UNIQUE INDEX executions_open ON executions (symbol)
	WHERE status IN ('PENDING', 'SUBMITTING', 'SUBMITTED', 'HELD');
CREATE INDEX executions_status ON executions (status, id)
	WHERE status IN ('PENDING', 'SUBMITTING', 'SUBMITTED', 'HELD');
CREATE INDEX executions_symbol ON executions (symbol, id);
CREATE UNIQUE INDEX executions_order ON executions (broker, order_id) WHERE order_id IS NOT NULL;

-- What is still unhedged, a row for each ticker. Written by the processor.
CREATE TABLE trade_accumulators (
	symbol               TEXT PRIMARY KEY,
	net_position         TEXT NOT NULL DEFAULT '0', -- accumulated_long - accumulated_short
	accumulated_long     TEXT NOT NULL DEFAULT '0',
	accumulated_short    TEXT NOT NULL DEFAULT '0',
	pending_execution_id INTEGER REFERENCES executions (id),
	last_updated         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	CHECK (accumulated_long = '0' OR accumulated_short = '0')
) STRICT;

-- Stands on every update, whoever makes it. Its own update finds the time already right and does not fire again.
CREATE TRIGGER trade_accumulators_last_updated
AFTER UPDATE ON trade_accumulators
FOR EACH ROW WHEN NEW.last_updated IS NOT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
BEGIN
	UPDATE trade_accumulators SET last_updated = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE symbol = NEW.symbol;
END;

-- Which trades an execution hedges. Written by the processor.
CREATE TABLE trade_execution_links (
	trade_id           INTEGER NOT NULL REFERENCES onchain_trades (id),
	execution_id       INTEGER NOT NULL REFERENCES executions (id),
	contributed_shares TEXT    NOT NULL, -- '0' when all of it went back to the position
	PRIMARY KEY (trade_id, execution_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX trade_execution_links_execution ON trade_execution_links (execution_id, trade_id);

-- Opposite fills that cancel without a broker order. Written by the processor.
CREATE TABLE trade_offsets (
	buy_trade_id  INTEGER NOT NULL REFERENCES onchain_trades (id),
	sell_trade_id INTEGER NOT NULL REFERENCES onchain_trades (id),
	shares        TEXT    NOT NULL,
	PRIMARY KEY (buy_trade_id, sell_trade_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX trade_offsets_sell ON trade_offsets (sell_trade_id);

-- Blocks whose logs are proven to be in event_queue: disjoint, merged ranges. Written by the backfiller.
CREATE TABLE block_coverage (
	first_block INTEGER PRIMARY KEY CHECK (first_block >= 0),
	last_block  INTEGER NOT NULL CHECK (last_block >= first_block)
) STRICT;

-- Subscriptions. Written by the listener; open only while it holds the session's lock, whatever the row says.
CREATE TABLE listener_sessions (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	cutoff_block  INTEGER NOT NULL CHECK (cutoff_block >= 0),
	cutoff_source TEXT    NOT NULL CHECK (cutoff_source IN ('first_event', 'block_number')),
	last_block    INTEGER NOT NULL CHECK (last_block >= 0), -- the highest it has heard of
	started_at    TEXT    NOT NULL,
	ended_at      TEXT,
	end_reason    TEXT,
	CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;

-- What token contracts say of themselves, asked once. Written by the processor.
CREATE TABLE tokens (
	address  TEXT    PRIMARY KEY CHECK (length(address) = 42),
	symbol   TEXT    NOT NULL,
	decimals INTEGER NOT NULL CHECK (decimals BETWEEN 0 AND 255)
) STRICT;

-- Switches that operators (through a command) and programs (loudly) set: trading_halted = '1' stops new orders.
CREATE TABLE controls (
	name   TEXT PRIMARY KEY,
	value  TEXT NOT NULL,
	reason TEXT NOT NULL,
	set_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
