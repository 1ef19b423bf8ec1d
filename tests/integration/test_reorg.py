"""The chain moves: what left it is taken back once, what came instead is booked once, and no order is sent in vain."""

import contextlib
import sqlite3

import pytest


LIVE = {"TRAIL_SECONDS": "1", "CUTOFF_TIMEOUT_SECONDS": "0", "BACKFILL_ATTEMPTS": "3"}


def settle(stack) -> None:
    """What cron does."""
    stack.run("backfiller", "--once")
    stack.run("processor", "--once")


def live(stack) -> list[tuple]:
    return [
        (row["tx_hash"], row["block_number"], row["log_index"], row["symbol"], row["direction"], row["amount"])
        for row in stack.database.rows("SELECT * FROM live_trades ORDER BY block_number, log_index")
    ]


def trades(fills) -> list[tuple]:
    return [(f.tx_hash, f.block_number, f.log_index, f.symbol, f.direction, f.amount) for f in fills]


def position(stack, ticker: str) -> str | None:
    return stack.database.value("SELECT net_position FROM trade_accumulators WHERE symbol = ?", ticker)


def reorg(market, depth: int, transactions=()) -> None:
    """Replaces the last blocks; transactions: [(raw, blocks from the first new one)]."""
    market.rpc.call("anvil_reorg", depth, [[raw, at] for raw, at in transactions])


def raw(market, fill) -> str:
    return market.rpc.call("eth_getRawTransactionByHash", fill.tx_hash)


def test_a_fill_that_is_gone_is_taken_back_once(market, stack):
    [kept] = market.take("AAPL0x", "SELL", "0.3", usdc="69")
    market.mine(2)
    [gone] = market.take("AAPL0x", "SELL", "0.4", usdc="92")
    settle(stack)
    assert live(stack) == trades([kept, gone]) and position(stack, "AAPL") == "-0.7"
    reorg(market, 1)
    settle(stack)
    assert live(stack) == trades([kept]) and position(stack, "AAPL") == "-0.3"
    for _ in range(2):
        settle(stack)
    assert stack.database.count("onchain_trades") == 3
    assert stack.database.value("SELECT count(*) FROM event_queue WHERE removed = 1 AND reversed_at IS NOT NULL") == 1


def test_a_transaction_mined_again_elsewhere_counts_once_and_needs_no_order(market, stack):
    [first] = market.take("AAPL0x", "SELL", "2", usdc="460")
    market.mine(1)
    settle(stack)
    stack.run("executor", "--once")
    settle(stack)
    assert stack.database.value("SELECT status FROM executions") == "FILLED" and position(stack, "AAPL") == "0"
    reorg(market, 2, [(raw(market, first), 1)])
    settle(stack)
    [again] = live(stack)
    assert again[0] == first.tx_hash and again[1] == first.block_number + 1
    assert position(stack, "AAPL") == "0" and stack.database.count("executions") == 1


def test_a_hedged_fill_that_is_gone_is_hedged_back(market, stack):
    market.take("AAPL0x", "SELL", "2", usdc="460")
    settle(stack)
    stack.run("executor", "--once")
    settle(stack)
    reorg(market, 1)
    settle(stack)
    stack.run("executor", "--once")
    settle(stack)
    assert live(stack) == [] and position(stack, "AAPL") == "0"
    orders = [(row["direction"], row["shares"], row["status"]) for row in stack.database.rows("SELECT * FROM executions ORDER BY id")]
    assert orders == [("BUY", "2", "FILLED"), ("SELL", "2", "FILLED")]


def test_a_chain_that_flips_to_and_fro_ends_as_it_began(market, stack):
    [fill] = market.take("AAPL0x", "SELL", "0.3", usdc="69")
    again = raw(market, fill)
    settle(stack)
    reorg(market, 1)
    settle(stack)
    assert live(stack) == []
    reorg(market, 1, [(again, 0)])
    settle(stack)
    assert [row[:2] for row in live(stack)] == [(fill.tx_hash, fill.block_number)]
    assert position(stack, "AAPL") == "-0.3"


def test_a_chain_that_got_shorter_is_judged_when_it_has_grown_again(market, stack):
    snapshot = market.anvil.snapshot()
    market.take("AAPL0x", "SELL", "0.3", usdc="69")
    market.mine(2)
    settle(stack)
    market.anvil.revert(snapshot)
    settle(stack)
    assert len(live(stack)) == 1  # perhaps the node only lags behind
    market.mine(3)
    settle(stack)
    assert live(stack) == [] and position(stack, "AAPL") == "0"


@pytest.mark.anvil(mining="auto")
def test_live_it_is_noticed_within_the_trail(market, stack):
    stack.config |= LIVE
    for program in ("listener", "backfiller", "processor", "executor"):
        stack.start(program)
    stack.wait_until(stack.database.sessions, what="the session")
    [hedged] = market.take("AAPL0x", "SELL", "2", usdc="460")
    stack.wait_until(lambda: position(stack, "AAPL") == "0" and live(stack), what="the hedge")
    stack.wait_until(lambda: stack.database.value("SELECT min(confirmed) FROM event_queue") == 1, what="the proof")
    reorg(market, 1)
    [new] = market.take("NVDAs1", "BUY", "3", usdc="420")
    stack.wait_until(lambda: live(stack) == trades([new]), what="the reversal")
    stack.wait_until(
        lambda: stack.database.count("executions") == 3
        and stack.database.value("SELECT count(*) FROM executions WHERE status <> 'FILLED'") == 0,
        what="the hedge back",
    )
    assert hedged.tx_hash not in [row[0] for row in live(stack)]


@pytest.mark.anvil(slots_in_an_epoch=1)
def test_a_reorganisation_below_the_final_block_halts_trading_and_destroys_nothing(market, stack):
    fills = market.take("AAPL0x", "SELL", "0.3", usdc="69")
    market.mine(10)
    settle(stack)
    settle(stack)
    assert stack.database.value("SELECT count(*) FROM blocks WHERE finalized = 1") == 1
    events = stack.database.events()
    covered = stack.database.coverage()
    reorg(market, 12)
    program = stack.run("backfiller", "--once", expect=78)
    assert "trading is halted" in program.text()
    assert stack.database.value("SELECT value FROM controls WHERE name = 'trading_halted'") == "1"
    assert stack.database.events() == events and stack.database.coverage() == covered
    assert live(stack) == trades(fills)
    stack.run("backfiller", "--accept-reorg")
    stack.run("processor", "--once")
    assert live(stack) == []


def test_several_reorganisations_while_nobody_looks(market, stack):
    kept = market.take("AAPL0x", "SELL", "0.3", usdc="69")
    settle(stack)
    for depth in (1, 3, 2, 5):
        market.mine(3)
        market.take("tTSLA", "BUY", "0.5", usdc="125")
        reorg(market, depth)
    final = market.take("tTSLA", "BUY", "0.2", usdc="50")
    settle(stack)
    assert live(stack) == trades(kept + final)




# What was read can be proven


def verify(stack, *arguments, expect=0) -> str:
    return stack.run("backfiller", "--verify", *arguments, expect=expect).text()




def damaged(stack, statement: str) -> None:
    """Somebody writes into the ledger."""
    with contextlib.closing(sqlite3.connect(stack.database.path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        assert connection.execute(statement).rowcount >= 1
        connection.commit()


@pytest.fixture
def whole(market, stack):
    """Sixty blocks with fills of all kinds, read."""
    fills = market.take("AAPL0x", "SELL", "0.6", usdc="138.9")
    fills += market.clear("tTSLA", "BUY", "1.5", usdc="375")
    market.mine(70)
    fills += market.take("NVDAs1", "BUY", "0.5", usdc="70")
    settle(stack)
    return fills


def test_verify_proves_what_is_true_and_changes_nothing(market, stack, whole):
    before = stack.database.path.read_bytes()
    output = verify(stack)
    head = market.anvil.head()
    assert f"blocks {market.deployment_block}-{head} are covered" in output
    assert "3 events of our orders on the chain, the same 3 in event_queue: identical" in output
    assert stack.database.path.read_bytes() == before
    assert "identical" in verify(stack, "--from", head - 3, "--to", head)


@pytest.mark.no_invariants
@pytest.mark.parametrize(
    "damage, words",
    [
        ("DELETE FROM event_queue WHERE id = 3", "event missing in event_queue"),
        ("UPDATE event_queue SET removed = 1 WHERE id = 2", "event missing in event_queue"),
        ("UPDATE event_queue SET event_data = '{}' WHERE id = 1", "event has other data"),
        ("UPDATE event_queue SET block_hash = '0x' || printf('%064d', 1) WHERE id = 1", "its block left it"),
        ("UPDATE event_queue SET tx_hash = '0x' || printf('%064d', 1) WHERE id = 1", "is not on the chain"),
        ("UPDATE event_queue SET block_number = block_number + 1 WHERE id = 1", "its block left it"),
        ("UPDATE block_coverage SET first_block = first_block + 2", "not covered: blocks"),
        ("UPDATE blocks SET block_hash = '0x' || printf('%064d', 1) WHERE block_number = 40", "header differs"),
    ],
)
def test_verify_names_each_difference(market, stack, whole, damage, words):
    damaged(stack, damage)
    output = verify(stack, expect=1)
    assert "DIFFERENCE " in output and words in output
    assert "differences in blocks" in output


def test_verify_of_nothing_and_without_a_node(market, stack):
    stack.run("backfiller", "--verify", expect=78)
    stack.run("processor", "--once")
    stack.run("backfiller", "--verify", expect=75)
    stack.run("backfiller", "--once")
    market.anvil.stop()
    stack.run("backfiller", "--verify", BACKFILL_ATTEMPTS=1, expect=75)


def test_a_verify_that_is_told_to_stop_is_no_proof(market, stack, whole):
    market.anvil.pause()
    program = stack.start("backfiller", "--verify", BACKFILL_ATTEMPTS=100)
    program.wait_log("ready")
    assert program.stop() == 75
    market.anvil.resume()


def replay(stack, expect=0) -> str:
    return stack.run("processor", "--replay", expect=expect).text()


def test_replay_gives_the_same_trades_and_positions(market, stack, whole):
    market.take("AAPL0x", "BUY", "2.25", usdc="517.5")
    market.take("AAPL0x", "SELL", "0.125", usdc="28.75", owner=market.stranger)
    for _ in range(2):
        settle(stack)
        stack.run("executor", "--once")
    market.take("tTSLA", "SELL", "3", usdc="750")
    settle(stack)
    reorg(market, 1)
    settle(stack)
    before = stack.database.path.read_bytes()
    market.anvil.stop()
    output = replay(stack)
    applied = stack.database.value("SELECT count(*) FROM event_queue WHERE processed = 1")
    assert f"replay: {applied} applied events give the same trades and positions: identical" in output
    assert stack.database.path.read_bytes() == before


@pytest.mark.no_invariants
@pytest.mark.parametrize(
    "damage, words",
    [
        ("UPDATE onchain_trades SET amount = '0.7' WHERE id = 1", "amount=0.7"),
        ("UPDATE onchain_trades SET direction = 'BUY' WHERE id = 1", "direction=SELL"),
        ("UPDATE onchain_trades SET price_usdc = '1' WHERE id = 1", "price_usdc=1 "),
        ("UPDATE trade_accumulators SET net_position = '5' WHERE symbol = 'AAPL'", "AAPL 5"),
        ("DELETE FROM onchain_trades WHERE id = 3", "only in the replay: trade"),
        ("UPDATE event_queue SET outcome = 'filtered', error = 'x' WHERE id = 1", "outcome=filtered"),
        ("UPDATE executions SET shares = '9', filled_shares = '9'", "only in the replay, position: TSLA"),
    ],
)
def test_replay_names_each_difference(market, stack, whole, damage, words):
    damaged(stack, damage)
    output = replay(stack, expect=1)
    assert words.strip() in output and "differences after" in output
