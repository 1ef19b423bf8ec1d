"""Events move into the archive while whatever can break does.

Cases: kill-CALL-N (kill -9 before the Nth system call of that name, then run again), error-CALL-ERROR-N (the archive's Nth
such call fails) and error-CALL-ERROR-N+ (all from the Nth on), while a fill waits to be hedged: it must not wait longer.
memory-N and memory-N+: the Nth allocation fails, or all from there on.
"""

import contextlib
import hashlib
import json
import re
import sqlite3
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from allocation_failures import LIBRARY, judged  # noqa: E402
from lib.campaign import Options, Outcome, Report, chosen, run_cases  # noqa: E402
from lib.database import Database  # noqa: E402
from lib.preload import library  # noqa: E402
from lib.world import World, broken_laws, content, copy_database, differences, injecting, trade_rows  # noqa: E402

NAME = "archiving"
CALLS = (
    "pwrite64", "write", "fdatasync", "fsync", "ftruncate", "openat", "unlink", "fcntl", "mmap", "pread64", "read", "close",
)
FAILING = ("pwrite64", "fdatasync", "fsync", "openat", "pread64", "unlink")
ERRORS = ("ENOSPC", "EIO")
SHORT = 60  # of each kind
SLACK = 3
FINAL_DEPTH = 70  # anvil calls final what is 64 blocks deep


class Aged(World):
    """A ledger whose events are settled, final and a year old, and beside it the same with a fill that waits."""

    def __enter__(self) -> "Aged":
        super().__enter__()
        home = self.folder / "aged"
        home.mkdir()
        self.settled, self.waiting = home / "settled.db", home / "waiting.db"
        self.market.mine(FINAL_DEPTH)
        self._cron("backfiller", "processor")
        self._age()
        copy_database(self.settled, self.waiting)
        [self.fill] = self.market.take("AAPL0x", "SELL", "5", usdc="1150")
        assert self.run("backfiller", self.waiting).code == 0
        self.before = data_of(self.settled)
        good = copy_database(self.settled, home / "good.db")
        assert self.archive(good).code == 0
        self.wanted = content(good)
        assert problems_of(self, good) == [], problems_of(self, good)
        self.wanted_archived = archived(good)
        assert len(self.wanted_archived) >= 2, "nothing is settled"
        return self

    def _cron(self, *names) -> None:
        copy_database(self.stages["listener"], self.settled)
        for name in names:
            assert self.run(name, self.settled).code == 0

    def _age(self) -> None:
        with contextlib.closing(sqlite3.connect(self.settled)) as database:
            database.execute("UPDATE event_queue SET processed_at = '2020' || substr(processed_at, 5)")
            database.commit()

    def archive(self, database: Path, before=(), **changes):
        return self.start("processor", database, "--archive", "0", before=before, **changes).wait()


def campaign(options: Options) -> Report:
    library(LIBRARY)
    cases = [] if options.only else every_case(options)
    return run_cases(options, NAME, cases, Aged, run_case)


def every_case(options: Options) -> list[str]:
    folder = options.folder / NAME / "counting"
    folder.mkdir(parents=True)
    with Aged(folder, check=False) as world:
        calls = counted(world, copy_database(world.settled, folder / "kill.db"))
        own = counted(world, copy_database(world.settled, folder / "error.db"), alone=True)
        allocations = folder / "allocations"
        ended = world.archive(
            copy_database(world.settled, folder / "memory.db"), LD_PRELOAD=library(LIBRARY), COUNT_FILE=allocations
        )
        assert ended.code == 0, ended.told()
    kills = [f"kill-{call}-{n}" for call in CALLS if calls[call] for n in range(1, calls[call] + SLACK + 1)]
    errors = [
        f"error-{call}-{error}-{n}{onwards}"
        for call in FAILING
        for n in range(1, own[call] + 1)
        for error in ERRORS
        for onwards in ("", "+")
    ]
    memory = [f"memory-{n}{onwards}" for n in range(1, int(allocations.read_text()) + 1) for onwards in ("", "+")]
    return [one for kind in (kills, errors, memory) for one in chosen(options, NAME, kind, SHORT, kind[0])]


def counted(world: Aged, database: Path, alone: bool = False) -> Counter:
    """alone: only what is done to the archive."""
    trace = database.with_suffix(".trace")
    calls = ("-e", f"trace={','.join(CALLS if not alone else FAILING)}", *(files_of(database) if alone else ()))
    ended = world.archive(database, injecting(*calls, output=str(trace)))
    assert ended.code == 0, ended.told()
    return Counter(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))


def files_of(database: Path) -> list[str]:
    archive = f"{database}.archive"
    return ["-P", archive, "-P", f"{archive}-journal"]


def run_case(world: Aged, case: str, folder: Path, rng) -> Outcome:
    kind, call, *words = case.split("-")
    if kind == "kill":
        return _kill(world, folder, call, words[0])
    if kind == "memory":
        return _memory(world, folder, call)
    return _error(world, folder, call, *words)


def _kill(world: Aged, folder: Path, call: str, number: str) -> Outcome:
    database = copy_database(world.settled, folder / "ballast.db")
    ended = world.archive(database, injecting("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"))
    problems = [] if ended.code in (0, -9) else [f"before the kill, {ended.told()}"]
    problems += given_up(world, database)
    again = world.archive(database)
    if again.code != 0:
        problems.append(f"run again, {again.told()}")
    return Outcome(problems + problems_of(world, database), Counter({"killed": ended.code == -9, "unharmed": ended.code == 0}))


def _memory(world: Aged, folder: Path, number: str) -> Outcome:
    database = copy_database(world.settled, folder / "ballast.db")
    failing = {"FAIL_FROM" if number.endswith("+") else "FAIL_ALLOCATION": number.rstrip("+")}
    ended = world.archive(database, LD_PRELOAD=library(LIBRARY), **failing)
    problems = judged(ended) + given_up(world, database)
    if ended.code == 0 and archived(database) != world.wanted_archived:
        problems.append("it claims success and has not archived all")
    again = world.archive(database)
    if again.code != 0:
        problems.append(f"run again, {again.told()}")
    return Outcome(problems + problems_of(world, database), Counter({f"memory: exit {ended.code}": 1}))


def _error(world: Aged, folder: Path, call: str, error: str, when: str) -> Outcome:
    """The fill is booked and its hedge planned all the same; what was not archived is, later."""
    database = copy_database(world.waiting, folder / "ballast.db")
    inject = injecting(
        "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}", *files_of(database), quick=True
    )
    ended = world.run("processor", database, before=inject, RETENTION_DAYS="1")
    problems = [] if ended.code in (0, 75) else [ended.told()]
    if not any(row[5] == world.fill.tx_hash for row in trade_rows(Database(database))):
        problems.append(f"the fill waits: {ended.last_line()}")
    if [row["shares"] for row in Database(database).executions("AAPL")][-1:] != ["5"]:
        problems.append("its hedge is not planned")
    if ended.code == 0 and len(archived(database)) != len(world.wanted_archived):
        problems.append("it claims success and has not archived all")
    problems += given_up(world, database) + broken_laws(database)
    again = world.archive(database)
    if again.code != 0:
        problems.append(f"run again, {again.told()}")
    problems += given_up(world, database)
    if archived(database) != world.wanted_archived:
        problems.append(f"archived in the end are {sorted(archived(database))}")
    return Outcome(problems + broken_laws(database), Counter({f"exit {ended.code}": 1}))


def data_of(database: Path) -> dict[int, str]:
    return {row["id"]: row["event_data"] for row in Database(database).rows("SELECT id, event_data FROM event_queue")}


def archived(database: Path) -> set[int]:
    return {row["id"] for row in Database(database).rows("SELECT id FROM event_queue WHERE archived_at IS NOT NULL")}


def given_up(world: Aged, database: Path) -> list[str]:
    """Whatever the ledger has given up is in the archive, as it was, and under its name."""
    problems, moved = [], archived(database)
    if not moved:
        return []
    # A hot journal is rolled back by whoever opens the file next for writing.
    with contextlib.closing(sqlite3.connect(f"{database}.archive")) as archive:
        kept = dict(archive.execute("SELECT id, event_data FROM archived_events"))
    present = data_of(database)
    for number in moved:
        digest = hashlib.sha256(world.before[number].encode()).hexdigest()
        if kept.get(number) != world.before[number]:
            problems.append(f"event {number} is lost: the archive has {str(kept.get(number))[:80]}")
        if json.loads(present[number]) != {"archived": True, "sha256": digest}:
            problems.append(f"event {number} has another name: {present[number]}")
    return problems


def problems_of(world: Aged, database: Path) -> list[str]:
    return given_up(world, database) + differences(world.wanted, content(database)) + broken_laws(database)
