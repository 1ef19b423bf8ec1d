-- The laws of the ledger. Every query returns no row when all is well; what it returns names what is wrong.
--
-- decimal_add, decimal_sub, decimal_cmp and decimal_sum work on canonical decimal text, exactly; they are those of SQLite's
-- decimal extension (the integration tests bring their own of the same names).
-- An execution counts as open until the processor has taken its end in: until then trade_accumulators.pending_execution_id
-- names it.

-- Per trade: amount = offsets + contributed to executions + unallocated.
SELECT t.id, t.amount, t.unallocated
FROM onchain_trades AS t
WHERE decimal_cmp(t.amount, decimal_add(t.unallocated, decimal_add(
	coalesce((SELECT decimal_sum(o.shares) FROM trade_offsets AS o WHERE t.id IN (o.buy_trade_id, o.sell_trade_id)), '0'),
	coalesce((SELECT decimal_sum(l.contributed_shares) FROM trade_execution_links AS l WHERE l.trade_id = t.id), '0')))) <> 0;

-- Per ticker: sum of signed live trades = net_position + signed hedged shares (asked for while open, filled once settled).
WITH traded AS (
	SELECT base_symbol AS symbol,
	       decimal_sum(CASE direction WHEN 'BUY' THEN amount ELSE decimal_sub('0', amount) END) AS shares
	FROM live_trades GROUP BY base_symbol
), hedged AS (
	SELECT x.symbol, decimal_sum(CASE x.direction WHEN 'SELL' THEN x.counted ELSE decimal_sub('0', x.counted) END) AS shares
	FROM (SELECT e.symbol, e.direction,
	             CASE WHEN e.id IN (SELECT pending_execution_id FROM trade_accumulators) THEN e.shares
	                  ELSE e.filled_shares END AS counted
	      FROM executions AS e) AS x
	GROUP BY x.symbol
)
SELECT a.symbol, a.net_position, traded.shares, hedged.shares
FROM trade_accumulators AS a
LEFT JOIN traded ON traded.symbol = a.symbol
LEFT JOIN hedged ON hedged.symbol = a.symbol
WHERE decimal_cmp(coalesce(traded.shares, '0'), decimal_add(a.net_position, coalesce(hedged.shares, '0'))) <> 0;

-- Every ticker that was traded has a position.
SELECT DISTINCT base_symbol FROM onchain_trades WHERE base_symbol NOT IN (SELECT symbol FROM trade_accumulators);

-- Per execution: contributions = shares while open, = filled_shares once settled.
SELECT e.id, e.status, e.shares, e.filled_shares
FROM executions AS e
WHERE decimal_cmp(
	coalesce((SELECT decimal_sum(l.contributed_shares) FROM trade_execution_links AS l WHERE l.execution_id = e.id), '0'),
	CASE WHEN e.id IN (SELECT pending_execution_id FROM trade_accumulators) THEN e.shares ELSE e.filled_shares END) <> 0;

-- At most one side above zero, neither below, and net_position is their difference.
SELECT symbol, net_position, accumulated_long, accumulated_short
FROM trade_accumulators
WHERE (accumulated_long <> '0' AND accumulated_short <> '0')
   OR decimal_cmp(accumulated_long, '0') < 0
   OR decimal_cmp(accumulated_short, '0') < 0
   OR decimal_cmp(net_position, decimal_sub(accumulated_long, accumulated_short)) <> 0;

-- What is accumulated is what the trades of that side have unallocated.
SELECT a.symbol
FROM trade_accumulators AS a
WHERE decimal_cmp(a.accumulated_long, coalesce((SELECT decimal_sum(t.unallocated) FROM onchain_trades AS t
	WHERE t.base_symbol = a.symbol AND t.direction = 'BUY'), '0')) <> 0
   OR decimal_cmp(a.accumulated_short, coalesce((SELECT decimal_sum(t.unallocated) FROM onchain_trades AS t
	WHERE t.base_symbol = a.symbol AND t.direction = 'SELL'), '0')) <> 0;

-- A pending execution is the ticker's own, and an open one is somebody's.
SELECT a.symbol, a.pending_execution_id
FROM trade_accumulators AS a LEFT JOIN executions AS e ON e.id = a.pending_execution_id
WHERE a.pending_execution_id IS NOT NULL AND (e.id IS NULL OR e.symbol <> a.symbol);
SELECT id, symbol, status FROM executions
WHERE status NOT IN ('FILLED', 'FAILED')
  AND id NOT IN (SELECT pending_execution_id FROM trade_accumulators WHERE pending_execution_id IS NOT NULL);

-- Executions are for whole, positive shares; what is filled is never negative.
SELECT id, shares, filled_shares FROM executions
WHERE instr(shares, '.') > 0 OR decimal_cmp(shares, '0') <= 0 OR decimal_cmp(filled_shares, '0') < 0;

-- A hedge is on the other side of the trades it hedges, and of their ticker.
SELECT l.trade_id, l.execution_id
FROM trade_execution_links AS l
JOIN onchain_trades AS t ON t.id = l.trade_id
JOIN executions AS e ON e.id = l.execution_id
WHERE t.base_symbol <> e.symbol OR t.direction = e.direction;

-- Offsets pair a BUY and a SELL of one ticker.
SELECT o.buy_trade_id, o.sell_trade_id
FROM trade_offsets AS o
JOIN onchain_trades AS b ON b.id = o.buy_trade_id
JOIN onchain_trades AS s ON s.id = o.sell_trade_id
WHERE b.direction <> 'BUY' OR s.direction <> 'SELL' OR b.base_symbol <> s.base_symbol
   OR decimal_cmp(o.shares, '0') <= 0;

-- An event that became trades has some, and no other has any.
SELECT q.id, q.outcome FROM event_queue AS q
WHERE (coalesce(q.outcome, '') = 'trade') <> EXISTS (SELECT 1 FROM onchain_trades AS t WHERE t.event_id = q.id);

-- Ranges of coverage neither overlap nor touch: they are merged.
SELECT a.first_block, a.last_block, b.first_block
FROM block_coverage AS a JOIN block_coverage AS b ON b.first_block > a.first_block AND b.first_block <= a.last_block + 1;

-- One standing row an event.
SELECT tx_hash, log_index FROM event_queue WHERE removed = 0 GROUP BY tx_hash, log_index HAVING count(*) > 1;

-- The file itself.
SELECT * FROM pragma_foreign_key_check;
SELECT * FROM pragma_quick_check WHERE quick_check <> 'ok';
