-- The laws of the ledger. Every query returns no row when all is well. What it returns names what is wrong.
--
--	sqlite3 -readonly ballast.db < tests/invariants.sql
--
-- Plain SQL that needs no extension and writes nothing. Semicolons end queries and stand nowhere else. An execution counts
-- as open until the processor has taken its end in: until then trade_accumulators.pending_execution_id names it.

-- Sums. Each law is a list of terms that add up to zero: + what there is, - where it went. Amounts have up to 18 digits
-- before and behind the point, more than an integer or REAL holds, so each is cut into three integers (before the point,
-- the first nine digits behind it, the last nine) that are summed apart and carried at the end.
WITH counted(id, symbol, direction, shares) AS (
	SELECT id, symbol, direction,
	       CASE WHEN id IN (SELECT pending_execution_id FROM trade_accumulators WHERE pending_execution_id IS NOT NULL)
	            THEN shares ELSE filled_shares END
	FROM executions
), term(law, sign, amount) AS (
	-- Per trade: amount = offsets + contributed to executions + unallocated.
	SELECT 'trade ' || id, 1, amount FROM onchain_trades
	UNION ALL SELECT 'trade ' || id, -1, unallocated FROM onchain_trades
	UNION ALL SELECT 'trade ' || buy_trade_id, -1, shares FROM trade_offsets
	UNION ALL SELECT 'trade ' || sell_trade_id, -1, shares FROM trade_offsets
	UNION ALL SELECT 'trade ' || trade_id, -1, contributed_shares FROM trade_execution_links
	-- Per ticker: signed live trades = net_position + signed hedged shares, asked for while open, filled once settled.
	UNION ALL SELECT 'ticker ' || base_symbol, CASE direction WHEN 'BUY' THEN 1 ELSE -1 END, amount FROM live_trades
	UNION ALL SELECT 'ticker ' || symbol, -1, net_position FROM trade_accumulators
	UNION ALL SELECT 'ticker ' || symbol, CASE direction WHEN 'SELL' THEN -1 ELSE 1 END, shares FROM counted
	-- Per execution: contributions = shares while open, = filled_shares once settled.
	UNION ALL SELECT 'execution ' || id, 1, shares FROM counted
	UNION ALL SELECT 'execution ' || execution_id, -1, contributed_shares FROM trade_execution_links
	-- net_position = accumulated_long - accumulated_short.
	UNION ALL SELECT 'net_position of ' || symbol, 1, accumulated_long FROM trade_accumulators
	UNION ALL SELECT 'net_position of ' || symbol, -1, accumulated_short FROM trade_accumulators
	UNION ALL SELECT 'net_position of ' || symbol, -1, net_position FROM trade_accumulators
	-- What is accumulated is what the trades of that side have unallocated.
	UNION ALL SELECT 'BUY side of ' || symbol, 1, accumulated_long FROM trade_accumulators
	UNION ALL SELECT 'SELL side of ' || symbol, 1, accumulated_short FROM trade_accumulators
	UNION ALL SELECT direction || ' side of ' || base_symbol, -1, unallocated FROM onchain_trades
), digit(law, sign, digits) AS (
	SELECT law, CASE WHEN amount LIKE '-%' THEN -sign ELSE sign END, ltrim(amount, '-') FROM term
), part(law, sign, whole, fraction) AS (
	SELECT law, sign, substr(digits, 1, instr(digits || '.', '.') - 1),
	       substr(digits, instr(digits || '.', '.') + 1) || '000000000000000000'
	FROM digit
), total(law, whole, high, low) AS (
	SELECT law, sum(sign * CAST(whole AS INTEGER)), sum(sign * CAST(substr(fraction, 1, 9) AS INTEGER)),
	       sum(sign * CAST(substr(fraction, 10, 9) AS INTEGER))
	FROM part GROUP BY law
)
SELECT law, whole AS whole_too_much, high AS billionths_too_much, low AS low_billionths_too_much
FROM total
WHERE low % 1000000000 <> 0
   OR (high + low / 1000000000) % 1000000000 <> 0
   OR whole + (high + low / 1000000000) / 1000000000 <> 0;

-- Amounts are canonical decimal text ('0', '0.3', '12'). Shares have at most 18 digits on each side of the point. Only a
-- net_position may be negative.
WITH amount(place, text, longest, signed) AS (
	SELECT 'onchain_trades.amount of ' || id, amount, 18, 0 FROM onchain_trades
	UNION ALL SELECT 'onchain_trades.token_amount of ' || id, token_amount, 18, 0 FROM onchain_trades
	UNION ALL SELECT 'onchain_trades.unallocated of ' || id, unallocated, 18, 0 FROM onchain_trades
	UNION ALL SELECT 'onchain_trades.usdc_amount of ' || id, usdc_amount, 21, 0 FROM onchain_trades
	UNION ALL SELECT 'onchain_trades.price_usdc of ' || id, price_usdc, 21, 0 FROM onchain_trades
	UNION ALL SELECT 'trade_offsets.shares of ' || buy_trade_id || ' and ' || sell_trade_id, shares, 18, 0
		FROM trade_offsets
	UNION ALL SELECT 'trade_execution_links of ' || trade_id || ' and ' || execution_id, contributed_shares, 18, 0
		FROM trade_execution_links
	UNION ALL SELECT 'trade_accumulators.net_position of ' || symbol, net_position, 18, 1 FROM trade_accumulators
	UNION ALL SELECT 'trade_accumulators.accumulated_long of ' || symbol, accumulated_long, 18, 0
		FROM trade_accumulators
	UNION ALL SELECT 'trade_accumulators.accumulated_short of ' || symbol, accumulated_short, 18, 0
		FROM trade_accumulators
	UNION ALL SELECT 'executions.shares of ' || id, shares, 18, 0 FROM executions
	UNION ALL SELECT 'executions.order_shares of ' || id, order_shares, 18, 0 FROM executions
	UNION ALL SELECT 'executions.accepted_shares of ' || id, accepted_shares, 18, 0 FROM executions
	UNION ALL SELECT 'executions.filled_shares of ' || id, filled_shares, 18, 0 FROM executions
), digit(place, text, longest, digits) AS (
	SELECT place, text, longest,
	       CASE WHEN signed AND text LIKE '-%' AND text <> '-0' THEN substr(text, 2) ELSE text END
	FROM amount WHERE text IS NOT NULL
)
SELECT place, text
FROM digit
WHERE digits NOT GLOB '[0-9]*' OR digits GLOB '*[^0-9.]*' OR digits GLOB '*.*.*' OR digits GLOB '0[0-9]*'
   OR digits GLOB '*.' OR digits GLOB '*.*0'
   OR instr(digits || '.', '.') - 1 > longest OR length(digits) - instr(digits || '.', '.') > 18;

-- A price comes of dollars and shares that were there.
SELECT id, amount, usdc_amount, price_usdc FROM onchain_trades
WHERE price_usdc IS NOT NULL AND (usdc_amount IS NULL OR usdc_amount = '0' OR amount = '0');

-- Every ticker that was traded or hedged has a position.
SELECT base_symbol FROM onchain_trades WHERE base_symbol NOT IN (SELECT symbol FROM trade_accumulators)
UNION SELECT symbol FROM executions WHERE symbol NOT IN (SELECT symbol FROM trade_accumulators);

-- At most one side of a position is above zero.
SELECT symbol, accumulated_long, accumulated_short FROM trade_accumulators
WHERE accumulated_long <> '0' AND accumulated_short <> '0';

-- A pending execution is there, and the ticker's own: open, or ended and not yet taken in.
SELECT a.symbol, a.pending_execution_id
FROM trade_accumulators AS a LEFT JOIN executions AS e ON e.id = a.pending_execution_id
WHERE a.pending_execution_id IS NOT NULL AND (e.id IS NULL OR e.symbol <> a.symbol);

-- An open execution is some ticker's pending one.
SELECT id, symbol, status FROM executions
WHERE status NOT IN ('FILLED', 'FAILED')
  AND id NOT IN (SELECT pending_execution_id FROM trade_accumulators WHERE pending_execution_id IS NOT NULL);

-- Executions are for whole, positive shares.
SELECT id, shares FROM executions WHERE instr(shares, '.') > 0 OR shares = '0';

-- An order asks for whole shares, and for no more than was asked of it. What a broker has was ordered before.
SELECT id, shares, order_shares, accepted_shares FROM executions
WHERE instr(order_shares, '.') > 0 OR order_shares = '0' OR CAST(order_shares AS INTEGER) > CAST(shares AS INTEGER)
   OR (status IN ('SUBMITTING', 'SUBMITTED') AND order_shares IS NULL) OR (status = 'SUBMITTED' AND accepted_shares IS NULL);

-- A hedge is on the other side of the trades it hedges, and of their ticker.
SELECT l.trade_id, l.execution_id
FROM trade_execution_links AS l
JOIN onchain_trades AS t ON t.id = l.trade_id
JOIN executions AS e ON e.id = l.execution_id
WHERE t.base_symbol <> e.symbol OR t.direction = e.direction;

-- Offsets pair a BUY and a SELL of one ticker, and something of them.
SELECT o.buy_trade_id, o.sell_trade_id
FROM trade_offsets AS o
JOIN onchain_trades AS b ON b.id = o.buy_trade_id
JOIN onchain_trades AS s ON s.id = o.sell_trade_id
WHERE b.direction <> 'BUY' OR s.direction <> 'SELL' OR b.base_symbol <> s.base_symbol OR o.shares = '0';

-- An event that became trades has some, and no other has any.
SELECT q.id, q.outcome FROM event_queue AS q
WHERE (coalesce(q.outcome, '') = 'trade') <> EXISTS (SELECT 1 FROM onchain_trades AS t WHERE t.event_id = q.id);

-- A trade tells the place of its event.
SELECT t.id, t.event_id FROM onchain_trades AS t JOIN event_queue AS q ON q.id = t.event_id
WHERE t.tx_hash <> q.tx_hash OR t.log_index <> q.log_index OR t.block_number <> q.block_number;

-- Wrapped shares are booked at what they were worth in the block of their trade.
SELECT t.id, t.token_amount FROM onchain_trades AS t JOIN event_queue AS q ON q.id = t.event_id
WHERE t.token_amount IS NOT NULL AND NOT EXISTS (
	SELECT 1 FROM vault_conversions AS c JOIN tokens AS k ON k.address = c.token
	WHERE k.symbol = t.symbol AND c.block_hash = q.block_hash);

-- What was quarantined or filtered says why.
SELECT id, outcome FROM event_queue WHERE outcome IN ('quarantined', 'filtered') AND coalesce(error, '') = '';

-- An archived event says what its data was, and only an archived one does.
SELECT id, archived_at FROM event_queue
WHERE (archived_at IS NOT NULL) <> (length(event_data) = 93 AND event_data GLOB '{"archived":true,"sha256":"[0-9a-f]*"}'
                                    AND substr(event_data, 28, 64) NOT GLOB '*[^0-9a-f]*');

-- Ranges of coverage neither overlap nor touch: they are merged.
SELECT a.first_block, a.last_block, b.first_block
FROM block_coverage AS a JOIN block_coverage AS b ON b.first_block > a.first_block AND b.first_block <= a.last_block + 1;

-- One standing row an event.
SELECT tx_hash, log_index FROM event_queue WHERE removed = 0 GROUP BY tx_hash, log_index HAVING count(*) > 1;

-- A reversal takes back one trade of an event whose block left the chain: the same fill, on the other side.
SELECT r.id, r.reverses_trade_id
FROM onchain_trades AS r JOIN onchain_trades AS t ON t.id = r.reverses_trade_id JOIN event_queue AS q ON q.id = t.event_id
WHERE q.removed = 0 OR r.event_id <> t.event_id OR r.direction = t.direction OR r.amount <> t.amount
   OR r.order_owner <> t.order_owner OR r.symbol <> t.symbol OR r.base_symbol <> t.base_symbol
   OR r.usdc_amount IS NOT t.usdc_amount OR r.token_amount IS NOT t.token_amount OR t.reverses_trade_id IS NOT NULL;

-- An event was taken back when each of its trades was, and only then.
SELECT q.id, q.reversed_at FROM event_queue AS q JOIN onchain_trades AS t ON t.event_id = q.id
WHERE t.reverses_trade_id IS NULL
  AND (q.reversed_at IS NOT NULL) <> EXISTS (SELECT 1 FROM onchain_trades AS r WHERE r.reverses_trade_id = t.id);

-- Of two neighbouring headers one is the parent of the other. Only the lowest is kept as final.
SELECT b.block_number FROM blocks AS a JOIN blocks AS b ON b.block_number = a.block_number + 1
WHERE b.parent_hash <> a.block_hash
UNION ALL SELECT block_number FROM blocks
WHERE finalized = 1 AND block_number > (SELECT min(block_number) FROM blocks);

-- The file itself.
SELECT * FROM pragma_foreign_key_check;
SELECT * FROM pragma_quick_check WHERE quick_check <> 'ok';
