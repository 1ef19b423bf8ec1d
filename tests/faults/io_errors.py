"""Every program whose disk fails: each call on the database's files refused, once or from then on; a disk that is full, or
read-only; a file that may not grow. It may fail, in a way that lets a supervisor start it again. It may not claim success
for work it has not done, and afterwards nothing is missing.

Cases: PROGRAM-CALL-ERROR-N (the Nth call fails), PROGRAM-CALL-ERROR-N+ (all from the Nth on), full-KIB (a disk of so many
KiB), readonly-PROGRAM, size-PROGRAM-KIB (RLIMIT_FSIZE).
"""

import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from crash_points import counted  # noqa: E402
from lib.campaign import Options, Outcome, Report, chosen, run_cases  # noqa: E402
from lib.world import PIPELINE, STAGES, TRY_AGAIN, Started, World, counting, injecting  # noqa: E402

NAME = "io_errors"
CALLS = ("pwrite64", "ftruncate", "fdatasync", "fsync", "openat", "pread64")
ERRORS = ("ENOSPC", "EIO")
FILES = ("ballast.db", "ballast.db-wal", "ballast.db-shm", "ballast.db-journal", "ballast.db.lock")
SHORT = 50  # of each program
FULL_KIB, FULL_SHORT = [*range(32, 512, 4), *range(512, 2049, 64)], 20
SIZE_KIB, SIZE_SHORT = range(0, 257, 4), 8
# One that waits for its disk, as for a lock, may do so; it must then stop when told.
PATIENCE_S = 12


def campaign(options: Options) -> Report:
    cases = [] if options.only else every_case(options)
    return run_cases(options, NAME, cases, World, run_case)


def every_case(options: Options) -> list[str]:
    found = []
    with counting(options, NAME) as (world, folder):
        for name in STAGES:
            files = _files(folder / name / "ballast.db")
            calls = counted(world, name, folder / name, CALLS, files)
            points = [
                f"{name}-{call}-{error}-{n}{onwards}"
                for call in CALLS
                for n in range(1, calls[call] + 1)
                for error in ERRORS
                for onwards in ("", "+")
            ]
            found += chosen(options, NAME, points, SHORT, name)
    for name in STAGES:
        sizes = [f"size-{name}-{kib}" for kib in SIZE_KIB]
        found += chosen(options, NAME, sizes, SIZE_SHORT, f"size {name}")
    if os.getuid() == 0:
        found += chosen(options, NAME, [f"full-{kib}" for kib in FULL_KIB], FULL_SHORT, "full")
        found += [f"readonly-{name}" for name in STAGES]
    return found


def _files(database: Path) -> list[str]:
    options = []
    for file in FILES:
        options += ["-P", str(database.with_name(file))]
    return options


def run_case(world: World, case: str, folder: Path, rng) -> Outcome:
    words = case.split("-")
    if words[0] == "full":
        return _full(world, folder, int(words[1]))
    if words[0] == "readonly":
        return _readonly(world, folder, words[1])
    if words[0] == "size":
        return _sized(world, folder, words[1], int(words[2]))
    name, call, error, when = words
    inject = f"inject={call}:error={error}:when={when}"
    database = world.database(name, folder)
    before = injecting("-e", f"trace={call}", "-e", inject, *_files(database), quick=True)
    # SQLite calls a sector that cannot be read a damaged database, and a damaged one is a person's.
    allowed = (*TRY_AGAIN, 78) if (call, error) == ("pread64", "EIO") else TRY_AGAIN
    return _run(world, name, database, allowed, before=before)


def _run(world: World, name: str, database: Path, allowed=TRY_AGAIN, **options) -> Outcome:
    """One program meets the fault, then runs without it."""
    if name == "listener":
        return _live(world, database, allowed, **options)
    ended = world.run(name, database, timeout=PATIENCE_S, **options)
    problems = _judged(ended, allowed)
    if ended.code == 0 and not world.done(name, database):
        problems.append(f"it claims success and has not done its work: {ended.last_line()}")
    problems += world.recover(name, database)
    return Outcome(problems, _counts(ended))


def _live(world: World, database: Path, allowed, **options) -> Outcome:
    """The listener may also live through it, behind. What it could not write the backfiller finds."""
    try:
        ended, fills = world.live(database, **options)
        problems = _judged(ended, allowed) + world.after_live(database, fills)
    finally:
        world.rewind()
    return Outcome(problems, _counts(ended))


def _judged(ended, allowed=TRY_AGAIN) -> list[str]:
    if ended.code is None:
        return [f"{ended.name} did not end in time, or not when told to: {ended.last_line()}"]
    return [] if ended.code == 0 or ended.code in allowed else [ended.told()]


def _counts(ended) -> Counter:
    return Counter({f"exit {ended.code}": 1})


# A disk of its own


class _Disk:
    """A file system in memory, mounted for one case."""

    def __init__(self, folder: Path, kib: int):
        self.place = folder / "disk"
        self._kib = kib

    def __enter__(self) -> "_Disk":
        self.place.mkdir()
        _mount("-t", "tmpfs", "-o", f"size={self._kib}k", "tmpfs", self.place)
        return self

    def __exit__(self, *_) -> None:
        subprocess.run(["umount", "-l", self.place], check=True)

    def change(self, options: str) -> None:
        _mount("-o", f"remount,{options}", self.place)


def _mount(*arguments) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _full(world: World, folder: Path, kib: int) -> Outcome:
    """The whole pipeline on a disk that is too small for it, then on one that is not."""
    counts: Counter = Counter()
    with _Disk(folder, kib) as disk:
        database, problems = disk.place / "ballast.db", []
        for name in PIPELINE[:4]:
            config = world.config | {"DATABASE_PATH": str(database)}
            ended = _beside(world, name, folder, config)
            counts[f"full disk: exit {ended.code}"] += 1
            problems += _judged(ended)
            if ended.code == 0 and name == "backfiller" and not world.done(name, database):
                problems.append("the backfiller claims success and has not done its work")
        disk.change("size=64m")
        problems += world.finish(database)
    return Outcome(problems, counts)


def _beside(world: World, name: str, folder: Path, config: dict):
    """Its log is not on the full disk."""
    return Started(name, ["--once"], config, folder).wait(PATIENCE_S)


def _readonly(world: World, folder: Path, name: str) -> Outcome:
    """A file system that has become read-only, as the kernel makes it after an error."""
    counts: Counter = Counter()
    with _Disk(folder, 65536) as disk:
        database, problems = world.database(name, disk.place), []
        disk.change("ro")
        config = world.config | {"DATABASE_PATH": str(database)}
        ended = _beside(world, name, folder, config)
        counts[f"read-only disk: exit {ended.code}"] += 1
        if ended.code is None or ended.code <= 0:
            problems.append(f"on a read-only disk {ended.told()}")
        disk.change("rw")
        problems += world.recover(name, database) if name != "listener" else world.finish(database)
    return Outcome(problems, counts)


def _sized(world: World, folder: Path, name: str, kib: int) -> Outcome:
    """No file may grow beyond so much: write fails with EFBIG. The log, a file too, is short."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, kib * 1024))

    database = world.database(name, folder)
    outcome = _run(world, name, database, preexec=limit)
    outcome.counts = Counter({f"file size {what}": count for what, count in outcome.counts.items()})
    return outcome
