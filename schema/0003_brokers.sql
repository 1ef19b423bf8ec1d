-- What orders at a real broker need.

-- Three quantities of an order, besides shares, which is what the position asks for. All written by the executor.
-- order_shares: what the order asks of the broker, on disk before its first byte leaves; less than shares when the account
-- allows no more. accepted_shares: what the broker says the order is for. filled_shares: what was traded in the end,
-- whatever was asked for.
ALTER TABLE executions ADD COLUMN order_shares TEXT;
ALTER TABLE executions ADD COLUMN accepted_shares TEXT;

UPDATE executions SET order_shares = shares WHERE status <> 'PENDING';
UPDATE executions SET accepted_shares = shares WHERE order_id IS NOT NULL;

-- What a broker's login gave. Written by the executor. sealed: the tokens, encrypted; the other columns are bound to it,
-- so that a row that was changed or moved cannot be opened.
CREATE TABLE broker_tokens (
	broker            TEXT PRIMARY KEY,
	login_at          TEXT NOT NULL, -- when a person logged in: the refresh token's life counts from here
	refreshed_at      TEXT NOT NULL, -- when the access token was given
	access_expires_at TEXT NOT NULL,
	generation        INTEGER NOT NULL CHECK (generation >= 1), -- one more with each change
	sealed            TEXT NOT NULL  -- hex: nonce, ciphertext, tag (XChaCha20-Poly1305)
) STRICT;

-- What a person decided about an execution that was HELD, and why. Written by the command executor resolve.
CREATE TABLE operator_decisions (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	execution_id INTEGER NOT NULL REFERENCES executions (id),
	decision     TEXT NOT NULL, -- 'adopt ORDER_ID', 'not-placed', 'filled SHARES PRICE'
	reason       TEXT NOT NULL,
	decided_at   TEXT NOT NULL
) STRICT;

CREATE INDEX executions_submitted ON executions (broker, submitted_at) WHERE submitted_at IS NOT NULL;
