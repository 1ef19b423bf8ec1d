"""The main job, end to end: real fills on a real node become hedging orders, once each, whatever happens on the way."""

import itertools
import sqlite3
from decimal import Decimal

import pytest

from lib.ballast import PROGRAMS

OPEN = "status NOT IN ('FILLED', 'FAILED')"


def fills_of(database) -> list[tuple]:
    return sorted(
        (t["order_owner"], t["symbol"], t["direction"], t["amount"], t["usdc_amount"], t["tx_hash"], t["log_index"])
        for t in database.trades()
    )


def as_rows(fills) -> list[tuple]:
    return sorted((f.owner, f.symbol, f.direction, f.amount, f.usdc, f.tx_hash, f.log_index) for f in fills)


def settled(stack) -> bool:
    """Nothing waits in any table."""
    database = stack.database
    return (
        database.count("event_queue", "processed = 0") == 0
        and database.count("executions", OPEN) == 0
        and database.count("trade_accumulators", "pending_execution_id IS NOT NULL") == 0
    )


def wait_booked(stack, fills, timeout=20) -> None:
    stack.wait_until(
        lambda: fills_of(stack.database) == as_rows(fills) and settled(stack), timeout, f"{len(fills)} fills to be booked"
    )


def wait_session(stack) -> None:
    stack.wait_until(lambda: stack.database.sessions() and not stack.database.sessions()[-1]["ended_at"], 15, "a session")


def run_once(stack) -> None:
    """Every stage by hand, in the order of the data's way."""
    for name in ("backfiller", "processor", "executor", "processor"):
        stack.run(name, "--once")


def test_history_only_every_stage_by_hand(market, stack):
    fills = market.take("AAPL0x", "SELL", "0.6", usdc="138.9")
    fills += market.take("AAPL0x", "SELL", "0.7", usdc="161")
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    [execution] = stack.database.executions()
    assert (execution["direction"], execution["shares"], execution["status"]) == ("BUY", "1", "FILLED")
    assert execution["filled_shares"] == "1"
    assert stack.database.position("AAPL") == "-0.3"
    prices = [Decimal(fill.price_usdc) for fill in fills]
    expected = (prices[0] * Decimal("0.6") + prices[1] * Decimal("0.4")) / 1
    assert abs(Decimal(execution["average_price"]) - expected) < Decimal("1e-15")


def test_live_only(market, stack):
    stack.start_all()
    wait_session(stack)
    fills = market.take("AAPL0x", "SELL", "1.25", usdc="287.5")
    fills += market.take("NVDAs1", "BUY", "3", usdc="420.000001")
    fills += market.clear("tTSLA", "SELL", "2", usdc="500", owner_is="bob", bounty_sold="0.01")
    wait_booked(stack, fills)
    by_symbol = {e["symbol"]: (e["direction"], e["shares"], e["status"]) for e in stack.database.executions()}
    assert by_symbol == {
        "AAPL": ("BUY", "1", "FILLED"),
        "NVDA": ("SELL", "3", "FILLED"),
        "TSLA": ("BUY", "2", "FILLED"),
    }
    sources = {row["source"] for row in stack.database.events()}
    assert sources == {"listener"}


def test_history_then_live(market, stack):
    fills = market.take("AAPL0x", "SELL", "0.5", usdc="115")
    market.mine(30)
    stack.start_all()
    wait_session(stack)
    fills += market.take("AAPL0x", "SELL", "0.5", usdc="116")
    wait_booked(stack, fills)
    assert [e["shares"] for e in stack.database.executions("AAPL")] == ["1"]
    assert stack.database.position("AAPL") == "0"
    head = market.anvil.head()
    stack.wait_until(lambda: stack.database.coverage() == [(market.deployment_block, head)], 20, "coverage to the head")


def test_programs_may_start_in_any_order(market, stack):
    fills = market.take("tBRK.B", "BUY", "1", usdc="487")
    for name in ("executor", "processor", "listener", "backfiller"):
        stack.start(name)
    wait_booked(stack, fills)
    assert stack.database.executions()[0]["direction"] == "SELL"


def test_events_in_the_first_moments_of_a_start_are_not_lost(market, stack):
    """The cutoff is taken from an event that arrives while everything starts."""
    stack.start_all()
    fills = list(itertools.chain.from_iterable(market.take("AAPL0x", "SELL", "0.1", usdc="23") for _ in range(12)))
    wait_booked(stack, fills)
    assert stack.database.position("AAPL") == "-0.2"


def test_mixed_events_in_one_transaction(market, stack):
    """Takes and clears of ours, of strangers, at another orderbook, two clears in one transaction."""
    actions = [
        market.taking("AAPL0x", "SELL", "0.25", usdc="57.5"),
        market.clearing("tTSLA", "BUY", "1.5", usdc="375", bounty_bought="0.002"),
        market.taking("NVDAs1", "BUY", "7", usdc="980", owner=market.stranger),
        market.clearing("tTSLA", "SELL", "0.25", usdc="62.75", owner_is="bob", bounty_sold="0.001"),
        market.clearing("AAPL0x", "BUY", "9", usdc="2070", owner=market.stranger, counterparty=market.other),
        market.taking("AAPL0x", "SELL", "0.25", usdc="57.5"),
    ]
    fills = market.many(actions)
    fills += market.across([
        (market.decoy, market.taking("AAPL0x", "SELL", "5", usdc="1150")),
        (market.orderbook, market.clearing("AAPL0x", "SELL", "0.125", usdc="28.75")),
        (market.decoy, market.clearing("AAPL0x", "SELL", "5", usdc="1150")),
    ])
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    assert stack.database.position("AAPL") == "-0.625"
    assert stack.database.position("TSLA") == "0.25"


def test_six_and_eighteen_decimals_in_both_directions_to_the_last_wei(market, stack):
    fills = market.take("AAPL0x", "SELL", "1.000000000000000001", usdc="200.000001")
    fills += market.take("NVDAs1", "BUY", "0.000000000000000001", usdc="0.000001")
    fills += market.take("NVDAs1", "BUY", "0.5", usdc="0")
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    assert stack.database.position("AAPL") == "-0.000000000000000001"
    assert stack.database.position("NVDA") == "0.500000000000000001"
    prices = {t["amount"]: t["price_usdc"] for t in stack.database.trades()}
    assert prices["0.5"] is None


def test_equity_against_equity_is_two_exposures(market, stack):
    fills = market.swap("NVDAs1", "1.5", "AAPL0x", "0.9")
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    assert stack.database.position("NVDA") == "-0.5"
    assert stack.database.position("AAPL") == "0.9"


def test_a_thousand_dust_fills_add_up_to_one_order(market, stack):
    actions = [market.taking("AAPL0x", "SELL", "0.001", usdc="0.23") for _ in range(50)]
    for _ in range(20):
        market.many(actions)
    run_once(stack)
    assert stack.database.count("onchain_trades") == 1000
    assert [e["shares"] for e in stack.database.executions()] == ["1"]
    assert stack.database.position("AAPL") == "0"
    assert stack.database.count("trade_execution_links") == 1000


def test_opposite_fills_cancel_without_an_order(market, stack):
    market.many([
        market.taking("AAPL0x", "SELL", "0.6", usdc="138"),
        market.taking("AAPL0x", "BUY", "0.6", usdc="137"),
        market.taking("AAPL0x", "BUY", "0.9", usdc="207"),
        market.taking("AAPL0x", "SELL", "0.9", usdc="208"),
    ])
    run_once(stack)
    assert stack.database.executions() == []
    assert stack.database.position("AAPL") == "0"
    assert stack.database.count("trade_offsets") == 2


@pytest.mark.tokens(DOGE=18)
def test_an_event_that_cannot_be_applied_is_quarantined_and_holds_up_nothing(market, stack):
    fills = market.take("AAPL0x", "SELL", "0.5", usdc="115")
    market.take("DOGE", "SELL", "100", usdc="20")
    fills += market.take("AAPL0x", "SELL", "0.5", usdc="115")
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    [quarantined] = [e for e in stack.database.events() if e["outcome"] == "quarantined"]
    assert "DOGE" in quarantined["error"]
    assert [e["shares"] for e in stack.database.executions()] == ["1"]
    processor = stack.run("processor", "--retry-quarantined")
    assert "DOGE" in processor.text()
    assert stack.database.count("event_queue", "outcome = 'quarantined'") == 1


def test_an_undecodable_event_of_the_orderbook_is_quarantined(market, stack):
    take_order = "0x10de99b9032184587540c04e1850dff94a7683ae1fcc9eb06098621c739c0275"
    market.emit_raw(take_order, b"\x00" * 31)
    fills = market.take("AAPL0x", "SELL", "1", usdc="230")
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    assert stack.database.count("event_queue", "outcome = 'quarantined'") == 1


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_killed_while_live_loses_and_repeats_nothing(market, stack, name):
    running = stack.start_all()
    wait_session(stack)
    fills = market.take("AAPL0x", "SELL", "0.4", usdc="92")
    wait_booked(stack, fills)
    running[name].kill9()
    fills += market.take("AAPL0x", "SELL", "0.7", usdc="161")
    stack.start(name).wait_log(": ready ")
    wait_booked(stack, fills)
    fills += market.take("AAPL0x", "SELL", "0.9", usdc="207")
    wait_booked(stack, fills)
    assert sum(int(e["filled_shares"]) for e in stack.database.executions("AAPL")) == 2
    assert stack.database.position("AAPL") == "0"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_killed_during_the_backfill_loses_and_repeats_nothing(market, stack, name):
    fills = list(itertools.chain.from_iterable(market.take("AAPL0x", "SELL", "0.3", usdc="69") for _ in range(12)))
    market.mine(400)
    stack.config |= {"BACKFILL_BATCH_SIZE": "1", "BACKFILL_CONCURRENCY": "1"}
    running = stack.start_all()
    stack.wait_until(lambda: stack.database.coverage(), what="the first range")
    running[name].kill9()
    assert stack.database.coverage()[-1][1] < market.anvil.head()
    stack.start(name).wait_log(": ready ")
    wait_booked(stack, fills)
    assert sum(int(e["filled_shares"]) for e in stack.database.executions("AAPL")) == 3
    assert stack.database.position("AAPL") == "-0.6"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_stopped_on_an_empty_queue_starts_again(market, stack, name):
    running = stack.start_all()
    wait_session(stack)
    assert running[name].stop() == 0
    stack.start(name).wait_log(": ready ")
    fills = market.take("AAPL0x", "SELL", "1", usdc="230")
    wait_booked(stack, fills)


def test_all_killed_at_once_and_a_fill_while_down(market, stack):
    running = stack.start_all()
    wait_session(stack)
    fills = market.take("AAPL0x", "SELL", "1.5", usdc="345")
    for program in running.values():
        program.kill9()
    fills += market.take("AAPL0x", "SELL", "0.5", usdc="115")
    market.mine(5)
    stack.start_all()
    wait_booked(stack, fills)
    assert stack.database.position("AAPL") == "0"
    assert sum(int(e["filled_shares"]) for e in stack.database.executions()) == 2


def test_a_crash_between_two_fills_of_one_block(market, stack):
    """The queue keeps the second when the processor dies behind the first."""
    fills = market.many([
        market.taking("AAPL0x", "SELL", "0.5", usdc="115"),
        market.taking("NVDAs1", "SELL", "0.5", usdc="70"),
    ])
    stack.run("backfiller", "--once")
    processor = stack.start("processor")
    stack.wait_until(lambda: stack.database.trades(), what="the first trade")
    processor.kill9()
    stack.run("processor", "--once")
    assert fills_of(stack.database) == as_rows(fills)


def test_listener_and_backfiller_find_the_same_event_once(market, stack):
    stack.start("listener")
    wait_session(stack)
    fills = market.take("AAPL0x", "SELL", "0.5", usdc="115")
    fills += market.clear("AAPL0x", "SELL", "0.25", usdc="58", owner_is="bob")
    stack.wait_until(lambda: stack.database.count("event_queue") == 2, what="the listener's events")
    backfillers = [stack.start("backfiller", "--once") for _ in range(3)]
    assert [program.wait() for program in backfillers] == [0, 0, 0]
    assert "disagrees" not in "".join(program.text() for program in stack.programs)
    stack.run("processor", "--once")
    assert fills_of(stack.database) == as_rows(fills)
    assert stack.database.count("event_queue") == 2


def test_order_of_application_does_not_depend_on_arrival(market, stack, workdir):
    """Live in one database, history in another: the same trades, links and positions."""
    stack.start_all()
    wait_session(stack)
    fills = []
    for number in range(6):
        fills += market.take("AAPL0x", ("SELL", "BUY")[number % 2], f"0.{number + 3}", usdc=str(50 + number))
    wait_booked(stack, fills)
    live = (fills_of(stack.database), stack.database.position("AAPL"))
    stack.stop()
    again = {"DATABASE_PATH": str(workdir / "again.db")}
    for name in ("backfiller", "processor", "executor", "processor"):
        stack.run(name, "--once", **again)
    stack.database.path = workdir / "again.db"
    assert (fills_of(stack.database), stack.database.position("AAPL")) == live


@pytest.mark.parametrize("seconds", [1, 30])
def test_a_writer_that_holds_the_lock_delays_and_loses_nothing(market, stack, seconds):
    stack.start_all()
    wait_session(stack)
    lock = sqlite3.connect(stack.database.path, isolation_level=None, timeout=5)
    lock.execute("BEGIN IMMEDIATE")
    fills = market.take("AAPL0x", "SELL", "1", usdc="230")
    listener = next(program for program in stack.programs if program.name == "listener")
    if seconds > 1:
        listener.wait_log("behind: ", 15)
        # The time itself is what is tested: longer than any single attempt to get the lock.
        with pytest.raises(AssertionError):
            stack.wait_until(lambda: stack.database.trades(), seconds)
    lock.execute("ROLLBACK")
    lock.close()
    wait_booked(stack, fills)
    assert all(program.running for program in stack.programs)


def test_halted_trading_keeps_booking_and_orders_nothing(market, stack):
    stack.run("executor", "halt", "test")
    stack.start_all()
    wait_session(stack)
    fills = market.take("AAPL0x", "SELL", "2", usdc="460")
    stack.wait_until(lambda: fills_of(stack.database) == as_rows(fills), what="the trade")
    stack.wait_until(lambda: stack.database.executions(), what="the execution")
    assert stack.database.executions()[0]["status"] == "PENDING"
    stack.run("executor", "resume")
    wait_booked(stack, fills)
    assert stack.database.executions()[0]["status"] == "FILLED"


def test_refused_lost_and_partly_filled_orders_end_hedged_exactly(market, stack):
    fills = market.take("AAPL0x", "SELL", "5.5", usdc="1265")
    stack.config["DRY_RUN_SCRIPT"] = "refuse,lost,partial:2,unreachable,expire"
    stack.config["HEDGE_RETRY_SECONDS"] = "0"
    stack.start_all()
    stack.wait_until(lambda: stack.database.position("AAPL") == "-0.5" and settled(stack), 40, "the hedge to be whole")
    assert fills_of(stack.database) == as_rows(fills)
    executions = stack.database.executions()
    assert sum(Decimal(e["filled_shares"]) for e in executions) == 5
    assert [e["status"] for e in executions].count("FAILED") == 3
    assert executions[-1]["status"] == "FILLED"
    assert len({e["client_order_id"] for e in executions}) == len(executions)


def test_a_second_instance_is_refused(market, stack):
    stack.start_all()
    wait_session(stack)
    for name in ("listener", "processor", "executor"):
        second = stack.run(name, expect=75)
        assert "another" in second.text()


def test_a_database_of_another_ledger_is_refused_and_untouched(market, stack):
    market.take("AAPL0x", "SELL", "1", usdc="230")
    run_once(stack)
    before = stack.database.rows("SELECT * FROM ledger ORDER BY name")
    for name in ("listener", "backfiller", "processor"):
        other = stack.run(name, "--once", expect=78, ORDERBOOK=market.decoy)
        assert market.decoy in other.text() and market.orderbook in other.text()
        stack.run(name, "--once", expect=78, ORDER_OWNER=market.stranger)
    stack.run("backfiller", "--once", expect=78, CHAIN_ID="1")
    assert stack.database.rows("SELECT * FROM ledger ORDER BY name") == before
