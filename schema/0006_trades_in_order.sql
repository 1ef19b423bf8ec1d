-- A trade takes its place behind the others in every index. By transaction it stood at random, in a page of its own that
-- had to be read, logged and written back: half of all that was written for a fill once there were some ten thousand. The
-- fills of a transaction are found through their events, whose key tx_hash is.
DROP INDEX onchain_trades_tx;
