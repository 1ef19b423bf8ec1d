"""Schwab's OAuth, Trader API and market hours, as far as a hedger of whole shares at the market needs them.

There is no key that makes an order unique, and a new order is one more order: whoever asks twice, buys twice.
"""

import base64
import re
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode

from .alpaca_sim import NEW_YORK, SYMBOL
from .broker_book import Order
from .broker_server import Refused, Request, Response, json_response, read_json

CODE_SECONDS = 30
LOGIN_SECONDS = 7 * 24 * 3600
LONGEST_LIST = 3000
LONGEST_RANGE = timedelta(days=366)
ENTERED_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4})")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
FORM_VALUE = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*")
INSTRUCTIONS = {"BUY": "buy", "BUY_TO_COVER": "buy", "SELL": "sell", "SELL_SHORT": "sell"}
STATUSES = {
    "AWAITING_PARENT_ORDER", "AWAITING_CONDITION", "AWAITING_STOP_CONDITION", "AWAITING_MANUAL_REVIEW", "ACCEPTED",
    "AWAITING_UR_OUT", "PENDING_ACTIVATION", "QUEUED", "WORKING", "REJECTED", "PENDING_CANCEL", "CANCELED",
    "PENDING_REPLACE", "REPLACED", "FILLED", "EXPIRED", "NEW", "AWAITING_RELEASE_TIME", "PENDING_ACKNOWLEDGEMENT",
    "PENDING_RECALL", "UNKNOWN",
}
# What must stand in an order: any other value is refused, as what the simulator does not play.
FIXED = {"orderType": "MARKET", "session": "NORMAL", "duration": "DAY", "orderStrategyType": "SINGLE"}
MARKETS = {"equity", "option", "bond", "future", "forex"}

SCHWAB_400 = {"message": "A validation error occurred while processing the request."}
SCHWAB_401 = {
    "errors": [{"id": "5f2d9a3e-6c1b-4f57-9d0e-7a1c2b3d4e5f", "status": 401, "title": "Unauthorized",
                "detail": "Client not authorized"}],
}
SCHWAB_404 = {"message": "Order not found"}
SCHWAB_500 = {"message": "An unexpected error occurred.", "errors": ["internal error"]}
SCHWAB_FAULT = {"fault": {"faultstring": "Body buffer overflow", "detail": {"errorcode": "protocol.http.TooBigBody"}}}
SCHWAB_DEAD_TOKEN = {
    "error": "unsupported_token_type",
    "error_description": '400 Bad Request: "{"error_description":"Exception while authenticating refresh token '
                         '[tokenDigest=Zm9v, Exception=Failed refresh token authentication [tokenDigest=Zm9v]]",'
                         '"error":"refresh_token_authentication_error"}"',
}
SCHWAB_INVALID_CLIENT = {"error": "invalid_client", "error_description": "Unauthorized"}


def stamp(at: float) -> str:
    """Schwab's times: no colon in the offset, no milliseconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def local_stamp(at: float) -> str:
    return datetime.fromtimestamp(at, NEW_YORK).isoformat(timespec="seconds")


def token(prefix: str) -> str:
    """With every character that must be encoded in a form."""
    return f"{prefix}.{base64.b64encode(secrets.token_bytes(48)).decode()}+/=@"


@dataclass
class Login:
    """What one login grants; there is only ever one."""

    refresh: str
    at: float
    alive: bool = True

    @property
    def is_valid(self) -> bool:
        return self.alive and time.time() - self.at < LOGIN_SECONDS


class Oauth:
    """Codes, tokens and their ends."""

    def __init__(self, simulator):
        self._simulator = simulator
        self._codes: dict[str, float] = {}
        self._access: dict[str, float] = {}
        self.login: Login | None = None
        self.logins = 0
        self.refreshes = 0
        self.refresh_attempts = 0

    def authorize(self, state: str | None = None) -> str:
        """Where the browser is sent after a person has logged in and consented."""
        code = f"C0.{secrets.token_urlsafe(24)}@"
        self._codes[code] = time.time() + CODE_SECONDS
        parameters = {"code": code, "session": str(uuid.uuid4()), **({"state": state} if state else {})}
        return f"{self._simulator.schwab_redirect_uri}?{urlencode(parameters)}"

    def accepts(self, access: str) -> bool:
        return self._access.get(access, 0) > time.time()

    def expire_access_tokens(self) -> None:
        self._access.clear()

    def answer(self, request: Request) -> Response:
        if request.path == "/v1/oauth/authorize" and request.method == "GET":
            return self._authorize_page(request)
        if request.path != "/v1/oauth/token":
            self._simulator.complain(request, "there is no such endpoint")
            return json_response(404, SCHWAB_FAULT)
        if request.method != "POST":
            self._simulator.complain(request, "method not allowed")
            return json_response(405, SCHWAB_FAULT)
        form = self._form_of(request)
        self._check_client(request)
        if form.get("grant_type") == "authorization_code":
            return self._redeem(request, form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(request, form)
        self._simulator.complain(request, f"grant_type is {form.get('grant_type')!r}")
        return json_response(400, {"error": "unsupported_grant_type"})

    def _authorize_page(self, request: Request) -> Response:
        """As if the person in the browser agreed at once."""
        query = request.query
        good = {"client_id": self._simulator.schwab_app_key, "redirect_uri": self._simulator.schwab_redirect_uri}
        if any(query.get(name) != value for name, value in good.items()) or query.get("response_type") != "code":
            self._simulator.complain(request, "response_type, client_id or redirect_uri is wrong")
            return json_response(400, {"error": "invalid_request"})
        return Response(302, headers={"Location": self.authorize(query.get("state"))})

    def _form_of(self, request: Request) -> dict[str, str]:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            self._simulator.complain(request, f"Content-Type is {request.headers.get('content-type')}")
            raise Refused(json_response(400, {"error": "invalid_request"}))
        text = request.body.decode("latin-1")
        for part in text.split("&"):
            if not FORM_VALUE.fullmatch(part.partition("=")[2]):
                self._simulator.complain(request, f"the form's {part.partition('=')[0]} is not percent-encoded")
        pairs = parse_qsl(text, keep_blank_values=True)
        form = dict(pairs)
        wanted = {"authorization_code": {"grant_type", "code", "redirect_uri"},
                  "refresh_token": {"grant_type", "refresh_token"}}.get(form.get("grant_type"), set())
        if form.keys() != wanted or len(pairs) != len(form):
            self._simulator.complain(request, f"the form's parameters are {[name for name, _ in pairs]}")
        return form

    def _check_client(self, request: Request) -> None:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            self._simulator.complain(request, "without Authorization: Basic")
        good = f"{self._simulator.schwab_app_key}:{self._simulator.schwab_app_secret}"
        if scheme != "Basic" or sent != base64.b64encode(good.encode()).decode():
            raise Refused(json_response(401, SCHWAB_INVALID_CLIENT))

    def _redeem(self, request: Request, form: dict) -> Response:
        ends_at = self._codes.pop(form.get("code", ""), 0)
        if ends_at < time.time() or form.get("redirect_uri") != self._simulator.schwab_redirect_uri:
            return json_response(400, {"error": "invalid_grant", "error_description": "Invalid authorization code"})
        self.login = Login(token("R0"), time.time())
        self.logins += 1
        self.expire_access_tokens()
        return self._grant()

    def _refresh(self, request: Request, form: dict) -> Response:
        self.refresh_attempts += 1
        if self.login is None or not self.login.is_valid or form.get("refresh_token") != self.login.refresh:
            return json_response(400, SCHWAB_DEAD_TOKEN)
        self.refreshes += 1
        if self._simulator.rotate_refresh_tokens:
            self.login.refresh = token("R0")
        if self._simulator.refresh_ends_access_tokens:
            self.expire_access_tokens()
        return self._grant()

    def _grant(self) -> Response:
        access = token("I0")
        seconds = self._simulator.access_token_seconds
        self._access[access] = time.time() + seconds
        return json_response(200, {
            "expires_in": seconds, "token_type": "Bearer", "scope": "api", "refresh_token": self.login.refresh,
            "access_token": access, "id_token": token("eyJ"),
        })


class Schwab:
    """The endpoints. Called with the simulator's lock held."""

    name = "schwab"

    def __init__(self, simulator):
        self._simulator = simulator
        self._book = simulator.book
        self.oauth = Oauth(simulator)

    def adorn(self, response: Response) -> None:
        """What every answer carries."""
        response.headers = {"Schwab-Client-CorrelId": str(uuid.uuid4()), **response.headers}

    def answer(self, request: Request) -> Response:
        try:
            if request.path.startswith("/v1/oauth"):
                return self.oauth.answer(request)
            self._check_token(request)
            if request.path.startswith("/marketdata/"):
                return self._market_data(request)
            return self._route(request)
        except Refused as refused:
            return refused.response

    def _refuse(self, status: int, body: dict) -> None:
        raise Refused(json_response(status, body))

    def _complain(self, request: Request, what: str) -> None:
        self._simulator.complain(request, what)

    def _violates(self, request: Request, what: str, body: dict = SCHWAB_400) -> None:
        """What the documents forbid is refused, and told to the test."""
        self._complain(request, what)
        self._refuse(400, body)

    def _check_token(self, request: Request) -> None:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer":
            self._complain(request, "without Authorization: Bearer")
        if scheme != "Bearer" or not self.oauth.accepts(sent):
            self._refuse(401, SCHWAB_401)

    def _check_query(self, request: Request, known: set[str]) -> None:
        for unknown in sorted(request.query.keys() - known):
            self._complain(request, f"unknown query parameter {unknown}")

    def _route(self, request: Request) -> Response:
        if self._simulator.schwab_account_number in request.segments:
            self._violates(request, "a plain account number in the path")
        parts = request.segments[2:]
        ours = self._simulator.schwab_account_hash
        if len(parts) > 1 and parts[0] == "accounts" and parts[1] not in ("accountNumbers", ours):
            self._refuse(404, {"message": "Invalid account number"})
        shape = tuple("*" if part == ours else part for part in parts)
        if len(shape) == 4 and shape[:3] == ("accounts", "*", "orders"):
            methods = {"GET": self._get_order, "DELETE": self._cancel_order}
        else:
            methods = {
                ("accounts", "accountNumbers"): {"GET": self._get_account_numbers},
                ("accounts", "*"): {"GET": self._get_account},
                ("accounts", "*", "orders"): {"GET": self._list_orders, "POST": self._post_order},
                ("orders",): {"GET": self._list_orders},
            }.get(shape)
        if methods is None:
            self._complain(request, "there is no such endpoint")
            self._refuse(404, {"message": "Not found"})
        if request.method not in methods:
            self._complain(request, "method not allowed")
            self._refuse(405, {"message": "Method not allowed"})
        return methods[request.method](request)

    # Accounts

    def _get_account_numbers(self, request: Request) -> Response:
        self._check_query(request, set())
        simulator = self._simulator
        return json_response(200, [
            *simulator.schwab_other_accounts,
            {"accountNumber": simulator.schwab_account_number, "hashValue": simulator.schwab_account_hash},
        ])

    def _get_account(self, request: Request) -> Response:
        self._check_query(request, {"fields"})
        if request.query.get("fields", "positions") != "positions":
            self._violates(request, f"fields is {request.query['fields']!r}")
        account = {
            "type": self._simulator.schwab_account_type, "accountNumber": self._simulator.schwab_account_number,
            "roundTrips": 0, "isDayTrader": False, "isClosingOnlyRestricted": False, "pfcbFlag": False,
            "currentBalances": self._balances(),
        }
        if "fields" in request.query:
            account["positions"] = [self._show_position(symbol) for symbol in sorted(self._simulator.held_symbols())]
        return json_response(200, {"securitiesAccount": account})

    def _balances(self) -> dict:
        """The members differ between cash and margin accounts."""
        settings = self._simulator.account
        cash, power, own = (float(settings[name] or 0)
                            for name in ("cash", "buying_power", "non_marginable_buying_power"))
        if self._simulator.schwab_account_type == "CASH":
            return {"cashBalance": cash, "cashAvailableForTrading": cash, "cashAvailableForWithdrawal": cash,
                    "totalCash": cash, "cashCall": 0.0, "unsettledCash": 0.0, "longNonMarginableMarketValue": 0.0,
                    "cashDebitCallValue": 0.0}
        return {"cashBalance": cash, "availableFunds": own, "availableFundsNonMarginableTrade": own,
                "buyingPower": power, "buyingPowerNonMarginableTrade": own, "dayTradingBuyingPower": power,
                "equity": cash, "equityPercentage": 100.0, "longMarginValue": 0.0, "shortMarginValue": 0.0,
                "maintenanceCall": 0.0, "maintenanceRequirement": 0.0, "marginBalance": 0.0, "regTCall": 0.0,
                "shortBalance": 0.0, "sma": own}

    def _show_position(self, symbol: str) -> dict:
        held = float(self._book.position(symbol))
        price = float(self._book.prices[symbol])
        return {
            "shortQuantity": max(0.0, -held), "longQuantity": max(0.0, held), "averagePrice": price,
            "currentDayProfitLoss": 0.0, "currentDayProfitLossPercentage": 0.0, "settledLongQuantity": max(0.0, held),
            "settledShortQuantity": min(0.0, held), "instrument": self._instrument(symbol),
            "marketValue": held * price, "maintenanceRequirement": 0.0,
        }

    def _instrument(self, symbol: str) -> dict:
        fund = symbol in self._simulator.funds
        return {"assetType": "COLLECTIVE_INVESTMENT" if fund else "EQUITY", "cusip": "037833100", "symbol": symbol,
                "instrumentId": instrument_id(symbol), "netChange": 0.0}

    # Orders

    def _post_order(self, request: Request) -> Response:
        self._check_query(request, set())
        order = self._read_order(request)
        order.entered_at = self._simulator.now()
        refusal = self._refusal(order)
        if refusal is None:
            self._simulator.accept(order)
        else:
            self._simulator.accept(order, f"reject:{refusal}")
        return Response(201, headers={"Location": self.location(order.number)})

    def location(self, number: int | str) -> str:
        account = self._simulator.schwab_account_hash
        return f"https://api.schwabapi.com/trader/v1/accounts/{account}/orders/{number}"

    def _read_order(self, request: Request) -> Order:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            self._violates(request, f"Content-Type is {request.headers.get('content-type')}")
        try:
            sent, twice = read_json(request)
        except ValueError:
            self._violates(request, "a body that is no JSON")
        if twice:
            self._complain(request, f"keys twice: {twice}")
            self._refuse(500, SCHWAB_500)
        self._require_keys(request, sent, {*FIXED, "orderLegCollection"}, "the order")
        for name, only in FIXED.items():
            if sent[name] != only:
                self._violates(request, f"{name} is {sent[name]!r}: only {only} is simulated")
        legs = sent["orderLegCollection"]
        if not isinstance(legs, list) or len(legs) != 1:
            self._violates(request, "not one leg")
        return self._read_leg(request, legs[0])

    def _require_keys(self, request: Request, value, keys: set[str], what: str) -> None:
        """Exactly these: of the keys that Schwab knows beyond them, none belongs into a market order."""
        if not isinstance(value, dict):
            self._violates(request, f"{what} is no object")
        for unknown in sorted(value.keys() - keys):
            self._violates(request, f"{what} has the key {unknown}")
        for missing in sorted(keys - value.keys()):
            self._violates(request, f"{what} has no {missing}")

    def _read_leg(self, request: Request, leg) -> Order:
        self._require_keys(request, leg, {"instruction", "quantity", "instrument"}, "the leg")
        self._require_keys(request, leg["instrument"], {"symbol", "assetType"}, "the instrument")
        quantity = leg["quantity"]
        if isinstance(quantity, bool) or not isinstance(quantity, (int, float)):
            self._violates(request, f"quantity is no number: {quantity!r}")
        if quantity <= 0 or quantity != int(quantity):
            self._violates(request, f"quantity is not whole and positive: {quantity!r}")
        symbol = leg["instrument"]["symbol"]
        if not isinstance(symbol, str) or not SYMBOL.fullmatch(symbol):
            self._violates(request, f"symbol is {symbol!r}")
        if leg["instrument"]["assetType"] != "EQUITY" or leg["instruction"] not in INSTRUCTIONS:
            self._violates(request, f"assetType or instruction is unknown: {leg}")
        if symbol in self._simulator.unknown_symbols:
            self._refuse(400, SCHWAB_400)
        return Order(self.name, symbol, INSTRUCTIONS[leg["instruction"]], int(quantity),
                     instruction=leg["instruction"])

    def _refusal(self, order: Order) -> str | None:
        """Why the order is accepted and then rejected: 201 is not yet the market's word."""
        held = self._book.position(order.symbol)
        free = self._book.available(order.symbol, order.side)
        oversold = "Position_Sys_0001: Your order may result in an oversold/overbought position"
        if order.instruction in ("SELL", "BUY_TO_COVER"):
            fits = (held > 0) == (order.instruction == "SELL") and order.quantity <= free
            return None if fits else oversold
        if order.instruction == "SELL_SHORT":
            margin = self._simulator.schwab_account_type == "MARGIN"
            if not margin or not self._simulator.allowed_short:
                return "Short sales are not allowed in this account"
            return oversold if held > 0 else None
        if held < 0:
            return oversold
        cost = Decimal(self._book.prices[order.symbol]) * order.quantity
        if cost > Decimal(self._simulator.account["buying_power"] or 0):
            return "You do not have enough available cash/buying power for this order"
        return None

    def _list_orders(self, request: Request) -> Response:
        self._check_query(request, {"fromEnteredTime", "toEnteredTime", "maxResults", "status"})
        first, last = (self._day_of(request, name) for name in ("fromEnteredTime", "toEnteredTime"))
        if first > last or last - first > LONGEST_RANGE:
            self._violates(request, "fromEnteredTime and toEnteredTime span nothing, or more than a year")
        limit = request.query.get("maxResults", str(LONGEST_LIST))
        if not limit.isdecimal() or int(limit) == 0:
            self._violates(request, f"maxResults is {limit!r}")
        wanted = request.query.get("status")
        if wanted is not None and wanted not in STATUSES:
            self._violates(request, f"status is {wanted!r}")
        found = [
            order for order in self._book
            if self._simulator.shows(order) and first <= datetime.fromtimestamp(order.entered_at, UTC).date() <= last
            and wanted in (None, self._word(order))
        ]
        return json_response(200, [self.show(order) for order in found[::-1][: int(limit)]])

    def _day_of(self, request: Request, name: str) -> date:
        """The day only: the time of day is demanded, and ignored."""
        text = request.query.get(name, "")
        invalid = {"message": f"'{text}' is not a valid value for {name}"}
        if not ENTERED_TIME.fullmatch(text):
            self._violates(request, f"{name} is {text!r}", invalid)
        try:
            return datetime.fromisoformat(text).astimezone(UTC).date()
        except ValueError:
            self._violates(request, f"{name} is {text!r}", invalid)

    def _named_in(self, request: Request) -> Order:
        self._check_query(request, set())
        name = request.segments[5]
        if not name.isdecimal():
            self._violates(request, "an order id that is no number")
        order = self._book.get(name)
        if order is None or not self._simulator.shows(order):
            self._refuse(404, SCHWAB_404)
        return order

    def _get_order(self, request: Request) -> Response:
        return json_response(200, self.show(self._named_in(request)))

    def _cancel_order(self, request: Request) -> Response:
        order = self._named_in(request)
        if not order.is_open:
            self._refuse(400, {"message": f"Order {order.number} cannot be canceled."})
        self._book.end(order, "canceled")
        return Response(200)

    def _word(self, order: Order) -> str:
        words = {"queued": "PENDING_ACTIVATION", "working": "WORKING"}
        return order.word or words.get(order.status, order.status.upper())

    def show(self, order: Order) -> dict:
        """One read of the order: legs_lag counts these."""
        lags = self._word(order) == "FILLED" and order.looks < self._simulator.legs_lag
        if lags:
            order.looks += 1
            self._book.save(order)
        activities = [] if lags else self._fills(order)
        if order.status in ("rejected", "canceled", "expired"):
            activities.append(self._ending(order))
        shown = {
            "session": "NORMAL", "duration": "DAY", "orderType": "MARKET", "complexOrderStrategyType": "NONE",
            "quantity": float(order.quantity), "filledQuantity": float(order.filled),
            "remainingQuantity": 0.0 if order.closed_at else float(order.remaining),
            "requestedDestination": "AUTO", "destinationLinkName": "AutoRoute",
            "orderLegCollection": [{
                "orderLegType": "EQUITY", "legId": 1, "instrument": self._instrument(order.symbol),
                "instruction": order.instruction or order.side.upper(), "positionEffect": "AUTOMATIC",
                "quantity": float(order.quantity),
            }],
            "orderStrategyType": "SINGLE", "orderId": order.number, "cancelable": order.is_open,
            "editable": order.is_open, "status": self._word(order), "enteredTime": stamp(order.entered_at),
            "tag": "API_TOS:TRADE_ALL" if order.by_hand else "TA_simulated",
            "accountNumber": int(self._simulator.schwab_account_number),
        }
        if order.closed_at is not None:
            shown["closeTime"] = stamp(order.closed_at)
        if activities:
            shown["orderActivityCollection"] = activities
        if order.reason:
            shown["statusDescription"] = order.reason
        return shown

    def _fills(self, order: Order) -> list[dict]:
        """One activity for each fill, the oldest first."""
        made = []
        left = order.quantity
        for index, fill in enumerate(order.fills):
            left -= fill["quantity"]
            made.append(activity(order, "EXECUTION", "FILL", index, fill["quantity"], max(0, left), fill["price"],
                                 fill["at"]))
        return made

    def _ending(self, order: Order) -> dict:
        """Rejects and cancels have a leg of the full quantity, at no price: nobody was paid."""
        return activity(order, "ORDER_ACTION", "CANCEL_REPLACE", len(order.fills), order.quantity, 0, "0",
                        order.closed_at)

    # Market data

    def _market_data(self, request: Request) -> Response:
        parts = request.segments
        single = len(parts) == 4
        if parts[:3] != ["marketdata", "v1", "markets"] or len(parts) not in (3, 4):
            self._complain(request, "there is no such endpoint")
            self._refuse(404, market_error("404", "Not Found", request.path))
        if request.method != "GET":
            self._complain(request, "method not allowed")
            self._refuse(405, market_error("405", "Method Not Allowed", request.method))
        self._check_query(request, {"date"} if single else {"markets", "date"})
        markets = [parts[3]] if single else request.query.get("markets", "").split(",")
        if not set(markets) <= MARKETS:
            self._violates(request, f"markets is {markets}", market_error("400", "Bad Request", "markets"))
        today = datetime.fromtimestamp(self._simulator.now(), NEW_YORK).date()
        text = request.query.get("date", str(today))
        if not DAY.fullmatch(text):
            self._violates(request, f"date is {text!r}", market_error("400", "Bad Request", "date"))
        day = date.fromisoformat(text)
        # The client may reckon New York's day by standard time all the year.
        if not today - timedelta(days=1) <= day <= today + timedelta(days=366):
            self._violates(request, f"date is {text!r}: not within a year from now",
                           market_error("400", "Bad Request", "date"))
        return json_response(200, {"equity": self._equity(day, today)} if "equity" in markets else {})

    def _equity(self, day: date, today: date) -> dict:
        """The session of a day: another day's is today's, moved."""
        kind = self._simulator.market_day
        closed = {"date": str(day), "marketType": "EQUITY", "product": "equity", "isOpen": False}
        if kind == "closed_day":
            return {"equity": closed}
        moved = 24 * 3600 * (day - today).days if day > today else 0
        start, end = (at + moved for at in self._simulator.session())
        return {"EQ": {**closed, "product": "EQ", "productName": "equity", "category": None, "exchange": None,
                       "isOpen": True, "sessionHours": {
                           "preMarket": [{"start": local_stamp(start - 2.5 * 3600), "end": local_stamp(start)}],
                           "regularMarket": [{"start": local_stamp(start), "end": local_stamp(end)}],
                           "postMarket": [{"start": local_stamp(end), "end": local_stamp(end + 4 * 3600)}],
                       }}}


def activity(order: Order, kind: str, execution: str, index: int, quantity: int, left: int, price: str,
             at: float) -> dict:
    return {
        "activityType": kind, "activityId": order.number * 100 + index, "executionType": execution,
        "quantity": float(quantity), "orderRemainingQuantity": float(left),
        "executionLegs": [{
            "legId": 1, "quantity": float(quantity), "mismarkedQuantity": 0.0, "price": float(price),
            "time": stamp(at), "instrumentId": instrument_id(order.symbol),
        }],
    }


def instrument_id(symbol: str) -> int:
    """Always the same for a symbol."""
    return uuid.uuid5(uuid.NAMESPACE_OID, symbol).int % 10**8


def market_error(status: str, title: str, detail: str) -> dict:
    return {"errors": [{"id": str(uuid.uuid4()), "status": status, "title": title, "detail": detail,
                        "source": {"parameter": detail}}]}
