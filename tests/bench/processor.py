"""Events applied a second from a full queue, durable, and whether a larger database slows that down."""

import os
import shutil
import sqlite3
import sys
from pathlib import Path
from statistics import median

from lib import samples
from lib.programs import BUILT, binary, configuration, folder, run
from lib.report import Report

BATCH = 200  # processor.c's
NODE = "http://127.0.0.1:1"  # never asked: the tokens are known


def fill(path: Path, name: str, events: int) -> Path:
    database = path / name
    run([BUILT / "floor-queue", database, events, samples.write_queue(path / "samples.txt")])
    return database


def copy(queue: Path, target: Path) -> None:
    """Whole, and on disk before anything is measured."""
    shutil.copy(queue, target)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def apply_all(database: Path) -> float:
    """The seconds that it took, start and all."""
    return run([binary("processor"), "--once"], configuration(database, NODE, LOG_LEVEL="info")).seconds


def rate_of_last(database: Path, width: int) -> float:
    """Events a second of the last so many, by the rows' own times."""
    sql = """SELECT (max(strftime('%s', processed_at) * 1000 + substr(processed_at, 21, 3))
                     - min(strftime('%s', processed_at) * 1000 + substr(processed_at, 21, 3))) / 1000.0
             FROM (SELECT processed_at FROM event_queue ORDER BY id DESC LIMIT ?)"""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return width / connection.execute(sql, (width,)).fetchone()[0]


def rates_by_size(path: Path, sizes: list[int], turns: int, width: int) -> dict[int, list[float]]:
    """Of so many events more in databases of these sizes, by turns: the machine's hours are the same for all."""
    databases = {size: fill(path, f"{size}.db", size) for size in sizes}
    for database in databases.values():
        apply_all(database)
    rates = {size: [] for size in sizes}
    for _ in range(turns):
        for size, database in databases.items():
            fill(path, database.name, width)
            apply_all(database)
            rates[size].append(rate_of_last(database, width))
    return rates


def measure(short: bool) -> Report:
    events, turns, sizes = (1_000, 1, [1_000]) if short else (20_000, 9, [10_000, 100_000, 1_000_000])
    width = 500 if short else 4_000
    report = Report("processor", "events applied a second from a full queue, durable, 200 a transaction")
    with folder() as path:
        queue = fill(path, "queue.db", events)
        done, again = path / "done.db", path / "again.db"
        waiting = queue.stat().st_size / events
        ours, floors = [], []
        for _ in range(turns):  # the machine's hours are the same for both
            copy(queue, done)
            ours.append(events / apply_all(done))
            copy(queue, again)
            floors.append(events / run([BUILT / "floor-processor", again, done, BATCH]).seconds)
        report.row(f"{events:,} events, the median of {turns}", median(ours), "/s", median(floors),
                   "SQLite alone, the same rows, by turns", goal=">= 20,000/s, >= 0.5 times SQLite alone")
        report.row("the slowest and the fastest of them", f"{min(ours):,.0f} and {max(ours):,.0f}", "/s")
        applied = done.stat().st_size / events
        report.row("bytes of database for a short event (833 bytes of data)", applied, "B", waiting, "the same waiting")
    with folder() as path:
        rates = {size: median(measured) for size, measured in rates_by_size(path, sizes, turns, width).items()}
        for size in sizes:
            report.row(f"{width:,} more where {size:,} are, the median of {turns} by turns", rates[size], "/s",
                       rates[sizes[0]], f"where {sizes[0]:,} are", goal="flat within 20 %" if size > sizes[0] else "")
    return report


if __name__ == "__main__":
    measure("--short" in sys.argv).print()
