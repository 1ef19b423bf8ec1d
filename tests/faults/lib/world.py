"""What the campaigns against the programs share: a node with a market whose fills are known, databases prepared for each
program, runs of a program under a fault, and what must be true afterwards.
"""

import contextlib
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from .anvil import ROOT, Anvil
from .ballast import INHERITED, Stack, binary
from .database import Database
from .orderbook import Market
from .process import die_with_parent, wait_until

INVARIANTS = (ROOT / "tests/invariants.sql").read_text()
STRACE = "/usr/bin/strace"
# Of the exit codes in the README those that let a supervisor start it again. 73 and 74 are their kin in sysexits.h.
TRY_AGAIN = (70, 73, 74, 75)
PIPELINE = ("backfiller", "processor", "executor", "processor", "executor", "processor")
STAGES = ("backfiller", "processor", "executor", "listener")
# Against a node on this machine nothing takes longer, and a program that waits holds up the campaign.
PATIENCE_S = 30
# The executor leaves with 0 when only time can move what is open, as after an order that was found not to be placed. Cron
# comes again.
RUNS, BACK_OFF_S = 5, 0.05

VAULTS = {"wtBRK.B": "tBRK.B"}

# What a table says, without the times, numbers and names that differ between two good runs.
CONTENT = {
    "event_queue": "SELECT block_number, log_index, event_type, removed, processed, outcome, error, tx_hash, block_hash,"
    " block_timestamp, event_data FROM event_queue",
    "block_coverage": "SELECT first_block, last_block FROM block_coverage",
    "ledger": "SELECT name, value FROM ledger",
    "tokens": "SELECT address, symbol, decimals FROM tokens",
    "vaults": "SELECT token, asset, asset_decimals FROM vaults",
    "vault_conversions": "SELECT token, block_hash, shares, assets, block_number FROM vault_conversions",
    "onchain_trades": "SELECT t.tx_hash, t.log_index, t.block_number, t.order_owner, t.symbol, t.base_symbol, t.direction,"
    " t.amount, t.token_amount, t.usdc_amount, t.price_usdc, r.tx_hash AS reversed_tx, r.log_index AS reversed_index, t.unallocated"
    " FROM onchain_trades AS t LEFT JOIN onchain_trades AS r ON r.id = t.reverses_trade_id",
    "executions": "SELECT symbol, shares, direction, broker, status, filled_shares, average_price FROM executions",
    "trade_accumulators": "SELECT a.symbol, net_position, accumulated_long, accumulated_short, e.shares, e.direction"
    " FROM trade_accumulators AS a LEFT JOIN executions AS e ON e.id = a.pending_execution_id",
    "trade_execution_links": "SELECT t.tx_hash, t.log_index, t.symbol, e.shares, e.direction, contributed_shares"
    " FROM trade_execution_links AS l JOIN onchain_trades AS t ON t.id = l.trade_id"
    " JOIN executions AS e ON e.id = l.execution_id",
    "trade_offsets": "SELECT b.tx_hash AS buy_tx, b.log_index AS buy_index, s.tx_hash AS sell_tx, s.log_index AS sell_index,"
    " o.shares FROM trade_offsets AS o JOIN onchain_trades AS b ON b.id = o.buy_trade_id"
    " JOIN onchain_trades AS s ON s.id = o.sell_trade_id",
}


@dataclass
class Ended:
    """How a run ended, and what it said."""

    name: str
    code: int | None  # -N by signal N, None when it had to be killed
    text: str

    def last_line(self) -> str:
        lines = [line for line in self.text.splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"

    def told(self) -> str:
        how = "did not end" if self.code is None else f"exited {self.code}"
        return f"{self.name} {how}: {self.last_line()}"


class Started:
    """A program that runs, perhaps under strace or with other changes of its surroundings."""

    def __init__(self, name, arguments, config, folder, before=(), preexec=None):
        self.name, self.log = name, Path(folder) / f"{name}.{time.monotonic_ns()}.log"
        environment = {key: value for key, value in os.environ.items() if INHERITED.fullmatch(key)}

        def prepare():
            die_with_parent()
            if preexec:
                preexec()

        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                [*map(str, before), str(binary(name)), *map(str, arguments)],
                cwd=folder,
                env=environment | {key: str(value) for key, value in config.items()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=prepare,
            )
        self._traced = bool(before)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        return self._process.poll()

    @property
    def pid(self) -> int:
        """That of the program itself; 0 while there is none."""
        if not self._traced:
            return self._process.pid
        with contextlib.suppress(OSError, IndexError):
            own = self._process.pid
            return int(Path(f"/proc/{own}/task/{own}/children").read_text().split()[0])
        return 0

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, signal_number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pid:
                os.kill(self.pid, signal_number)

    def wait(self, timeout: float = PATIENCE_S) -> Ended:
        """Its own end. What does not end is killed, and its code None."""
        if not self._ends_within(timeout):
            self.kill9()
            return Ended(self.name, None, self.text())
        return Ended(self.name, self._process.wait(), self.text())

    def _ends_within(self, seconds: float) -> bool:
        """At once when it does: Popen.wait with a timeout sleeps in between, and that adds up."""
        if self._process.poll() is not None:
            return True
        descriptor = os.pidfd_open(self._process.pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        finally:
            os.close(descriptor)

    def stop(self, timeout: float = PATIENCE_S) -> Ended:
        self.send(signal.SIGTERM)
        return self.wait(timeout)

    def kill9(self) -> None:
        self.send(signal.SIGKILL)
        if self._traced:
            self._ends_within(2)
        self._process.kill()
        self._process.wait()


def injecting(*options: str, output: str = "/dev/null", quick: bool = False) -> list[str]:
    """strace with these options. quick: only what is traced stops the program; a signal cannot be injected that way."""
    return [STRACE, "-f", "-qq", *(["--seccomp-bpf"] if quick else []), "-o", output, *options]


def content(path: Path) -> dict[str, list]:
    """What stands in the tables, in one snapshot."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5)) as database:
        database.execute("BEGIN")
        return {table: sorted(map(repr, database.execute(sql))) for table, sql in CONTENT.items()}


def differences(wanted: dict[str, list], found: dict[str, list]) -> list[str]:
    """What is missing and what is too much, table by table."""
    problems = []
    for table in wanted:
        left, right = Counter(wanted[table]), Counter(found[table])
        problems += [f"missing in {table}: {row}" for row in (left - right).elements()]
        problems += [f"too many in {table}: {row}" for row in (right - left).elements()]
    return problems


def broken_laws(path: Path) -> list[str]:
    return [f"broken law: {law}" for law in Database(path).broken_laws(INVARIANTS)]


def copy_database(source: Path, target: Path) -> Path:
    """A closed database is one file."""
    left = [path for path in source.parent.glob(f"{source.name}-*") if path.stat().st_size]
    assert not [path for path in left if path.name.endswith("-wal")], f"{source} was not closed: {left}"
    shutil.copyfile(source, target)
    return target


def trade_rows(database: Database) -> list[tuple]:
    columns = ("order_owner", "symbol", "direction", "amount", "usdc_amount", "tx_hash", "log_index", "token_amount")
    return sorted((tuple(row[column] for column in columns) for row in database.trades()), key=repr)


def fill_rows(fills) -> list[tuple]:
    rows = [(f.owner, f.symbol, f.direction, f.amount, f.usdc, f.tx_hash, f.log_index, f.token_amount) for f in fills]
    return sorted(rows, key=repr)


def waiting(database: Database) -> list[str]:
    """What some program has still to do."""
    queries = {
        "events wait": "SELECT count(*) FROM event_queue WHERE processed = 0 AND removed = 0",
        "events are quarantined": "SELECT count(*) FROM event_queue WHERE outcome = 'quarantined'",
        "executions are open": "SELECT count(*) FROM executions WHERE status NOT IN ('FILLED', 'FAILED')",
        "executions are not taken in": "SELECT count(*) FROM trade_accumulators WHERE pending_execution_id IS NOT NULL",
    }
    return [f"{count} {what}" for what, sql in queries.items() if (count := database.value(sql))]


def truth_problems(database: Database, fills, first_block: int, head: int, whole: bool = True) -> list[str]:
    """Everything converged: each fill once, hedged to less than a share, covered to the head.

    whole: the fills of every ticker are on one side, so that timing cannot change what is hedged in the end.
    """
    problems = waiting(database)
    wanted, found = Counter(fill_rows(fills)), Counter(trade_rows(database))
    problems += [f"fill not booked: {row}" for row in (wanted - found).elements()]
    problems += [f"booked too often: {row}" for row in (found - wanted).elements()]
    places = Counter((f.tx_hash, f.log_index) for f in {(f.tx_hash, f.log_index): f for f in fills}.values())
    standing = Counter(
        (row["tx_hash"], row["log_index"]) for row in database.events() if not row["removed"] and row["outcome"] != "filtered"
    )
    if places != standing:
        problems.append(f"events are {standing}, the chain has {places}")
    if database.coverage() != [(first_block, head)]:
        problems.append(f"coverage is {database.coverage()}, not {first_block}-{head}")
    sums: Counter = Counter()
    for row in database.trades():
        sums[row["base_symbol"]] += Decimal(row["amount"]) * (1 if row["direction"] == "BUY" else -1)
    hedged: Counter = Counter()
    for row in database.executions():
        hedged[row["symbol"]] += Decimal(row["filled_shares"]) * (1 if row["direction"] == "BUY" else -1)
    for ticker, traded in sums.items():
        net = Decimal(database.position(ticker) or "0")
        if abs(net) >= 1:
            problems.append(f"{net} of {ticker} is not hedged")
        if net != traded + hedged[ticker]:
            problems.append(f"net_position of {ticker} is {net}, not {traded} + {hedged[ticker]}")
        if whole and hedged[ticker] != -int(traded):
            problems.append(f"hedged {hedged[ticker]} of {ticker}, whose fills are {traded}")
    return problems


def checker_of(world_or_market, first_block: int):
    """The independent check against the chain, where it is there; with the process that it asks."""
    market = getattr(world_or_market, "market", world_or_market)
    try:
        from checker import Checker
        from truth import TruthTeller
    except ImportError:
        return None, contextlib.nullcontext()
    teller = TruthTeller()
    return Checker(market.anvil.url, market.orderbook, [market.owner], first_block, teller), teller


class World:
    """A node with a known market, and the database as it is before each program's turn.

    stages: the database that a program finds, by its name; None: there is none. after: what the tables say when the
    program has done its work. final: what they say when all have.
    """

    SETTINGS = {"LOG_LEVEL": "info", "RPC_TIMEOUT_MS": "5000", "HEDGE_RETRY_SECONDS": "0", "CUTOFF_TIMEOUT_SECONDS": "1"}

    def __init__(self, folder: Path, check: bool = True):
        self.folder, self._check = Path(folder), check

    def __enter__(self) -> "World":
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self.anvil = stack.enter_context(Anvil(self.folder))
            self.market = Market(self.anvil).deploy(vaults=VAULTS)
            self.fills = self._trade()
            self.head = self.anvil.head()
            self.config = Stack(self.market, self.folder).config | self.SETTINGS
            self._prepare()
            self._snapshot = self.anvil.snapshot()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.__exit__(*exception)

    def _trade(self) -> list:
        """Fills of every kind: hedged at once, in the end and never, both sides, several in a transaction, strangers', of
        both generations, in wrapped shares that are worth something else in the end."""
        market = self.market
        fills = market.take("AAPL0x", "SELL", "0.6", usdc="138.9")
        fills += market.take("AAPL0x", "SELL", "0.7", usdc="161")
        fills += market.many([
            market.taking("tTSLA", "SELL", "2.25", usdc="562.5"),
            market.taking("NVDAs1", "BUY", "7", usdc="980", owner=market.stranger),
            market.clearing("AAPL0x", "SELL", "1.5", usdc="345"),
            market.clearing("tTSLA", "BUY", "0.125", usdc="31.25", owner_is="bob"),
        ])
        market.set_worth("wtBRK.B", "1.25")
        fills += market.many([
            market.taking_floats("wtBRK.B", "BUY", "0.1000000000000000009", usdc=(48, 0)),
            market.clearing_floats("AAPL0x", "SELL", (5, -1), usdc="115"),
        ])
        market.set_worth("wtBRK.B", "9")
        return fills + market.swap("NVDAs1", "3.5", "tBRK.B", "0.4")

    def _prepare(self) -> None:
        home = self.folder / "prepared"
        home.mkdir(parents=True, exist_ok=True)
        working = home / "working.db"
        self.stages: dict[str, Path | None] = {"backfiller": None}
        self.after: dict[str, dict] = {}
        for number, name in enumerate(PIPELINE):
            ended = self.run(name, working)
            assert ended.code == 0, ended.told()
            self.after.setdefault(name, content(working))
            if number + 1 < len(PIPELINE):
                following = PIPELINE[number + 1]
                if following not in self.stages:
                    self.stages[following] = copy_database(working, home / f"{following}.db")
        self.stages["listener"] = copy_database(working, home / "listener.db")
        self.final = content(working)
        problems = broken_laws(working)
        # TSLA's fills are on both sides, and which of them the hedge sees first is settled by their order.
        problems += truth_problems(Database(working), self.fills, self.market.deployment_block, self.head, whole=False)
        if self._check:
            checker, teller = checker_of(self, self.market.deployment_block)
            with teller:
                problems += checker.violations(working) if checker else []
        assert not problems, "without any fault: " + "\n".join(problems)

    def database(self, name: str, folder: Path) -> Path:
        """A database of the case's own, as it is before this program's turn."""
        target = Path(folder) / "ballast.db"
        if self.stages[name]:
            copy_database(self.stages[name], target)
        return target

    def start(self, name: str, database: Path, *arguments, before=(), preexec=None, **changes) -> Started:
        config = self.config | {"DATABASE_PATH": str(database)} | changes
        return Started(name, arguments, config, Path(database).parent, before, preexec)

    def run(self, name: str, database: Path, *, before=(), preexec=None, timeout: float = PATIENCE_S, **changes) -> Ended:
        """--once, to its end."""
        return self.start(name, database, "--once", before=before, preexec=preexec, **changes).wait(timeout)

    def recover(self, name: str, database: Path) -> list[str]:
        """The program is run again, as cron would, and must then have done its work."""
        for _ in range(RUNS):
            ended = self.run(name, database)
            if ended.code != 0:
                return [f"run again, {ended.told()}"]
            problems = differences(self.after[name], content(database))
            if not problems or name != "executor":
                break
            time.sleep(BACK_OFF_S)
        return problems + broken_laws(database)

    def finish(self, database: Path) -> list[str]:
        """All have their turns, until nothing is left; the books must be as without any fault."""
        for _ in range(RUNS):
            for name in PIPELINE:
                ended = self.run(name, database)
                if ended.code != 0:
                    return [f"run again, {ended.told()}"]
            problems = differences(self.final, content(database))
            if not problems:
                break
            time.sleep(BACK_OFF_S)
        return problems + broken_laws(database)

    def done(self, name: str, database: Path) -> bool:
        """Whether the program's work is in the database."""
        try:
            return not differences(self.after[name], content(database))
        except Exception:
            return False

    def rewind(self) -> None:
        """The chain is as it was prepared."""
        self.anvil.revert(self._snapshot)
        self._snapshot = self.anvil.snapshot()

    # The listener, whose work comes from outside

    def live(self, database: Path, **options) -> tuple[Ended, list]:
        """The listener from its start until a fill is in the queue or it is gone, then told to stop. And the fill."""
        listener = self.start("listener", database, **options)
        ready = _waits(lambda: "subscription started" in listener.text() or not listener.running, 5)
        fills = self.market.take("AAPL0x", "SELL", "0.25", usdc="57.5")
        place, events = fills[0].tx_hash, Database(database)
        if ready and listener.running:
            _waits(lambda: not listener.running or events.count("event_queue", f"tx_hash = '{place}'"), 3)
        return listener.stop(10), fills

    def after_live(self, database: Path, fills) -> list[str]:
        """Cron has its turn, and the fills are there, once."""
        problems = []
        for name in ("backfiller", "processor"):
            ended = self.run(name, database)
            if ended.code != 0:
                problems.append(f"afterwards, {ended.told()}")
        found = Database(database)
        if trade_rows(found) != fill_rows(self.fills + fills):
            problems.append(f"trades are {trade_rows(found)}, the fills {fill_rows(self.fills + fills)}")
        if found.coverage() != [(self.market.deployment_block, self.anvil.head())]:
            problems.append(f"coverage is {found.coverage()}, the head {self.anvil.head()}")
        return problems + broken_laws(database)


def _waits(predicate, seconds: float) -> bool:
    """Whether it came true in time."""
    try:
        return bool(wait_until(predicate, seconds))
    except AssertionError:
        return False


@contextlib.contextmanager
def counting(options, campaign: str):
    """A world of its own, and its folder, to find out how many cases a campaign has."""
    folder = options.folder / campaign / "counting"
    folder.mkdir(parents=True)
    with World(folder, check=False) as world:
        yield world, folder
