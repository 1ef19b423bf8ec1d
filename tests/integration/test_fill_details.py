"""The price that an order read and what its transaction cost: found out afterwards, and nothing waits for it."""

import re
import threading
import time

import pytest

from lib.process import wait_until
from test_pipeline import as_rows, fills_of, run_once, wait_booked, wait_session
from test_wrapped import between  # noqa: F401: a fixture

APPLE, TESLA, DOLLAR = (bytes([number]) * 32 for number in (0xAA, 0x75, 0xD0))
PUBLISHED = 1_790_000_000
COLUMNS = "oracle_feed, oracle_price, oracle_confidence, oracle_published_at, details_error"


@pytest.fixture
def priced(market, stack):
    stack.config["PYTH_CONTRACT"] = market.add_oracle()
    market.set_price(APPLE, 23012345, 4200, -5, PUBLISHED)
    market.set_price(TESLA, 25050000000, 9, -8, PUBLISHED + 1)
    market.set_price(DOLLAR, 99998765, 100, -8, PUBLISHED)
    return market


def call(market, function, feed, *more) -> str:
    return market.oracle_contract.call(function, feed, *more)


def details(stack) -> list[tuple]:
    return [tuple(row.values()) for row in stack.database.rows(f"SELECT {COLUMNS} FROM onchain_trades ORDER BY id")]


def apple(**changes):
    return tuple(({
        "feed": "0x" + APPLE.hex(), "price": "230.12345", "confidence": "0.042",
        "published": "2026-09-21T14:13:20.000Z", "error": None,
    } | changes).values())


@pytest.mark.parametrize("function", ["getPriceNoOlderThan", "getPriceUnsafe", "getEmaPriceNoOlderThan", "getEmaPriceUnsafe"])
def test_the_price_that_the_order_read_is_stored_with_the_fill(priced, stack, function):
    arguments = (60,) if function.endswith("Than") else ()
    read = priced.reading(call(priced, function, APPLE, *arguments))
    fills = priced.many([read, priced.taking_floats("AAPL0x", "SELL", "0.5", usdc="115")])
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    assert details(stack) == [apple()]
    [trade] = stack.database.trades()
    receipt = priced.receipt(priced.last_tx)
    assert trade["gas_used"] == int(receipt["gasUsed"], 16)
    assert trade["gas_price_wei"] == int(receipt["effectiveGasPrice"], 16)
    assert trade["l1_fee_wei"] is None and trade["details_at"]
    [feed] = stack.database.rows("SELECT symbol, source FROM price_feeds")
    assert feed == {"symbol": "AAPL", "source": "learned"}


def test_a_known_feed_is_found_among_others_and_failed_calls_do_not_count(priced, stack):
    first = priced.reading(call(priced, "getPriceUnsafe", TESLA))
    priced.many([first, priced.taking("tTSLA", "SELL", "0.5", usdc="125")])
    run_once(stack)
    unknown = bytes([1]) * 32  # reverts
    read = priced.reading(
        call(priced, "getPriceUnsafe", unknown),
        call(priced, "getPriceUnsafe", DOLLAR),
        call(priced, "getPriceUnsafe", TESLA),
        call(priced, "getPriceUnsafe", APPLE),
    )
    priced.many([read, priced.taking("tTSLA", "BUY", "0.5", usdc="125")])
    # Two tickers in one transaction: what AAPL's feed is cannot be told from it.
    both = [priced.taking("tTSLA", "BUY", "0.1", usdc="25"), priced.taking("AAPL0x", "SELL", "0.1", usdc="23")]
    priced.many([read, *both])
    run_once(stack)
    tesla = ("0x" + TESLA.hex(), "250.5", "0.00000009", "2026-09-21T14:13:21.000Z", None)
    missing = (None, None, None, None, "the order read no price of the ticker's feed")
    assert details(stack) == [tesla, tesla, tesla, missing]
    # Whatever the order reads first: an operator may say what is right.
    stack.run("processor", "feed", "AAPL", "0x" + APPLE.hex())
    priced.many([read, *both])
    run_once(stack)
    assert details(stack)[-1] == apple()


def test_without_an_oracle_or_traces_the_fill_has_no_price(priced, stack, between):
    priced.take("AAPL0x", "SELL", "0.5", usdc="115")
    stack.run("backfiller", "--once")
    stack.run("processor", "--once")
    read = priced.reading(call(priced, "getPriceUnsafe", APPLE))
    priced.many([read, priced.taking("AAPL0x", "SELL", "0.5", usdc="115")])
    stack.run("backfiller", "--once")

    def without_traces(request):
        if request["method"].startswith("debug_"):
            return {"error": {"code": -32601, "message": "the method debug_traceTransaction does not exist"}}
        return None

    between.change = without_traces
    stack.run("processor", "--once", HTTP_RPC_URL=between.url)
    first, second = details(stack)
    assert first[4] == "the order read no price of the ticker's feed"
    assert second[1] is None and "does not exist" in second[4]
    assert all(trade["gas_used"] for trade in stack.database.trades())


def test_a_transaction_is_asked_about_once_however_many_fills_it_has(priced, stack, between):
    traces = []
    between.change = lambda request: traces.append(request) if request["method"].startswith("debug_") else None
    read = priced.reading(call(priced, "getPriceUnsafe", APPLE))
    for _ in range(2):
        priced.many([read] + [priced.taking("AAPL0x", "SELL", "0.125", usdc="28.75") for _ in range(5)])
    stack.run("backfiller", "--once")
    stack.run("processor", "--once", HTTP_RPC_URL=between.url)
    assert details(stack) == [apple()] * 10
    assert len(traces) == 2


def test_a_trace_that_hangs_does_not_delay_the_next_hedge(priced, stack, between):
    release = threading.Event()
    asked = threading.Event()

    def hanging(request):
        if request["method"].startswith("debug_"):
            asked.set()
            release.wait(60)
        return None

    between.change = hanging
    stack.config |= {"HTTP_RPC_URL": between.url, "RPC_TIMEOUT_MS": "20000"}
    stack.start_all()
    wait_session(stack)
    fills = priced.take("AAPL0x", "SELL", "1", usdc="230")
    wait_until(asked.is_set, 15, "the trace to be asked for")
    for _ in range(5):
        begun = time.monotonic()
        fills += priced.take("NVDAs1", "SELL", "1", usdc="140")
        wait_until(lambda: stack.database.count("executions") == len(fills), 5, "the next hedge")
        assert time.monotonic() - begun < 3
    release.set()
    wait_booked(stack, fills)
    wait_until(lambda: stack.database.count("onchain_trades", "details_at IS NULL") == 0, 30, "all details")
    stack.stop()


def test_prices_that_are_no_prices_are_left_out(priced, stack):
    priced.set_price(APPLE, -5, 1, -5, PUBLISHED)
    read = priced.reading(call(priced, "getPriceUnsafe", APPLE))
    priced.many([read, priced.taking("AAPL0x", "SELL", "0.5", usdc="115")])
    priced.set_price(APPLE, 2**63 - 1, 2**64 - 1, -19, PUBLISHED)
    priced.many([read, priced.taking("AAPL0x", "SELL", "0.5", usdc="115")])
    priced.set_price(APPLE, 2**63 - 1, 1, 2**31 - 1, PUBLISHED)
    priced.many([read, priced.taking("AAPL0x", "SELL", "0.5", usdc="115")])
    priced.set_price(APPLE, 2**63 - 1, 2**64 - 1, -18, 2**64 - 1)
    priced.many([read, priced.taking("AAPL0x", "SELL", "0.5", usdc="115")])
    priced.set_price(APPLE, 2**63 - 1, 2**64 - 1, -18, PUBLISHED)
    priced.many([read, priced.taking("AAPL0x", "SELL", "0.5", usdc="115")])
    run_once(stack)
    assert [row[1] for row in details(stack)] == [None] * 4 + ["9.223372036854775807"]
    assert details(stack)[4][2] == "18.446744073709551615"


def test_it_can_be_turned_off(priced, stack):
    priced.take("AAPL0x", "SELL", "0.5", usdc="115")
    stack.run("backfiller", "--once")
    stack.run("processor", "--once", FILL_DETAILS="off")
    assert stack.database.trades()[0]["details_at"] is None
    stack.run("processor", "--once", FILL_DETAILS="receipt")
    [trade] = stack.database.trades()
    assert trade["gas_used"] and trade["details_error"] == "prices are not asked for"


def test_the_price_command_shows_what_a_transaction_read(priced, stack):
    read = priced.reading(call(priced, "getPriceUnsafe", APPLE), call(priced, "getPriceUnsafe", DOLLAR))
    priced.many([read, priced.taking("AAPL0x", "SELL", "0.5", usdc="115")])
    run_once(stack)
    shown = stack.run("processor", "price", priced.last_tx).text()
    assert f"price 230.12345 +- 0.042 published 2026-09-21T14:13:20.000Z feed 0x{APPLE.hex()} (AAPL)" in shown
    assert f"price 0.99998765 +- 0.000001 published 2026-09-21T14:13:20.000Z feed 0x{DOLLAR.hex()} (no ticker's)" in shown
    assert "gas used" in shown
    assert "64 hex digits" in stack.run("processor", "price", "0x12", expect=64).text()
    unknown = stack.run("processor", "price", "0x" + "12" * 32, expect=69).text()
    assert "does not have the transaction" in unknown


def applied(text: str) -> int:
    return len(re.findall(r"^block .*: trade$", text, re.MULTILINE))


def test_a_fill_that_was_missed_is_applied_by_hand(market, stack):
    fills = market.take("AAPL0x", "SELL", "1.5", usdc="345")
    first_tx = market.last_tx
    stack.run("backfiller", "--once")
    stack.run("processor", "--once")
    # As if it had never been seen: the block is covered, the event is not there.
    hidden = market.many([
        market.taking_floats("NVDAs1", "BUY", "2", usdc="280"),
        market.taking("AAPL0x", "SELL", "9", usdc="1", owner=market.stranger),
        market.clearing("tTSLA", "SELL", "0.5", usdc="120"),
    ])
    shown = stack.run("processor", "apply", market.last_tx).text()
    assert shown.count("waits (for coverage") == 2
    stack.run("backfiller", "--once")
    shown = stack.run("processor", "apply", market.last_tx).text()
    assert applied(shown) == 2
    assert fills_of(stack.database) == as_rows(fills + hidden)
    assert applied(stack.run("processor", "apply", market.last_tx).text()) == 2
    assert applied(stack.run("processor", "apply", first_tx).text()) == 1
    assert fills_of(stack.database) == as_rows(fills + hidden)
    assert stack.database.count("event_queue", "confirmed = 0") == 0
    market.take("AAPL0x", "SELL", "1", usdc="1", owner=market.stranger)
    assert "no event of an owner's order" in stack.run("processor", "apply", market.last_tx).text()
    # Beside a processor that runs.
    stack.start_all()
    wait_session(stack)
    more = market.take("NVDAs1", "BUY", "1", usdc="140")
    wait_booked(stack, fills + hidden + more)
    assert applied(stack.run("processor", "apply", market.last_tx).text()) == 1
