-- Wrapped shares, the price that an order itself read, and what a fill's transaction cost. All written by the processor.

-- What moved, in the token's own units (wrapped shares); amount is what they were worth in shares. NULL: not wrapped.
ALTER TABLE onchain_trades ADD COLUMN token_amount TEXT;

-- Found out after the trade was booked, if at all; never waited for. A reversal has none.
ALTER TABLE onchain_trades ADD COLUMN oracle_feed TEXT;         -- id of the Pyth feed
ALTER TABLE onchain_trades ADD COLUMN oracle_price TEXT;        -- dollars a share, as the order read it
ALTER TABLE onchain_trades ADD COLUMN oracle_confidence TEXT;   -- plus or minus, dollars a share
ALTER TABLE onchain_trades ADD COLUMN oracle_published_at TEXT; -- when Pyth's publishers said so
ALTER TABLE onchain_trades ADD COLUMN gas_used INTEGER;         -- of the whole transaction, whoever paid
ALTER TABLE onchain_trades ADD COLUMN gas_price_wei INTEGER;    -- effective
ALTER TABLE onchain_trades ADD COLUMN l1_fee_wei INTEGER;       -- NULL: a chain without
-- When the asking ended, and what was not found out (NULL: nothing). Both NULL: still to be asked.
ALTER TABLE onchain_trades ADD COLUMN details_at TEXT;
ALTER TABLE onchain_trades ADD COLUMN details_error TEXT;

-- What was booked before is not asked about: nodes keep the state of old blocks for a while only.
UPDATE onchain_trades SET details_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), details_error = 'booked before schema 5'
WHERE reverses_trade_id IS NULL;

CREATE INDEX onchain_trades_without_details ON onchain_trades (id)
	WHERE details_at IS NULL AND reverses_trade_id IS NULL;

-- ERC-4626 vaults among the tokens, asked once.
CREATE TABLE vaults (
	token          TEXT    PRIMARY KEY CHECK (length(token) = 42),
	asset          TEXT    NOT NULL CHECK (length(asset) = 42), -- what its shares are shares of
	asset_decimals INTEGER NOT NULL CHECK (asset_decimals BETWEEN 0 AND 255)
) STRICT;

-- convertToAssets(shares) of a vault in the state after a block, asked once: integers of raw units.
CREATE TABLE vault_conversions (
	token        TEXT    NOT NULL REFERENCES vaults (token),
	block_hash   TEXT    NOT NULL CHECK (length(block_hash) = 66),
	shares       TEXT    NOT NULL CHECK (length(shares) = 66), -- a word in hex
	assets       TEXT    NOT NULL CHECK (length(assets) = 66), -- a word in hex
	block_number INTEGER NOT NULL,
	PRIMARY KEY (token, block_hash, shares)
) STRICT, WITHOUT ROWID;

-- Which Pyth feed is a ticker's: learned from the first price that an order of the ticker read, or set by an operator.
CREATE TABLE price_feeds (
	symbol TEXT PRIMARY KEY,
	feed   TEXT NOT NULL CHECK (length(feed) = 66),
	source TEXT NOT NULL CHECK (source IN ('learned', 'operator')),
	set_at TEXT NOT NULL
) STRICT;
