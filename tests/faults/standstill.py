"""Programs that stand still, come twice, start all at once, or find another time on the wall; and a reader that never ends.
Work goes on, or goes on afterwards, and nothing is lost or doubled.

Cases: pause-PROGRAM and pause-all (SIGSTOP for longer than every timeout), stutter (random short ones), second-PROGRAM,
restarts (20 times all at once), clock-forward, clock-back, clock-both, reader. A long campaign repeats each, as NAME-N.
"""

import contextlib
import signal
import sqlite3
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kill_storm import PROGRAMS, Group, Storm, settle  # noqa: E402
from lib.campaign import Options, Outcome, Report, run_cases  # noqa: E402
from lib.preload import library  # noqa: E402
from lib.world import Started, fill_rows, trade_rows  # noqa: E402

NAME = "standstill"
REPEATED = 10  # in a long campaign
DAY_S = 86400
# Every timeout is over before the pause is: twice PING_SECONDS, HEAD_TIMEOUT_SECONDS, RPC_TIMEOUT_MS.
IMPATIENT = {
    "PING_SECONDS": "1", "HEAD_TIMEOUT_SECONDS": "1", "RPC_TIMEOUT_MS": "500", "RECONNECT_MAX_SECONDS": "1",
    "DRY_RUN_FILL_DELAY_MS": "20",
}
PAUSE_S = 2.5
CASES = (
    *(f"pause-{name}" for name in (*PROGRAMS, "all")), "stutter", *(f"second-{name}" for name in PROGRAMS), "restarts",
    "clock-forward", "clock-back", "clock-both", "reader",
)
WORKS_S = 15


def campaign(options: Options) -> Report:
    library("jumping_clock")
    cases = list(CASES)
    if options.amount == "long":
        cases = [f"{name}-{number}" for number in range(1, REPEATED + 1) for name in CASES]
    return run_cases(options, NAME, cases, Storm, run_case)


def run_case(storm: Storm, case: str, folder: Path, rng) -> Outcome:
    what, which = [word for word in [*case.split("-"), ""] if not word.isdigit()][:2]
    group = Group(storm.config | IMPATIENT, folder)
    began = time.monotonic()
    try:
        fills = storm.fill(rng)
        problems = TOLD[what](storm, group, fills, which, rng)
        problems += settle(group, storm, fills)
    finally:
        group.end()
        storm.rewind()
    group.counts["milliseconds"] = int(1000 * (time.monotonic() - began))
    return Outcome(problems + group.problems, group.counts)


def _booked(group: Group, fills, what: str) -> list[str]:
    """While the disturbance lasts."""
    problems = group.converge(lambda: [] if trade_rows(group.database) == fill_rows(fills) else ["not booked"], WORKS_S)
    return [f"{what}: {problem}" for problem in problems]


def _lively(storm, group, fills) -> list[str]:
    group.start_all()
    return _booked(group, fills, "at the start")


def _pause(storm, group, fills, which, rng) -> list[str]:
    problems = _lively(storm, group, fills)
    # At any moment, also in the middle of a transaction.
    fills += storm.fill(rng)
    time.sleep(rng.random() * 0.03)
    stopped = [group.running[name] for name in (PROGRAMS if which == "all" else (which,))]
    for program in stopped:
        program.send(signal.SIGSTOP)
    until = time.monotonic() + PAUSE_S
    while time.monotonic() < until:
        fills += storm.fill(rng)
        time.sleep(0.2)
        group.tend()
    for program in stopped:
        program.send(signal.SIGCONT)
    return problems


def _stutter(storm, group, fills, which, rng) -> list[str]:
    problems = _lively(storm, group, fills)
    for _ in range(40):
        program = group.running[rng.choice(PROGRAMS)]
        program.send(signal.SIGSTOP)
        if rng.random() < 0.5:
            fills += storm.fill(rng)
        time.sleep(rng.random() * 0.12)
        program.send(signal.SIGCONT)
        time.sleep(rng.random() * 0.01)
        group.tend()
    return problems


def _second(storm, group, fills, which, rng) -> list[str]:
    """Only the backfiller may run beside itself; the others say why they do not."""
    problems = _lively(storm, group, fills)
    config = group.config | {"DATABASE_PATH": str(group.database.path)}
    for arguments in ((), ("--once",)):
        fills += storm.fill(rng)
        second = Started(which, arguments, config, group.folder)
        if which != "backfiller":
            ended = second.wait(10)
            if ended.code != 75 or "another" not in ended.text:
                problems.append(f"a second instance: {ended.told()}")
            continue
        fills += storm.fill(rng)
        problems += _booked(group, fills, "beside a second backfiller")
        ended = second.wait(10) if arguments else second.stop(10)
        if ended.code not in (0, -15):
            problems.append(f"a second instance: {ended.told()}")
    return problems


def _restarts(storm, group, fills, which, rng) -> list[str]:
    group.start_all()
    for number in range(20):
        time.sleep(rng.random() * 0.15)
        fills += storm.fill(rng)
        if number % 2:
            group.kill(PROGRAMS)
        else:
            group.stop()
            group.start_all()
    group.counts["all restarted at once"] = 20
    return []


def _clock(storm, group, fills, which, rng) -> list[str]:
    shift = group.folder / "shift"
    shift.write_bytes(struct.pack("=q", 0))
    group.config |= {"LD_PRELOAD": str(library("jumping_clock")), "CLOCK_SHIFT_FILE": str(shift)}
    problems = _lively(storm, group, fills)
    for days in {"forward": (1,), "back": (-1,), "both": (1, -1, 0)}[which]:
        fills += storm.fill(rng)
        time.sleep(rng.random() * 0.05)
        with open(shift, "r+b") as file:
            file.write(struct.pack("=q", days * DAY_S))
        fills += storm.fill(rng)
        problems += _booked(group, fills, f"with the clock {days} days off")
        problems += _seen(group, days)
        if rng.random() < 0.5:
            group.kill([rng.choice(PROGRAMS)])
    return problems


def _seen(group: Group, days: int) -> list[str]:
    """The jump reached the programs; otherwise nothing was tried."""
    newest = group.database.value(
        "SELECT julianday(processed_at) - julianday('now') FROM event_queue WHERE processed = 1 ORDER BY id DESC LIMIT 1"
    )
    return [] if abs(newest - days) < 0.5 else [f"the clock did not jump: {newest} days, not {days}"]


def _reader(storm, group, fills, which, rng) -> list[str]:
    """Its snapshot keeps the write-ahead log from being taken up; that may cost space, not work."""
    problems = _lively(storm, group, fills)
    with contextlib.closing(sqlite3.connect(f"{group.database.path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT count(*) FROM onchain_trades").fetchone()
        for _ in range(30):
            fills += storm.fill(rng)
        problems += _booked(group, fills, "while somebody reads")
        if reader.execute("SELECT count(*) FROM onchain_trades").fetchone() != before:
            problems.append("the reader's snapshot moved")
        reader.execute("COMMIT")
    group.counts["KiB of write-ahead log behind a reader"] = group.database.path.with_name("ballast.db-wal").stat().st_size // 1024
    fills += storm.fill(rng)
    return problems


TOLD = {
    "pause": _pause, "stutter": _stutter, "second": _second, "restarts": _restarts, "clock": _clock, "reader": _reader,
}
