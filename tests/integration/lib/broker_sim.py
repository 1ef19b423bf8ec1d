"""A broker to test against: Alpaca and Schwab on one port, strict with its client, and faulty on demand.

    with BrokerSimulator(workdir) as broker:
        broker.on_order = "partial:3"
        broker.add_fault(Fault("POST /v2/orders", "drop_after", call=executor.kill))
        broker.wait_for(lambda: broker.count() == 1, 10, "the order")
        assert broker.violations == []

It runs in the test's own process, so it lives on when a program under test is killed. Its methods and attributes may
be used at any moment and from any thread. What the documents forbid a client to send stands in violations, even when
it was served.
"""

import threading
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

from .alpaca_sim import (
    ALPACA_401,
    ALPACA_429,
    ALPACA_500,
    ALPACA_ID_TAKEN,
    Alpaca,
    alpaca_forbidden,
    alpaca_not_found,
    alpaca_unprocessable,
    alpaca_wash_trade,
    default_account,
)
from .broker_book import Book, Order
from .broker_server import (
    CONNECTION_KINDS,
    Fault,
    Request,
    Response,
    Server,
    ca_file,
    certificate_file,
    json_response,
)
from .schwab_sim import (
    SCHWAB_400,
    SCHWAB_401,
    SCHWAB_404,
    SCHWAB_500,
    SCHWAB_DEAD_TOKEN,
    SCHWAB_FAULT,
    SCHWAB_INVALID_CLIENT,
    Schwab,
)

__all__ = [
    "ALPACA_401", "ALPACA_429", "ALPACA_500", "ALPACA_FORBIDDEN", "ALPACA_ID_TAKEN", "ALPACA_INSUFFICIENT_POWER",
    "ALPACA_NOT_FOUND", "ALPACA_UNPROCESSABLE", "ALPACA_WASH_TRADE", "BrokerSimulator", "Fault", "HTML_403",
    "HTML_502", "HTML_504", "Request", "SCHWAB_400", "SCHWAB_401", "SCHWAB_404", "SCHWAB_429", "SCHWAB_500",
    "SCHWAB_DEAD_TOKEN", "SCHWAB_FAULT", "SCHWAB_INVALID_CLIENT", "SCHWAB_TIMEOUT_TEXT",
]

# Bodies for Fault(..., "status_before", value=(502, HTML_502)).
HTML_403 = (
    "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1>"
    "You don't have permission to access this server.</BODY></HTML>"
)
HTML_502 = (
    "<html><head><title>502 Bad Gateway</title></head>"
    "<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"
)
HTML_504 = HTML_502.replace("502 Bad Gateway", "504 Gateway Time-out")
SCHWAB_TIMEOUT_TEXT = "upstream request timeout"
SCHWAB_429 = {"message": "Too many requests"}
ALPACA_FORBIDDEN = alpaca_forbidden
ALPACA_UNPROCESSABLE = alpaca_unprocessable
ALPACA_NOT_FOUND = alpaca_not_found
ALPACA_WASH_TRADE = alpaca_wash_trade
ALPACA_INSUFFICIENT_POWER = alpaca_forbidden("insufficient buying power", buying_power="12.5", cost_basis="1502.5")

SESSION_SECONDS = 6.5 * 3600
HALF_DAY_SECONDS = 3.5 * 3600
SAME_DAY_SECONDS = 12 * 3600
OPEN_DAYS = ("open", "half_day")
NO_BODY_METHODS = ("GET", "HEAD", "DELETE")


class BrokerSimulator:
    """The broker. All state is guarded by one lock; "changed" is notified after every request and change."""

    def __init__(self, folder: Path, *, tls: bool = True, certificate: str = "good"):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self._default_settings()
        self.book = Book(folder / "broker.db", self.now)
        self._alpaca = Alpaca(self)
        self._schwab = Schwab(self)
        self._server = Server(self, certificate_file(certificate) if tls else None)
        self.port = self._server.port
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self.ca_file = ca_file()

    def _default_settings(self) -> None:
        # What becomes of orders: see Book; or a function of the order's dict that returns such a plan.
        self.on_order: str | Callable[[dict], str] = "fill"
        self.lag_seconds = 0.0
        self.allowed_short = True
        self.one_order_per_symbol = True
        self.unique_checked_last = False
        self.unknown_symbols: set[str] = set()
        self.funds: set[str] = {"SPY"}
        # Those of default_position's "any symbol" that a list of all positions names.
        self.symbols = {"AAPL", "AMD", "GME", "MSFT", "NVDA", "SPY", "TSLA"}
        # The market. schwab_day, when set, decides; else it follows from the others.
        self.market_open = True
        self.half_day = False
        self.next_open_seconds = 3600.0
        self.closes_in_seconds = 3 * 3600.0
        self.schwab_day: str | None = None
        self.clock_skew_seconds = 0.0
        # Alpaca
        self.alpaca_key = "PKSIMULATED0000KEY"
        self.alpaca_secret = "simulated/secret+0000"
        self.account = default_account()
        self.rate_limit_remaining = 199
        self.rate_limit_reset_seconds = 60
        # Schwab
        self.schwab_app_key = "SimulatedAppKey0123456789abcdef0"
        self.schwab_app_secret = "SimulatedSecret0"
        self.schwab_redirect_uri = "https://127.0.0.1:8443/callback"
        self.schwab_account_number = "12345678"
        self.schwab_account_hash = "9F86D081884C7D65" * 4
        self.schwab_other_accounts = [{"accountNumber": "87654321", "hashValue": "FEDCBA9876543210" * 4}]
        self.schwab_account_type = "MARGIN"
        self.rotate_refresh_tokens = False
        self.refresh_ends_access_tokens = False
        self.access_token_seconds = 1800
        self.legs_lag = 0

    def __enter__(self) -> "BrokerSimulator":
        self._server.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.stop()
        with self.lock:
            self.book.close()

    # Orders and positions

    @property
    def price(self) -> dict[str, str]:
        """What a share costs, as text; "150.25" unless set."""
        return self.book.prices

    @property
    def positions(self) -> dict[str, int]:
        """Shares held; fills move them."""
        return self.book.positions

    @property
    def default_position(self) -> int:
        return self.book.default_position

    @default_position.setter
    def default_position(self, shares: int) -> None:
        self.book.default_position = shares

    @property
    def split_fills(self) -> bool:
        return self.book.split_fills

    @split_fills.setter
    def split_fills(self, split: bool) -> None:
        self.book.split_fills = split

    def orders(self) -> list[dict]:
        with self.lock:
            self._advance()
            return [order.as_dict() for order in self.book]

    def order(self, order_id: str | int) -> dict | None:
        with self.lock:
            self._advance()
            order = self.book.get(order_id)
            return order and order.as_dict()

    def count(self, symbol: str | None = None) -> int:
        with self.lock:
            return sum(symbol in (None, order.symbol) for order in self.book)

    def fill(self, order_id: str | int, shares: int | None = None, price: str | None = None) -> None:
        self._drive(order_id, lambda order: self.book.fill(order, shares, price))

    def cancel(self, order_id: str | int) -> None:
        self._drive(order_id, lambda order: self.book.end(order, "canceled"))

    def reject(self, order_id: str | int, reason: str) -> None:
        self._drive(order_id, lambda order: self.book.end(order, "rejected", reason))

    def expire(self, order_id: str | int) -> None:
        self._drive(order_id, lambda order: self.book.end(order, "expired"))

    def place_by_hand(self, symbol: str, side: str, quantity: int, *, plan: str | None = None,
                      broker: str | None = None) -> dict:
        """A person's order on the same account; at the broker that was last spoken to, unless named."""
        with self.lock:
            last = next((request.broker for request in reversed(self.requests) if request.broker), self._alpaca.name)
            order = Order(broker or last, symbol, side, quantity, by_hand=True, entered_at=self.now())
            self.accept(order, plan)
            return order.as_dict()

    def accept(self, order: Order, plan: str | None = None) -> None:
        with self.lock:
            chosen = plan or (self.on_order(order.as_dict()) if callable(self.on_order) else self.on_order)
            self.book.accept(order, chosen, self.is_open, self.lag_seconds)
            self.changed.notify_all()

    def shows(self, order: Order) -> bool:
        """Whether reads see the order already."""
        return order.lag_ends_at <= time.time()

    def held_symbols(self) -> set[str]:
        known = self.symbols | self.positions.keys() | {order.symbol for order in self.book}
        return {symbol for symbol in known if self.book.position(symbol) != 0}

    def _drive(self, order_id: str | int, change: Callable[[Order], None]) -> None:
        with self.lock:
            order = self.book.get(order_id)
            if order is None:
                raise KeyError(f"no order {order_id}")
            change(order)
            self.changed.notify_all()

    def _advance(self) -> None:
        self.book.advance(self.is_open)

    # The market and its clock

    def now(self) -> float:
        """The broker's clock."""
        return time.time() + self.clock_skew_seconds

    @property
    def market_day(self) -> str:
        """open, half_day, before_open, after_close or closed_day"""
        if self.schwab_day is not None:
            return self.schwab_day
        if self.market_open:
            return "half_day" if self.half_day else "open"
        return "before_open" if self.next_open_seconds <= SAME_DAY_SECONDS else "after_close"

    @property
    def is_open(self) -> bool:
        return self.market_day in OPEN_DAYS

    @property
    def is_half_day(self) -> bool:
        return self.half_day or self.market_day == "half_day"

    @property
    def session_seconds(self) -> float:
        return HALF_DAY_SECONDS if self.is_half_day else SESSION_SECONDS

    def session(self) -> tuple[float, float]:
        """When today's session begins and ends: always around the present, whenever the test runs."""
        now = self.now()
        if self.is_open:
            end = now + self.closes_in_seconds
            return min(end - self.session_seconds, now - 60), end
        if self.market_day == "before_open":
            return now + self.next_open_seconds, now + self.next_open_seconds + self.session_seconds
        return now - 1800 - self.session_seconds, now - 1800

    # Schwab's logins

    def authorize(self, state: str | None = None) -> str:
        with self.lock:
            return self._schwab.oauth.authorize(state)

    def age_login(self, seconds: float) -> None:
        with self.lock:
            self._schwab.oauth.login.at -= seconds

    def kill_refresh_token(self) -> None:
        with self.lock:
            self._schwab.oauth.login.alive = False

    def expire_access_tokens(self) -> None:
        with self.lock:
            self._schwab.oauth.expire_access_tokens()

    @property
    def logins(self) -> int:
        return self._schwab.oauth.logins

    @property
    def refreshes(self) -> int:
        return self._schwab.oauth.refreshes

    @property
    def refresh_attempts(self) -> int:
        return self._schwab.oauth.refresh_attempts

    # Faults and waiting

    @property
    def handshakes_refused(self) -> int:
        """TLS handshakes that the client broke off: it did not like the certificate."""
        return self._server.handshakes_refused

    def add_fault(self, fault: Fault) -> Fault:
        """From now on; one that strikes connections also ends those that idle, so that it is met."""
        with self.lock:
            if fault.kind == "refuse":
                fault.take()
                self._server.refuse(fault.value or 1)
            else:
                self.faults.append(fault)
            if fault.kind in CONNECTION_KINDS:
                self._server.hang_up_idle()
        return fault

    def clear_faults(self) -> None:
        with self.lock:
            self.faults.clear()

    def wait_for(self, predicate: Callable, timeout: float = 10, what: str = ""):
        """Waits until predicate() is true and returns what it returned; looks after every request and change.

        An exception of the predicate counts as "not yet".
        """
        deadline = time.monotonic() + timeout
        with self.lock:
            while True:
                self._advance()
                try:
                    last = predicate()
                    if last:
                        return last
                except Exception as error:  # told below, when it stays
                    last = error
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                due = self.book.next_change_at()
                self.changed.wait(left if due is None else min(left, max(0.001, due - time.time())))
            recent = [f"{one.method} {one.path} -> {one.status} {one.problem or ''}" for one in self.requests[-10:]]
        raise AssertionError("\n".join([f"waited {timeout} s for: {what}", f"last state: {last!r}", *recent]))

    # What the server asks for

    def complain(self, request: Request | None, what: str) -> None:
        with self.lock:
            if request is not None:
                request.problem = what
            self.violations.append(what if request is None else f"{request.method} {request.path}: {what}")
            self.changed.notify_all()

    def record(self, request: Request) -> None:
        """Before anything is done with it: requests count even when a fault swallows them."""
        with self.lock:
            broker = self._broker_of(request)
            request.broker = broker and broker.name
            self.requests.append(request)
            self.changed.notify_all()

    def answer(self, request: Request) -> Response:
        with self.lock:
            self._check_form(request)
            try:
                self._advance()
                response = self._respond(request)
            except Exception:
                self.complain(request, f"the simulator failed: {traceback.format_exc()}")
                response = Response(500)
            self.adorn(request, response)
            if response.status >= 400 and request.problem is None:
                request.problem = response.body.decode("utf-8", "replace")
            self.changed.notify_all()
            return response

    def adorn(self, request: Request, response: Response) -> None:
        """The headers that every answer of the broker carries."""
        with self.lock:
            response.headers = {"Date": formatdate(self.now(), usegmt=True), **response.headers}
            if broker := self._broker_of(request):
                broker.adorn(response)

    def other_location(self, response: Response, value) -> str:
        """A Location that names the last of the other orders, or one that does not exist."""
        with self.lock:
            own = response.headers.get("Location", "").rpartition("/")[2]
            others = [order.number for order in self.book if str(order.number) != own]
            return self._schwab.location(value or (others[-1] if others else int(own or 0) + 1))

    def _broker_of(self, request: Request) -> Alpaca | Schwab | None:
        if request.path.startswith("/v2/"):
            return self._alpaca
        if request.path.startswith(("/v1/oauth/", "/trader/v1/", "/marketdata/v1/")):
            return self._schwab
        return None

    def _respond(self, request: Request) -> Response:
        broker = self._broker_of(request)
        if broker is None:
            self.complain(request, "there is no such endpoint")
            return json_response(404, {"message": "Not found"})
        return broker.answer(request)

    def _check_form(self, request: Request) -> None:
        """What no broker's document has to say, because HTTP does."""
        if not request.headers.get("user-agent"):
            self.complain(request, "without User-Agent")
        if request.headers.get("host") not in (f"localhost:{self.port}", f"127.0.0.1:{self.port}"):
            self.complain(request, f"Host is {request.headers.get('host')}")
        if request.method in NO_BODY_METHODS and "content-length" in request.headers:
            self.complain(request, f"{request.method} with a body")
        if request.method not in NO_BODY_METHODS and "content-length" not in request.headers:
            self.complain(request, f"{request.method} without Content-Length")
        for what in sorted(request.repeated):
            self.complain(request, f"{what} stands twice")
