"""A database is lost; its hedges are at the broker. Nothing is hedged twice, nothing is left unhedged."""

import pytest

from lib.broker_sim import BrokerSimulator
from lib.hedger import settings

LIVE = {
    "TRADING_MODE": "live", "ALPACA_ACCOUNT_NUMBER": "PA1234567", "ALLOW_SHORT": "1", "MAX_ORDER_SHARES": "100",
    "MAX_ORDER_NOTIONAL": "100000", "MAX_DAILY_ORDERS": "100", "HEDGE_RETRY_SECONDS": "0",
}


@pytest.fixture
def sim(workdir):
    with BrokerSimulator(workdir) as simulator:
        simulator.default_position = 0
        yield simulator
        assert simulator.violations == []


@pytest.fixture
def live(stack, sim):
    """A live ledger, and the way by cron."""
    stack.config |= settings(sim, "alpaca") | LIVE
    return stack


def cron(stack) -> None:
    for name in ("backfiller", "processor", "executor", "processor"):
        stack.run(name, "--once")


def lose(stack) -> None:
    for path in stack.database.path.parent.glob("ballast.db*"):
        path.unlink()


@pytest.fixture
def lost(market, live, sim):
    """Five AAPL bought and three NVDA sold at the broker, a fill of two AAPL not yet hedged, and no database."""
    market.take("AAPL0x", "SELL", "5.4", usdc="1242")
    market.take("NVDAs1", "BUY", "3.7", usdc="518")
    live.run("executor", "resume")
    cron(live)
    assert sim.positions == {"AAPL": 5, "NVDA": -3}
    market.take("AAPL0x", "SELL", "2", usdc="461")
    lose(live)
    return live


def pending(stack) -> list[tuple]:
    rows = stack.database.rows("SELECT id, symbol, direction, shares FROM executions WHERE status = 'PENDING' ORDER BY id")
    return [tuple(row.values()) for row in rows]


def test_a_new_ledger_at_a_live_broker_begins_halted(lost, sim):
    """Nobody did anything but start the group again."""
    cron(lost)
    assert sim.count() == 2 and len(pending(lost)) == 2
    assert lost.database.value("SELECT value FROM controls WHERE name = 'trading_halted'") == "1"
    assert "never sent an order to this live broker" in lost.run("executor", "--once").text() + lost.programs[-4].text()
    assert "HALTED" in lost.run("executor", "status").text()


def test_the_group_that_goes_on_after_a_restart_is_not_halted(market, live, sim):
    live.run("executor", "resume")
    market.take("AAPL0x", "SELL", "5", usdc="1150")
    cron(live)
    market.take("AAPL0x", "SELL", "1", usdc="230")
    cron(live)
    assert sim.positions == {"AAPL": 6}


def test_the_ledger_is_rebuilt_and_takes_over_what_the_broker_holds(lost, sim):
    lost.run("executor", "halt", "the database was lost")
    lost.run("backfiller", "--once")
    lost.run("processor", "--once")
    assert pending(lost) == [(1, "AAPL", "BUY", "5"), (2, "NVDA", "SELL", "3")]
    assert "--filled" in lost.run("executor", "--help").text()
    # What the broker's own site says of the account.
    lost.run("executor", "resolve", "1", "--filled", "5", "150.25", "--reason", "held at the broker")
    lost.run("executor", "resolve", "2", "--filled", "3", "unknown", "--reason", "held at the broker")
    lost.run("processor", "--once")
    assert pending(lost) == [(3, "AAPL", "BUY", "2")]
    hedged = lost.database.rows(
        "SELECT symbol, sum(CASE direction WHEN 'BUY' THEN 1 ELSE -1 END * CAST(filled_shares AS INTEGER)) AS shares"
        " FROM executions GROUP BY symbol"
    )
    assert {row["symbol"]: row["shares"] for row in hedged} == sim.positions and sim.count() == 2
    assert "identical" in lost.run("processor", "--replay").text()
    lost.run("executor", "resume")
    cron(lost)
    assert sim.positions == {"AAPL": 7, "NVDA": -3} and sim.count() == 3
    assert (lost.database.position("AAPL"), lost.database.position("NVDA")) == ("-0.4", "0.7")
    decisions = lost.database.rows("SELECT execution_id, decision, reason FROM operator_decisions")
    assert [tuple(row.values()) for row in decisions] == [
        (1, "filled 5 150.25", "held at the broker"), (2, "filled 3 unknown", "held at the broker"),
    ]


def test_less_at_the_broker_than_was_planned_is_hedged_and_no_more_is_taken(lost, sim):
    lost.run("executor", "halt", "the database was lost")
    lost.run("backfiller", "--once")
    lost.run("processor", "--once")
    assert "asks for less" in lost.run("executor", "resolve", "1", "--filled", "6", "150.25", expect=64).text()
    assert "only --filled" in lost.run("executor", "resolve", "1", "--not-placed", expect=64).text()
    lost.run("executor", "resolve", "1", "--filled", "4", "150.25")
    lost.run("executor", "resolve", "2", "--filled", "0", "unknown")
    lost.run("processor", "--once")
    assert pending(lost) == [(3, "AAPL", "BUY", "3"), (4, "NVDA", "SELL", "3")]
    lost.run("executor", "resume")
    assert "while trading is halted" in lost.run("executor", "resolve", "3", "--filled", "1", "unknown", expect=64).text()


def test_a_ledger_may_begin_anew_at_a_later_block(market, lost, sim):
    """The short way: what was before is hedged, or is made so by hand, and is no longer in the books."""
    head = market.anvil.head()
    lost.config["DEPLOYMENT_BLOCK"] = str(head + 1)
    lost.run("executor", "resume")
    market.take("AAPL0x", "SELL", "1", usdc="230")
    cron(lost)
    assert sim.positions == {"AAPL": 6, "NVDA": -3}
    assert [event["block_number"] for event in lost.database.events()] == [head + 1]


def test_an_older_backup_is_brought_up_to_what_the_broker_holds(market, live, sim, workdir):
    live.run("executor", "resume")
    market.take("AAPL0x", "SELL", "5", usdc="1150")
    cron(live)
    backup = live.database.path.read_bytes()
    market.take("AAPL0x", "SELL", "2", usdc="460")
    cron(live)
    assert sim.positions == {"AAPL": 7}
    lose(live)
    live.database.path.write_bytes(backup)
    live.run("executor", "halt", "restored from a backup")
    live.run("backfiller", "--once")
    live.run("processor", "--once")
    assert pending(live) == [(2, "AAPL", "BUY", "2")]
    live.run("executor", "resolve", "2", "--filled", "2", "150.25", "--reason", "held at the broker")
    live.run("processor", "--once")
    live.run("executor", "resume")
    cron(live)
    assert sim.positions == {"AAPL": 7} and pending(live) == []
