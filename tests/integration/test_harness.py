"""The tools of the tests, tested by what they must refuse."""

import contextlib
import os
import sqlite3
import subprocess

import pytest

from lib.amounts import canonical, price, raw_units, text
from lib.ballast import Program
from lib.database import Database, statements
from lib.process import children, wait_until


@pytest.fixture
def programs(workdir, monkeypatch):
    """A folder of shell scripts in the place of Ballast's programs."""
    folder = workdir / "bin"
    folder.mkdir()
    monkeypatch.setenv("BALLAST_BIN", str(folder))

    def write(name, script):
        (folder / name).write_text("#!/bin/sh\n" + script)
        (folder / name).chmod(0o755)

    return write


@pytest.fixture
def wal_database(workdir):
    """A database in WAL mode with one table, and the connection that writes it."""
    path = workdir / "some.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE amounts (symbol TEXT, amount TEXT) STRICT")
        writer.execute("INSERT INTO amounts VALUES ('AAPL', '0.1'), ('AAPL', '0.2')")
        yield Database(path), writer


def test_amounts_are_exact():
    assert raw_units("1.5", 6) == 1_500_000 and raw_units("0", 18) == 0
    with pytest.raises(ValueError):
        raw_units("0.0000001", 6)
    with pytest.raises(TypeError):
        raw_units(0.1, 6)
    written = [text(1, 18), text(-12 * 10**6, 6), text(0, 6), text(5, 0)]
    assert written == ["0.000000000000000001", "-12", "0", "5"]
    assert [canonical("1.50"), canonical("1e3"), canonical("0.00")] == ["1.5", "1000", "0"]
    assert price("100", "3") == "33.333333333333333333" and price("0", "1") is None


def test_a_semicolon_in_a_comment_ends_no_statement():
    found = statements("SELECT 1; -- a; b\nSELECT ';';\n-- the end\n")
    assert found == ["SELECT 1;", "-- a; b\nSELECT ';';"]


def test_a_reader_sees_commits_and_holds_up_nobody(wal_database):
    database, writer = wal_database
    assert database.count("amounts") == 2
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO amounts VALUES ('NVDA', '1')")
    assert database.count("amounts") == 2
    writer.execute("COMMIT")
    assert database.count("amounts", "symbol = 'NVDA'") == 1
    with pytest.raises(sqlite3.OperationalError):
        database.rows("DELETE FROM amounts")


def test_a_reader_needs_no_writer(wal_database):
    database, writer = wal_database
    writer.close()
    assert database.value("SELECT count(*) FROM amounts") == 2


def test_a_broken_law_is_told(wal_database):
    database, _ = wal_database
    kept = "SELECT symbol FROM amounts GROUP BY 1 HAVING decimal_sum(amount) <> '0.3';"
    broken = "SELECT decimal_add(amount, '1') AS more FROM amounts WHERE decimal_cmp(amount, '0.15') > 0;"
    assert database.broken_laws(kept) == []
    [told] = database.broken_laws(kept + broken)
    assert "{'more': '1.2'}" in told


def test_a_child_is_seen_until_it_is_gone():
    child = subprocess.Popen(["sleep", "60"])
    assert children()[child.pid] == "sleep 60"
    child.kill()
    child.wait()
    assert children() == {}


def test_an_orphan_is_seen(workdir):
    subprocess.run(["sh", "-c", "sleep 60 & echo $! > pid"], cwd=workdir, check=True)
    pid = int((workdir / "pid").read_text())
    assert pid in children()
    os.kill(pid, 9)
    wait_until(lambda: not children(), what="the orphan to be reaped")


def test_a_program_gets_its_configuration_and_no_other(programs, workdir, monkeypatch):
    monkeypatch.setenv("ORDERBOOK", "of the caller")
    programs("listener", 'echo "owner=$ORDER_OWNER book=$ORDERBOOK args=$*"; exit 3\n')
    program = Program("listener", {"ORDER_OWNER": "me"}, workdir, ["--once"])
    assert program.wait() == 3
    assert program.text() == "owner=me book= args=--once\n"


def test_waiting_for_a_line_ends_with_the_program(programs, workdir):
    programs("listener", "echo ready block=7; sleep 60\n")
    program = Program("listener", {}, workdir)
    assert program.wait_log(r"block=(\d+)")[1] == "7"
    assert program.running
    program.kill9()
    assert program.returncode == -9
    with pytest.raises(AssertionError, match="ended .* without"):
        program.wait_log("never")
    for pid in children():  # the script's sleep
        os.kill(pid, 9)
    wait_until(lambda: not children())


def test_what_does_not_stop_is_killed_and_told(programs, workdir):
    programs("listener", "trap '' TERM; echo ready; while :; do sleep 0.01; done\n")
    program = Program("listener", {}, workdir)
    program.wait_log("ready")
    with pytest.raises(AssertionError, match="did not end"):
        program.stop(timeout=0.2)
    assert program.returncode == -9
    wait_until(lambda: not children())


def test_a_wait_in_vain_says_what_it_saw(workdir):
    log = workdir / "some.log"
    log.write_text("first\nlast line\n")
    with pytest.raises(AssertionError, match="(?s)for: rain.*last state: 0.*last line"):
        wait_until(lambda: 0, timeout=0.02, what="rain", logs=[log])


def test_the_group_starts_and_stops(programs, stack):
    script = 'trap "echo stopping; exit 0" TERM; echo "ready $CHAIN_ID"; while :; do sleep 0.01; done\n'
    for name in ("listener", "backfiller", "processor", "executor"):
        programs(name, script)
    group = stack.start_all()
    for program in group.values():
        program.wait_log("^ready 8453$")
    stack.stop()
    assert [program.returncode for program in group.values()] == [0] * 4
    again = stack.start("listener")
    assert again.log.name == "listener.2.log"
    again.wait_log("ready")


def test_a_crash_is_told_at_the_end(programs, stack):
    programs("listener", "echo invariant failed; exit 70\n")
    assert stack.start("listener").wait() == 70
    with pytest.raises(AssertionError, match="(?s)listener crashed with 70.*invariant failed"):
        stack.stop()
    stack.programs.clear()
