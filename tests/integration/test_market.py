"""The ground of the other tests: the market emits what a real orderbook emits, and moves what it says."""

import os
import subprocess
import sys

import pytest

from lib.fills import AFTER_CLEAR, CLEAR_V2, TAKE_ORDER_V2
from lib.orderbook import Reverted
from lib.process import wait_until
from lib.rpc import NodeUnreachable, Rpc, RpcError


def topics(market, logs):
    """The logs of our orderbook by their topic."""
    return [log["topics"][0] for log in logs if log["address"] == market.orderbook]


def vaults(market, owner, *symbols):
    return [market.vault(owner, symbol) for symbol in symbols]


def test_topics_are_the_keccak_of_the_real_signatures(market):
    for event, topic in (
        ("TakeOrderV2", TAKE_ORDER_V2),
        ("ClearV2", CLEAR_V2),
        ("AfterClear", AFTER_CLEAR),
    ):
        signature = market.book.event_signature(event)
        assert market.rpc.call("web3_sha3", "0x" + signature.encode().hex()) == topic


def test_a_take_says_what_the_taker_gave_and_got(market):
    before = vaults(market, market.owner, "AAPL0x", "USDC")
    context = (market.stranger, [1, 2**255], b"signed")
    [fill] = market.take("AAPL0x", "SELL", "0.30", "69.15", contexts=[context])
    after = vaults(market, market.owner, "AAPL0x", "USDC")
    assert [new - old for old, new in zip(before, after)] == [-3 * 10**17, 69_150_000]

    log = next(log for log in market.logs(fill.tx_hash) if log["topics"][0] == TAKE_ORDER_V2)
    assert int(log["logIndex"], 16) == fill.log_index == 1  # behind its Context
    assert int(log["blockNumber"], 16) == fill.block_number == market.anvil.head()
    event = market.book.decode_event("TakeOrderV2", log["data"])
    config = event["config"]
    order = config["order"]
    assert event["sender"] == market.taker and order["owner"] == market.owner
    assert (event["input"], event["output"]) == (3 * 10**17, 69_150_000)
    assert order["validOutputs"][config["outputIOIndex"]] == market.tokens["AAPL0x"].io
    assert order["validInputs"][config["inputIOIndex"]] == market.tokens["USDC"].io
    assert config["inputIOIndex"] != config["outputIOIndex"]
    [signed] = config["signedContext"]
    assert signed == {"signer": context[0], "context": context[1], "signature": "0x" + b"signed".hex()}
    assert market.book.encode_event("TakeOrderV2", *event.values()).hex() == log["data"][2:]

    assert (fill.owner, fill.symbol, fill.direction) == (market.owner, "AAPL0x", "SELL")
    assert (fill.amount, fill.usdc, fill.price_usdc) == ("0.3", "69.15", "230.5")


def test_a_buy_moves_the_vaults_the_other_way(market):
    before = vaults(market, market.owner, "tBRK.B", "USDC")
    [fill] = market.take("tBRK.B", "BUY", "0.000000000000000001", "0")
    after = vaults(market, market.owner, "tBRK.B", "USDC")
    assert [new - old for old, new in zip(before, after)] == [1, 0]
    assert (fill.direction, fill.amount, fill.usdc) == ("BUY", "0.000000000000000001", "0")
    assert fill.price_usdc is None


@pytest.mark.parametrize("owner_is", ["alice", "bob"])
@pytest.mark.parametrize("side, sign", [("SELL", -1), ("BUY", 1)])
def test_a_clear_pays_both_orders_and_the_bounties(market, owner_is, side, sign):
    before = vaults(market, market.owner, "NVDAs1", "USDC")
    theirs_before = vaults(market, market.stranger, "NVDAs1", "USDC")
    [fill] = market.clear(
        "NVDAs1", side, "2", "300", owner_is, bounty_sold="0.5", bounty_bought="0.25"
    )
    moved = [new - old for old, new in zip(before, vaults(market, market.owner, "NVDAs1", "USDC"))]
    assert moved == [sign * 2 * 10**18, -sign * 300 * 10**6]
    theirs = vaults(market, market.stranger, "NVDAs1", "USDC")
    moved = [new - old for old, new in zip(theirs_before, theirs)]
    if side == "SELL":
        assert moved == [15 * 10**17, -300_250_000]
    else:
        assert moved == [-225 * 10**16, 299_500_000]

    logs = market.logs(fill.tx_hash)
    assert topics(market, logs)[0] == CLEAR_V2 and topics(market, logs)[3] == AFTER_CLEAR
    assert len(logs) == 4 and logs[1]["topics"] == logs[2]["topics"]
    event = market.book.decode_event("ClearV2", logs[0]["data"])
    assert event[owner_is]["owner"] == market.owner
    change = market.book.decode_event("AfterClear", logs[3]["data"])["clearStateChange"]
    amounts = [change[owner_is + "Output"], change[owner_is + "Input"]]
    assert amounts == ([2 * 10**18, 300 * 10**6] if side == "SELL" else [300 * 10**6, 2 * 10**18])
    assert (fill.log_index, fill.event_type) == (int(logs[0]["logIndex"], 16), "ClearV2")


def test_many_fills_share_a_transaction(market):
    fills = market.many(
        [
            market.taking("AAPL0x", "SELL", "0.1", "20"),
            market.clearing("AAPL0x", "BUY", "0.2", "40", owner_is="bob"),
            market.taking("tTSLA", "SELL", "1", "400", owner=market.stranger),
            market.clearing("NVDAs1", "SELL", "3", "450"),
            market.taking("tTSLA", "BUY", "0.5", "200"),
        ]
    )
    assert [fill.symbol for fill in fills] == ["AAPL0x", "AAPL0x", "NVDAs1", "tTSLA"]
    assert len({fill.tx_hash for fill in fills}) == 1
    by_index = {int(log["logIndex"], 16): log["topics"][0] for log in market.logs(fills[0].tx_hash)}
    found = [by_index[fill.log_index] for fill in fills]
    assert found == [TAKE_ORDER_V2, CLEAR_V2, CLEAR_V2, TAKE_ORDER_V2]


def test_two_orderbooks_share_a_transaction(market):
    action = market.taking("AAPL0x", "SELL", "1", "230")
    clear = market.clearing("AAPL0x", "BUY", "1", "229")
    steps = [(book, one) for one in (action, clear) for book in (market.decoy, market.orderbook)]
    fills = market.across(steps)
    found = [(fill.event_type, fill.direction) for fill in fills]
    assert found == [("TakeOrderV2", "SELL"), ("ClearV2", "BUY")]
    logs = {int(log["logIndex"], 16): log for log in market.logs(market.last_tx)}
    ours = [logs[fill.log_index] for fill in fills]
    assert [log["address"] for log in ours] == [market.orderbook] * 2
    same_events = [log for log in logs.values() if log["topics"][0] in (TAKE_ORDER_V2, CLEAR_V2)]
    assert len(same_events) == 4


def test_equity_for_equity_is_two_fills_of_one_event(market):
    sold, bought = market.swap("AAPL0x", "1.5", "tTSLA", "0.75")
    assert (sold.symbol, sold.direction, sold.amount, sold.usdc) == ("AAPL0x", "SELL", "1.5", None)
    assert (bought.symbol, bought.direction, bought.amount) == ("tTSLA", "BUY", "0.75")
    assert sold.log_index == bought.log_index and sold.price_usdc is None


def test_foreign_owners_give_no_fill(market):
    assert market.take("AAPL0x", "SELL", "1", "230", owner=market.stranger) == []
    assert market.clear("AAPL0x", "SELL", "1", "230", owner=market.other) == []


def test_an_order_honours_its_own_terms(market):
    """Its terms are 1 token at a ratio of 1, and there is more than that in the vault."""
    token, usdc = market.tokens["AAPL0x"], market.tokens["USDC"]
    config = (market.order(market.owner, "AAPL0x"), 1, 0, [])
    calldata = market.book.call("takeOrder", config, 2**199)
    transaction = {"from": market.taker, "to": market.orderbook, "data": calldata}
    tx_hash = market.rpc.call("eth_sendTransaction", transaction)
    log = next(log for log in market.logs(tx_hash) if log["topics"][0] == TAKE_ORDER_V2)
    event = market.book.decode_event("TakeOrderV2", log["data"])
    assert (event["input"], event["output"]) == (token.raw(1), usdc.raw(1))


def test_what_the_orderbook_refuses_is_told(market):
    with pytest.raises(Reverted):
        market.take("AAPL0x", "SELL", 10**45, "1")
    with pytest.raises(Reverted):
        market.clear("AAPL0x", "SELL", "1", "1", counterparty=market.owner)


def test_any_bytes_can_stand_under_a_topic(market):
    tx_hash = market.emit_raw(CLEAR_V2, b"\x01\x02\x03")
    [log] = market.logs(tx_hash)
    assert (log["address"], log["topics"], log["data"]) == (market.orderbook, [CLEAR_V2], "0x010203")


@pytest.mark.tokens(WETH=18, GME0x=0)
def test_further_tokens_can_be_traded(market):
    [fill] = market.take("GME0x", "SELL", "3", "75")
    assert fill.amount == "3"
    assert [fill.symbol for fill in market.swap("WETH", "1", "AAPL0x", "10")] == ["WETH", "AAPL0x"]


@pytest.mark.anvil(mining="manual")
def test_mined_by_hand_fills_share_a_block(market):
    first = market.take("AAPL0x", "SELL", "1", "230")
    second = market.take("AAPL0x", "BUY", "1", "229")
    assert first[0].block_number is None
    head = market.mine()
    assert [fill.block_number for fill in first + second] == [head, head]
    assert first[0].log_index < second[0].log_index


@pytest.mark.anvil(mining="interval", block_time=0.2)
def test_mined_by_the_clock(market):
    [fill] = market.take("AAPL0x", "SELL", "1", "230")
    wait_until(lambda: market.anvil.head() > fill.block_number)


@pytest.mark.anvil(slots_in_an_epoch=1)
def test_a_reorg_moves_or_drops_a_fill(market):
    [dropped] = market.take("AAPL0x", "SELL", "1", "230")
    [moved] = market.take("AAPL0x", "BUY", "2", "460")
    raw = market.rpc.call("eth_getRawTransactionByHash", moved.tx_hash)
    raw_dropped = market.rpc.call("eth_getRawTransactionByHash", dropped.tx_hash)
    old = (moved.block_number, moved.block_hash)
    market.anvil.reorg(2, [(raw_dropped, 0), (raw, 0)])
    market.refresh([dropped, moved])
    assert moved.block_number == old[0] - 1 == dropped.block_number and moved.block_hash != old[1]
    assert moved.log_index > dropped.log_index
    market.anvil.reorg(2)
    market.refresh([dropped, moved])
    assert dropped.block_number is None and moved.block_number is None
    assert market.anvil.head() == old[0]


def test_a_snapshot_takes_the_chain_back(market):
    snapshot = market.anvil.snapshot()
    head = market.anvil.head()
    market.anvil.mine(5)
    market.anvil.revert(snapshot)
    assert market.anvil.head() == head


def test_a_paused_node_answers_later(anvil):
    anvil.pause()
    with pytest.raises(NodeUnreachable, match="timed out"):
        Rpc(anvil.url, timeout=0.1).call("eth_blockNumber")
    anvil.resume()
    assert anvil.head() == 0


def test_a_node_dies_with_the_process_that_started_it(workdir):
    """Also when that process is killed, which is why no test can leave one behind."""
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from lib.anvil import Anvil\n"
        "node = Anvil(sys.argv[2]).start(); print(node._process.pid, flush=True); time.sleep(60)"
    )
    here = os.path.dirname(__file__)
    parent = subprocess.Popen(
        [sys.executable, "-c", script, here, str(workdir)], stdout=subprocess.PIPE, text=True
    )
    pid = int(parent.stdout.readline())
    assert os.path.exists(f"/proc/{pid}")
    parent.kill()
    parent.wait()
    parent.stdout.close()

    def gone():
        try:  # ours since its parent died
            return os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            return not os.path.exists(f"/proc/{pid}")

    wait_until(gone, what="the node to die")


def test_a_restarted_node_has_its_port_and_a_new_chain(anvil):
    port, genesis = anvil.port, anvil.rpc.call("eth_getBlockByNumber", "0x0", False)["hash"]
    anvil.mine(3)
    anvil.kill9()
    anvil.start()
    assert (anvil.port, anvil.head()) == (port, 0)
    assert anvil.rpc.call("eth_getBlockByNumber", "0x0", False)["hash"] != genesis


def test_errors_of_the_node_are_typed(anvil):
    with pytest.raises(RpcError) as caught:
        anvil.rpc.call("eth_nonsense")
    assert caught.value.code == -32601
