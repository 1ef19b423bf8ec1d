"""Hedging at Alpaca, against a simulator that is as strict as the real one, and misbehaves as it does."""

import pytest

from lib.broker_sim import ALPACA_429, HTML_502, BrokerSimulator, Fault
from lib.hedger import Hedger
from lib.process import wait_until

POST = "POST /v2/orders"


@pytest.fixture
def sim(workdir):
    with BrokerSimulator(workdir) as simulator:
        yield simulator
        assert simulator.violations == []


@pytest.fixture
def hedger(workdir, sim):
    return Hedger(workdir, sim)


def test_an_order_is_placed_followed_and_booked(hedger, sim):
    hedger.ask("AAPL", 10, "SELL")
    row = hedger.hedge("FILLED")
    order = sim.orders()[0]
    assert (order["symbol"], order["side"], str(order["quantity"])) == ("AAPL", "sell", "10")
    assert (row["order_id"], row["client_order_id"]) == (order["id"], order["client_order_id"])
    assert [row[name] for name in ("shares", "order_shares", "accepted_shares", "filled_shares")] == ["10"] * 4
    assert (row["average_price"], row["error"]) == ("150.25", None)


def test_check_proves_the_key_and_places_nothing(hedger, sim):
    assert "PA1234567" in hedger.run("--check").text()
    assert hedger.run("--check", expect=78, ALPACA_API_SECRET="wrong").text().count("refuses the key") == 1
    assert sim.orders() == []


@pytest.mark.parametrize("kind, value", [
    ("drop_after", None), ("stall_after", 5), ("unparsable", None), ("truncated", None), ("huge", 20_000_000),
    ("status_after", (500, b"", {})), ("status_after", (504, HTML_502, {"Content-Type": "text/html"})),
])
def test_an_unclear_outcome_is_found_out_and_never_sent_again(hedger, sim, kind, value):
    sim.add_fault(Fault(POST, kind, value=value))
    hedger.ask()
    row = hedger.hedge("FILLED")
    assert row["order_id"] == sim.orders()[0]["id"]
    assert sum(request.method == "POST" for request in sim.requests) == 1
    assert sim.count() == 1


@pytest.mark.parametrize("kind, value", [
    ("drop_before", None), ("drop_in_request", 20), ("stall_before", 5), ("status_before", (502, HTML_502, {})),
])
def test_what_was_not_placed_is_placed_again_under_the_same_id(hedger, sim, kind, value):
    sim.add_fault(Fault(POST, kind, value=value))
    hedger.ask()
    row = hedger.hedge("FILLED")
    assert sim.count() == 1
    assert sim.orders()[0]["client_order_id"] == row["client_order_id"]


@pytest.mark.parametrize("kind, value", [("slow", 0.001), ("gzip", None)])
def test_an_odd_answer_is_an_answer(hedger, sim, kind, value):
    sim.add_fault(Fault(POST, kind, value=value))
    hedger.ask()
    hedger.hedge("FILLED")
    assert sum(request.method == "POST" for request in sim.requests) == 1


def test_a_refused_connection_sends_nothing_and_is_tried_again(hedger, sim):
    hedger.ask()
    sim.add_fault(Fault("*", "refuse", value=2))
    assert hedger.hedge("FILLED")["status"] == "FILLED"
    assert sim.count() == 1


def test_a_broker_that_asks_for_quiet_gets_it(hedger, sim):
    fault = sim.add_fault(Fault(POST, "status_before", value=(429, ALPACA_429, {"Retry-After": "2"})))
    hedger.ask()
    hedger.hedge("FILLED")
    assert sim.count() == 1
    posts = [request for request in sim.requests if request.method == "POST"]
    assert len(posts) == 2 and posts[1].at - posts[0].at >= 2
    between = [request for request in sim.requests if posts[0].at < request.at < posts[1].at - 1]
    assert between == [], fault


def test_a_used_up_rate_limit_is_waited_out(hedger, sim):
    hedger.ask()
    program = hedger.start()
    sim.rate_limit_remaining = 0
    program.wait_log("asked for fewer requests", 10)
    before = len(sim.requests)
    assert program.running
    program.stop()
    assert len(sim.requests) - before <= 1


@pytest.mark.parametrize("on_order, status, filled", [
    ("partial_expire:4", "FAILED", "4"), ("partial_cancel:3", "FAILED", "3"), ("expire", "FAILED", "0"),
    ("reject", "FAILED", "0"), ("over:2", "FILLED", "12"),
])
def test_what_was_filled_counts_whatever_the_end_is_called(hedger, sim, on_order, status, filled):
    sim.on_order = on_order
    hedger.ask("AAPL", 10)
    row = hedger.hedge("FILLED", "FAILED")
    assert (row["status"], row["filled_shares"]) == (status, filled)
    assert (row["average_price"] is None) == (filled == "0")


@pytest.mark.parametrize("word", ["done_for_day", "suspended", "calculated", "pending_cancel", "a_word_of_2027"])
def test_an_order_of_an_unknown_or_passing_state_stays_open(hedger, sim, word):
    sim.on_order = f"status:{word}"
    hedger.ask()
    program = hedger.start()
    hedger.wait_status("SUBMITTED")
    sim.wait_for(lambda: sum("/v2/orders/" in request.path for request in sim.requests) >= 3, 20, "polls")
    assert hedger.status() == "SUBMITTED"
    program.stop()


def test_a_refusal_is_not_an_order_and_its_words_are_kept(hedger, sim):
    sim.default_position = 0
    sim.account["cash"] = "1000000"
    sim.account["buying_power"] = "1000000"
    refused = b'{"buying_power":"1","code":40310000,"cost_basis":"9","message":"insufficient buying power"}'
    sim.add_fault(Fault(POST, "status_before", value=(403, refused, {})))
    hedger.ask("AAPL", 10, "BUY")
    row = hedger.hedge("FAILED")
    assert "insufficient buying power" in row["error"]
    assert sim.count() == 0


def test_a_refusal_of_the_twin_of_a_late_order_does_not_lose_the_order(hedger, sim):
    sim.unique_checked_last = True
    sim.on_order = "open"
    sim.lag_seconds = 60

    def show_it():
        for order in sim.book:
            order.lag_ends_at = 0

    sim.add_fault(Fault(POST, "drop_after"))
    sim.add_fault(Fault(POST, "call_before", times=None, call=show_it))
    hedger.ask()
    row = hedger.hedge("SUBMITTED", "FAILED")
    assert sum(request.method == "POST" for request in sim.requests) == 2
    assert (row["status"], sim.count()) == ("SUBMITTED", 1)
    assert row["order_id"] == sim.orders()[0]["id"]


def test_orders_wait_while_the_market_is_closed_and_go_when_it_opens(hedger, sim):
    sim.market_open = False
    sim.next_open_seconds = 2
    hedger.ask()
    program = hedger.start()
    wait_until(lambda: hedger.execution()["error"] == "the market is closed", 10, "the reason")
    assert sim.count() == 0 and hedger.status() == "PENDING"
    sim.market_open = True
    hedger.wait_status("FILLED")
    program.stop()
    assert hedger.text().count("execution waits") == 1


def test_market_hours_may_be_ignored(hedger, sim):
    sim.market_open = False
    hedger.ask()
    hedger.hedge("SUBMITTED", MARKET_HOURS="ignore")
    assert sim.count() == 1


def test_a_sell_is_for_no_more_than_is_held_and_the_rest_is_told(hedger, sim):
    sim.positions["AAPL"] = 6
    hedger.ask("AAPL", 10, "SELL")
    row = hedger.hedge("FAILED")
    assert [row[name] for name in ("shares", "order_shares", "accepted_shares", "filled_shares")] == ["10", "6", "6", "6"]
    assert "the account allows 6 of 10 shares" in hedger.text()


def test_what_the_account_cannot_carry_at_all_never_leaves(hedger, sim):
    sim.positions["AAPL"] = 0
    hedger.ask("AAPL", 10, "SELL")
    row = hedger.hedge("FAILED")
    assert (row["order_shares"], row["filled_shares"]) == (None, "0")
    assert "ALLOW_SHORT" in row["error"]
    hedger.ask("AAPL", 10, "SELL")
    hedger.hedge("FAILED", number=2)
    assert hedger.text().count("not hedged") == 1, "the same shortfall is told once"
    assert sim.count() == 0


def test_short_selling_must_be_wanted(hedger, sim):
    sim.positions["AAPL"] = 0
    hedger.ask("AAPL", 10, "SELL")
    assert hedger.hedge("FILLED", ALLOW_SHORT="1")["filled_shares"] == "10"


def test_a_buy_costs_no_more_than_the_cash(hedger, sim):
    sim.account["cash"] = "1000"
    hedger.ask("AAPL", 10, "BUY", price="150.25")
    row = hedger.hedge("FAILED")
    assert (row["order_shares"], row["filled_shares"]) == ("6", "6")


@pytest.mark.parametrize("changes, word", [
    ({"MAX_ORDER_SHARES": "9"}, "MAX_ORDER_SHARES"),
    ({"MAX_ORDER_NOTIONAL": "1502"}, "MAX_ORDER_NOTIONAL"),
    ({"ALLOWED_SYMBOLS": "MSFT,AAPLX"}, "ALLOWED_SYMBOLS"),
])
def test_a_limit_refuses_whatever_the_database_says(hedger, sim, changes, word):
    hedger.ask("AAPL", 10, "SELL", price="150.25")
    assert word in hedger.hedge("FAILED", **changes)["error"]
    assert sim.requests == []


def test_limits_that_are_met_exactly_do_not_refuse(hedger, sim):
    hedger.ask("AAPL", 10, "SELL", price="150.25")
    hedger.hedge("FILLED", MAX_ORDER_SHARES="10", MAX_ORDER_NOTIONAL="1502.5", ALLOWED_SYMBOLS="MSFT, AAPL",
                 MAX_DAILY_ORDERS="1")


def test_the_orders_of_a_day_are_counted(hedger, sim):
    hedger.ask("AAPL", 1)
    hedger.hedge("FILLED", MAX_DAILY_ORDERS="1")
    hedger.ask("AAPL", 1)
    program = hedger.start(MAX_DAILY_ORDERS="1")
    wait_until(lambda: "MAX_DAILY_ORDERS" in (hedger.execution(2)["error"] or ""), 10, "the reason")
    program.stop()
    assert (hedger.status(2), sim.count()) == ("PENDING", 1)


def test_live_trading_is_asked_for_twice(hedger, sim):
    text = hedger.run("--check", expect=78, TRADING_MODE="live").text()
    for key in ("MAX_ORDER_SHARES", "MAX_ORDER_NOTIONAL", "MAX_DAILY_ORDERS", "ALPACA_ACCOUNT_NUMBER"):
        assert f"{key}: is missing" in text
    live = {
        "TRADING_MODE": "live", "MAX_ORDER_SHARES": "10", "MAX_ORDER_NOTIONAL": "2000", "MAX_DAILY_ORDERS": "3",
    }
    hedger.ask()
    hedger.run("resume")
    program = hedger.start(**live, ALPACA_ACCOUNT_NUMBER="PA7654321")
    wait_until(lambda: "PA1234567" in (hedger.execution()["error"] or ""), 10, "the reason")
    program.stop()
    assert sim.count() == 0
    hedger.hedge("FILLED", **live, ALPACA_ACCOUNT_NUMBER="PA1234567")


def test_paper_keys_do_not_meet_the_live_host(hedger):
    hedger.run("--check", expect=78, ALPACA_BASE_URL="https://api.alpaca.markets")
    hedger.run("--check", expect=78, ALPACA_BASE_URL="http://broker.example")


@pytest.mark.parametrize("certificate", ["expired", "wrong_host", "unknown_authority"])
def test_a_wrong_certificate_gets_nothing(workdir, certificate):
    with BrokerSimulator(workdir, certificate=certificate) as sim:
        hedger = Hedger(workdir, sim)
        assert "certificate" in hedger.run("--check", expect=69).text().lower()
        hedger.ask()
        program = hedger.start()
        wait_until(lambda: "certificate" in (hedger.execution()["error"] or "").lower(), 10, "the reason")
        program.stop()
        assert (sim.requests, hedger.status()) == ([], "PENDING")


def test_two_executors_place_nothing_twice(hedger, sim):
    hedger.ask()
    first, second = hedger.start(), hedger.start()
    hedger.wait_status("FILLED")
    wait_until(lambda: not (first.running and second.running), 10, "one to leave")
    loser, winner = (first, second) if not first.running else (second, first)
    assert loser.wait() == 75 and "another executor" in loser.text()
    winner.stop()
    assert sim.count() == 1


def test_a_restart_asks_about_open_orders_one_after_another(hedger, sim):
    sim.on_order = "open"
    symbols = [f"SYM{letter}" for letter in "ABCDEFGHIJ"]
    for symbol in symbols:
        hedger.ask(symbol, 1)
    program = hedger.start()
    sim.wait_for(lambda: sim.count() == len(symbols), 20, "the orders")
    hedger.wait_status("SUBMITTED", number=len(symbols))
    program.kill9()
    before = len(sim.requests)
    program = hedger.start()
    sim.wait_for(lambda: len(sim.requests) >= before + 5, 10, "polls")
    polls = [request.at for request in sim.requests[before:before + 5]]
    assert polls[-1] - polls[0] > 0.5
    program.stop()
    assert sim.count() == len(symbols)


def test_halted_trading_places_nothing_and_follows_what_is_open(hedger, sim):
    hedger.ask()
    hedger.run("halt", "a test")
    program = hedger.start()
    program.wait_log("trading halted")
    hedger.run("resume")
    hedger.wait_status("FILLED")
    program.stop()
    assert sim.count() == 1


def test_secrets_show_up_nowhere(hedger, sim):
    secrets_file = hedger.folder / "secrets"
    secrets_file.write_text(f"ALPACA_API_KEY={sim.alpaca_key}\nALPACA_API_SECRET={sim.alpaca_secret}\n")
    for key in ("ALPACA_API_KEY", "ALPACA_API_SECRET"):
        hedger.config.pop(key)
    hedger.ask()
    secrets_file.chmod(0o640)
    assert "others may read" in hedger.run("--secrets", secrets_file, expect=78).text()
    secrets_file.chmod(0o600)
    checked = hedger.run("--check", "--secrets", secrets_file).text()
    assert "ALPACA_API_SECRET=(set)" in checked
    program = hedger.start("--secrets", secrets_file)
    hedger.wait_status("FILLED")
    program.stop()
    kept = b"".join(path.read_bytes() for path in hedger.folder.glob("ballast.db*"))
    assert sim.alpaca_secret not in checked + hedger.text()
    assert sim.alpaca_secret.encode() not in kept


def test_a_secret_in_the_common_file_is_refused(hedger, sim):
    path = hedger.folder / "ballast.conf"
    path.write_text(f"ALPACA_API_SECRET={sim.alpaca_secret}\n")
    hedger.config.pop("ALPACA_API_SECRET")
    text = hedger.run("--check", "--config", path, expect=78).text()
    assert "is a secret" in text and sim.alpaca_secret not in text


def test_the_environment_forgets_the_secrets(hedger, sim):
    program = hedger.start()
    program.wait_log("ready")
    environment = open(f"/proc/{program.pid}/environ", "rb").read()
    command_line = open(f"/proc/{program.pid}/cmdline", "rb").read()
    program.stop()
    assert sim.alpaca_secret.encode() not in environment + command_line


def test_status_tells_what_an_operator_wants_to_know(hedger, sim):
    sim.on_order = "open"
    hedger.ask()
    program = hedger.start(MAX_DAILY_ORDERS="7")
    hedger.wait_status("SUBMITTED")
    text = hedger.run("status", MAX_DAILY_ORDERS="7").text()
    program.stop()
    for words in ("broker: alpaca", "account: PA1234567", "market: open", "orders today: 1 of 7", "trading: on",
                  "execution 1 SUBMITTED SELL 10 AAPL", "open executions: 1"):
        assert words in text, words
    assert "nothing is HELD" in hedger.run("held").text()


def test_a_fill_on_the_chain_becomes_an_order(market, stack, workdir, sim):
    stack.config |= Hedger(workdir, sim).config
    sim.positions["AAPL"] = 0
    stack.start_all()
    stack.wait_until(lambda: stack.database.sessions(), 15, "a session")
    market.take("AAPL0x", "SELL", "2.5", usdc="500")
    stack.wait_until(lambda: stack.database.count("executions", "status = 'FILLED'") == 1, 20, "the hedge")
    stack.stop()
    assert [(order["side"], str(order["quantity"])) for order in sim.orders()] == [("buy", "2")]
    assert stack.database.position("AAPL") == "-0.5"
