"""Wrapped shares: a fill is hedged at what the vault's shares were worth in its block, not one to one."""

import http.server
import json
import threading
import urllib.request
from decimal import Decimal

import pytest

from lib.process import wait_until
from test_pipeline import fills_of, run_once, settled, wait_session


@pytest.fixture
def wrapped(market):
    market.add_vault("wtTSLA", "tTSLA")
    return market


def take(market, side, shares, usdc):
    return market.many([market.taking_floats("wtTSLA", side, shares, usdc=usdc)])[0]


def trades(stack) -> list[tuple]:
    return [
        (t["symbol"], t["base_symbol"], t["direction"], t["amount"], t["token_amount"], t["price_usdc"])
        for t in stack.database.trades()
    ]


def test_a_vault_whose_ratio_changes_between_two_fills(wrapped, stack):
    """Each fill at its own block's worth, although all are read when the last is long in force."""
    take(wrapped, "SELL", "2", usdc="500")
    wrapped.set_worth("wtTSLA", "1.015")
    take(wrapped, "SELL", "2", usdc="507.5")
    wrapped.set_worth("wtTSLA", "3.045")
    take(wrapped, "BUY", "0.1", usdc="76.125")
    run_once(stack)
    assert trades(stack) == [
        ("wtTSLA", "TSLA", "SELL", "2", "2", "250"),
        ("wtTSLA", "TSLA", "SELL", "2.03", "2", "250"),
        ("wtTSLA", "TSLA", "BUY", "0.3045", "0.1", "250"),
    ]
    assert stack.database.position("TSLA") == "-0.7255"
    assert {(e["symbol"], e["direction"]) for e in stack.database.executions()} == {("TSLA", "BUY")}
    assert sum(int(e["shares"]) for e in stack.database.executions()) == 3
    conversions = stack.database.rows("SELECT * FROM vault_conversions ORDER BY block_number")
    assert [int(c["assets"], 16) for c in conversions] == [2 * 10**18, 2030 * 10**15, 3045 * 10**14]
    # Without a node: what was found out is kept.
    wrapped.anvil.pause()
    assert "identical" in stack.run("processor", "--replay", RPC_TIMEOUT_MS="300").text()
    wrapped.anvil.resume()


def test_wrapped_and_plain_shares_are_one_position(wrapped, stack):
    stack.start_all()
    wait_session(stack)
    wrapped.set_worth("wtTSLA", "1.5")
    take(wrapped, "SELL", "1", usdc="375")
    wrapped.take("tTSLA", "BUY", "0.5", usdc="125")
    stack.wait_until(lambda: stack.database.count("executions", "status = 'FILLED'") == 1 and settled(stack), 20)
    assert sorted(row[2:5] for row in trades(stack)) == [("BUY", "0.5", None), ("SELL", "1.5", "1")]
    assert sum(Decimal(e["filled_shares"]) for e in stack.database.executions()) == 1


def test_others_go_on_while_a_vault_cannot_be_asked(wrapped, stack):
    """The node hangs: the wrapped fill waits, and with it what is behind it of the same token; others are booked."""
    wrapped.take("tTSLA", "SELL", "0.25", usdc="60")
    take(wrapped, "SELL", "1", usdc="250")
    run_once(stack)  # both tokens are known now
    wrapped.set_worth("wtTSLA", "2")
    take(wrapped, "SELL", "1", usdc="500")
    plain = wrapped.take("tTSLA", "SELL", "0.5", usdc="120")
    take(wrapped, "BUY", "3", usdc="1500")
    stack.run("backfiller", "--once")
    wrapped.anvil.pause()
    waiting = stack.run("processor", "--once", expect=75, RPC_TIMEOUT_MS="300")
    wrapped.anvil.resume()
    assert "wrapped shares not known yet" in waiting.text()
    assert plain[0].tx_hash in {row[5] for row in fills_of(stack.database)}
    assert stack.database.count("event_queue", "processed = 0") == 2
    stack.run("processor", "--once")
    assert [row[3:5] for row in trades(stack)] == [
        ("0.25", None), ("1", "1"), ("2", "1"), ("0.5", None), ("6", "3"),
    ]  # in chain order; by the order of booking the plain one was before two of them


def test_a_vault_that_refuses_is_set_aside_with_its_reason(wrapped, stack):
    wrapped.set_worth("wtTSLA", "0")
    take(wrapped, "SELL", "1", usdc="250")
    wrapped.take("tTSLA", "SELL", "1", usdc="250")
    run_once(stack)
    [error] = [row["error"] for row in stack.database.events() if row["outcome"] == "quarantined"]
    assert error.startswith("wrapped shares: what they were worth in block") and "closed" in error
    assert len(trades(stack)) == 1


class Between:
    """A node without old states, or without calls by a block's hash, in front of the real one."""

    def __init__(self, url: str):
        self.change = None  # request -> answer without id, or None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = json.loads(body)
                answer = outer.change and outer.change(request)
                if answer:
                    data = json.dumps({"jsonrpc": "2.0", "id": request["id"]} | answer).encode()
                else:
                    headers = {"Content-Type": "application/json"}
                    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as reply:
                        data = reply.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def between(market):
    server = Between(market.anvil.url)
    yield server
    server.close()


def test_a_node_without_the_state_is_believed_after_five_answers(wrapped, stack, between):
    """Pruned: the fill is set aside with what is to be done; with an archive node it is booked."""
    take(wrapped, "SELL", "1", usdc="250")
    stack.run("backfiller", "--once")

    def pruned(request):
        if request["method"] == "eth_call" and request["params"][1] != "latest":
            return {"error": {"code": -32000, "message": "missing trie node 0123 (path )"}}
        return None

    between.change = pruned
    processor = stack.start("processor", HTTP_RPC_URL=between.url)
    wait_until(lambda: stack.database.count("event_queue", "outcome = 'quarantined'") == 1, 40, "the quarantine")
    processor.stop()
    [event] = stack.database.events()
    assert "missing trie node" in event["error"] and "a node with the state of that block is needed" in event["error"]
    stack.run("processor", "--retry-quarantined")
    assert [row[3:5] for row in trades(stack)] == [("1", "1")]


def test_a_node_that_knows_no_call_by_hash_is_asked_by_number(wrapped, stack, between):
    wrapped.set_worth("wtTSLA", "1.25")
    take(wrapped, "SELL", "1", usdc="250")
    wrapped.set_worth("wtTSLA", "9")
    stack.run("backfiller", "--once")
    asked = []

    def without_hashes(request):
        if request["method"] != "eth_call":
            return None
        asked.append(request["params"][1])
        if isinstance(request["params"][1], dict):
            return {"error": {"code": -32602, "message": "invalid argument 1"}}
        return None

    between.change = without_hashes
    stack.run("processor", "--once", HTTP_RPC_URL=between.url)
    assert [row[3:5] for row in trades(stack)] == [("1.25", "1")]
    assert any(isinstance(block, dict) for block in asked)


def test_a_vault_that_hangs_holds_up_nothing_else(wrapped, stack, between):
    """Its question stays open for as long as the time-out is; meanwhile other fills are booked, hedged and priced, also of a
    token that nobody knew."""
    answered = threading.Event()

    def hanging(request):
        if request["method"] == "eth_call" and "0x07a2d13a" in json.dumps(request["params"]):
            answered.wait(60)
        return None

    between.change = hanging
    stack.config["HTTP_RPC_URL"] = between.url
    stack.config["RPC_TIMEOUT_MS"] = "60000"
    stack.start_all()
    wait_session(stack)
    try:
        take(wrapped, "SELL", "1", usdc="250")
        wrapped.take("AAPL0x", "SELL", "1", usdc="230")
        stack.wait_until(lambda: stack.database.count("executions", "symbol = 'AAPL' AND status = 'FILLED'") == 1, 20)
        wrapped.take("NVDAs1", "BUY", "2", usdc="240")
        stack.wait_until(lambda: stack.database.count("executions", "symbol = 'NVDA' AND status = 'FILLED'") == 1, 20)
        stack.wait_until(lambda: stack.database.count("onchain_trades", "gas_used IS NOT NULL") == 2, 20)
        assert stack.database.count("event_queue", "processed = 0") == 1
    finally:
        answered.set()
    stack.wait_until(lambda: stack.database.count("executions", "symbol = 'TSLA' AND status = 'FILLED'") == 1, 20)


def test_an_unmapped_token_is_set_aside_when_the_map_is_required(wrapped, stack):
    stack.config["SYMBOL_MAP"] = f"USDC=USDC,{wrapped.tokens['tTSLA'].address}=TSLA,AAPL0x=APPLE"
    stack.config["REQUIRE_MAPPED_TOKENS"] = "1"
    wrapped.take("tTSLA", "SELL", "0.5", usdc="125")
    wrapped.take("AAPL0x", "SELL", "0.5", usdc="115")
    wrapped.take("NVDAs1", "SELL", "0.5", usdc="60")
    run_once(stack)
    assert [(row[0], row[1]) for row in trades(stack)] == [("tTSLA", "TSLA"), ("AAPL0x", "APPLE")]
    [error] = [row["error"] for row in stack.database.events() if row["outcome"] == "quarantined"]
    assert "NVDAs1" in error and "REQUIRE_MAPPED_TOKENS" in error
    refused = stack.run("processor", "--once", expect=78, SYMBOL_MAP="AAPL0x=apple")
    assert "SYMBOL_MAP" in refused.text()
