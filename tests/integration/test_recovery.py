"""A database is lost; its hedges are at the broker. Nothing is hedged twice, nothing is left unhedged."""

import subprocess

import pytest

from lib.ballast import Stack, binary
from lib.broker_sim import BrokerSimulator
from lib.documents import block_of
from lib.hedger import Hedger, settings

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


def as_written(stack, name: str) -> str:
    """Runs a block of docs/operating.md with the files it names, and nothing in the environment. What it prints."""
    conf, secrets = stack.folder / "ballast.conf", stack.folder / "secrets"
    own = {key: value for key, value in stack.config.items() if not key.startswith("ALPACA_API_")}
    conf.write_text("".join(f"{key}={value}\n" for key, value in own.items()))
    secrets.touch(mode=0o600)
    secrets.write_text("".join(f"{key}={value}\n" for key, value in stack.config.items() if key not in own))
    places = {"/etc/ballast/ballast.conf": conf, "/etc/ballast/secrets": secrets, "ballast.db": stack.database.path}
    told = ""
    for words in block_of(name, "docs/operating.md"):
        program = words[0] if words[0] == "sqlite3" else binary(words[0])
        done = subprocess.run(
            [program, *(str(places.get(word, word)) for word in words[1:])],
            env={"PATH": "/usr/bin:/bin"}, cwd=stack.folder, capture_output=True, text=True, timeout=60, check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        told += done.stdout
    return told


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
    """docs/operating.md, The database is lost, as it is written there."""
    told = as_written(lost, "rebuild")
    # In the chain's order, though nobody knew the tokens.
    assert pending(lost) == [(1, "AAPL", "BUY", "5"), (2, "NVDA", "SELL", "3")]
    assert "HALTED, the database was lost" in told and "execution 1 PENDING BUY 5 AAPL" in told
    told = as_written(lost, "take-over")
    assert "execution 3 PENDING BUY 2 AAPL" in told
    lost.run("executor", "resolve", "2", "--filled", "3", "unknown", "--reason", "held at the broker")
    lost.run("processor", "--once")
    assert pending(lost) == [(3, "AAPL", "BUY", "2")]
    assert as_written(lost, "compare").split() == [f"{ticker}|{shares}" for ticker, shares in sorted(sim.positions.items())]
    assert "identical" in as_written(lost, "go-on") and sim.count() == 2
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


def test_the_first_run_is_as_it_is_written(market, stack):
    market.take("AAPL0x", "SELL", "1.5", usdc="345")
    assert "configuration and broker are good" in as_written(stack, "check")
    assert not stack.database.path.exists()
    assert "AAPL" in as_written(stack, "by-hand")
    assert as_written(stack, "prove").count("identical") == 2


@pytest.mark.anvil(slots_in_an_epoch=1)
def test_a_ledger_that_moves_goes_on_elsewhere(market, stack, workdir):
    market.take("AAPL0x", "SELL", "1", usdc="230")
    market.mine(4)
    cron(stack)
    stack.run("processor", "--archive", "0")
    as_written(stack, "move")
    assert stack.database.value("SELECT reason FROM controls") == "moved to another machine"
    elsewhere = Stack(market, workdir / "elsewhere")
    elsewhere.folder.mkdir()
    for path in workdir.glob("ballast-moved.db*"):
        path.rename(elsewhere.folder / path.name)
    market.take("AAPL0x", "SELL", "1.5", usdc="345")
    assert "identical" in as_written(elsewhere, "arrive")
    cron(elsewhere)
    assert [row["shares"] for row in elsewhere.database.executions("AAPL")] == ["1", "1"]
    assert elsewhere.database.position("AAPL") == "-0.5"
    # A start by mistake of what was left behind.
    cron(stack)
    assert [row["status"] for row in stack.database.executions("AAPL")] == ["FILLED", "PENDING"]


def test_new_keys_of_the_broker_are_taken_up(workdir, sim):
    hedger = Hedger(workdir, sim)
    hedger.ask("AAPL", 1, "BUY")
    sim.alpaca_secret = "a-new-secret"
    assert "refuses the key" in hedger.run("--check", expect=78).text()
    hedger.run("--once")
    assert hedger.status() == "PENDING" and sim.orders() == []
    hedger.config["ALPACA_API_SECRET"] = "a-new-secret"
    hedger.run("--check")
    hedger.hedge("FILLED")


def test_a_new_encryption_key_needs_a_new_login(workdir, sim):
    hedger = Hedger(workdir, sim, broker="schwab")
    hedger.login()
    other = {"ENCRYPTION_KEY": "ff" * 32}
    hedger.ask("AAPL", 1, "BUY")
    hedger.run("--once", **other)
    assert hedger.status() == "PENDING" and sim.orders() == []
    hedger.login(**other)
    hedger.hedge("FILLED", **other)
