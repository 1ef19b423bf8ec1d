"""The simulated broker's orders and positions. Orders stand in a file, as a broker's do: whatever dies, they stay.

    book = Book(folder / "broker.db"); book.accept(order, plan="partial:3"); book.fill(order)
"""

import json
import sqlite3
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from pathlib import Path

FIRST_NUMBER = 1006387238791
NUMBER_STEP = 17
DEFAULT_PRICE = "150.25"
SPLIT_STEP = Decimal("0.01")

OPEN_STATUSES = {"queued", "working"}
ENDED_STATUSES = {"filled", "canceled", "rejected", "expired", "replaced"}


@dataclass
class Order:
    """One order; status is one of ours, in small letters, whatever word its broker has for it.

    word: what the broker says instead, when a plan demands it, until the order ends.
    lag_ends_at: until then no read shows it.
    """

    broker: str
    symbol: str
    side: str
    quantity: int
    number: int = 0
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_order_id: str | None = None
    instruction: str = ""
    status: str = "working"
    word: str | None = None
    reason: str = ""
    plan: str = ""
    entered_at: float = 0
    lag_ends_at: float = 0
    due_at: float | None = None
    closed_at: float | None = None
    by_hand: bool = False
    looks: int = 0
    fills: list[dict] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.number) if self.broker == "schwab" else self.uuid

    @property
    def filled(self) -> int:
        return sum(fill["quantity"] for fill in self.fills)

    @property
    def remaining(self) -> int:
        return max(0, self.quantity - self.filled)

    @property
    def price(self) -> Decimal | None:
        """The average of its fills."""
        if not self.fills:
            return None
        value = sum(Decimal(fill["price"]) * fill["quantity"] for fill in self.fills)
        return (value / self.filled).quantize(Decimal("1e-9"))

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    def as_dict(self) -> dict:
        price = self.price
        shown = {name: value for name, value in asdict(self).items() if name != "word"}
        return {
            **shown, "id": self.id, "status": self.word or self.status, "filled": self.filled,
            "price": None if price is None else plain(price), "open": self.is_open,
        }


def plain(number: Decimal) -> str:
    """Without exponent and without zeros at the end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Book:
    """The orders; every change is on the disk before the call returns. Not locked: its owner is.

    now: the broker's clock, which stamps orders; what lags or is due goes by ours.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time):
        self._now = now
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, client_order_id TEXT UNIQUE,"
            " facts TEXT NOT NULL)"
        )
        self._orders: dict[int, Order] = {}
        known = {one.name for one in fields(Order)}
        for (facts,) in self._database.execute("SELECT facts FROM orders ORDER BY number"):
            order = Order(**{name: value for name, value in json.loads(facts).items() if name in known})
            self._orders[order.number] = order
        self.prices: dict[str, str] = defaultdict(lambda: DEFAULT_PRICE)
        self.positions: dict[str, int] = {}
        self.default_position = 1_000_000
        self.split_fills = False

    def close(self) -> None:
        self._database.close()

    def __iter__(self) -> Iterator[Order]:
        """In the order of their acceptance."""
        return iter(list(self._orders.values()))

    def get(self, name: str | int) -> Order | None:
        """By number, or by uuid."""
        if str(name).isdecimal():
            return self._orders.get(int(name))
        return next((order for order in self if order.uuid == str(name)), None)

    def of_client(self, client_order_id: str) -> Order | None:
        return next((order for order in self if order.client_order_id == client_order_id), None)

    def open_orders(self, symbol: str) -> list[Order]:
        return [order for order in self if order.symbol == symbol and order.is_open]

    def position(self, symbol: str) -> int:
        return self.positions.get(symbol, self.default_position)

    def available(self, symbol: str, side: str) -> int:
        """How much of the position no open order on that side has reserved."""
        held = abs(self.position(symbol))
        return held - sum(order.remaining for order in self.open_orders(symbol) if order.side == side)

    def accept(self, order: Order, plan: str, market_open: bool, lag_seconds: float = 0) -> None:
        """A new order, and what becomes of it at once. With the market closed it waits for the next session."""
        order.number = max(self._orders, default=FIRST_NUMBER - NUMBER_STEP) + NUMBER_STEP
        order.lag_ends_at = time.time() + lag_seconds
        order.plan = plan
        self._orders[order.number] = order
        if market_open:
            self._follow_plan(order)
        else:
            order.status = "queued"
            self.save(order)

    def advance(self, market_open: bool) -> None:
        """What time alone brings about."""
        for order in self:
            if order.status == "queued" and market_open:
                order.status = "working"
                self._follow_plan(order)
            if order.is_open and order.due_at is not None and order.due_at <= time.time():
                self.fill(order)

    def next_change_at(self) -> float | None:
        return min((order.due_at for order in self if order.is_open and order.due_at is not None), default=None)

    def fill(self, order: Order, shares: int | None = None, price: str | None = None) -> None:
        """So many more shares, or all that are left; at one price, or in two legs when fills are to be split."""
        quantity = order.remaining if shares is None else shares
        if price is None:
            price = self.prices[order.symbol]
            legs = self._split(quantity, price) if self.split_fills else [(quantity, price)]
        else:
            legs = [(quantity, price)]
        for leg_quantity, leg_price in legs:
            order.fills.append({"quantity": leg_quantity, "price": str(leg_price), "at": self._now()})
        self._move(order, quantity)
        if order.remaining == 0:
            self.end(order, "filled")
        else:
            self.save(order)

    def end(self, order: Order, status: str, reason: str = "") -> None:
        order.status = status
        order.word = None
        order.reason = reason
        order.due_at = None
        order.closed_at = self._now()
        self.save(order)

    def save(self, order: Order) -> None:
        self._database.execute(
            "INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (number) DO UPDATE SET facts = excluded.facts",
            (order.number, order.client_order_id, json.dumps(asdict(order))),
        )

    @staticmethod
    def _split(quantity: int, price: str) -> list[tuple[int, str]]:
        first = quantity // 2
        legs = [(first, price), (quantity - first, plain(Decimal(price) + SPLIT_STEP))]
        return [leg for leg in legs if leg[0] > 0]

    def _move(self, order: Order, quantity: int) -> None:
        signed = quantity if order.side == "buy" else -quantity
        self.positions[order.symbol] = self.position(order.symbol) + signed

    def _follow_plan(self, order: Order) -> None:
        name, _, value = order.plan.partition(":")
        if name == "fill":
            self.fill(order)
        elif name == "over":
            self.fill(order, order.quantity + int(value))
        elif name in ("partial", "partial_expire", "partial_cancel"):
            self.fill(order, int(value))
            if name != "partial" and order.is_open:
                self.end(order, "expired" if name == "partial_expire" else "canceled")
        elif name == "reject":
            self.end(order, "rejected", value or "This order was rejected.")
        elif name == "expire":
            self.end(order, "expired")
        elif name == "fill_after":
            order.due_at = time.time() + float(value)
            self.save(order)
        elif name == "status":
            order.word = value
            order.status = value.lower() if value.lower() in ENDED_STATUSES else "working"
            self.save(order)
        elif name == "open":
            self.save(order)
        else:
            raise ValueError(f"on_order: there is no {order.plan!r}")
