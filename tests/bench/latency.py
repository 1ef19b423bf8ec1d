"""Log to order: from the frame at the listener's socket to the order's first byte at the broker, through the database."""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from lib import samples
from lib.database import Database
from lib.live import LiveNode
from lib.process import die_with_parent, wait_until
from lib.programs import BUILT, Processes, configuration, folder
from lib.report import Report

RATE = 20  # fills a second
SYMBOLS = 40  # each comes every two seconds: its order has ended by then
BURST = 100
BLOCK_S = 1.0
TURNS = 10  # of so many fills and so many floors each: the disk's and the machine's hours are the same for both

# The mean of what stands in rows is exact to the hundredth: their milliseconds are cut off alike.
MS = "avg(strftime('%s', {0}) * 1000 + substr({0}, 21, 3))"
STAGES = f"""
    SELECT {MS.format("e.created_at")} AS queued, {MS.format("t.created_at")} AS booked,
           {MS.format("x.submitted_at")} AS intended
    FROM event_queue AS e
    JOIN onchain_trades AS t ON t.event_id = e.id
    JOIN trade_execution_links AS l ON l.trade_id = t.id
    JOIN executions AS x ON x.id = l.execution_id
    WHERE e.id > ? AND e.id <= ?
"""


@dataclass
class Sent:
    symbol: str
    at_ns: int


class Pipeline:
    """The four programs between a node and an order desk."""

    def __init__(self, path, node: LiveNode):
        self.node = node
        self.database = Database(path / "ballast.db")
        self.desk = subprocess.Popen(
            [BUILT / "desk"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
        )
        broker = f"http://127.0.0.1:{int(self.desk.stdout.readline())}"
        environment = configuration(
            self.database.path, node.url, WS_RPC_URL=node.ws_url, CUTOFF_TIMEOUT_SECONDS=0, BROKER="alpaca",
            ALPACA_BASE_URL=broker, ALPACA_API_KEY="bench", ALPACA_API_SECRET="bench", MARKET_HOURS="ignore",
        )
        self.group = Processes(path, environment)
        self.blocks_due = time.monotonic()

    def start(self) -> None:
        self.group.start("backfiller", "processor", "executor", "listener")
        wait_until(lambda: self.node.subscribed and self.database.count("listener_sessions"), 20, "a session")
        self.node.mine()

    def fill(self, *indexes: int) -> list[Sent]:
        """A fill of one share of each of these symbols, at once."""
        logs = [self.node.log(samples.take(samples.OWNER, samples.equity(index), "SELL", 1)) for index in indexes]
        at_ns = self.node.send(*logs)
        return [Sent(samples.symbol_of(index)[:-2], at_ns) for index in indexes]

    def settle(self, orders: int) -> None:
        """Waits until so many orders have been placed, have ended, and are taken in by the processor."""
        self.node.mine()
        done = "SELECT count(*) FROM executions WHERE status = 'FILLED'"
        open_ones = "SELECT count(*) FROM trade_accumulators WHERE pending_execution_id IS NOT NULL"
        wait_until(lambda: self.database.value(done) == orders and self.database.value(open_ones) == 0, 60, "the orders")

    def steadily(self, count: int) -> list[Sent]:
        sent, began = [], time.monotonic()
        for turn in range(count):
            time.sleep(max(0.0, began + turn / RATE - time.monotonic()))
            sent += self.fill(turn % SYMBOLS)
            if turn % round(RATE * BLOCK_S) == 0:
                self.node.mine()
        return sent

    def end(self) -> tuple[dict[str, list], float]:
        """When the orders of each symbol came, and how long the desk took for an answer on average, in milliseconds."""
        self.group.stop()
        told, _ = self.desk.communicate()
        if self.desk.returncode != 0:
            raise SystemExit(f"the order desk ended with {self.desk.returncode}")
        found, came = json.loads(told), {}
        for symbol, at_ns, shares in found["orders"]:
            came.setdefault(symbol, []).append((at_ns, shares))
        return came, found["answering_ns"] / found["requests"] / 1e6


def latencies(sent: list[Sent], came: dict[str, list]) -> list[float]:
    """In milliseconds, of each fill to its order: the next of its symbol."""
    found = []
    for fill in sent:
        at_ns, shares = came[fill.symbol].pop(0)
        if shares != "1":
            raise SystemExit(f"an order for {shares} shares of {fill.symbol}: two fills were hedged by one")
        found.append((at_ns - fill.at_ns) / 1e6)
    return found


def quantiles(values: list[float]) -> tuple[float, float, float]:
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1]


def floor(path, count: int) -> list[float]:
    """Three durable commits and two wake-ups, in milliseconds."""
    command = [BUILT / "floor-latency", path / "floor.db", str(count), str(1000 // RATE)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=die_with_parent).stdout
    return [int(line) / 1e6 for line in out.split()]


def measure(short: bool) -> Report:
    report = Report("log to order", "from the frame at the listener's socket to the order's first byte, ms")
    steady, bursts, floors = (6, 1, 6) if short else (200, 10, 80)  # steady and floors: of a turn
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.setswitchinterval(0.0005)
    with folder() as path, LiveNode() as node:
        alone = floor(path, TURNS * floors // 2)
        pipeline = Pipeline(path, node)
        pipeline.start()
        warm = [one for index in range(BURST) for one in pipeline.fill(index)]
        pipeline.settle(orders := len(warm))
        wall_offset_ns = time.time_ns() - time.monotonic_ns()
        first_id = pipeline.database.value("SELECT max(id) FROM event_queue")
        sent, floors_ms = [], []
        for _ in range(TURNS):
            sent += pipeline.steadily(steady)
            pipeline.settle(orders := orders + steady)
            floors_ms += floor(path, floors)
        last_id = pipeline.database.value("SELECT max(id) FROM event_queue")
        in_bursts = []
        for _ in range(bursts):
            in_bursts += pipeline.fill(*range(BURST))
            pipeline.settle(orders := orders + BURST)
        stages = pipeline.database.row(STAGES, first_id, last_id)
        came, answering_ms = pipeline.end()
    latencies(warm, came)
    middle, late, worst = quantiles(steadied := latencies(sent, came))
    burst_middle, burst_late, burst_worst = quantiles(latencies(in_bursts, came))
    floor_middle, floor_late, _ = quantiles(floors_ms)
    report.row(f"{len(sent)} fills at {RATE}/s: p50", middle, "ms", floor_middle, "floor", goal="<= 3 ms, <= 1.5 times the floor")
    report.row(f"{len(sent)} fills at {RATE}/s: p99", late, "ms", floor_late, "floor", goal="<= 12 ms")
    report.row(f"{len(sent)} fills at {RATE}/s: worst", worst, "ms")
    report.row(f"bursts of {BURST}: p50", burst_middle, "ms", BURST / 2 * floor_middle, "50 floors one after another")
    report.row(f"bursts of {BURST}: p99", burst_late, "ms", BURST * floor_middle, "100 floors one after another")
    report.row(f"bursts of {BURST}: worst", burst_worst, "ms")
    report.row("floor: three durable commits, two wake-ups, by turns with the fills: p50", floor_middle, "ms",
               statistics.median(alone), "before the programs were started")
    report.row("floor: p99", floor_late, "ms")
    frames_ms = statistics.fmean((one.at_ns + wall_offset_ns) / 1e6 for one in sent) - 0.5
    report.row("stage: frame to row written in event_queue (mean)", stages["queued"] - frames_ms, "ms")
    report.row("stage: to trade and execution written", stages["booked"] - stages["queued"], "ms")
    report.row("stage: to the order's intent written", stages["intended"] - stages["booked"], "ms")
    report.row("stage: to the order's first byte", statistics.fmean(steadied) - (stages["intended"] - frames_ms), "ms")
    report.row("the order desk's part: an answer (mean)", answering_ms, "ms")
    return report


if __name__ == "__main__":
    measure("--short" in sys.argv).print()
