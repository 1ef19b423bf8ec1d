"""Looking into Ballast's database while the programs write it."""

import contextlib
import sqlite3
from decimal import Context, Decimal
from pathlib import Path

from .amounts import canonical

_EXACT = Context(prec=200)


class _DecimalSum:
    """NULL over no rows at all; NULLs among the rows count nothing."""

    def __init__(self):
        self._sum = None

    def step(self, value) -> None:
        self._sum = _EXACT.add(self._sum or Decimal(0), Decimal(value or 0))

    def finalize(self) -> str | None:
        return None if self._sum is None else canonical(self._sum)


def _compare(left: str, right: str) -> int:
    return int(_EXACT.compare(Decimal(left), Decimal(right)))


def _exact(operation):
    """NULL in, NULL out, as SQLite's own functions do."""

    def function(left, right):
        if left is None or right is None:
            return None
        return operation(Decimal(left), Decimal(right))

    return function


class Database:
    """Reads only. Each question is a connection and a snapshot of its own, so it never holds up a writer.

    SQL may use decimal_add, decimal_sub, decimal_mul, decimal_cmp and the aggregate decimal_sum, named as in
    SQLite's decimal extension, on canonical decimal text.
    """

    def __init__(self, path: Path):
        self.path = Path(path)

    def rows(self, sql: str, *parameters) -> list[dict]:
        with contextlib.closing(self._connect()) as connection:
            return [dict(row) for row in connection.execute(sql, parameters)]

    def row(self, sql: str, *parameters) -> dict | None:
        """The first row, None when there is none."""
        return next(iter(self.rows(sql, *parameters)), None)

    def value(self, sql: str, *parameters):
        """The first column of the first row, None when there is none."""
        found = self.row(sql, *parameters)
        return next(iter(found.values())) if found else None

    def count(self, table: str, where: str = "1") -> int:
        return self.value(f"SELECT count(*) FROM {table} WHERE {where}")

    def events(self) -> list[dict]:
        """The queue in the order in which it is applied."""
        return self.rows("SELECT * FROM event_queue ORDER BY block_number, log_index, id")

    def trades(self) -> list[dict]:
        """The trades that stand, in the order in which they happened."""
        return self.rows("SELECT * FROM live_trades ORDER BY block_number, log_index, id")

    def executions(self, symbol: str | None = None) -> list[dict]:
        return self.rows(
            "SELECT * FROM executions WHERE ?1 IS NULL OR symbol = ?1 ORDER BY id", symbol
        )

    def position(self, ticker: str) -> str | None:
        """net_position of a ticker; None when there is no row."""
        return self.value("SELECT net_position FROM trade_accumulators WHERE symbol = ?", ticker)

    def coverage(self) -> list[tuple[int, int]]:
        """The proven block ranges: [(first, last), ...]."""
        found = self.rows("SELECT first_block, last_block FROM block_coverage ORDER BY first_block")
        return [(row["first_block"], row["last_block"]) for row in found]

    def sessions(self) -> list[dict]:
        return self.rows("SELECT * FROM listener_sessions ORDER BY id")

    def broken_laws(self, sql: str) -> list[str]:
        """Runs every query of sql in one snapshot; what returns a row is told, query and rows."""
        broken = []
        with contextlib.closing(self._connect()) as connection:
            connection.execute("BEGIN")
            for statement in statements(sql):
                found = [dict(row) for row in connection.execute(statement)]
                if found:
                    broken.append("\n".join([statement, *map(repr, found[:10])]))
        return broken

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        return self.with_functions(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5))

    @staticmethod
    def with_functions(connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.row_factory = sqlite3.Row
        connection.create_function("decimal_add", 2, _exact(lambda a, b: canonical(_EXACT.add(a, b))))
        connection.create_function("decimal_sub", 2, _exact(lambda a, b: canonical(_EXACT.subtract(a, b))))
        connection.create_function("decimal_mul", 2, _exact(lambda a, b: canonical(_EXACT.multiply(a, b))))
        connection.create_function("decimal_cmp", 2, _exact(_compare))
        connection.create_aggregate("decimal_sum", 1, _DecimalSum)
        return connection


def statements(sql: str) -> list[str]:
    """The statements of a file. A semicolon within a string or a comment ends none."""
    found, pending = [], ""
    for piece in sql.split(";")[:-1]:
        pending += piece + ";"
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    return found
