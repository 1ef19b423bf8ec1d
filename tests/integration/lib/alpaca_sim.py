"""Alpaca's Trading API v2, as far as a hedger of whole shares at the market needs it, and not a step further.

What its document leaves open follows what has been measured: see the table of errors in its answers.
"""

import re
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from .broker_book import Order, plain
from .broker_server import Refused, Request, Response, json_response, read_json

NEW_YORK = ZoneInfo("America/New_York")
LONGEST_CLIENT_ID = 48
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]+")
SYMBOL = re.compile(r"[A-Z][A-Z0-9]{0,5}([./][A-Z]{1,3})?")
QUANTITY = re.compile(r"[0-9]+(\.[0-9]{1,9})?")

ORDER_KEYS = {
    "symbol", "qty", "notional", "side", "type", "time_in_force", "limit_price", "stop_price", "trail_price",
    "trail_percent", "extended_hours", "client_order_id", "order_class", "legs", "take_profit", "stop_loss",
    "position_intent", "advanced_instructions",
}
WORDS = {"queued": "accepted", "filled": "filled", "canceled": "canceled", "expired": "expired",
         "rejected": "rejected", "replaced": "replaced"}
PARAMETERS = {
    "orders": {"status", "limit", "after", "until", "direction", "nested", "symbols", "side", "asset_class",
               "before_order_id", "after_order_id"},
    "orders:by_client_order_id": {"client_order_id"},
    "order": {"nested"},
    "calendar": {"start", "end", "date_type"},
}

ALPACA_401 = {"message": "unauthorized."}
ALPACA_429 = {"code": 42910000, "message": "rate limit exceeded"}
ALPACA_ID_TAKEN = {"code": 40010001, "message": "client_order_id must be unique"}
ALPACA_500 = {"code": 50010000, "message": "internal server error occurred"}


def alpaca_error(code: int, message: str, **more) -> dict:
    return {"code": code, "message": message, **more}


def alpaca_forbidden(message: str, **more) -> dict:
    """403's body: one code for at least six causes, told apart by the message."""
    return alpaca_error(40310000, message, **more)


def alpaca_unprocessable(message: str) -> dict:
    return alpaca_error(42210000, message)


def alpaca_not_found(message: str) -> dict:
    return alpaca_error(40410000, message)


def alpaca_wash_trade(existing_order_id: str) -> dict:
    return alpaca_forbidden(
        "potential wash trade detected. use complex orders", existing_order_id=existing_order_id,
        reject_reason="opposite side market/stop order exists",
    )


def default_account() -> dict:
    """Text where Alpaca has text. A setting of None leaves the member out: only id and status are promised."""
    return {
        "id": "c1e0f3a2-7f0b-4f0a-9a52-2f3a4d1c0b9e", "account_number": "PA1234567", "status": "ACTIVE",
        "crypto_status": "ACTIVE", "currency": "USD", "cash": "1000000", "buying_power": "1000000",
        "regt_buying_power": "1000000", "non_marginable_buying_power": "1000000", "accrued_fees": "0",
        "portfolio_value": "1000000", "equity": "1000000", "last_equity": "1000000", "multiplier": "1",
        "trading_blocked": False, "transfers_blocked": False, "account_blocked": False,
        "trade_suspended_by_user": False, "shorting_enabled": True, "created_at": "2024-01-02T03:04:05.678901Z",
    }


def stamp(at: float | None) -> str | None:
    """Alpaca's times of orders: UTC, nanoseconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def local_stamp(at: float, fraction: bool = False) -> str:
    """Alpaca's times of the clock: New York, with offset."""
    moment = datetime.fromtimestamp(at, NEW_YORK)
    digits = f".{moment.microsecond:06}123" if fraction else ""
    offset = moment.strftime("%z")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + digits + f"{offset[:3]}:{offset[3:]}"


class Alpaca:
    """The endpoints. Called with the simulator's lock held."""

    name = "alpaca"

    def __init__(self, simulator):
        self._simulator = simulator
        self._book = simulator.book

    def adorn(self, response: Response) -> None:
        """What every answer carries."""
        simulator = self._simulator
        limits = {
            "X-RateLimit-Limit": "200",
            "X-RateLimit-Remaining": str(simulator.rate_limit_remaining),
            "X-RateLimit-Reset": str(int(simulator.now() + simulator.rate_limit_reset_seconds)),
            "X-Request-ID": uuid.uuid4().hex,
        }
        response.headers = {**limits, **response.headers}

    def answer(self, request: Request) -> Response:
        try:
            self._check_key(request)
            return self._route(request)
        except Refused as refused:
            return refused.response

    def _refuse(self, status: int, body: dict) -> None:
        raise Refused(json_response(status, body))

    def _complain(self, request: Request, what: str) -> None:
        self._simulator.complain(request, what)

    def _check_key(self, request: Request) -> None:
        sent = [request.headers.get(name) for name in ("apca-api-key-id", "apca-api-secret-key")]
        if None in sent:
            self._complain(request, "without APCA-API-KEY-ID and APCA-API-SECRET-KEY")
        if sent != [self._simulator.alpaca_key, self._simulator.alpaca_secret]:
            self._refuse(401, ALPACA_401)

    def _check_query(self, request: Request, name: str) -> None:
        for unknown in sorted(request.query.keys() - PARAMETERS.get(name, set())):
            self._complain(request, f"unknown query parameter {unknown}")

    def _route(self, request: Request) -> Response:
        parts = request.segments[1:]
        routes = {
            ("orders", 1): {"POST": self._post_order, "GET": self._list_orders},
            ("orders:by_client_order_id", 1): {"GET": self._get_by_client_id},
            ("orders", 2): {"GET": self._get_order, "DELETE": self._cancel_order},
            ("clock", 1): {"GET": self._get_clock},
            ("calendar", 1): {"GET": self._get_calendar},
            ("account", 1): {"GET": self._get_account},
            ("positions", 1): {"GET": self._list_positions},
            ("positions", 2): {"GET": self._get_position},
        }
        methods = routes.get((parts[0], len(parts)) if parts else None)
        if methods is None or "%3a" in request.path.lower():
            self._complain(request, "there is no such endpoint")
            self._refuse(404, alpaca_not_found("endpoint not found."))
        if request.method not in methods:
            self._complain(request, "method not allowed")
            self._refuse(405, alpaca_error(40510000, "method not allowed"))
        self._check_query(request, "order" if (parts[0], len(parts)) == ("orders", 2) else parts[0])
        return methods[request.method](request)

    # Orders

    def _post_order(self, request: Request) -> Response:
        sent = self._read_order(request)
        order = self._order_of(request, sent)
        simulator = self._simulator
        checks = [self._require_unique, self._require_allowed]
        for check in reversed(checks) if simulator.unique_checked_last else checks:
            check(order)
        order.entered_at = simulator.now()
        simulator.accept(order)
        shown = self.show(order)
        # Whatever happens in the next instant, the answer was written before it.
        shown.update(status="pending_new" if order.status != "queued" else "accepted", filled_qty="0",
                     filled_avg_price=None, filled_at=None, canceled_at=None, expired_at=None, failed_at=None)
        return json_response(200, shown)

    def _read_order(self, request: Request) -> dict:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            self._complain(request, f"Content-Type is {request.headers.get('content-type')}")
            self._refuse(400, alpaca_error(40010000, "request body format is invalid"))
        try:
            sent, twice = read_json(request)
        except ValueError:
            sent, twice = None, []
        if not isinstance(sent, dict) or twice:
            self._complain(request, f"a body that is no JSON object, or has keys twice: {twice}")
            self._refuse(400, alpaca_error(40010000, "request body format is invalid"))
        for unknown in sorted(sent.keys() - ORDER_KEYS):
            self._complain(request, f"unknown key {unknown}")
            self._refuse(422, alpaca_error(40010001, f"unknown field {unknown}"))
        return sent

    def _order_of(self, request: Request, sent: dict) -> Order:
        """The order, after every check that needs no account."""
        for name in ("symbol", "qty", "side", "type", "time_in_force", "client_order_id"):
            if name not in sent:
                self._complain(request, f"an order without {name}")
            elif not isinstance(sent[name], str):
                self._complain(request, f"{name} is not text: {sent[name]!r}")
        if sent.get("extended_hours") and sent.get("type") != "limit":
            self._complain(request, "extended_hours with a market order")
            self._refuse(422, alpaca_error(40010001, "only type=limit is allowed with extended_hours"))
        for name, only in (("type", "market"), ("time_in_force", "day")):
            if sent.get(name) != only:
                self._complain(request, f"{name} is {sent.get(name)!r}: only {only} is simulated")
                self._refuse(422, alpaca_error(40010001, f"invalid {name}"))
        for name in sorted(sent.keys() - {"symbol", "qty", "side", "type", "time_in_force", "client_order_id"}):
            self._complain(request, f"{name} is not simulated")
        if sent.get("side") not in ("buy", "sell"):
            self._complain(request, f"side is {sent.get('side')!r}")
            self._refuse(422, alpaca_error(40010001, "invalid side"))
        return Order(self.name, self._symbol_of(request, sent), sent["side"], self._quantity_of(request, sent),
                     client_order_id=self._client_id_of(request, sent))

    def _symbol_of(self, request: Request, sent: dict) -> str:
        symbol = str(sent.get("symbol", ""))
        if not SYMBOL.fullmatch(symbol):
            self._complain(request, f"symbol is {symbol!r}")
        if not SYMBOL.fullmatch(symbol) or symbol in self._simulator.unknown_symbols:
            self._refuse(422, alpaca_unprocessable(f'asset "{symbol}" not found'))
        return symbol

    def _quantity_of(self, request: Request, sent: dict) -> int:
        text = str(sent.get("qty", ""))
        if not QUANTITY.fullmatch(text) or Decimal(text) <= 0:
            self._complain(request, f"qty is {text!r}")
            self._refuse(422, alpaca_error(40010001, "qty must be > 0"))
        quantity = Decimal(text)
        if quantity != quantity.to_integral_value():
            self._refuse(403, alpaca_forbidden(f'asset "{sent["symbol"]}" is not fractionable'))
        return int(quantity)

    def _client_id_of(self, request: Request, sent: dict) -> str:
        name = str(sent.get("client_order_id", uuid.uuid4()))
        if len(name) > LONGEST_CLIENT_ID or not CLIENT_ID.fullmatch(name):
            self._complain(request, f"client_order_id {name!r} is too long, or not of [A-Za-z0-9_-]")
        if len(name) > 128:
            self._refuse(422, alpaca_error(40010001, "client_order_id must be no more than 128 characters"))
        return name

    def _require_unique(self, order: Order) -> None:
        if self._book.of_client(order.client_order_id) is not None:
            self._refuse(422, ALPACA_ID_TAKEN)

    def _require_allowed(self, order: Order) -> None:
        """What depends on the account and on the other orders."""
        account = self._simulator.account
        blocks = ("trading_blocked", "account_blocked", "trade_suspended_by_user")
        if account.get("status") != "ACTIVE" or any(account.get(name) for name in blocks):
            self._refuse(403, alpaca_forbidden("account is not allowed to trade"))
        others = self._book.open_orders(order.symbol)
        for other in others:
            if other.side != order.side or self._simulator.one_order_per_symbol:
                self._refuse(403, alpaca_wash_trade(other.uuid))
        if order.side == "sell":
            self._require_sellable(order)
        else:
            self._require_buyable(order)

    def _require_sellable(self, order: Order) -> None:
        held = self._book.position(order.symbol)
        if held > 0:
            self._require_available(order)
        elif not (self._simulator.allowed_short and self._simulator.account.get("shorting_enabled")):
            self._refuse(403, alpaca_forbidden("account is not allowed to short"))

    def _require_buyable(self, order: Order) -> None:
        if self._book.position(order.symbol) < 0:
            self._require_available(order)
            return
        cost = Decimal(self._book.prices[order.symbol]) * order.quantity
        power = self._simulator.account.get("buying_power") or "0"
        if cost > Decimal(power):
            body = alpaca_forbidden("insufficient buying power", buying_power=power, cost_basis=plain(cost))
            self._refuse(403, body)

    def _require_available(self, order: Order) -> None:
        """No order may cross zero: there are two for that."""
        available = self._book.available(order.symbol, order.side)
        if order.quantity > available:
            held = abs(self._book.position(order.symbol))
            self._refuse(403, alpaca_forbidden(
                f"insufficient qty available for order (requested: {order.quantity}, available: {available})",
                available=str(available), existing_qty=str(held), held_for_orders=str(held - available),
                symbol=order.symbol,
            ))

    def _list_orders(self, request: Request) -> Response:
        query = request.query
        wanted = query.get("status", "open")
        limit = query.get("limit", "50")
        if wanted not in ("open", "closed", "all") or not limit.isdecimal() or not 1 <= int(limit) <= 500:
            self._complain(request, f"status {wanted!r} or limit {limit!r} out of range")
            self._refuse(422, alpaca_unprocessable("invalid query"))
        after = self._time_of(request, "after", 0)
        until = self._time_of(request, "until", float("inf"))
        symbols = set(query["symbols"].split(",")) if "symbols" in query else None
        found = [
            order for order in self._book
            if self._simulator.shows(order) and after < order.entered_at < until
            and (wanted == "all" or order.is_open == (wanted == "open"))
            and (symbols is None or order.symbol in symbols)
        ]
        if query.get("direction", "desc") == "desc":
            found.reverse()
        return json_response(200, [self.show(order) for order in found[: int(limit)]])

    def _time_of(self, request: Request, name: str, default: float) -> float:
        try:
            moment = datetime.fromisoformat(request.query[name]) if name in request.query else None
        except ValueError:
            self._complain(request, f"{name} is no time")
            self._refuse(422, alpaca_unprocessable(f"invalid {name}"))
        if moment is None:
            return default
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def _found(self, order: Order | None, name: str) -> Order:
        if order is None or not self._simulator.shows(order):
            self._refuse(404, alpaca_not_found(f"order not found for {name}"))
        return order

    def _get_by_client_id(self, request: Request) -> Response:
        name = request.query.get("client_order_id", "")
        if not name:
            self._complain(request, "without client_order_id")
        return json_response(200, self.show(self._found(self._book.of_client(name), name)))

    def _named_in(self, request: Request) -> Order:
        name = request.segments[2]
        try:
            uuid.UUID(name)
        except ValueError:
            self._complain(request, "an order id that is no uuid")
            self._refuse(422, alpaca_error(40010001, "order_id is invalid"))
        return self._found(self._book.get(name), name)

    def _get_order(self, request: Request) -> Response:
        return json_response(200, self.show(self._named_in(request)))

    def _cancel_order(self, request: Request) -> Response:
        order = self._named_in(request)
        if not order.is_open and order.status != "canceled":
            self._refuse(422, alpaca_unprocessable(f'order is already in "{order.status}" state'))
        if order.is_open:
            self._book.end(order, "canceled")
        return Response(204)

    def show(self, order: Order) -> dict:
        ended = {name: stamp(order.closed_at) if order.status == name else None
                 for name in ("filled", "canceled", "expired", "rejected", "replaced")}
        word = order.word or WORDS.get(order.status) or ("partially_filled" if order.fills else "new")
        return {
            "id": order.uuid, "client_order_id": order.client_order_id or order.uuid,
            "created_at": stamp(order.entered_at), "updated_at": stamp(order.closed_at or order.entered_at),
            "submitted_at": stamp(order.entered_at), "filled_at": ended["filled"], "expired_at": ended["expired"],
            "canceled_at": ended["canceled"], "failed_at": ended["rejected"], "replaced_at": ended["replaced"],
            "replaced_by": None, "replaces": None, "asset_id": asset_id(order.symbol), "symbol": order.symbol,
            "asset_class": "us_equity", "notional": None, "qty": str(order.quantity), "filled_qty": str(order.filled),
            "filled_avg_price": None if order.price is None else plain(order.price), "order_class": "",
            "order_type": "market", "type": "market", "side": order.side, "time_in_force": "day",
            "limit_price": None, "stop_price": None, "status": word, "extended_hours": False, "legs": None,
            "trail_percent": None, "trail_price": None, "hwm": None, "position_intent": f"{order.side}_to_open",
            "source": None, "subtag": None,
        }

    # Market, account, positions

    def _get_clock(self, request: Request) -> Response:
        simulator = self._simulator
        now = simulator.now()
        opens = now + (24 * 3600 if simulator.is_open else simulator.next_open_seconds)
        closes = now + simulator.closes_in_seconds if simulator.is_open else opens + simulator.session_seconds
        return json_response(200, {
            "timestamp": local_stamp(now, fraction=True), "is_open": simulator.is_open,
            "next_open": local_stamp(opens), "next_close": local_stamp(closes),
        })

    def _get_calendar(self, request: Request) -> Response:
        today = datetime.fromtimestamp(self._simulator.now(), NEW_YORK).date()
        try:
            first = date.fromisoformat(request.query.get("start", str(today)))
            last = date.fromisoformat(request.query.get("end", str(first + timedelta(days=30))))
        except ValueError:
            self._complain(request, "start or end is no date")
            self._refuse(422, alpaca_unprocessable("invalid date"))
        days = (first + timedelta(days=count) for count in range((last - first).days + 1))
        short = today if self._simulator.is_half_day else None
        return json_response(200, [
            {"date": str(day), "open": "09:30", "close": "13:00" if day == short else "16:00", "session_open": "0400",
             "session_close": "2000", "settlement_date": str(day + timedelta(days=1))}
            for day in days if day.weekday() < 5 and not (day == today and self._simulator.market_day == "closed_day")
        ])

    def _get_account(self, request: Request) -> Response:
        shown = {name: value for name, value in self._simulator.account.items() if value is not None}
        return json_response(200, shown)

    def _list_positions(self, request: Request) -> Response:
        symbols = sorted(self._simulator.held_symbols())
        return json_response(200, [self._show_position(symbol) for symbol in symbols])

    def _get_position(self, request: Request) -> Response:
        symbol = request.segments[2]
        if self._book.position(symbol) == 0:
            self._refuse(404, alpaca_not_found("position does not exist"))
        return json_response(200, self._show_position(symbol))

    def _show_position(self, symbol: str) -> dict:
        quantity = self._book.position(symbol)
        closing = "sell" if quantity > 0 else "buy"
        free = self._book.available(symbol, closing) * (1 if quantity > 0 else -1)
        price = self._book.prices[symbol]
        value = plain(Decimal(price) * quantity)
        return {
            "asset_id": asset_id(symbol), "symbol": symbol, "exchange": "NASDAQ", "asset_class": "us_equity",
            "asset_marginable": True, "qty": str(quantity), "qty_available": str(free), "avg_entry_price": price,
            "side": "long" if quantity > 0 else "short", "market_value": value, "cost_basis": value,
            "unrealized_pl": "0", "unrealized_plpc": "0", "unrealized_intraday_pl": "0",
            "unrealized_intraday_plpc": "0", "current_price": price, "lastday_price": price, "change_today": "0",
        }


def asset_id(symbol: str) -> str:
    """Always the same for a symbol."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, symbol))
