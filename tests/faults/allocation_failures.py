"""Every allocation of every program fails once, alone or with all behind it. The program may survive it or end with an
error that says so; it may not crash, lose or double anything, and run again it does its work.

A case is PROGRAM-N or PROGRAM-N+: the Nth allocation of the process, its libraries' included, or all from there on.
"""

import signal
import sys
import zlib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib.campaign import Options, Outcome, Report, chosen, run_cases  # noqa: E402
from lib.preload import library  # noqa: E402
from lib.world import STAGES, TRY_AGAIN, World, counting  # noqa: E402

NAME = "allocation_failures"
LIBRARY = "failing_malloc"
SHORT = 100  # of each program
FULL_EVERY = 6
PATIENCE_S = 15
# 1, 127: libraries and the dynamic linker give up before the program begins.
BEFORE_MAIN = (1, 127)


def campaign(options: Options) -> Report:
    library(LIBRARY)
    cases = [] if options.only else every_case(options)
    return run_cases(options, NAME, cases, World, run_case)


def every_case(options: Options) -> list[str]:
    found = []
    with counting(options, NAME) as (world, folder):
        for name in STAGES:
            (folder / name).mkdir()
            count = folder / name / "count"
            ended = _once(world, name, world.database(name, folder / name), {"COUNT_FILE": count})[0]
            world.rewind()
            assert ended.code == 0, ended.told()
            points = [f"{name}-{n}{onwards}" for n in range(1, int(count.read_text()) + 1) for onwards in ("", "+")]
            found += chosen(options, NAME, points, SHORT, name)
    return found


def _once(world: World, name: str, database: Path, changes: dict):
    """How it ended, and the fill that happened meanwhile, when the program is the listener."""
    changes = {"LD_PRELOAD": library(LIBRARY)} | changes
    if name == "listener":
        return world.live(database, **changes)
    return world.run(name, database, timeout=PATIENCE_S, **changes), []


def run_case(world: World, case: str, folder: Path, rng) -> Outcome:
    name, number = case.split("-")
    failing = {"FAIL_FROM" if number.endswith("+") else "FAIL_ALLOCATION": number.rstrip("+")}
    database = world.database(name, folder)
    try:
        ended, fills = _once(world, name, database, failing)
        problems = judged(ended)
        if name == "listener":
            problems += world.after_live(database, fills)
        else:
            if ended.code == 0 and not world.done(name, database):
                problems.append(f"it claims success and has not done its work: {ended.last_line()}")
            problems += world.recover(name, database)
    finally:
        if name == "listener":
            world.rewind()
    if name != "listener" and not problems and zlib.crc32(case.encode()) % FULL_EVERY == 0:
        problems += world.finish(database)
    return Outcome(problems, Counter({f"exit {ended.code}": 1}))


def judged(ended) -> list[str]:
    said = [line for line in ended.text.splitlines() if line.strip()]
    if ended.code is None:
        return [f"{ended.name} did not end in time, or not when told to: {ended.last_line()}"]
    if ended.code == 0 or ended.code in TRY_AGAIN and said:
        return []
    if ended.code == -signal.SIGABRT and said and " info " not in said[-1]:
        return []
    if ended.code in BEFORE_MAIN and said and not any(f" {ended.name}: " in line for line in said):
        return []
    return [ended.told()]
