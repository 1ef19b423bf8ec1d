"""Reading a history: our backfiller, the same job on viem and on ethers, and the least that it can cost."""

import sqlite3
import sys
from pathlib import Path

from lib import samples
from lib.programs import BUILT, ROOT, Node, Run, binary, configuration, folder, run
from lib.report import Report

PEERS = ROOT / "tests/bench/peers"
CONCURRENCY = 4  # BACKFILL_CONCURRENCY's default


class Chain:
    """A node with a chain, and who reads it: each into a database of its own, counted by the node."""

    def __init__(self, path: Path, blocks: int, logs: int, latency_ms: int = 0):
        self.path, self.blocks = path, blocks
        self.node = Node(path, blocks, logs, latency_ms)
        self._runs = 0
        self._expected = None

    def __enter__(self) -> "Chain":
        return self

    def __exit__(self, *arguments) -> None:
        self.node.__exit__(*arguments)

    def ours(self, **changes) -> tuple[Run, dict]:
        return self._count(lambda db: run([binary("backfiller"), "--once"], configuration(db, self.node.url, **changes)))

    def floor(self) -> tuple[Run, dict]:
        return self._count(lambda db: run([BUILT / "floor-backfill", *self._job(db)]))

    def peer(self, name: str) -> tuple[Run, dict]:
        return self._count(lambda db: run(["node", PEERS / f"{name}.mjs", *self._job(db)]))

    def _job(self, database: Path) -> list:
        return [self.node.url, database, self.blocks, samples.ORDERBOOK, samples.OWNER]

    def _count(self, job) -> tuple[Run, dict]:
        self._runs += 1
        database, before = self.path / f"{self._runs}.db", self.node.counts()
        found = job(database)
        after = self.node.counts()
        self._same_events(database)
        return found, {name: after[name] - before[name] for name in after}

    def _same_events(self, database: Path) -> None:
        """Whoever read it found the same events."""
        with sqlite3.connect(database) as connection:
            events = connection.execute("SELECT tx_hash, log_index FROM event_queue ORDER BY 1, 2").fetchall()
        if not events or events != (self._expected or events):
            raise SystemExit(f"{database} has other events than the one before: {len(events)}")
        self._expected = events
        database.unlink()


def calls(counts: dict) -> int:
    return sum(count for name, count in counts.items() if name.startswith("eth_"))


def against_peers(report: Report, path: Path, blocks: int, logs: int) -> None:
    with Chain(path, blocks, logs) as chain:
        viem, viem_counts = chain.peer("viem")
        ours, counts = chain.ours()
        ethers, ethers_counts = chain.peer("ethers")
    title = f"{logs:,} logs in {blocks:,} blocks, 0 ms"
    report.row(f"{title}: logs a second", logs / ours.seconds, "/s", logs / viem.seconds, "viem's", goal=">= 5 times viem's")
    report.row(f"{title}: logs a second", logs / ours.seconds, "/s", logs / ethers.seconds, "ethers'")
    report.row(f"{title}: HTTP requests", counts["requests"], "", viem_counts["requests"], "viem's", goal="fewer")
    report.row(f"{title}: HTTP requests", counts["requests"], "", ethers_counts["requests"], "ethers'", goal="fewer")
    report.row(f"{title}: calls in them (we prove with headers)", calls(counts), "", calls(viem_counts), "viem's")
    report.row(f"{title}: peak resident memory", ours.peak_mib, "MiB", viem.peak_mib, "viem's")


def against_floor(report: Report, path: Path, blocks: int, logs: int) -> None:
    with Chain(path, blocks, logs) as chain:
        ours, counts = chain.ours()
        floor, floor_counts = chain.floor()
    title = f"{logs:,} logs in {blocks:,} blocks, 0 ms"
    report.row(f"{title}: seconds", ours.seconds, "s", floor.seconds, "the floor's", goal="<= 1.3 times the floor's")
    report.row(f"{title}: processor seconds", ours.cpu, "s", floor.cpu, "the floor's")
    report.row(f"{title}: peak resident memory", ours.peak_mib, "MiB", floor.peak_mib, "the floor's", goal="< 48 MiB")
    report.row(f"{title}: HTTP requests", counts["requests"], "", floor_counts["requests"], "the floor's")
    report.row(f"{title}: HTTP requests", counts["requests"], "", blocks // 1000, "a peer's, 1,000 blocks each", goal="fewer")


def with_latency(report: Report, path: Path, blocks: int, logs: int) -> None:
    with Chain(path, blocks, logs, latency_ms=50) as chain:
        ours, counts = chain.ours()
        wide, _ = chain.ours(BACKFILL_CONCURRENCY=16)
    least = counts["requests"] * 0.05 / CONCURRENCY
    title = f"{logs:,} logs in {blocks:,} blocks, 50 ms"
    report.row(f"{title}: seconds, {CONCURRENCY} at once", ours.seconds, "s", least, "its requests' latency alone")
    report.row(f"{title}: seconds, 16 at once", wide.seconds, "s", ours.seconds, f"{CONCURRENCY} at once")
    report.row(f"{title}: peak resident memory, 16 at once", wide.peak_mib, "MiB")


def dense(report: Report, path: Path, blocks: int) -> None:
    """A log in nearly every block, all of them ours to look at: the provider's limit of results decides."""
    with Chain(path, blocks, blocks) as chain:
        ours, counts = chain.ours(BACKFILL_BATCH_SIZE=100_000)
    report.row(f"{blocks:,} logs in {blocks:,} blocks, asked for 100,000 at once: peak", ours.peak_mib, "MiB", goal="< 48 MiB")
    report.row(f"{blocks:,} logs in {blocks:,} blocks: eth_getLogs", counts["eth_getLogs"])


def measure(short: bool) -> Report:
    small, large = ((5_000, 1_000), (5_000, 1_000)) if short else ((50_000, 10_000), (1_000_000, 200_000))
    report = Report("history", "a synthetic node; a tenth of the trades is ours; limits of 10,000 blocks and results")
    if (PEERS / "node_modules/.built").exists():
        with folder() as path:
            against_peers(report, path, *small)
    else:
        report.row("viem and ethers are not installed: scripts/setup bench", "")
    with folder() as path:
        against_floor(report, path, *large)
    with folder() as path:
        with_latency(report, path, *large)
    with folder() as path:
        dense(report, path, 5_000 if short else 50_000)
    return report


if __name__ == "__main__":
    measure("--short" in sys.argv).print()
