"""Backups of a ledger at work, and what becomes of one that is restored: it must be complete, and send nothing twice."""

import gzip
import itertools
import os
import shutil
import sqlite3
import subprocess
import time
from decimal import Decimal

import pytest

from lib.anvil import ROOT
from lib.ballast import binary
from lib.database import Database
from lib.process import wait_until
from conftest import INVARIANTS
from test_pipeline import fills_of, as_rows, run_once, wait_booked, wait_session

BESIDE = ("", "-wal", "-shm")


def backup(stack, file, expect=0, **more) -> subprocess.CompletedProcess:
    run = subprocess.run([binary("executor"), "backup", file], env={"DATABASE_PATH": str(stack.database.path)} | more,
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == expect, run.stderr
    return run


def script(stack, folder, *more, expect=0) -> subprocess.CompletedProcess:
    config = stack.folder / "ballast.conf"
    config.write_text(f"DATABASE_PATH={stack.database.path}\n")
    run = subprocess.run([ROOT / "scripts/backup", "--config", config, "--into", folder, *more], capture_output=True, text=True,
                         env={"PATH": os.environ["PATH"], "BALLAST_BIN": str(binary("executor").parent)}, timeout=60)
    assert run.returncode == expect, run.stderr
    return run


def assert_good(file) -> Database:
    """One file with nothing beside it, halted, whose laws hold."""
    copy = Database(file)
    assert [other.name for other in file.parent.glob(file.name + "-*")] == []
    assert copy.value("PRAGMA integrity_check") == "ok"
    assert copy.rows("PRAGMA foreign_key_check") == []
    assert copy.broken_laws(INVARIANTS.read_text()) == []
    [control] = copy.rows("SELECT * FROM controls")
    assert (control["name"], control["value"]) == ("trading_halted", "1")
    return copy


def lose(stack) -> None:
    for suffix in BESIDE:
        stack.database.path.with_name("ballast.db" + suffix).unlink(missing_ok=True)


def test_a_ledger_that_is_lost_comes_back_complete_and_sends_nothing_by_itself(market, stack, workdir):
    """The drill: a backup under load, more fills and orders, the disk is gone, the backup comes back."""
    stack.start_all()
    wait_session(stack)
    known = list(itertools.chain.from_iterable(market.take("AAPL0x", "SELL", "0.5", usdc="115") for _ in range(6)))
    file = workdir / "kept.db"
    backup(stack, file)
    assert_good(file)
    wait_booked(stack, known)
    lost = market.take("AAPL0x", "SELL", "2", usdc="460") + market.take("NVDAs1", "BUY", "3", usdc="420")
    wait_booked(stack, known + lost)
    truth = {ticker: stack.database.position(ticker) for ticker in ("AAPL", "NVDA")}
    ordered = stack.database.executions()
    stack.stop()
    lose(stack)

    stack.run("executor", "restore", file)
    sent = [e for e in stack.database.executions() if e["submitted_at"]]
    assert len(sent) < len(ordered)
    halted = stack.start_all()
    wait_session(stack)
    stack.wait_until(lambda: fills_of(stack.database) == as_rows(known + lost), 20, "the lost fills to be booked again")
    halted["executor"].wait_log("trading halted: new orders wait reason=restored: compare with the broker")
    stack.wait_until(lambda: {e["symbol"] for e in pending(stack)} >= {"NVDA"}, 10, "the hedges to be planned")
    stack.wait_until(lambda: all(e["status"] in ("PENDING", "FILLED") for e in stack.database.executions()), 10, "what was known to end")
    assert [e for e in stack.database.executions() if e["submitted_at"] and e["created_at"] > sent_until(file)] == []

    # A person finds at the broker what the ledger lacks, and says so.
    for ticker in ("AAPL", "NVDA"):
        missing = abs(filled(ordered, ticker) - filled(stack.database.executions(), ticker))
        assert missing > 0
        while missing > 0:
            [execution] = stack.wait_until(lambda: [e for e in pending(stack) if e["symbol"] == ticker], 10, f"{ticker} to be planned")
            shares = min(missing, Decimal(execution["shares"]))
            stack.run("executor", "resolve", execution["id"], "--filled", shares, "230.5", "--reason", "the broker's list")
            missing -= shares
    stack.wait_until(lambda: {t: stack.database.position(t) for t in truth} == truth, 10, "the positions to be the true ones")
    stack.run("executor", "resume")
    fresh = market.take("NVDAs1", "SELL", "1", usdc="140")
    wait_booked(stack, known + lost + fresh)
    orders = [e for e in stack.database.executions() if e["submitted_at"] and e["created_at"] > sent_until(file)]
    assert [(e["symbol"], e["direction"], e["shares"]) for e in orders] == [("NVDA", "BUY", "1")]


def pending(stack) -> list[dict]:
    return stack.database.rows("SELECT * FROM executions WHERE status = 'PENDING'")


def filled(executions, ticker) -> Decimal:
    """Signed: bought at the broker less sold."""
    return sum((Decimal(e["filled_shares"]) * (1 if e["direction"] == "BUY" else -1)
                for e in executions if e["symbol"] == ticker), Decimal(0))


def sent_until(file) -> str:
    return Database(file).value("SELECT set_at FROM controls")


def test_a_pending_execution_is_ended_by_hand_only_while_trading_is_halted(market, stack):
    market.take("AAPL0x", "SELL", "2", usdc="460")
    stack.run("backfiller", "--once")
    stack.run("processor", "--once")
    [execution] = pending(stack)
    refused = stack.run("executor", "resolve", execution["id"], "--filled", "2", "231", expect=64)
    assert "only while trading is halted" in refused.text()
    stack.run("executor", "halt", "a test")
    refused = stack.run("executor", "resolve", execution["id"], "--not-placed", expect=64)
    assert "only --filled" in refused.text()
    refused = stack.run("executor", "resolve", execution["id"], "--filled", "3", "231", expect=64)
    assert "close the rest at the broker by hand" in refused.text()
    stack.run("executor", "resolve", execution["id"], "--filled", "1", "231")
    stack.run("processor", "--once")
    [ended, rest] = stack.database.executions()
    assert (ended["status"], ended["filled_shares"], ended["submitted_at"]) == ("FAILED", "1", None)
    assert (rest["direction"], rest["shares"], rest["status"]) == ("BUY", "1", "PENDING")


def test_a_backup_killed_at_any_moment_leaves_no_bad_one(market, stack, workdir):
    market.take("AAPL0x", "SELL", "2.5", usdc="575")
    run_once(stack)
    folder = workdir / "backups"
    folder.mkdir()
    kept = folder / "kept.db"
    began = time.monotonic()
    backup(stack, kept)
    seconds = time.monotonic() - began
    whole = 0
    for number in range(40):
        file = folder / f"{number}.db"
        process = subprocess.Popen([binary("executor"), "backup", file], env={"DATABASE_PATH": str(stack.database.path)},
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(seconds * number / 30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if file.exists():
            whole += 1
            assert_good(file)
    assert 0 < whole < 40
    assert_good(kept)


def test_the_script_keeps_the_newest_and_cleans_up_after_the_killed(market, stack, workdir):
    market.take("AAPL0x", "SELL", "2.5", usdc="575")
    run_once(stack)
    folder = workdir / "backups"
    folder.mkdir()
    old = [folder / f"ballast-2026010{day}T030000Z.db" for day in range(1, 6)]
    for file in old:
        file.write_text("an old one")
    (folder / "ballast-20260101T030001Z.db.partial-wal").write_text("of one that was killed")
    (folder / "notes.txt").write_text("somebody's")
    told = script(stack, folder, "--keep", "3").stdout
    names = sorted(file.name for file in folder.iterdir())
    assert names[:2] == [old[3].name, old[4].name] and names[3] == "notes.txt" and len(names) == 4
    assert_good(folder / names[2])
    assert told.strip().endswith(names[2])

    def packed() -> list:
        return list(folder.glob("*.gz"))

    wait_until(lambda: script(stack, folder, "--keep", "2", "--compress") and packed(), 10, "another second")
    [file] = packed()
    unpacked = workdir / "unpacked.db"
    unpacked.write_bytes(gzip.decompress(file.read_bytes()))
    assert assert_good(unpacked).executions() == stack.database.executions()
    assert sorted(f.name for f in folder.iterdir())[-2:] == [file.name, "notes.txt"]
    script(stack, workdir / "absent", expect=78)
    script(stack, folder, "--keep", "0", expect=64)


@pytest.mark.no_invariants
def test_what_is_damaged_makes_no_backup_and_replaces_none(market, stack, workdir):
    for _ in range(20):
        market.take("AAPL0x", "SELL", "0.3", usdc="69")
    run_once(stack)
    path = stack.database.path
    for sql in ("PRAGMA wal_checkpoint(TRUNCATE)",):
        connection = sqlite3.connect(path)
        connection.execute(sql)
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'onchain_trades'").fetchone()[0]
        connection.close()
    with open(path, "r+b") as file:
        file.seek((root - 1) * 4096 + 8)
        file.write(b"\xff" * 64)
    folder = workdir / "backups"
    folder.mkdir()
    old = folder / "ballast-20260101T030000Z.db"
    old.write_text("an old one")
    script(stack, folder, "--keep", "1", expect=78)
    assert [file.name for file in folder.iterdir() if "partial" not in file.name] == [old.name]


def test_what_is_there_is_not_overwritten(market, stack, workdir):
    run_once(stack)
    file = workdir / "kept.db"
    backup(stack, file)
    before = file.read_bytes()
    backup(stack, file, expect=78)
    assert file.read_bytes() == before
    refused = stack.run("executor", "restore", file, expect=78)
    assert "move it away" in refused.text()
    lose(stack)
    (workdir / "ballast.db-wal").write_text("of the lost one")
    refused = stack.run("executor", "restore", file, expect=78)
    assert "ballast.db-wal" in refused.text()
    (workdir / "ballast.db-wal").unlink()
    stack.run("executor", "restore", file)
    shutil.move(stack.database.path, workdir / "aside.db")
    (workdir / "ballast.db-wal").unlink(missing_ok=True)
    (workdir / "ballast.db-shm").unlink(missing_ok=True)
    listener = stack.start("listener")
    wait_session(stack)
    shutil.move(stack.database.path, workdir / "moved.db")
    for suffix in ("-wal", "-shm"):
        shutil.move(f"{stack.database.path}{suffix}", workdir / f"moved.db{suffix}")
    refused = stack.run("executor", "restore", file, expect=75)
    assert "another listener works on this database" in refused.text()
    listener.expected = 75
    listener.kill9()
    stack.run("executor", "restore", file)


def test_a_full_disk_makes_no_backup_and_can_be_tried_again(market, stack, workdir):
    run_once(stack)
    file = workdir / "kept.db"
    limited = subprocess.run(["sh", "-c", 'ulimit -f 20; exec "$@"', "sh", binary("executor"), "backup", file],
                             env={"DATABASE_PATH": str(stack.database.path)}, capture_output=True, text=True)
    assert limited.returncode == 75, limited.stderr
    assert not file.exists()
    backup(stack, file)
    assert_good(file)


@pytest.mark.anvil(slots_in_an_epoch=1)
def test_the_archive_goes_with_its_ledger(market, stack, workdir):
    """Its replay needs it, at the place where it was and where it comes back."""
    market.take("AAPL0x", "SELL", "1", usdc="230")
    market.mine(70)
    run_once(stack)
    stack.run("processor", "--archive", "0")
    assert stack.database.count("event_queue", "archived_at IS NOT NULL") == 1
    folder = workdir / "backups"
    folder.mkdir()
    script(stack, folder, "--compress")
    [packed] = folder.glob("*.db.gz")
    assert sorted(file.name for file in folder.iterdir()) == sorted([packed.name, packed.name.replace(".db.", ".db.archive.")])
    for file in folder.iterdir():
        (workdir / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    lose(stack)
    (workdir / "ballast.db.archive").unlink()
    stack.run("executor", "restore", workdir / packed.stem)
    assert "identical" in stack.run("processor", "--replay").text()
    (workdir / "ballast.db.archive").unlink()
    stack.run("processor", "--replay", expect=78)


def test_a_backup_of_an_older_schema_comes_up_to_date(market, stack, workdir):
    old = workdir / "old.db"
    connection = sqlite3.connect(old)
    connection.executescript("BEGIN;" + (ROOT / "schema/0001_initial.sql").read_text()
                             + "PRAGMA user_version = 1; PRAGMA application_id = 0x424c5354; COMMIT;")
    connection.close()
    stack.run("executor", "restore", old)
    assert stack.database.value("PRAGMA user_version") == len(list((ROOT / "schema").glob("*.sql")))
    assert_good(stack.database.path)
