"""What many readers of the monitor cost the pipeline: fills at a steady pace, with and without them."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from .monitor_server import Events, MonitorServer

PATHS = ("/api/state", "/metrics", "/api/fills?limit=500", "/api/state", "/api/executions", "/api/pnl", "/readyz", "/api/trace/trade/1")
SYMBOLS = ("AAPL0x", "NVDAs1", "tTSLA", "tBRK.B")
WORKERS = 8
WAL_LOOK_S = 0.05


@dataclass
class Phase:
    """Milliseconds; the pipeline's as its own tables tell them."""

    to_trade: list[int] = field(default_factory=list)
    to_order: list[int] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    events: int = 0
    largest_wal: int = 0
    wrong: list[str] = field(default_factory=list)


def percentile(values: list, percent: int):
    """The smallest that so many are not above."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


class Load:
    """So many requests a second, spread over the paths, and clients that watch."""

    def __init__(self, server: MonitorServer, rate: int, watchers: int, phase: Phase):
        self.server, self.phase = server, phase
        self.interval = WORKERS / rate
        self.stopping = threading.Event()
        self.clients = [Events(server.port, timeout=25) for _ in range(watchers)]
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(WORKERS)]
        self.threads += [threading.Thread(target=self._watch, args=(client,)) for client in self.clients]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        for client in self.clients:
            client.close()

    def _ask(self, number: int) -> None:
        due = time.monotonic() + self.interval * number / WORKERS
        turn = number
        while not self.stopping.wait(max(0, due - time.monotonic())):
            path = PATHS[turn % len(PATHS)]
            asked = time.monotonic()
            try:
                answer = self.server.request(path)
                computing = path == "/api/pnl" and b"being computed" in answer.body  # the machine is busy
                if answer.status != 200 and path != "/readyz" and not computing:
                    self.phase.wrong.append(f"{path}: {answer.status} {answer.body[:100]}")
            except OSError as error:
                self.phase.wrong.append(f"{path}: {error!r}")
            self.phase.answers.append((time.monotonic() - asked) * 1000)
            turn += 1
            due += self.interval

    def _watch(self, client: Events) -> None:
        try:
            while not self.stopping.is_set():
                name, _ = client.next()
                self.phase.events += 1
                if name != "state":
                    self.phase.wrong.append(f"/events: {name}")
        except (OSError, EOFError) as error:
            self.phase.wrong.append(f"/events: {error!r}")


def fill(market, stack, phase: Phase, seconds: float, fills_a_second: int) -> None:
    """Fills at a steady pace, until all are hedged; looks at the -wal file all the while."""
    wal = Path(f"{stack.database.path}-wal")
    first = len(stack.database.rows("SELECT id FROM onchain_trades"))
    looking = threading.Event()

    def look():
        while not looking.wait(WAL_LOOK_S):
            phase.largest_wal = max(phase.largest_wal, wal.stat().st_size if wal.exists() else 0)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        began = time.monotonic()
        count = int(seconds * fills_a_second)
        for number in range(count):
            time.sleep(max(0, began + number / fills_a_second - time.monotonic()))
            market.take(SYMBOLS[number % len(SYMBOLS)], "SELL" if number % 8 < 4 else "BUY", "1.25", usdc="125")
        stack.wait_until(lambda: settled(stack, first + count), 30, f"{count} fills to be hedged")
    finally:
        looking.set()
        looker.join()
    measure(stack, first, phase)


def settled(stack, trades: int) -> bool:
    rows = stack.database.rows("SELECT (SELECT count(*) FROM onchain_trades) AS trades, (SELECT count(*) FROM executions"
                               " WHERE status IN ('PENDING', 'SUBMITTING', 'SUBMITTED')) AS open")
    return rows[0]["trades"] == trades and rows[0]["open"] == 0


def measure(stack, first: int, phase: Phase) -> None:
    # Debian's own SQLite knows no 'subsec'.
    millis = "CAST(round((julianday({}) - julianday({})) * 86400000) AS INTEGER)"
    phase.to_trade += [row["ms"] for row in stack.database.rows(
        f"SELECT {millis.format('e.processed_at', 'e.created_at')} AS ms FROM onchain_trades AS t"
        f" JOIN event_queue AS e ON e.id = t.event_id WHERE t.id > {first}")]
    phase.to_order += [row["ms"] for row in stack.database.rows(
        f"SELECT {millis.format('x.submitted_at', 'max(e.created_at)')} AS ms FROM executions AS x"
        " JOIN trade_execution_links AS l ON l.execution_id = x.id JOIN onchain_trades AS t ON t.id = l.trade_id"
        f" JOIN event_queue AS e ON e.id = t.event_id WHERE x.submitted_at IS NOT NULL GROUP BY x.id HAVING max(t.id) > {first}")]


def compare(market, stack, folder: Path, seconds: float, rounds: int = 1, rate: int = 200, watchers: int = 8, fills_a_second: int = 10):
    """The pipeline alone and with the monitor under load, by turns, so that what else the machine does meets both. seconds:
    of each of the two, in all. The programs must be at work."""
    alone, loaded = Phase(), Phase()
    for number in range(rounds):
        fill(market, stack, alone, seconds / rounds, fills_a_second)
        own = Path(folder) / f"round{number}"
        own.mkdir()
        server = MonitorServer(stack.database.path, own, DEPLOYMENT_BLOCK=stack.config["DEPLOYMENT_BLOCK"])
        try:
            with Load(server, rate, watchers, loaded):
                fill(market, stack, loaded, seconds / rounds, fills_a_second)
        finally:
            if server.program.stop() != 0:
                loaded.wrong.append(f"the monitor left with {server.program.returncode}")
    return alone, loaded
