"""Settled events move into the archive, and nothing is lost by it: not the proof, not the key, not a hedge."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess

import pytest

from lib.database import Database

pytestmark = pytest.mark.anvil(slots_in_an_epoch=1)
ARCHIVED = "archived_at IS NOT NULL"


def settle(stack) -> None:
    for name in ("backfiller", "processor", "executor", "processor"):
        stack.run(name, "--once")


def archive_of(stack) -> Database:
    return Database(stack.database.path.with_name("ballast.db.archive"))


def data_of(stack) -> dict:
    return {row["id"]: row["event_data"] for row in stack.database.rows("SELECT id, event_data FROM event_queue")}


def aged(stack, days: int) -> None:
    """As if everything had been processed so long ago."""
    with contextlib.closing(sqlite3.connect(stack.database.path)) as connection:
        connection.execute("UPDATE event_queue SET processed_at = strftime('%Y-%m-%dT%H:%M:%fZ', processed_at, ?)", (f"-{days} days",))
        connection.commit()


def proven(stack) -> None:
    assert "identical" in stack.run("backfiller", "--verify").text()
    assert "identical" in stack.run("processor", "--replay").text()


@pytest.fixture
def whole(market, stack):
    """Hedged fills of all kinds, one with a rest, one that left the chain; all of it final."""
    market.take("NVDAs1", "SELL", "3", usdc="420")
    settle(stack)
    market.rpc.call("anvil_reorg", 1, [])
    settle(stack)
    market.take("AAPL0x", "SELL", "2", usdc="460")
    market.clear("tTSLA", "BUY", "1", usdc="250")
    market.take("NVDAs1", "BUY", "0.5", usdc="70")
    market.mine(5)
    settle(stack)
    settle(stack)
    return data_of(stack)


def test_what_is_settled_moves_and_everything_is_proven_as_before(market, stack, whole):
    output = stack.run("processor", "--archive", "0").text()
    events = stack.database.events()
    moved = {row["id"] for row in events if row["archived_at"]}
    rest = {row["event_id"] for row in stack.database.trades() if row["unallocated"] != "0"}
    assert moved == {row["id"] for row in events} - rest and len(moved) == 3 and len(rest) == 1
    assert any(row["removed"] for row in events if row["archived_at"])
    assert f"archiving done events={len(moved)}" in output
    archive = archive_of(stack)
    assert {row["id"]: row["event_data"] for row in archive.rows("SELECT id, event_data FROM archived_events")} == {
        number: whole[number] for number in moved
    }
    assert all(len(json.loads(data_of(stack)[number])["sha256"]) == 64 for number in moved)
    proven(stack)
    # A second time there is nothing to do.
    assert "archiving done events=0" in stack.run("processor", "--archive", "0").text()


def test_blocks_that_are_read_again_add_nothing(market, stack, whole):
    stack.run("processor", "--archive", "0")
    before = stack.database.events()
    stack.run("backfiller", "--from", market.deployment_block, "--to", market.anvil.head(), "--recheck")
    settle(stack)
    assert stack.database.events() == before
    proven(stack)


@pytest.mark.anvil(slots_in_an_epoch=0)
def test_what_the_listener_delivers_again_adds_nothing(market, stack):
    """The head is final at once; a listener that starts reads its cutoff block whole."""
    market.take("AAPL0x", "SELL", "2", usdc="460")
    settle(stack)
    stack.run("processor", "--archive", "0")
    [before] = stack.database.events()
    assert before["archived_at"] and before["block_number"] == market.anvil.head()
    listener = stack.start("listener")
    listener.wait_log("cutoff")
    fills = market.take("AAPL0x", "SELL", "1", usdc="230")
    stack.wait_until(lambda: stack.database.count("event_queue", f"tx_hash = '{fills[0].tx_hash}'"), what="the next fill")
    assert stack.database.sessions()[0]["cutoff_block"] == before["block_number"]
    assert stack.database.events()[0] == before and stack.database.count("event_queue") == 2


def test_a_running_processor_archives_when_it_has_nothing_to_hedge(market, stack, whole):
    aged(stack, 31)
    processor = stack.start("processor", RETENTION_DAYS=30)
    stack.wait_until(lambda: stack.database.count("event_queue", ARCHIVED) == 3, what="three events in the archive")
    market.take("AAPL0x", "SELL", "1", usdc="230")
    stack.run("backfiller", "--once")
    stack.wait_until(lambda: stack.database.executions("AAPL")[-1]["shares"] == "1", what="a hedge")
    assert processor.stop() == 0
    settle(stack)
    proven(stack)
    # Once was enough, and what is younger stays.
    stack.run("processor", "--once", RETENTION_DAYS=30)
    assert stack.database.count("event_queue", ARCHIVED) == 3


def test_nothing_moves_by_default_nor_before_its_time(market, stack, whole):
    aged(stack, 29)
    stack.run("processor", "--once")
    stack.run("processor", "--once", RETENTION_DAYS=30)
    stack.run("processor", "--archive", "30")
    assert data_of(stack) == whole and not archive_of(stack).path.exists()


def test_only_one_processor_archives(market, stack):
    stack.start("processor").wait_log("ready")
    assert "another processor" in stack.run("processor", "--archive", "0", expect=75).text()
    assert "number of days" in stack.run("processor", "--archive", "soon", expect=64).text()


def test_without_its_archive_the_queue_is_still_proven_and_not_replayed(market, stack, whole):
    stack.run("processor", "--archive", "0")
    stack.run("processor", "--check")
    path = archive_of(stack).path
    good = path.read_bytes()
    for damage, words in (
        ("DELETE FROM archived_events WHERE id = (SELECT max(id) FROM archived_events)", "the event is not there"),
        ("UPDATE archived_events SET event_data = '{}'", "its data is not what was archived"),
        ("PRAGMA user_version = 9", "of a newer program"),
        ("PRAGMA application_id = 9", "no archive of ours"),
        (None, "there is no such file"),
    ):
        path.unlink()
        if damage:
            path.write_bytes(good)
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute(damage)
                connection.commit()
        assert words in stack.run("processor", "--replay", expect=78).text()
    assert "the archive cannot be read" in stack.run("processor", "--check", expect=69).text()
    assert "identical" in stack.run("backfiller", "--verify").text()


@pytest.mark.no_invariants
def test_verify_notices_an_archived_event_that_was_changed(market, stack, whole):
    stack.run("processor", "--archive", "0")
    with contextlib.closing(sqlite3.connect(stack.database.path)) as connection:
        connection.execute(f"UPDATE event_queue SET event_data = replace(event_data, ':\"', ':\"0') WHERE {ARCHIVED} AND removed = 0")
        connection.commit()
    assert "has other data in event_queue" in stack.run("backfiller", "--verify", expect=1).text()


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk is root's")
def test_a_full_archive_disk_does_not_stop_hedging(market, stack, whole, workdir):
    disk, path = workdir / "disk", archive_of(stack).path
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", disk], check=True)
    try:
        (disk / "filler").write_bytes(b"x" * 24 * 1024)
        path.symlink_to(disk / "archive")
        aged(stack, 31)
        processor = stack.start("processor", RETENTION_DAYS=30)
        processor.wait_log("warn .*events are not archived, hedging goes on: .*full")
        market.take("AAPL0x", "SELL", "1", usdc="230")
        stack.run("backfiller", "--once")
        stack.wait_until(lambda: stack.database.executions("AAPL")[-1]["shares"] == "1", what="a hedge")
        assert processor.stop() == 0
        assert stack.database.count("event_queue", ARCHIVED) == 0
        # By hand it is said in the exit code, and when there is space it is made up for.
        stack.run("processor", "--archive", "30", expect=75)
        (disk / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        stack.run("processor", "--archive", "30")
        assert stack.database.count("event_queue", ARCHIVED) == 3
        proven(stack)
        shutil.copyfile(disk / "archive", workdir / "kept")
    finally:
        stack.stop()
        subprocess.run(["umount", "-l", disk], check=True)
    path.unlink()
    shutil.move(workdir / "kept", path)
    proven(stack)
