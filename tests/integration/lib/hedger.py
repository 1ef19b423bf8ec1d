"""The executor alone: a ledger that asks for hedges, without a chain, and a broker to hedge at."""

import sqlite3
import subprocess
from pathlib import Path

from .ballast import Program, binary
from .database import Database
from .process import tail, wait_until

ENCRYPTION_KEY = "00112233445566778899aabbccddeeff" * 2
OTHER_SIDE = {"BUY": "SELL", "SELL": "BUY"}
ENDED = ("FILLED", "FAILED")


class Hedger:
    """One database and the executor's runs on it, pointed at one simulated broker.

    config: the executor's environment; change it before starting one.
    """

    def __init__(self, folder: Path, sim=None, broker: str = "alpaca", **changes):
        self.folder = Path(folder)
        self.sim = sim
        self.database = Database(self.folder / "ballast.db")
        self.programs: list[Program] = []
        self.config = {
            "DATABASE_PATH": str(self.database.path),
            "LOG_LEVEL": "debug",
            "RECONCILE_SECONDS": "1",
            "BROKER_TIMEOUT_MS": "1500",
            **(settings(sim, broker) if sim else {}),
            **changes,
        }

    def start(self, *arguments, before=(), **changes) -> Program:
        number = 1 + len(self.programs)
        program = Program("executor", self.config | changes, self.folder, arguments, number, before)
        self.programs.append(program)
        return program

    def run(self, *arguments, expect: int = 0, timeout: float = 30, **changes) -> Program:
        program = self.start(*arguments, **changes)
        program.expected = expect
        code = program.wait(timeout)
        assert code == expect, f"executor exited {code}, not {expect}\n{tail(program.log)}"
        return program

    def login(self, redirect: str | None = None, **changes) -> str:
        """executor auth, with the address that the broker's login ends at on stdin."""
        done = subprocess.run(
            [binary("executor"), "auth"],
            input=(redirect or self.sim.authorize()) + "\n",
            env={key: str(value) for key, value in (self.config | changes).items()},
            cwd=self.folder, capture_output=True, text=True, timeout=30, check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, symbol: str = "AAPL", shares: int = 10, direction: str = "SELL", price: str = "150.25") -> int:
        """What the processor writes when a hedge is needed: the execution, and the fill that it hedges. Its id."""
        if not self.database.path.exists():
            self.run("--once", BROKER="dry-run")
        with sqlite3.connect(self.database.path, timeout=10) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            return seed(connection, symbol, str(shares), direction, price)

    def execution(self, number: int = 1) -> dict:
        return self.database.row("SELECT * FROM executions WHERE id = ?", number)

    def status(self, number: int = 1) -> str:
        return self.execution(number)["status"]

    def wait_status(self, *statuses: str, number: int = 1, timeout: float = 15) -> dict:
        logs = [program.log for program in self.programs[-2:]]
        wait_until(lambda: self.status(number) in statuses, timeout, f"execution {number} to be {statuses}", logs)
        return self.execution(number)

    def hedge(self, *statuses: str, number: int = 1, **changes) -> dict:
        """Runs the executor until the execution has one of the statuses (any end if none is named)."""
        program = self.start(**changes)
        row = self.wait_status(*(statuses or (*ENDED, "HELD")), number=number)
        assert program.stop() == 0
        return row

    def text(self) -> str:
        return "".join(program.text() for program in self.programs)


def settings(sim, broker: str) -> dict:
    common = {"BROKER": broker, "BROKER_CA_FILE": str(sim.ca_file)}
    if broker == "alpaca":
        return common | {
            "ALPACA_BASE_URL": sim.url,
            "ALPACA_API_KEY": sim.alpaca_key,
            "ALPACA_API_SECRET": sim.alpaca_secret,
        }
    # Without a port nothing listens for the end of a login: it is pasted.
    sim.schwab_redirect_uri = "https://127.0.0.1"
    return common | {
        "SCHWAB_BASE_URL": sim.url,
        "SCHWAB_APP_KEY": sim.schwab_app_key,
        "SCHWAB_APP_SECRET": sim.schwab_app_secret,
        "SCHWAB_REDIRECT_URI": sim.schwab_redirect_uri,
        "SCHWAB_ACCOUNT_NUMBER": sim.schwab_account_number,
        "ENCRYPTION_KEY": ENCRYPTION_KEY,
    }


def settle(connection: sqlite3.Connection) -> None:
    """As if no more had been traded than was hedged: what the processor takes in, without its books."""
    ended = connection.execute(
        "SELECT e.id, e.filled_shares FROM executions AS e JOIN trade_accumulators AS a ON a.pending_execution_id = e.id"
        " WHERE e.status IN ('FILLED', 'FAILED')"
    ).fetchall()
    for execution, filled in ended:
        connection.execute("UPDATE trade_accumulators SET pending_execution_id = NULL WHERE pending_execution_id = ?",
                           (execution,))
        connection.execute("UPDATE trade_execution_links SET contributed_shares = ? WHERE execution_id = ?",
                           (filled, execution))
        connection.execute("UPDATE onchain_trades SET amount = ?, price_usdc = NULL WHERE id ="
                           " (SELECT trade_id FROM trade_execution_links WHERE execution_id = ?)", (filled, execution))


def seed(connection: sqlite3.Connection, symbol: str, shares: str, direction: str, price: str) -> int:
    settle(connection)
    number = connection.execute("SELECT 1 + count(*) FROM event_queue").fetchone()[0]
    tx_hash = f"0x{number:064x}"
    event = connection.execute(
        "INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp, event_type, event_data,"
        " processed, outcome, source, processed_at) VALUES (?, 0, ?, ?, '2026-01-02T03:04:05.000Z', 'TakeOrderV2', '{}',"
        " 1, 'trade', 'backfiller', '2026-01-02T03:04:06.000Z')",
        (tx_hash, number, tx_hash),
    ).lastrowid
    trade = connection.execute(
        "INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp, order_owner, symbol,"
        " base_symbol, direction, amount, usdc_amount, price_usdc, unallocated)"
        " VALUES (?, ?, 0, ?, '2026-01-02T03:04:05.000Z', ?, ?, ?, ?, ?, '1', ?, '0')",
        (event, tx_hash, number, "0x" + "ab" * 20, symbol + "0x", symbol, OTHER_SIDE[direction], shares, price),
    ).lastrowid
    execution = connection.execute(
        "INSERT INTO executions (symbol, shares, direction) VALUES (?, ?, ?)", (symbol, shares, direction)
    ).lastrowid
    connection.execute("INSERT INTO trade_execution_links VALUES (?, ?, ?)", (trade, execution, shares))
    connection.execute(
        "INSERT INTO trade_accumulators (symbol, pending_execution_id) VALUES (?, ?)"
        " ON CONFLICT (symbol) DO UPDATE SET pending_execution_id = excluded.pending_execution_id",
        (symbol, execution),
    )
    return execution
