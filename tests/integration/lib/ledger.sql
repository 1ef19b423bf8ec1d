-- A small ledger with one of everything, for the queries of docs/schema.md. It obeys tests/invariants.sql.
INSERT INTO ledger VALUES ('chain_id', '8453');
INSERT INTO event_queue (id, tx_hash, log_index, block_number, block_hash, block_timestamp, event_type, event_data, removed,
	processed, outcome, error, source, created_at, processed_at, confirmed, reversed_at, archived_at)
VALUES
	(1, '0x' || printf('%064d', 1), 1, 100, '0x' || printf('%064d', 100), '2026-01-02T09:00:00.000Z', 'TakeOrderV2',
	 '{"archived":true,"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}', 0, 1, 'trade', NULL,
	 'backfiller', '2026-01-02T09:00:01.000Z', '2026-01-02T09:00:01.010Z', 1, NULL, '2026-02-02T09:00:00.000Z'),
	(2, '0x' || printf('%064d', 2), 0, 101, '0x' || printf('%064d', 101), '2026-01-02T09:10:00.000Z', 'ClearV2', '{}', 0, 1,
	 'trade', NULL, 'listener', '2026-01-02T09:10:01.000Z', '2026-01-02T09:10:01.010Z', 1, NULL, NULL),
	(3, '0x' || printf('%064d', 3), 0, 103, '0x' || printf('%064d', 103), '2026-01-03T09:00:00.000Z', 'TakeOrderV2', '{}', 0, 1,
	 'trade', NULL, 'listener', '2026-01-03T09:00:01.000Z', '2026-01-03T09:00:01.010Z', 1, NULL, NULL),
	(4, '0x' || printf('%064d', 4), 0, 102, '0x' || printf('%064d', 102), '2026-01-02T09:20:00.000Z', 'TakeOrderV2', '{}', 0, 1,
	 'filtered', 'no order of an owner', 'listener', '2026-01-02T09:20:01.000Z', '2026-01-02T09:20:01.010Z', 1, NULL, NULL),
	(5, '0x' || printf('%064d', 5), 1, 102, '0x' || printf('%064d', 102), '2026-01-02T09:20:00.000Z', 'TakeOrderV2', '{}', 0, 1,
	 'quarantined', 'the token has no symbol', 'listener', '2026-01-02T09:20:01.000Z', '2026-01-02T09:20:01.020Z', 1, NULL, NULL),
	(6, '0x' || printf('%064d', 6), 0, 102, '0x' || printf('%064d', 902), '2026-01-02T09:30:00.000Z', 'TakeOrderV2', '{}', 1, 1,
	 'trade', NULL, 'listener', '2026-01-02T09:30:01.000Z', '2026-01-02T09:30:01.010Z', 0, '2026-01-02T09:31:00.000Z', NULL),
	(7, '0x' || printf('%064d', 7), 2, 104, '0x' || printf('%064d', 104), '2026-01-03T10:00:00.000Z', 'TakeOrderV2', '{}', 0, 0,
	 NULL, NULL, 'listener', '2026-01-03T10:00:01.000Z', NULL, 0, NULL, NULL);
INSERT INTO onchain_trades (id, event_id, tx_hash, log_index, block_number, block_timestamp, order_owner, symbol, base_symbol,
	direction, amount, usdc_amount, price_usdc, reverses_trade_id, unallocated)
VALUES
	(1, 1, '0x' || printf('%064d', 1), 1, 100, '2026-01-02T09:00:00.000Z', '0x' || printf('%040d', 1), 'AAPL0x', 'AAPL', 'SELL',
	 '5.4', '1242', '230', NULL, '0'),
	(2, 2, '0x' || printf('%064d', 2), 0, 101, '2026-01-02T09:10:00.000Z', '0x' || printf('%040d', 1), 'NVDAs1', 'NVDA', 'BUY',
	 '3.7', '518', '140', NULL, '0.7'),
	(3, 3, '0x' || printf('%064d', 3), 0, 103, '2026-01-03T09:00:00.000Z', '0x' || printf('%040d', 1), 'AAPL0x', 'AAPL', 'SELL',
	 '2', '461', '230.5', NULL, '0.4'),
	(4, 6, '0x' || printf('%064d', 6), 0, 102, '2026-01-02T09:30:00.000Z', '0x' || printf('%040d', 1), 'tTSLA', 'TSLA', 'BUY',
	 '1', '250', '250', NULL, '0'),
	(5, 6, '0x' || printf('%064d', 6), 0, 102, '2026-01-02T09:30:00.000Z', '0x' || printf('%040d', 1), 'tTSLA', 'TSLA', 'SELL',
	 '1', '250', '250', 4, '0');
INSERT INTO executions (id, symbol, shares, direction, broker, status, client_order_id, order_id, filled_shares, average_price,
	created_at, submitted_at, executed_at, order_shares, accepted_shares)
VALUES
	(1, 'AAPL', '5', 'BUY', 'alpaca', 'FILLED', 'ballast-1-a', 'order-1', '5', '229.5', '2026-01-02T09:00:01.000Z',
	 '2026-01-02T09:00:01.004Z', '2026-01-02T09:00:02.250Z', '5', '5'),
	(2, 'NVDA', '3', 'SELL', 'alpaca', 'FILLED', 'ballast-2-b', 'order-2', '3', '140.25', '2026-01-02T09:10:01.000Z',
	 '2026-01-02T09:10:01.005Z', '2026-01-02T09:10:01.900Z', '3', '3'),
	(3, 'AAPL', '2', 'BUY', 'alpaca', 'SUBMITTED', 'ballast-3-c', 'order-3', '0', NULL, '2026-01-03T09:00:01.000Z',
	 '2026-01-03T09:00:01.004Z', NULL, '2', '2');
INSERT INTO trade_execution_links VALUES (1, 1, '5'), (1, 3, '0.4'), (2, 2, '3'), (3, 3, '1.6');
INSERT INTO trade_offsets VALUES (4, 5, '1');
INSERT INTO trade_accumulators (symbol, net_position, accumulated_long, accumulated_short, pending_execution_id)
VALUES ('AAPL', '-0.4', '0', '0.4', 3), ('NVDA', '0.7', '0.7', '0', NULL), ('TSLA', '0', '0', '0', NULL);
INSERT INTO block_coverage VALUES (90, 103), (105, 120);
INSERT INTO operator_decisions (execution_id, decision, reason, decided_at)
VALUES (2, 'filled 3 140.25', 'statement', '2026-01-02T09:10:01.900Z');
