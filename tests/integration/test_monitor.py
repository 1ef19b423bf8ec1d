"""What the monitor tells, of databases that were prepared, and of a group at work."""

import hashlib
import json
import subprocess

import pytest

from lib.ballast import binary
from lib.ledger import Ledger
from test_pipeline import wait_booked, wait_session

STATUS_LINES = ("trading", "listener", "coverage", "events", "executions")


@pytest.fixture
def ledger(tmp_path_factory):
    return Ledger(tmp_path_factory.mktemp("ledger"))


@pytest.fixture
def traded(ledger):
    """Seven fills through zero and back."""
    ledger.trade(1, "SELL", "0.3", "150", "45")
    ledger.trade(2, "SELL", "0.4", "151", "60.4")
    ledger.trade(3, "BUY", "0.2", "148", "29.6")
    ledger.trade(4, "SELL", "0.6", "149", "89.4")
    ledger.execution(5, "BUY", "1", "148.5")
    ledger.trade(6, "BUY", "1.5", "147.5", "221.25")
    ledger.execution(7, "SELL", "1", "149")
    return ledger


def test_profit_and_loss_is_first_in_first_out_over_chain_and_broker(traded):
    rows = traded.report("pnl")
    assert [row["realised"] for row in rows] == ["0", "0", "0.4", "0", "1.4", "0.15", "1.5"]
    assert [row["realised_total"] for row in rows] == ["0", "0", "0.4", "0.4", "1.8", "1.95", "3.45"]
    assert [row["net_position"] for row in rows] == ["-0.3", "-0.7", "-0.5", "-1.1", "-0.1", "1.4", "0.4"]
    assert [row["source"] for row in rows] == ["chain"] * 4 + ["alpaca", "chain", "alpaca"]
    assert rows[4]["reference"] == "o5" and rows[0]["reference"] == f"0x{1:064x}:0"


def test_what_lies_before_the_shown_time_counts(traded):
    rows = traded.report("pnl", "--from", "2026-01-05T15:05:00.000Z", "--to", "2026-01-05T15:06:30.000Z")
    assert [(row["realised"], row["realised_total"]) for row in rows] == [("1.4", "1.8"), ("0.15", "1.95")]
    assert traded.report("pnl", "--to", "2026-01-05") == []
    assert len(traded.report("pnl", "--from", "2026-01-05")) == 7


def test_each_symbol_has_its_own_books(traded):
    traded.trade(8, "BUY", "2", "100", "200", symbol="NVDA")
    assert traded.report("pnl", "--symbol", "NVDA")[0]["net_position"] == "2"
    assert [row["symbol"] for row in traded.report("pnl")].count("AAPL") == 7
    assert traded.report("pnl", "--symbol", "TSLA") == []


def test_a_reversal_is_a_fill_of_the_other_side(ledger):
    ledger.trade(1, "BUY", "2", "100", "200")
    ledger.trade(2, "SELL", "2", "100", "200", reverses=1)
    rows = ledger.report("pnl")
    assert rows[1]["note"] == "reverses trade 1"
    assert (rows[1]["realised"], rows[1]["net_position"]) == ("0", "0")


def test_shares_without_a_price_are_not_made_up(ledger):
    ledger.trade(1, "BUY", "2", None, None)
    ledger.trade(2, "SELL", "3", "10", "30")
    rows = ledger.report("pnl")
    assert (rows[1]["realised"], rows[1]["closed_unpriced"], rows[1]["net_position"]) == ("0", "2", "-1")


def test_a_fill_tells_what_it_earned_against_the_price_that_its_order_read(ledger):
    ledger.trade(1, "SELL", "0.3", "150", "45")
    ledger.trade(2, "BUY", "0.3", "150", "45")
    ledger.trade(3, "SELL", "0.000000000000000001", "150", "0")
    ledger.trade(4, "BUY", "2", None, None)
    ledger.trade(5, "SELL", "1", "150", "150")
    ledger.write("UPDATE onchain_trades SET oracle_price = '149.123456789012345678', gas_used = 234567, gas_price_wei = 1500000007,"
                 " l1_fee_wei = 9007199254740993 WHERE id < 5")
    rows = ledger.report("pnl")
    assert [row["spread_usdc"] for row in rows] == ["0.262962963296296297", "-0.262962963296296297", "-0.000000000000000149", None, None]
    assert rows[0]["oracle_price"] == "149.123456789012345678"
    assert (rows[0]["gas_used"], rows[0]["gas_price_wei"], rows[0]["l1_fee_wei"]) == ("234567", "1500000007", "9007199254740993")
    assert (rows[4]["oracle_price"], rows[4]["gas_used"]) == (None, None)


def test_a_broker_error_cannot_become_a_formula_or_steer_a_terminal(ledger):
    ledger.execution(1, "BUY", "1", None, "FAILED", error="=cmd|'/c calc'!A1\x1b[31m")
    assert "\x1b" not in ledger.monitor("report", "executions")
    text = ledger.monitor("report", "executions", "--csv")
    assert "'=cmd|" in text and "\x1b" not in text and "\\x1b[31m" in text
    assert json.loads(ledger.monitor("report", "executions", "--json"))[0]["error"].startswith("=cmd|")


def test_coverage_shows_its_gaps(ledger):
    for first, last in ((100, 200), (301, 400), (402, 500)):
        ledger.write("INSERT INTO block_coverage VALUES (?, ?)", first, last)
    rows = [(row["kind"], row["first_block"], row["last_block"], row["blocks"]) for row in ledger.report("coverage")]
    assert rows == [("covered", "100", "200", "101"), ("GAP", "201", "300", "100"), ("covered", "301", "400", "100"),
                    ("GAP", "401", "401", "1"), ("covered", "402", "500", "99")]
    assert "! coverage has a gap after block 200" in ledger.monitor("status", expect=1)


def test_latency_is_told_stage_by_stage(traded):
    traded.write("INSERT INTO trade_execution_links VALUES (4, 1, '0.6')")
    rows = {row["stage"]: row for row in traded.report("latency")}
    assert rows["block to queue, by subscription"]["p50_ms"] == "250"
    assert (rows["queue to trade"]["count"], rows["queue to trade"]["max_ms"]) == ("5", "4")
    assert rows["execution to order"]["p99_ms"] == "5"
    assert rows["queue to order"]["p50_ms"] == str(60_000 + 5 - 250)
    assert rows["order to its end"]["p90_ms"] == "8995"


def test_status_counts_what_needs_a_person(ledger):
    ledger.event(1, outcome="quarantined", error="a symbol that is not one")
    ledger.event(2, processed=0, outcome=None, processed_at=None)
    ledger.execution(3, "BUY", "1", None, "HELD")
    ledger.write("INSERT INTO trade_accumulators (symbol, net_position, accumulated_long) VALUES ('AAPL', '0.25', '0.25')")
    ledger.write("UPDATE controls SET value = '1', reason = 'looked odd'")
    text = ledger.monitor("status", expect=1)
    problems = [line for line in text.splitlines() if line.startswith("! ")]
    for words in ("HALTED: looked odd", "no block is covered", "waited since 2026-01-05T15:02:00.250Z",
                  "event 1 of block 1 is quarantined", "execution 1 is HELD", "no listener has an open session",
                  "no backfiller runs", "no processor runs", "no executor runs"):
        assert sum(words in line for line in problems) == 1, text
    assert len(problems) == 9
    assert "events      1 waiting, 1 quarantined" in text and "executions  0 open, 1 held" in text
    by_cron = ledger.monitor("status", expect=1, MONITOR_PROGRAMS="cron")
    assert sum(line.startswith("! ") for line in by_cron.splitlines()) == 5
    assert "AAPL     0.25, hedged after 0.75 more" in text
    assert "\x1b" not in text


def test_nothing_is_written_or_created(traded):
    def state():
        names = sorted(path.name for path in traded.path.parent.iterdir() if not path.name.endswith("-shm"))
        return names, hashlib.sha256(traded.path.read_bytes()).hexdigest(), traded.path.stat().st_mtime_ns

    before = state()
    for arguments in (("status",), ("report", "pnl"), ("report", "latency")):
        traded.monitor(*arguments, expect=1 if arguments == ("status",) else 0)
    assert [name for name in state()[0] if name not in before[0]] in ([], ["ballast.db-wal"])
    assert state()[1:] == before[1:]
    for beside in traded.path.parent.glob("*-wal"):
        assert beside.stat().st_size == 0


@pytest.mark.parametrize("arguments, words", [
    (("--once",), "say what to show"),
    (("report", "profit"), "no such report"),
    (("report", "pnl", "--from", "yesterday"), "--from must be"),
    (("report", "pnl", "--to", "2026-13-01"), "--to must be"),
    (("report", "coverage", "--symbol", "AAPL"), "has no --symbol"),
    (("report", "pnl", "--csv", "--json"), "choose one"),
    (("status", "--csv"), "say what to show"),
])
def test_a_wrong_command_is_refused(ledger, arguments, words):
    assert words in ledger.monitor(*arguments, expect=64)


def test_without_a_database_it_says_so_and_makes_none(tmp_path):
    run = subprocess.run([binary("monitor"), "status"], env={"DATABASE_PATH": str(tmp_path / "none.db")}, capture_output=True,
                         text=True)
    assert run.returncode == 78 and "none.db" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_group_at_work_is_well_until_its_listener_is_gone(market, stack):
    programs = stack.start_all()
    wait_session(stack)
    fills = market.take("AAPL0x", "SELL", "1.25", usdc="287.5") + market.take("AAPL0x", "BUY", "0.5", usdc="114")
    wait_booked(stack, fills)

    def run(*arguments):
        return subprocess.run([binary("monitor"), *arguments], env=stack.config, capture_output=True, text=True)

    stack.wait_until(lambda: run("status").returncode == 0, what="the monitor to find all well")
    rows = json.loads(run("report", "pnl", "--json").stdout)
    assert rows[-1]["net_position"] == stack.database.position("AAPL")
    assert [row["source"] for row in rows].count("chain") == 2
    assert "programs    listener, backfiller, processor, executor at work" in run("status").stdout
    programs["listener"].stop()
    told = run("status")
    assert told.returncode == 1 and "! no listener has an open session" in told.stdout
