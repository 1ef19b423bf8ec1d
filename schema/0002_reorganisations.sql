-- What it takes to notice that the chain has moved, and to take back what it took back.

-- Headers of the chain that the ledger was read from: every block that is not final yet, and the last of each older
-- range until a newer one is final. A node whose header at a number has another hash is on another branch. Written by the
-- backfiller.
CREATE TABLE blocks (
	block_number INTEGER PRIMARY KEY CHECK (block_number >= 0),
	block_hash   TEXT    NOT NULL CHECK (length(block_hash) = 66),
	parent_hash  TEXT    NOT NULL CHECK (length(parent_hash) = 66),
	finalized    INTEGER NOT NULL DEFAULT 0 CHECK (finalized IN (0, 1)) -- the node has promised never to give it up
) STRICT;

-- removed, too, is set by the backfiller: once, and never taken back. When the same block returns, its event is a new row.

-- 1: a verified read of its block has this event. Set by the backfiller; 0 again when somebody has a reason to doubt it.
ALTER TABLE event_queue ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0 CHECK (confirmed IN (0, 1));

-- When the processor took back the trades of a removed event.
ALTER TABLE event_queue ADD COLUMN reversed_at TEXT;

UPDATE event_queue SET confirmed = 1
WHERE EXISTS (SELECT 1 FROM block_coverage AS c
              WHERE event_queue.block_number BETWEEN c.first_block AND c.last_block);

CREATE INDEX event_queue_unconfirmed ON event_queue (block_number) WHERE confirmed = 0 AND removed = 0;
CREATE INDEX event_queue_unreversed ON event_queue (block_number, log_index)
	WHERE removed = 1 AND outcome = 'trade' AND reversed_at IS NULL;
CREATE INDEX onchain_trades_event ON onchain_trades (event_id);
