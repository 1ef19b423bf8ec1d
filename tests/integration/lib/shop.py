"""A market maker's books, written as the programs write them: fills, offsets, hedges, coverage, a session. They obey
tests/invariants.sql, and the same seed makes the same books.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal, localcontext
from pathlib import Path

from .amounts import canonical, price
from .database import Database
from .ledger import OWNER, Ledger

FIRST_BLOCK = 37_400_000
BLOCK_SECONDS = 2
SESSION = 12
SPREAD = Decimal("0.0018")  # what a fill earns on its price
MIDDLES = {"AAPL": "231.4", "NVDA": "181.25", "TSLA": "402.1", "BRK.B": "512.6", "MSFT": "498.3", "COIN": "266.7"}
TOKENS = {"AAPL": "AAPL0x", "NVDA": "NVDAs1", "TSLA": "tTSLA", "BRK.B": "tBRK.B", "MSFT": "MSFT0x", "COIN": "COIN0x"}


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


@dataclass
class Book:
    """A ticker's position: the unallocated parts of trades, all of one side, the oldest first."""

    side: str = "BUY"
    lots: list = field(default_factory=list)  # [trade_id, shares]
    pending: int | None = None

    def net(self) -> Decimal:
        shares = sum((shares for _, shares in self.lots), Decimal(0))
        return shares if self.side == "BUY" else -shares


class Shop:
    """What happens at a market maker's; each call writes into the transaction that it is given."""

    def __init__(self, ledger: Ledger, start: datetime, seed: int = 1):
        self.ledger, self.start, self.random = ledger, start, random.Random(seed)
        self.books: dict[str, Book] = {}
        self.middles = {ticker: Decimal(middle) for ticker, middle in MIDDLES.items()}
        self.trades = self.executions = 0
        with ledger.transaction() as sql:
            for name, value in (("chain_id", "8453"), ("orderbook", "0xd2938e7c9fe3597f78832ce780feb61945c377d7"), ("order_owner", OWNER)):
                sql.execute("INSERT INTO ledger VALUES (?, ?)", (name, value))

    def block(self, at: datetime) -> int:
        return FIRST_BLOCK + int((at - self.start).total_seconds()) // BLOCK_SECONDS

    def fill(self, sql, at: datetime, ticker: str, direction: str, amount: str, symbol: str | None = None) -> int:
        """One fill, its offsets, and a hedge when one is due. Returns the trade's id."""
        self.trades += 1
        trade, book = self.trades, self.books.setdefault(ticker, Book())
        event, booked = self._event(sql, at, "trade")
        usdc = self._worth(ticker, direction, amount)
        remaining = self._offset(sql, book, trade, direction, Decimal(amount))
        sql.execute("INSERT INTO onchain_trades (id, event_id, tx_hash, log_index, block_number, block_timestamp, order_owner, symbol,"
                    " base_symbol, direction, amount, usdc_amount, price_usdc, unallocated, created_at)"
                    " SELECT ?1, id, tx_hash, log_index, block_number, block_timestamp, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, processed_at"
                    " FROM event_queue WHERE id = ?10", (trade, OWNER, symbol or TOKENS[ticker], ticker, direction, amount, usdc,
                                                        price(usdc, amount), canonical(remaining), event))
        self._keep(sql, ticker)
        if abs(book.net()) >= 1 and book.pending is None:
            self._hedge(sql, ticker, booked)
        return trade

    def settle(self, sql, ticker: str, at: datetime) -> None:
        """The pending order of the ticker is filled."""
        book = self.books[ticker]
        direction, shares = sql.execute("SELECT direction, shares FROM executions WHERE id = ?", (book.pending,)).fetchone()
        paid = self.middles[ticker] + (Decimal(self.random.randrange(-95, 96)) / 100) + (Decimal("0.04") if direction == "BUY" else Decimal("-0.04"))
        sql.execute("UPDATE executions SET status = 'FILLED', filled_shares = ?, average_price = ?, executed_at = ? WHERE id = ?",
                    (shares, canonical(paid), moment(at), book.pending))
        book.pending = None
        self._keep(sql, ticker)

    def cover(self, sql, proven_to: int, heard_of: int, session: int, cutoff: int, started: datetime, gaps=()) -> None:
        """gaps: blocks that are missing."""
        sql.execute("DELETE FROM block_coverage")
        first = FIRST_BLOCK
        for gap in sorted(gaps):
            sql.execute("INSERT INTO block_coverage VALUES (?, ?)", (first, gap - 1))
            first = gap + 1
        sql.execute("INSERT INTO block_coverage VALUES (?, ?)", (first, proven_to))
        sql.execute("INSERT OR REPLACE INTO listener_sessions VALUES (?, ?, 'first_event', ?, ?, NULL, NULL)",
                    (session, cutoff, heard_of, moment(started)))

    def week(self, sql, until: datetime, fills: int) -> None:
        """Fills at random times up to until, and their hedges."""
        for at in sorted(self.start + (until - self.start) * self.random.random() for _ in range(fills)):
            ticker = self.random.choice(list(MIDDLES))
            amount = self.random.choice(("0.25", "0.5", "0.4", "0.75", "1.2", "0.31", "0.125", "0.08"))
            if self.random.random() < 0.2:
                amount = canonical(Decimal(self.random.randrange(10**17, 9 * 10**17)).scaleb(-18))
            at = at.replace(microsecond=0)
            self.middles[ticker] *= 1 + Decimal(self.random.randrange(-28, 29)) / 10000
            self.middles[ticker] = self.middles[ticker].quantize(Decimal("0.01"))
            self.fill(sql, at, ticker, self.random.choice(("BUY", "SELL")), amount)
            if self.books[ticker].pending is not None:
                self.settle(sql, ticker, at + timedelta(milliseconds=self.random.choice((640, 720, 810, 930, 1250, 2400))))

    def quarantine(self, sql, at: datetime, error: str) -> int:
        """An event that could not be applied. Returns its id."""
        return self._event(sql, at, "quarantined", error)[0]

    def _event(self, sql, at: datetime, outcome: str, error: str | None = None) -> tuple[int, datetime]:
        """The new event's id, and when it was processed."""
        queued = at + timedelta(milliseconds=self.random.choice((180, 210, 240, 260, 310, 540)))
        booked = queued + timedelta(milliseconds=self.random.choice((2, 3, 3, 4, 4, 9)))
        row = sql.execute("INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp, event_type, event_data,"
                          " processed, outcome, error, source, confirmed, created_at, processed_at)"
                          " VALUES (?, ?, ?, ?, ?, 'TakeOrderV2', '{}', 1, ?, ?, 'listener', 1, ?, ?)",
                          (f"0x{self.random.getrandbits(256):064x}", self.random.randrange(90), self.block(at),
                           f"0x{self.random.getrandbits(256):064x}", moment(at), outcome, error, moment(queued), moment(booked)))
        return row.lastrowid, booked

    def _worth(self, ticker: str, direction: str, amount: str) -> str:
        with localcontext() as context:
            context.prec = 60
            side = 1 - SPREAD if direction == "BUY" else 1 + SPREAD
            middle = Decimal(self.middles[ticker])
            return canonical((Decimal(amount) * middle * side).quantize(Decimal("0.000001")))

    def _offset(self, sql, book: Book, trade: int, direction: str, remaining: Decimal) -> Decimal:
        while remaining and book.lots and book.side != direction:
            lot = book.lots[0]
            part = min(remaining, lot[1])
            pair = (trade, lot[0]) if direction == "BUY" else (lot[0], trade)
            sql.execute("INSERT INTO trade_offsets VALUES (?, ?, ?)", (*pair, canonical(part)))
            self._take(sql, book, part)
            remaining -= part
        if remaining:
            book.side = direction
            book.lots.append([trade, remaining])
        return remaining

    def _take(self, sql, book: Book, part: Decimal) -> None:
        lot = book.lots[0]
        lot[1] -= part
        sql.execute("UPDATE onchain_trades SET unallocated = ? WHERE id = ?", (canonical(lot[1]), lot[0]))
        if not lot[1]:
            book.lots.pop(0)

    def _hedge(self, sql, ticker: str, at: datetime) -> None:
        self.executions += 1
        book, execution = self.books[ticker], self.executions
        shares = int(abs(book.net()))
        sql.execute("INSERT INTO executions (id, symbol, shares, direction, broker, status, client_order_id, order_id, order_shares,"
                    " accepted_shares, created_at, submitted_at) VALUES (?, ?, ?, ?, 'alpaca', 'SUBMITTED', ?, ?, ?3, ?3, ?, ?)",
                    (execution, ticker, str(shares), "SELL" if book.net() > 0 else "BUY", f"ballast-{execution}-{self.random.getrandbits(32):08x}",
                     "-".join(f"{self.random.getrandbits(4 * size):0{size}x}" for size in (8, 4, 4, 4, 12)), moment(at),
                     moment(at + timedelta(milliseconds=self.random.choice((3, 4, 4, 5, 6, 11))))))
        left = Decimal(shares)
        while left:
            part = min(left, book.lots[0][1])
            sql.execute("INSERT INTO trade_execution_links VALUES (?, ?, ?)", (book.lots[0][0], execution, canonical(part)))
            self._take(sql, book, part)
            left -= part
        book.pending = execution
        self._keep(sql, ticker)

    def _keep(self, sql, ticker: str) -> None:
        book = self.books[ticker]
        net = book.net()
        sql.execute("INSERT INTO trade_accumulators (symbol, net_position, accumulated_long, accumulated_short, pending_execution_id)"
                    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (symbol) DO UPDATE SET net_position = ?2, accumulated_long = ?3,"
                    " accumulated_short = ?4, pending_execution_id = ?5",
                    (ticker, canonical(net), canonical(max(net, Decimal(0))), canonical(max(-net, Decimal(0))), book.pending))


class Books(Ledger):
    """A shop's books with its programs at work, as far as locks tell."""

    def __init__(self, folder: Path, seed: int, fills: int, hours: int = 30):
        folder.mkdir(exist_ok=True)
        super().__init__(folder)
        self.until = now().replace(microsecond=0) - timedelta(seconds=90)
        self.shop = Shop(self, self.until - timedelta(hours=hours), seed)
        with self.transaction() as sql:
            self.shop.week(sql, self.until, fills)
            head = self.shop.block(self.until)
            self.shop.cover(sql, head - 7, head, SESSION, head - 400, self.until - timedelta(seconds=800))
        self.at_work(SESSION)

    def hedge_under_way(self, ticker: str) -> None:
        """A fill whose hedge is at the broker."""
        with self.transaction() as sql:
            self.shop.fill(sql, self.until, ticker, "SELL", "1.75")

    def value(self, sql: str, *parameters):
        return Database(self.path).value(sql, *parameters)


def now() -> datetime:
    return datetime.now(timezone.utc)
