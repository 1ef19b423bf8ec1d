"""Databases that are prepared row by row, and what the monitor tells of them."""

import contextlib
import csv
import fcntl
import io
import json
import os
import sqlite3
import struct
import subprocess

from .ballast import binary

OWNER = "0x" + "11" * 20
PROGRAM_BYTES = range(4)
BACKFILLER_BYTE = 1
FIRST_SESSION_BYTE = 16


class Ledger:
    """A database with the real schema, apart from the folder whose databases must obey the laws."""

    def __init__(self, folder):
        self.path = folder / "ballast.db"
        subprocess.run([binary("executor"), "resume"], env={"DATABASE_PATH": str(self.path)}, check=True,
                       capture_output=True)
        self.trades = 0

    def write(self, sql: str, *values) -> None:
        with self.transaction() as connection:
            connection.execute(sql, values)

    @contextlib.contextmanager
    def transaction(self):
        """One commit, as a program makes it."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=5)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()

    def at_work(self, session: int) -> None:
        """Holds the locks that say that the four programs live, and the listener's session (instance_lock.h)."""
        self._lock = open(f"{self.path}.lock", "a+b")
        for byte in (*PROGRAM_BYTES, FIRST_SESSION_BYTE + session):
            kind = fcntl.F_RDLCK if byte == BACKFILLER_BYTE else fcntl.F_WRLCK
            fcntl.fcntl(self._lock, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, byte, 1, 0))

    def event(self, minute: int, **changes) -> None:
        self.trades += 1
        row = {"tx_hash": f"0x{self.trades:064x}", "log_index": 0, "block_number": self.trades, "block_hash": "0x" + "22" * 32,
               "block_timestamp": f"2026-01-05T15:{minute:02}:00.000Z", "event_type": "take", "event_data": "{}",
               "processed": 1, "outcome": "trade", "source": "listener", "created_at": f"2026-01-05T15:{minute:02}:00.250Z",
               "processed_at": f"2026-01-05T15:{minute:02}:00.254Z"} | changes
        self.write(f"INSERT INTO event_queue ({','.join(row)}) VALUES ({','.join('?' * len(row))})", *row.values())

    def trade(self, minute: int, direction: str, amount: str, price: str | None, usdc: str | None, reverses=None,
              symbol: str = "AAPL") -> None:
        self.event(minute)
        self.write("INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp, order_owner, symbol,"
                   " base_symbol, direction, amount, usdc_amount, price_usdc, reverses_trade_id, unallocated, created_at)"
                   " VALUES (?1, printf('0x%064x', ?1), 0, ?1, ?2, ?3, ?4 || '0x', ?4, ?5, ?6, ?7, ?8, ?9, '0', ?2)",
                   self.trades, f"2026-01-05T15:{minute:02}:00.000Z", OWNER, symbol, direction, amount, usdc, price, reverses)

    def execution(self, minute: int, direction: str, shares: str, price: str | None, status: str = "FILLED", error=None,
                  symbol: str = "AAPL") -> None:
        ended = f"2026-01-05T15:{minute:02}:09.000Z" if status in ("FILLED", "FAILED") else None
        self.write("INSERT INTO executions (symbol, shares, direction, broker, status, client_order_id, order_id, filled_shares,"
                   " average_price, error, created_at, submitted_at, executed_at)"
                   " VALUES (?1, ?2, ?3, 'alpaca', ?4, 'c' || ?5, 'o' || ?5, ?2, ?6, ?7, ?8, ?9, ?10)",
                   symbol, shares, direction, status, minute, price, error, f"2026-01-05T15:{minute:02}:00.000Z",
                   f"2026-01-05T15:{minute:02}:00.005Z", ended)

    def off_work(self) -> None:
        """The programs are gone, as when they were killed."""
        self._lock.close()

    def monitor(self, *arguments, expect: int = 0, **config) -> str:
        run = subprocess.run([binary("monitor"), *arguments], env={"DATABASE_PATH": str(self.path)} | config,
                             capture_output=True, text=True)
        assert run.returncode == expect, run.stdout + run.stderr
        return run.stdout if expect in (0, 1) else run.stderr

    def report(self, name: str, *arguments) -> list[dict]:
        """The report's rows, and the same from both forms for programs."""
        rows = json.loads(self.monitor("report", name, "--json", *arguments))
        read = csv.DictReader(io.StringIO(self.monitor("report", name, "--csv", *arguments)))
        assert [{key: value or "" for key, value in row.items()} for row in rows] == list(read)
        return rows
