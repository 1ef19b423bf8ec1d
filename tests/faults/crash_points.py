"""Every program killed before every system call that touches the database or a socket, and run again.

A case is PROGRAM-SYSCALL-N: the kill comes before the Nth call of that name.
"""

import re
import sys
import zlib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib.campaign import Options, Outcome, Report, chosen, run_cases  # noqa: E402
from lib.world import STAGES, World, counting, injecting  # noqa: E402

NAME = "crash_points"
CALLS = (
    "pwrite64", "pwritev", "write", "writev", "fdatasync", "fsync", "ftruncate", "openat", "unlink", "fcntl", "mmap",
    "connect", "sendto", "sendmsg", "recvfrom", "recvmsg", "read", "pread64", "close", "epoll_wait", "epoll_pwait", "poll",
    "ppoll", "rename", "getrandom",
)
SHORT = 120  # of each program
SLACK = 3  # a run may make a few calls more than the one that was counted
FULL_EVERY = 6  # one case of so many goes on to the end of the whole pipeline
STARTED_AGAIN_EVERY = 2  # of the listener's: else the backfiller alone follows


def campaign(options: Options) -> Report:
    cases = [] if options.only else every_case(options)
    return run_cases(options, NAME, cases, World, run_case)


def every_case(options: Options) -> list[str]:
    """Counted in one good run of each program, all calls of a name together: N runs over each thread's own."""
    found = []
    with counting(options, NAME) as (world, folder):
        for name in STAGES:
            calls = counted(world, name, folder / name)
            points = [f"{name}-{call}-{n}" for call in CALLS if calls[call] for n in range(1, calls[call] + SLACK + 1)]
            found += chosen(options, NAME, points, SHORT, name)
    return found


def counted(world: World, name: str, folder: Path, calls=CALLS, options=()) -> Counter:
    folder.mkdir()
    trace = folder / "trace"
    database = world.database(name, folder)
    before = injecting("-e", f"trace={','.join(calls)}", *options, output=str(trace))
    if name == "listener":
        ended, _ = world.live(database, before=before)
        world.rewind()
    else:
        ended = world.run(name, database, before=before)
    assert ended.code == 0, f"while counting, {ended.told()}"
    by_thread = Counter(re.findall(r"^(\d+) +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
    most: Counter = Counter()
    for (_, call), count in by_thread.items():
        most[call] = max(most[call], count)
    return most


def run_case(world: World, case: str, folder: Path, rng) -> Outcome:
    name, call, number = case.split("-")
    before = injecting("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
    database = world.database(name, folder)
    if name == "listener":
        return _listener(world, database, before, zlib.crc32(case.encode()) % STARTED_AGAIN_EVERY == 0)
    ended = world.run(name, database, before=before)
    problems = [] if ended.code in (0, -9) else [f"before the kill, {ended.told()}"]
    if ended.code == 0 and not world.done(name, database):
        problems.append("it claims success and has not done its work")
    problems += world.recover(name, database)
    if not problems and zlib.crc32(case.encode()) % FULL_EVERY == 0:
        problems += world.finish(database)
    return Outcome(problems, Counter({"killed": ended.code == -9, "unharmed": ended.code == 0}))


def _listener(world: World, database: Path, before, again: bool) -> Outcome:
    """Started again it takes up the stream; what happened in between is the backfiller's."""
    try:
        ended, fills = world.live(database, before=before)
        problems = [] if ended.code in (0, -9) else [f"before the kill, {ended.told()}"]
        if ended.code == -9 and again:
            second, more = world.live(database)
            fills += more
            problems += [] if second.code == 0 else [f"run again, {second.told()}"]
        problems += world.after_live(database, fills)
    finally:
        world.rewind()
    return Outcome(problems, Counter({"killed": ended.code == -9, "unharmed": ended.code == 0}))
