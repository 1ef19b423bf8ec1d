"""The simulated broker itself: that it says yes, no and nothing as the real ones do. No program of ours runs here."""

import base64
import gzip
import http.client
import json
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from lib.broker_book import Book
from lib.broker_sim import ALPACA_429, HTML_502, SCHWAB_DEAD_TOKEN, BrokerSimulator, Fault
from lib.process import wait_until

LOST = (ConnectionError, http.client.HTTPException, ssl.SSLError)


class Client:
    """An honest client, one connection kept alive until it breaks."""

    def __init__(self, broker: BrokerSimulator, headers: dict):
        self.broker = broker
        self.headers = headers
        self.context = None
        if broker.url.startswith("https"):
            self.context = ssl.create_default_context(cafile=broker.ca_file)
        self.open()

    def open(self) -> None:
        if self.context:
            self.wire = http.client.HTTPSConnection("localhost", self.broker.port, timeout=5, context=self.context)
        else:
            self.wire = http.client.HTTPConnection("127.0.0.1", self.broker.port, timeout=5)

    def ask(self, method: str, path: str, body=None, **headers):
        """(status, JSON or bytes, headers)"""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        kind = {"Content-Type": "application/json"} if isinstance(body, (dict, list)) else {}
        sent = {"User-Agent": "test/1", **self.headers, **kind, **headers}
        try:
            self.wire.request(method, path, data, {name: value for name, value in sent.items() if value is not None})
            answer = self.wire.getresponse()
            text = answer.read()
        except LOST:
            self.wire.close()
            raise
        if answer.headers.get_content_type() == "application/json" and "Content-Encoding" not in answer.headers:
            return answer.status, json.loads(text) if text else None, answer.headers
        return answer.status, text, answer.headers


class AlpacaClient(Client):
    def __init__(self, broker: BrokerSimulator):
        super().__init__(broker, {"APCA-API-KEY-ID": broker.alpaca_key, "APCA-API-SECRET-KEY": broker.alpaca_secret})
        self.made = 0

    def order(self, side="buy", qty="5", name=None, **changes) -> dict:
        self.made += 1
        return {"symbol": "AAPL", "qty": qty, "side": side, "type": "market", "time_in_force": "day",
                "client_order_id": name or f"exec-{self.made}", **changes}

    def post(self, *arguments, **changes):
        return self.ask("POST", "/v2/orders", self.order(*arguments, **changes))


class SchwabClient(Client):
    def __init__(self, broker: BrokerSimulator):
        super().__init__(broker, {})
        self.refresh_token = None
        self.base = f"/trader/v1/accounts/{broker.schwab_account_hash}"

    def token(self, **form):
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in form.items())
        client = f"{self.broker.schwab_app_key}:{self.broker.schwab_app_secret}"
        status, said, _ = self.ask(
            "POST", "/v1/oauth/token", text.encode(),
            **{"Content-Type": "application/x-www-form-urlencoded",
               "Authorization": f"Basic {base64.b64encode(client.encode()).decode()}"},
        )
        if status == 200:
            self.refresh_token = said["refresh_token"]
            self.headers = {"Authorization": f"Bearer {said['access_token']}"}
        return status, said

    def login(self) -> "SchwabClient":
        code = parse_qs(urlsplit(self.broker.authorize()).query)["code"][0]
        status, _ = self.token(grant_type="authorization_code", code=code, redirect_uri=self.broker.schwab_redirect_uri)
        assert status == 200
        return self

    def refresh(self):
        return self.token(grant_type="refresh_token", refresh_token=self.refresh_token)

    def post(self, instruction="BUY", quantity=10, symbol="AMD", **changes):
        order = {
            "orderType": "MARKET", "session": "NORMAL", "duration": "DAY", "orderStrategyType": "SINGLE",
            "orderLegCollection": [{"instruction": instruction, "quantity": quantity,
                                    "instrument": {"symbol": symbol, "assetType": "EQUITY"}}],
        }
        return self.ask("POST", f"{self.base}/orders", {**order, **changes})

    def placed(self, **changes) -> str:
        status, body, headers = self.post(**changes)
        assert (status, body) == (201, b"")
        return headers["Location"].rpartition("/")[2]

    def read(self, order_id) -> dict:
        status, order, _ = self.ask("GET", f"{self.base}/orders/{order_id}")
        assert status == 200
        return order

    def listed(self, days=1, **more):
        ends = [datetime.now(UTC) - timedelta(days=days), datetime.now(UTC) + timedelta(days=days)]
        first, last = (quote(end.strftime("%Y-%m-%dT%H:%M:%S.000Z")) for end in ends)
        further = "".join(f"&{name}={value}" for name, value in more.items())
        return self.ask("GET", f"{self.base}/orders?fromEnteredTime={first}&toEnteredTime={last}{further}")[1]


@pytest.fixture
def broker(workdir):
    with BrokerSimulator(workdir / "broker", tls=False) as simulator:
        yield simulator


@pytest.fixture
def alpaca(broker):
    return AlpacaClient(broker)


@pytest.fixture
def schwab(broker):
    return SchwabClient(broker).login()


def test_an_alpaca_order_is_pending_in_the_answer_and_filled_in_the_next_read(broker, alpaca):
    status, order, headers = alpaca.post()
    assert (status, order["status"], order["qty"], order["filled_qty"]) == (200, "pending_new", "5", "0")
    assert headers["X-RateLimit-Remaining"] == "199"
    for path in (f"/v2/orders/{order['id']}", "/v2/orders:by_client_order_id?client_order_id=exec-1"):
        _, read, _ = alpaca.ask("GET", path)
        assert (read["status"], read["filled_qty"], read["filled_avg_price"]) == ("filled", "5", "150.25")
    assert alpaca.ask("GET", "/v2/orders")[1] == []
    assert [one["id"] for one in alpaca.ask("GET", "/v2/orders?status=all&symbols=AAPL")[1]] == [order["id"]]
    assert broker.order(order["id"])["client_order_id"] == "exec-1"
    assert broker.positions["AAPL"] == 1_000_005
    assert broker.violations == []


def test_alpaca_refuses_with_its_codes(broker, alpaca):
    broker.positions.update(AAPL=4, GME=-3, AMD=0)
    broker.unknown_symbols.add("ZZZZ")
    broker.on_order = "open"
    for changes, status, code, words in (
        ({"side": "sell"}, 403, 40310000, "insufficient qty available for order (requested: 5, available: 4)"),
        ({"symbol": "GME"}, 403, 40310000, "insufficient qty available"),
        ({"symbol": "ZZZZ"}, 422, 42210000, 'asset "ZZZZ" not found'),
        ({"qty": "1.5"}, 403, 40310000, "not fractionable"),
        ({"qty": "100000"}, 403, 40310000, "insufficient buying power"),
    ):
        answer, said, _ = alpaca.ask("POST", "/v2/orders", alpaca.order(**changes))
        assert (answer, said["code"]) == (status, code)
        assert words in said["message"]
    broker.account["shorting_enabled"] = False
    assert "not allowed to short" in alpaca.post("sell", symbol="AMD")[1]["message"]
    broker.account["trading_blocked"] = True
    assert alpaca.post()[0] == 403
    assert broker.count() == 0
    assert broker.violations == []


def test_alpaca_keeps_an_id_for_ever_and_one_order_for_each_symbol(broker, alpaca):
    broker.on_order = "open"
    order = alpaca.post(name="once")[1]
    _, wash, _ = alpaca.post("sell")
    assert (wash["code"], wash["existing_order_id"]) == (40310000, order["id"])
    assert alpaca.post("buy")[0] == 403
    assert alpaca.post(name="once")[:2] == (422, {"code": 40010001, "message": "client_order_id must be unique"})
    assert alpaca.ask("DELETE", f"/v2/orders/{order['id']}")[0] == 204
    assert alpaca.post(name="once")[0] == 422
    broker.on_order = "fill"
    filled = alpaca.post(name="twice")[1]
    status, said, _ = alpaca.ask("DELETE", f"/v2/orders/{filled['id']}")
    assert (status, said["message"]) == (422, 'order is already in "filled" state')
    assert alpaca.ask("GET", "/v2/orders:by_client_order_id?client_order_id=none")[1] == {
        "code": 40410000, "message": "order not found for none"}
    assert broker.violations == []


def test_the_clock_the_calendar_and_the_account_of_alpaca(broker, alpaca):
    clock = alpaca.ask("GET", "/v2/clock")[1]
    assert clock["is_open"] and clock["next_close"] > clock["timestamp"]
    broker.market_open = False
    assert not alpaca.ask("GET", "/v2/clock")[1]["is_open"]
    order = alpaca.post()[1]
    assert (order["status"], broker.order(order["id"])["filled"]) == ("accepted", 0)
    broker.market_open = True
    assert broker.order(order["id"])["filled"] == 5
    assert {"date", "open", "close"} < alpaca.ask("GET", "/v2/calendar?start=2026-11-23&end=2026-11-23")[1][0].keys()
    assert alpaca.ask("GET", "/v2/account")[1]["account_number"] == "PA1234567"
    assert alpaca.ask("GET", "/v2/positions/AAPL")[1]["qty"] == "1000005"
    broker.positions["AAPL"] = -7
    assert alpaca.ask("GET", "/v2/positions/AAPL")[1]["side"] == "short"
    broker.positions["AAPL"] = 0
    assert alpaca.ask("GET", "/v2/positions/AAPL")[1]["message"] == "position does not exist"
    assert "AMD" in {one["symbol"] for one in alpaca.ask("GET", "/v2/positions")[1]}
    assert broker.violations == []


@pytest.mark.parametrize(
    ("request_of", "status", "words"),
    [
        (lambda one: one.post(colour="red"), 422, "unknown key colour"),
        (lambda one: one.post(qty=5), 200, "qty is not text"),
        (lambda one: one.post(name="x" * 49), 200, "too long"),
        (lambda one: one.post(name="a b"), 200, "not of"),
        (lambda one: one.post(type="limit", limit_price="1"), 422, "only market is simulated"),
        (lambda one: one.post(extended_hours=True), 422, "extended_hours"),
        (lambda one: one.ask("POST", "/v2/orders", b"{}"), 400, "Content-Type"),
        (lambda one: one.ask("GET", "/v2/orders?colour=red"), 200, "unknown query parameter colour"),
        (lambda one: one.ask("GET", "/v2/clock", b"{}"), 200, "with a body"),
        (lambda one: one.ask("GET", "/v2/clock", **{"User-Agent": ""}), 200, "without User-Agent"),
        (lambda one: one.ask("GET", "/v2/clock", **{"APCA-API-KEY-ID": None}), 401, "without APCA"),
        (lambda one: one.ask("HEAD", "/v2/clock"), 405, "method not allowed"),
        (lambda one: one.ask("GET", "/v2/watchlists"), 404, "no such endpoint"),
        (lambda one: one.ask("POST", "/v2/orders", iter([b"{}"])), 400, "plain Content-Length"),
        (lambda one: one.ask("POST", "/v2/orders", {}, Expect="100-continue"), 400, "Expect"),
    ],
)
def test_what_alpacas_documents_forbid_is_told(broker, alpaca, request_of, status, words):
    assert request_of(alpaca)[0] == status
    assert words in broker.violations[0]


def test_a_schwab_order_is_known_by_its_location_and_paid_in_legs(broker, schwab):
    broker.split_fills = True
    broker.legs_lag = 1
    order_id = schwab.placed(quantity=18)
    assert len(order_id) == 13
    late = schwab.read(order_id)
    assert (late["status"], late["filledQuantity"]) == ("FILLED", 18.0)
    assert "orderActivityCollection" not in late
    order = schwab.read(order_id)
    legs = [leg for one in order["orderActivityCollection"] for leg in one["executionLegs"]]
    assert [(leg["quantity"], leg["price"]) for leg in legs] == [(9.0, 150.25), (9.0, 150.26)]
    assert order["orderId"] == int(order_id) and order["enteredTime"].endswith("+0000")
    assert [one["orderId"] for one in schwab.listed()] == [int(order_id)]
    assert schwab.listed(status="WORKING") == []
    assert broker.order(order_id)["price"] == "150.255"
    assert broker.violations == []


def test_schwab_rejects_after_it_accepted(broker, schwab):
    broker.positions["AMD"] = 3
    order = schwab.read(schwab.placed(instruction="SELL"))
    ending = order["orderActivityCollection"][0]
    assert (order["status"], order["filledQuantity"]) == ("REJECTED", 0.0)
    assert "oversold" in order["statusDescription"]
    assert (ending["activityType"], ending["executionType"]) == ("ORDER_ACTION", "CANCEL_REPLACE")
    assert [(leg["price"], leg["quantity"]) for leg in ending["executionLegs"]] == [(0.0, 10.0)]
    assert schwab.read(schwab.placed(instruction="SELL_SHORT"))["status"] == "REJECTED"
    assert schwab.read(schwab.placed(instruction="SELL", quantity=3))["status"] == "FILLED"
    assert schwab.read(schwab.placed(instruction="SELL_SHORT", quantity=2))["status"] == "FILLED"
    assert schwab.read(schwab.placed(quantity=2))["status"] == "REJECTED"
    assert schwab.read(schwab.placed(instruction="BUY_TO_COVER", quantity=2))["status"] == "FILLED"
    assert broker.violations == []


@pytest.mark.parametrize(
    ("request_of", "status", "words"),
    [
        (lambda one: one.post(tag="mine"), 400, "the key tag"),
        (lambda one: one.post(requestedDestination="AUTO"), 400, "requestedDestination"),
        (lambda one: one.post(quantity="10"), 400, "no number"),
        (lambda one: one.post(quantity=1.5), 400, "not whole"),
        (lambda one: one.post(duration="GTC"), 400, "duration"),
        (lambda one: one.ask("GET", "/trader/v1/accounts/12345678/orders"), 400, "plain account number"),
        (lambda one: one.ask("GET", f"{one.base}/orders"), 400, "fromEnteredTime"),
        (lambda one: one.ask("GET", f"{one.base}/orders?fromEnteredTime=2026-05-15&toEnteredTime=x"), 400, "is '2026"),
        (lambda one: one.ask("GET", f"{one.base}?fields=positions", Authorization=None), 401, "without"),
        (lambda one: one.ask("GET", "/marketdata/v1/markets?markets=equity&date=2026-05-15T00:00:00Z"), 400, "date is"),
        (lambda one: one.ask("PUT", f"{one.base}/orders/1", {}), 405, "method not allowed"),
        (lambda one: one.ask("POST", f"{one.base}/orders", b'{"session": 1, "session": 2}',
                             **{"Content-Type": "application/json"}), 500, "twice"),
    ],
)
def test_what_schwabs_documents_forbid_is_told(broker, schwab, request_of, status, words):
    assert request_of(schwab)[0] == status
    assert words in broker.violations[0]
    assert broker.count() == 0


def test_schwabs_accounts_and_market_hours(broker, schwab):
    accounts = schwab.ask("GET", "/trader/v1/accounts/accountNumbers")[1]
    assert {"accountNumber": "12345678", "hashValue": broker.schwab_account_hash} in accounts
    account = schwab.ask("GET", f"{schwab.base}?fields=positions")[1]["securitiesAccount"]
    assert account["currentBalances"]["availableFundsNonMarginableTrade"] == 1000000.0
    assert {one["instrument"]["symbol"]: one["longQuantity"] for one in account["positions"]}["AMD"] == 1000000.0
    now = datetime.now(UTC)
    for day, is_open_day, is_open in (("open", True, True), ("half_day", True, True), ("before_open", True, False),
                                      ("after_close", True, False), ("closed_day", False, False)):
        broker.schwab_day = day
        said = schwab.ask("GET", "/marketdata/v1/markets?markets=equity")[1]["equity"]
        product = next(iter(said.values()))
        assert product["isOpen"] == is_open_day
        assert ("EQ" in said, "sessionHours" in product) == (is_open_day, is_open_day)
        if is_open_day:
            hours = product["sessionHours"]["regularMarket"][0]
            start, end = (datetime.fromisoformat(hours[name]) for name in ("start", "end"))
            assert (start <= now < end) == is_open
    assert broker.violations == []


def test_tokens_end_and_one_login_ends_the_other(broker, schwab):
    def account():
        return schwab.ask("GET", "/trader/v1/accounts/accountNumbers")

    assert account()[0] == 200
    broker.expire_access_tokens()
    status, said, _ = account()
    assert (status, said["errors"][0]["detail"]) == (401, "Client not authorized")
    first = schwab.refresh_token
    assert schwab.refresh()[0] == 200 and schwab.refresh_token == first and account()[0] == 200
    broker.rotate_refresh_tokens = True
    assert schwab.refresh()[0] == 200 and schwab.refresh_token != first
    assert schwab.token(grant_type="refresh_token", refresh_token=first) == (400, SCHWAB_DEAD_TOKEN)
    other = SchwabClient(broker).login()
    assert schwab.refresh()[0] == 400 and account()[0] == 401
    broker.age_login(7 * 24 * 3600)
    assert other.refresh()[0] == 400
    other.login()
    broker.kill_refresh_token()
    assert other.refresh() == (400, SCHWAB_DEAD_TOKEN)
    assert (broker.logins, broker.refreshes, broker.refresh_attempts) == (3, 2, 6)
    assert broker.violations == []


def test_a_code_serves_once_and_forms_must_be_encoded(broker):
    client = SchwabClient(broker)
    address = broker.authorize("some-state")
    assert "%40&" in address and address.endswith("state=some-state")
    code = parse_qs(urlsplit(address).query)["code"][0]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": broker.schwab_redirect_uri}
    assert client.token(**grant)[0] == 200
    assert client.token(**grant)[0] == 400
    assert broker.violations == []
    status, _, _ = client.ask("POST", "/v1/oauth/token", f"grant_type=refresh_token&refresh_token={code}".encode(),
                              **{"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic eA=="})
    assert status == 401
    assert "not percent-encoded" in broker.violations[0]


@pytest.mark.parametrize(
    ("plan", "status", "filled"),
    [("fill", "filled", 5), ("open", "working", 0), ("partial:2", "working", 2), ("partial_expire:2", "expired", 2),
     ("partial_cancel:2", "canceled", 2), ("reject", "rejected", 0), ("expire", "expired", 0), ("over:3", "filled", 8),
     ("status:done_for_day", "done_for_day", 0)],
)
def test_what_becomes_of_an_order(broker, alpaca, plan, status, filled):
    broker.on_order = plan
    order = broker.order(alpaca.post()[1]["id"])
    assert (order["status"], order["filled"]) == (status, filled)
    assert broker.positions.get("AAPL", 1_000_000) == 1_000_000 + filled


def test_orders_are_driven_by_hand_and_by_time(broker, alpaca):
    broker.on_order = "open"
    order_id = alpaca.post()[1]["id"]
    broker.fill(order_id, 2, "100")
    assert alpaca.ask("GET", f"/v2/orders/{order_id}")[1]["status"] == "partially_filled"
    broker.fill(order_id, price="110.5")
    assert (broker.order(order_id)["status"], broker.order(order_id)["price"]) == ("filled", "106.3")
    broker.reject(alpaca.post()[1]["id"], "no reason")
    broker.expire(alpaca.post()[1]["id"])
    broker.cancel(broker.place_by_hand("AAPL", "sell", 7)["id"])
    assert [one["status"] for one in broker.orders()] == ["filled", "rejected", "expired", "canceled"]
    broker.on_order = "status:suspended"
    order_id = alpaca.post()[1]["id"]
    assert alpaca.ask("GET", f"/v2/orders/{order_id}")[1]["status"] == "suspended"
    broker.fill(order_id)
    assert alpaca.ask("GET", f"/v2/orders/{order_id}")[1]["status"] == "filled"
    broker.on_order = lambda order: "fill_after:0.05" if order["side"] == "buy" else "open"
    alpaca.post()
    broker.wait_for(lambda: broker.orders()[-1]["status"] == "filled", 2, "the fill")


def test_a_new_order_is_hidden_for_a_while(broker, schwab):
    broker.lag_seconds = 0.1
    order_id = schwab.placed()
    assert schwab.ask("GET", f"{schwab.base}/orders/{order_id}")[0] == 404
    assert schwab.listed() == []
    time.sleep(0.11)
    assert schwab.read(order_id)["status"] == "FILLED"
    assert len(schwab.listed()) == 1


def test_orders_stand_on_the_disk(broker, alpaca, workdir):
    alpaca.post()
    copy = Book(workdir / "broker/broker.db")
    assert [order.as_dict() for order in copy] == broker.orders()
    copy.close()


@pytest.mark.parametrize(
    ("kind", "value", "orders"),
    [("drop_in_request", 40, 0), ("drop_before", None, 0), ("drop_after", None, 1), ("stall_before", 0.05, 0),
     ("stall_after", 0.05, 1), ("truncated", None, 1)],
)
def test_a_fault_that_ends_the_connection(broker, alpaca, kind, value, orders):
    called = threading.Event()
    fault = broker.add_fault(Fault("POST /v2/orders$", kind, value=value, call=called.set))
    with pytest.raises(LOST):
        alpaca.post(name="lost")
    assert (broker.count(), fault.applied, called.is_set()) == (orders, 1, True)
    assert [(one.method, one.path) for one in broker.requests] == [("POST", "/v2/orders")]
    assert alpaca.post(name="lost")[0] == (422 if orders else 200)
    assert broker.violations == []


def test_faults_that_spoil_the_answer(broker, alpaca):
    def account(kind, value=None):
        broker.add_fault(Fault("GET /v2/account", kind, value=value))
        return alpaca.ask("GET", "/v2/account")

    assert json.loads(gzip.decompress(account("gzip")[1]))["status"] == "ACTIVE"
    assert len(json.dumps(account("huge", 100_000)[1])) == 100_000
    assert account("slow", 0.00001)[1]["status"] == "ACTIVE"
    status, said, headers = account("status_before", (429, ALPACA_429, {"Retry-After": "2"}))
    assert (status, said, headers["Retry-After"]) == (429, ALPACA_429, "2")
    assert "X-RateLimit-Reset" in headers
    broker.add_fault(Fault("POST /v2/orders", "status_after", value=(502, HTML_502)))
    assert alpaca.post()[:2] == (502, HTML_502.encode())
    assert broker.count() == 1
    broker.add_fault(Fault("POST /v2/orders", "unparsable"))
    with pytest.raises(ValueError):
        alpaca.post()
    assert broker.count() == 2


def test_faults_of_schwabs_location(broker, schwab):
    first = schwab.placed()
    match = "POST /trader/v1/accounts/*/orders"
    for kind in ("no_location", "wrong_location"):
        broker.add_fault(Fault(match, kind))
    broker.add_fault(Fault(match, "wrong_location", value=99))
    broker.add_fault(Fault(match, "odd_location"))
    assert schwab.post()[2]["Location"] is None
    assert schwab.post()[2]["Location"].rpartition("/")[2] in {one["id"] for one in broker.orders()[:-1]}
    assert schwab.post()[2]["Location"].endswith("/99")
    assert schwab.post()[2]["Location"].endswith("/orders/pending")
    assert broker.count() == 5 and first == broker.orders()[0]["id"]
    assert broker.violations == []


def test_faults_wait_count_and_end(broker, alpaca):
    fault = broker.add_fault(Fault("GET ^/v2/(clock|account)$", "status_before", after=1, times=2, value=(503,)))
    assert [alpaca.ask("GET", "/v2/clock")[0] for _ in range(4)] == [200, 503, 503, 200]
    assert (fault.seen, fault.applied) == (4, 2)
    broker.add_fault(Fault("*", "status_before", times=None, value=(500,)))
    assert alpaca.ask("GET", "/v2/account")[0] == 500
    broker.clear_faults()
    assert alpaca.ask("GET", "/v2/account")[0] == 200


def test_a_fault_may_call_what_uses_the_broker(broker, alpaca):
    broker.add_fault(Fault("POST /v2/orders", "call_before", call=lambda: broker.place_by_hand("GME", "buy", 1)))
    assert alpaca.post()[0] == 200
    assert [one["by_hand"] for one in broker.orders()] == [True, False]


def test_nobody_listens_for_a_while(broker, alpaca):
    assert alpaca.ask("GET", "/v2/clock")[0] == 200
    broker.add_fault(Fault("*", "refuse", value=1))
    with pytest.raises(LOST):
        alpaca.ask("GET", "/v2/clock")
    with pytest.raises(ConnectionRefusedError):
        alpaca.ask("GET", "/v2/clock")
    wait_until(lambda: alpaca.ask("GET", "/v2/clock")[0] == 200, what="somebody to listen again")


def test_a_wait_in_vain_tells_what_it_saw(broker, alpaca):
    alpaca.ask("GET", "/v2/clock")
    with pytest.raises(AssertionError, match="(?s)for: the moon.*GET /v2/clock -> 200"):
        broker.wait_for(lambda: False, 0.01, "the moon")


@pytest.mark.parametrize("kind", ["reset_on_accept", "drop_after_handshake"])
def test_faults_of_connections_over_tls(workdir, kind):
    with BrokerSimulator(workdir) as broker:
        alpaca = AlpacaClient(broker)
        assert alpaca.ask("GET", "/v2/clock")[0] == 200
        alpaca.wire.close()
        fault = broker.add_fault(Fault("*", kind))
        with pytest.raises(LOST):
            alpaca.ask("GET", "/v2/clock")
        assert alpaca.ask("GET", "/v2/clock")[0] == 200
        assert (fault.applied, len(broker.requests), broker.violations) == (1, 2, [])


def test_a_drop_over_tls_leaves_the_order(workdir):
    with BrokerSimulator(workdir) as broker:
        alpaca = AlpacaClient(broker)
        broker.add_fault(Fault("POST /v2/orders", "drop_after"))
        with pytest.raises(LOST):
            alpaca.post(name="lost")
        assert alpaca.ask("GET", "/v2/orders:by_client_order_id?client_order_id=lost")[1]["status"] == "filled"


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [("expired", "expired"), ("wrong_host", "Hostname mismatch"), ("unknown_authority", "unable to get local issuer")],
)
def test_certificates_not_to_be_trusted(workdir, certificate, reason):
    with BrokerSimulator(workdir, certificate=certificate) as broker:
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            AlpacaClient(broker).ask("GET", "/v2/clock")
        assert broker.requests == []
        if certificate != "wrong_host":
            broker.wait_for(lambda: broker.handshakes_refused == 1, 5, "the handshake broken off")


def test_nothing_is_left_of_it(workdir):
    before = threading.active_count()
    with BrokerSimulator(workdir, tls=False) as broker:
        clients = [AlpacaClient(broker) for _ in range(3)]
        for client in clients:
            assert client.ask("GET", "/v2/clock")[0] == 200
        broker.add_fault(Fault("*", "refuse", value=60))
    assert threading.active_count() == before
