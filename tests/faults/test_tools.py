"""The tools of the campaigns can fail: the checker sees what is wrong, the proxy's faults strike, the truth is true.

Run with Debian's Python: /usr/bin/python3 -m pytest tests/faults/test_tools.py
"""

import contextlib
import http.client
import json
import random
import runpy
import socket
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import proxy as faults  # noqa: E402
import scene  # noqa: E402
from lib.process import wait_until  # noqa: E402
from truth import TruthTeller  # noqa: E402

# What is changed in a good database, and a word of what the checker says.
MUTATIONS = {
    "UPDATE onchain_trades SET amount = '0.61' WHERE id = 1": "live trade missing",
    "UPDATE onchain_trades SET usdc_amount = '1' WHERE id = 1": "live trade too many",
    "UPDATE onchain_trades SET direction = 'BUY' WHERE id = 1": "live trade missing",
    "UPDATE onchain_trades SET symbol = 'tAAPL' WHERE id = 1": "live trade missing",
    "UPDATE onchain_trades SET base_symbol = 'AAP' WHERE id = 1": "ticker of trade 1",
    "UPDATE onchain_trades SET log_index = log_index + 1 WHERE id = 1": "live trade missing",
    "DELETE FROM onchain_trades WHERE id = 2": "live trade missing",
    "DELETE FROM event_queue WHERE id = 2": "covered but missing",
    "UPDATE event_queue SET block_hash = '0x' || printf('%064d', 1) WHERE id = 2": "event too many",
    "UPDATE event_queue SET removed = 1 WHERE id = 2": "of the removed event 2 is not reversed",
    "UPDATE event_queue SET processed = 0, outcome = NULL, processed_at = NULL WHERE id = 2": "event 2 of block",
    "UPDATE block_coverage SET last_block = last_block - 1": "coverage is",
    "UPDATE block_coverage SET last_block = last_block + 1": "coverage is",
    "DELETE FROM block_coverage": "coverage is",
    "UPDATE trade_accumulators SET net_position = '3' WHERE symbol = 'AAPL'": "net_position of AAPL",
    "UPDATE executions SET filled_shares = '7' WHERE id = 1": "law broken",
    "INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp, order_owner, symbol,"
    " base_symbol, direction, amount, reverses_trade_id, unallocated) SELECT event_id, tx_hash, log_index, block_number,"
    " block_timestamp, order_owner, symbol, base_symbol, 'BUY', amount, id, '0' FROM onchain_trades WHERE id = 1":
        "trade 1 is reversed though its event 1 stands",
    "INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp, order_owner, symbol,"
    " base_symbol, direction, amount, reverses_trade_id, unallocated) SELECT event_id, tx_hash, log_index, block_number,"
    " block_timestamp, order_owner, symbol, base_symbol, direction, amount, id, '0' FROM onchain_trades WHERE id = 1":
        "does not undo trade 1",
    # Floats and wrapped shares.
    "UPDATE onchain_trades SET amount = '1.33333333333333334', unallocated = '1.33333333333333334' WHERE amount LIKE '1.3333%'":
        "live trade missing",
    "UPDATE onchain_trades SET token_amount = '2.1' WHERE token_amount = '2'": "live trade too many",
    "UPDATE onchain_trades SET token_amount = NULL WHERE token_amount = '2'": "live trade missing",
    "UPDATE onchain_trades SET token_amount = amount WHERE symbol = 'tTSLA'": "live trade too many",
    "UPDATE onchain_trades SET amount = token_amount, unallocated = token_amount WHERE token_amount = '2'": "worth of trade",
    "UPDATE vault_conversions SET assets = shares WHERE shares LIKE '%1bc16d674ec80000'": "conversion missing",
    "UPDATE vault_conversions SET block_number = block_number + 1": "conversion too many",
    "UPDATE vault_conversions SET block_hash = '0x' || printf('%064d', 1)": "worth of trade",
    "DELETE FROM vault_conversions": "conversion missing",
    "UPDATE vaults SET asset_decimals = 6 WHERE asset_decimals = 8": "vault missing",
    "UPDATE vaults SET asset = token": "vault too many",
    "DELETE FROM event_queue WHERE event_type = 'ClearV3'": "covered but missing",
}


@pytest.fixture(scope="module")
def lane(tmp_path_factory):
    scene.compile_contracts()
    with TruthTeller() as teller, scene.Lane(tmp_path_factory.mktemp("lane"), teller) as lane:
        yield lane


@pytest.fixture(scope="module")
def booked(lane, tmp_path_factory):
    """Fills of every kind, known three ways: as the market sent them, by the truth, in the books."""
    market, first = lane.market, lane.anvil.head() + 1
    lane.anvil.set_mining("auto")
    market.set_worth("wtTSLA", "1.015")
    market.set_worth("wtCRCL", "3.3333")
    fills = market.take("AAPL0x", "SELL", "1.6", usdc="368.9")
    fills += market.clear("tTSLA", "BUY", "1.5", usdc="375", bounty_bought="0.002")
    fills += market.many([
        market.taking("NVDAs1", "BUY", "7", usdc="980"),
        market.clearing("tTSLA", "SELL", "0.25", usdc="62.75", owner_is="bob", bounty_sold="0.001"),
        market.taking("AAPL0x", "SELL", "5", usdc="1150", owner=market.stranger),
    ])
    fills += market.swap("AAPL0x", "0.3", "tBRK.B", "0.1")
    fills += market.across([
        (market.decoy, market.taking("AAPL0x", "SELL", "5", usdc="1150")),
        (market.orderbook, market.clearing("AAPL0x", "SELL", "0.125", usdc="0")),
    ])
    fills += market.take("wtTSLA", "SELL", "2", usdc="507.5")
    market.set_worth("wtTSLA", "3.045000000000000001")
    fills += market.many([
        market.clearing_floats("wtTSLA", "BUY", "0.1000000000000000009", usdc=(76125, -3), owner_is="bob"),
        market.clearing("NVDAs1", "SELL", "0.25", usdc="45"),
        market.taking_floats("NVDAs1", "SELL", "1.333333333333333333333333333", usdc=(2, 2)),
        market.taking_floats("wtCRCL", "BUY", "7.123456789123", usdc=(31999999999, -8)),
        market.taking_floats("AAPL0x", "SELL", "5", usdc="1", owner=market.stranger),
    ])
    fills += market.many([market.swapping_floats("wtCRCL", (11, 1), "tTSLA", "0.77")])
    fills += market.many([market.taking_floats("AAPL0x", "BUY", (0, 2**31 - 1), usdc=(1, -(2**31)))])
    market.set_worth("wtTSLA", "9")
    lane.anvil.mine(5)
    lane.anvil.set_mining("manual")
    stack, checker = lane.stack(tmp_path_factory.mktemp("books") / "stack", first), lane.checker(first)
    truth = checker.truth()
    assert scene.converge_once(stack, checker) == []
    return fills, truth, stack, first


def test_the_truth_is_what_the_market_sent(booked):
    fills, truth, _, _ = booked
    places = [(f.tx_hash, f.log_index, f.block_number, f.owner, f.symbol, f.direction) for f in fills]
    sent = [(*place, f.amount, f.token_amount, f.usdc) for place, f in zip(places, fills)]
    columns = ("tx_hash", "log_index", "block_number", "order_owner", "symbol", "direction", "amount", "token_amount", "usdc_amount")
    assert sorted(map(str, sent)) == sorted(str(tuple(one[name] for name in columns)) for one in truth.fills)
    assert {one["ticker"] for one in truth.fills} == {"AAPL", "TSLA", "NVDA", "BRK.B", "CRCL"}
    worths = {one["amount"]: one["token_amount"] for one in truth.fills if one["token_amount"]}
    # Of 7.123456789123 shares 7.12345678 can move.
    assert worths == {"2.03": "2", "0.3045": "0.1", "23.74461848": "7.123456789123", "366.663": "110"}
    assert len(truth.conversions) == 4 and {one["asset_decimals"] for one in truth.vaults} == {8, 18}


@pytest.mark.parametrize("sql", MUTATIONS)
def test_the_checker_sees(lane, booked, tmp_path, sql):
    _, truth, stack, first = booked
    copy = tmp_path / "changed.db"
    with contextlib.closing(sqlite3.connect(stack.database.path)) as source, contextlib.closing(
        sqlite3.connect(copy)
    ) as target:
        source.backup(target)
        assert target.execute(sql).rowcount > 0
        target.commit()
    # The chain has grown since, by other tests: what this one is about is what stood then.
    checker = lane.checker(first)
    checker.truth = lambda: truth
    said = checker.violations(copy) + checker.granted_too_much(copy, truth)
    assert any(MUTATIONS[sql] in one for one in said), said
    assert checker.violations(stack.database.path) == []


def test_the_checker_follows_the_chain(lane, tmp_path):
    rng, first = random.Random(1), lane.anvil.head() + 1
    stack, checker = lane.stack(tmp_path / "stack", first), lane.checker(first)
    for _ in range(3):
        lane.mine(rng, 2)
    lane.mine_actions(lane.market.taking_floats("wtTSLA", "SELL", "2", "500"))
    assert scene.converge_once(stack, checker) == []
    lane.anvil.reorg(1)
    assert any("event too many" in one for one in checker.violations(stack.database.path))
    assert scene.converge_once(stack, checker) == []
    # What was taken back must be what was booked, and what its own block said.
    for sql, word in {
        "UPDATE onchain_trades SET token_amount = '7' WHERE reverses_trade_id IS NOT NULL": "law broken: A reversal takes back",
        "DELETE FROM vault_conversions WHERE block_number = (SELECT max(block_number) FROM vault_conversions)": "worth of trade",
    }.items():
        with contextlib.closing(sqlite3.connect(stack.database.path)) as database:
            assert database.execute(sql).rowcount > 0
            database.commit()
        said = checker.violations(stack.database.path)
        assert any(word in one for one in said), said


def test_a_database_without_tables_is_waited_for(lane, tmp_path):
    """A program makes the file first, and then what is in it."""
    stack = lane.stack(tmp_path / "stack", lane.anvil.head() + 1)
    stack.database.path.touch()
    problems = scene.Group(stack).converge(lane.checker(lane.anvil.head() + 1), seconds=0.1)
    assert problems == ["the database cannot be read: no such table: block_coverage"]


def asked(port: int, request: dict, timeout: float = 0.5):
    """Status, headers that matter, body: or the exception's name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        try:
            connection.request("POST", "/", json.dumps(request), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name in ("Retry-After", "Content-Encoding")}
            body = answer.read()
            if name := next(iter(kept), None):
                return answer.status, name, body
            try:
                return answer.status, json.loads(body)
            except (ValueError, RecursionError):
                return answer.status, body[:100]
        except (OSError, http.client.HTTPException) as problem:
            return type(problem).__name__


def is_the_honest_answer_delayed(name: str) -> bool:
    return name in ("delay", "one_byte_writes", "duplicate")


@pytest.mark.parametrize("name", [name for name in (*faults.ANSWER, *faults.BODY, *faults.WIRE)])
def test_a_fault_strikes_as_often_as_it_was_told_to(lane, booked, name):
    _, _, _, first = booked
    request = {"jsonrpc": "2.0", "id": 7, "method": "eth_getLogs", "params": [
        {"fromBlock": hex(first), "toBlock": "latest", "address": lane.market.orderbook},
    ]}
    if name in faults.BLOCK_FAULTS:
        request |= {"method": "eth_getBlockByNumber", "params": [hex(first), False]}
    if name in faults.STATE_FAULTS:
        block = {"blockHash": lane.anvil.rpc.call("eth_getBlockByNumber", hex(first), False)["hash"]}
        asset = {"to": lane.market.tokens["wtTSLA"].address, "data": "0x38d52e0f"}
        request |= {"method": "eth_call", "params": [asset, block]}
    if name == "lagging_head":
        request |= {"method": "eth_blockNumber", "params": []}
    if name == "other_chain":
        request |= {"method": "eth_chainId", "params": []}
    with faults.FaultProxy(lane.anvil.port, seed=3) as proxy:
        port = int(proxy.url.rpartition(":")[2])
        honest = asked(port, request)
        assert honest == asked(lane.anvil.port, request) and honest[0] == 200
        if name == "old_answer":
            proxy.previous = {"jsonrpc": "2.0", "id": 1, "result": "0x1"}
        proxy.add(name, [request["method"]], times=1)
        struck = asked(port, request)
        assert (struck == honest) == is_the_honest_answer_delayed(name)
        assert asked(port, request) == honest
        proxy.add(name, ["*"])
        proxy.clear()
        assert asked(port, request) == honest
        assert sum(proxy.struck.values()) == 1


def test_a_call_in_the_state_of_a_block_goes_by_its_function(lane, booked):
    first, vault = booked[3], lane.market.tokens["wtTSLA"].address
    asset, later = {"to": vault, "data": "0x38d52e0f"}, hex(first + 1)
    block = {"blockHash": lane.anvil.rpc.call("eth_getBlockByNumber", later, False)["hash"]}

    def call(port: int, of, data: str = asset["data"]):
        request = {"jsonrpc": "2.0", "id": 7, "method": "eth_call", "params": [asset | {"data": data}, of]}
        return asked(port, request)[1]

    with faults.FaultProxy(lane.anvil.port) as proxy:
        port = int(proxy.url.rpartition(":")[2])
        proxy.add("pruned_state", ["asset"])
        assert "missing trie node" in call(port, block)["error"]["message"]
        assert "missing trie node" in call(port, later)["error"]["message"]
        assert "result" in call(port, "latest") and "result" in call(port, block, "0x313ce567")
        assert proxy.struck == {"pruned_state asset": 2}
        proxy.clear()
        proxy.add("lagging_head", ["asset"], blocks=lane.anvil.head() - first)
        assert "header not found" in call(port, block)["error"]["message"]
        assert "result" in call(port, hex(first))


class Subscriber:
    """A WebSocket client that keeps what it is told."""

    def __init__(self, url: str):
        self._socket = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5)
        self._socket.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._stream = self._socket.makefile("rb")
        assert b" 101 " in faults.read_head(self._stream)

    def ask(self, method: str, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        head = faults.frame_head(faults.TEXT, len(body), masked=True)
        self._socket.sendall(head + b"\1\2\3\4" + faults.masked_with(body, b"\1\2\3\4"))
        return self.next()["result"]

    def next(self) -> dict:
        return json.loads(faults.read_frame(self._stream)[2])

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


def test_gethify_tells_what_left_the_chain(lane):
    with faults.FaultProxy(lane.anvil.port) as proxy:
        proxy.gethify()
        with contextlib.closing(Subscriber(proxy.ws_url)) as subscriber:
            subscriber.ask("eth_subscribe", "logs", {"address": lane.market.orderbook})
            sent = lane.mine(random.Random(5), 1)
            first = subscriber.next()["params"]["result"]
            assert first["transactionHash"] == sent[0] and not first["removed"]
            wait_until(lambda: proxy.last_seen == first["blockHash"], what="the proxy to know the block")
            lane.anvil.rollback(1)
            seen = first
            while not seen.get("removed"):
                seen = subscriber.next()["params"]["result"]
            assert seen["transactionHash"] == sent[0]


def test_a_notification_can_be_held_back_and_another_invented(lane):
    with faults.FaultProxy(lane.anvil.port) as proxy:
        with contextlib.closing(Subscriber(proxy.ws_url)) as subscriber:
            subscriber.ask("eth_subscribe", "newHeads")
            subscription = subscriber.ask("eth_subscribe", "logs", {"address": lane.market.orderbook})
            proxy.add("silent", ["newHeads"], times=1)
            silenced = lane.anvil.mine()
            wait_until(lambda: proxy.struck["silent newHeads"] == 1, what="the silence")
            proxy.add("removed_unknown", ["newHeads"], times=1)
            lane.anvil.mine()
            invented, head = subscriber.next()["params"], subscriber.next()["params"]["result"]
            assert invented["subscription"] == subscription and invented["result"]["removed"]
            assert int(head["number"], 16) == silenced + 1


def test_a_hook_comes_between_two_requests(lane):
    request = {"jsonrpc": "2.0", "id": 7, "method": "eth_blockNumber", "params": []}
    with faults.FaultProxy(lane.anvil.port) as proxy:
        port = int(proxy.url.rpartition(":")[2])
        proxy.when("eth_blockNumber", 2, lambda: lane.anvil.mine(3))
        heads = [int(asked(port, request)[1]["result"], 16) for _ in range(3)]
        assert heads == [heads[0], heads[0] + 3, heads[0] + 3]


def test_the_same_seed_makes_the_same_cases(tmp_path):
    import node_faults
    import reorg_schedules
    from lib.campaign import Options

    for campaign in (node_faults, reorg_schedules):
        short = Options(seed=4, amount="short", folder=tmp_path, only=None, jobs=1)
        long = Options(seed=4, amount="long", folder=tmp_path, only=None, jobs=1)
        assert campaign.cases(short) == campaign.cases(short)
        assert set(campaign.cases(short)) <= set(campaign.cases(long))


def test_every_mutation_finds_its_place():
    mutations = runpy.run_path(str(scene.HERE / "mutations"))["MUTATIONS"]
    lost = [one.name for one in mutations if (scene.ROOT / one.file).read_text().count(one.old) != 1]
    assert len(mutations) > 40 and lost == []
