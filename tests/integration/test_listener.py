"""The listener alone: sessions, cutoffs, silence, lies, and what bad configuration gets."""

import json

import pytest

from lib.wsproxy import WebSocketProxy


def is_log(text: str) -> bool:
    message = json.loads(text)
    return message.get("method") == "eth_subscription" and "topics" in message["params"]["result"]


def is_head(text: str) -> bool:
    message = json.loads(text)
    return message.get("method") == "eth_subscription" and "parentHash" in message["params"]["result"]


def wait_session(stack, number=1):
    return stack.wait_until(lambda: len(stack.database.sessions()) >= number and stack.database.sessions()[-1], 15, "a session")


def test_the_first_event_is_the_cutoff(market, stack):
    listener = stack.start("listener", CUTOFF_TIMEOUT_SECONDS="600")
    listener.wait_log("subscription started")
    market.mine(3)
    [fill] = market.take("AAPL0x", "SELL", "1", usdc="230")
    session = wait_session(stack)
    assert (session["cutoff_block"], session["cutoff_source"]) == (fill.block_number, "first_event")
    listener.wait_log(f"first event at block {fill.block_number}")
    listener.wait_log(f"cutoff {fill.block_number} ")
    stack.wait_until(lambda: stack.database.count("event_queue") == 1, what="the event")


def test_a_strangers_event_is_a_cutoff_too_but_is_not_queued(market, stack):
    listener = stack.start("listener", CUTOFF_TIMEOUT_SECONDS="600")
    listener.wait_log("subscription started")
    market.take("AAPL0x", "SELL", "1", usdc="230", owner=market.stranger)
    assert wait_session(stack)["cutoff_source"] == "first_event"
    market.take("AAPL0x", "SELL", "1", usdc="230")
    stack.wait_until(lambda: stack.database.count("event_queue") == 1, what="our event alone")


def test_without_an_event_the_head_is_the_cutoff(market, stack):
    head = market.mine(7)
    listener = stack.start("listener")
    session = wait_session(stack)
    assert (session["cutoff_block"], session["cutoff_source"]) == (head, "block_number")
    assert listener.stop() == 0
    ended = stack.database.sessions()[-1]
    assert ended["ended_at"] and ended["end_reason"] == "stopped"


def test_an_event_in_the_cutoff_block_before_the_subscription_is_read(market, stack):
    market.take("AAPL0x", "SELL", "1", usdc="230")
    stack.run("listener", "--once")
    [event] = stack.database.events()
    assert event["source"] == "listener"
    assert stack.database.sessions()[0]["end_reason"] == "once"


def test_a_cut_connection_is_a_new_session(market, stack):
    with WebSocketProxy(market.anvil.port) as proxy:
        listener = stack.start("listener", WS_RPC_URL=proxy.url)
        wait_session(stack)
        proxy.cut()
        wait_session(stack, 2)
        first, second = stack.database.sessions()
        assert first["ended_at"] and not second["ended_at"]
        market.take("AAPL0x", "SELL", "1", usdc="230")
        stack.wait_until(lambda: stack.database.count("event_queue") == 1, what="an event of the new session")
        listener.stop()


def test_a_node_that_hangs_is_noticed_and_left(market, stack):
    listener = stack.start("listener")
    wait_session(stack)
    market.anvil.pause()
    listener.wait_log("no pong", 20)
    stack.wait_until(lambda: stack.database.sessions()[-1]["ended_at"], what="the session's end")
    market.anvil.resume()
    wait_session(stack, 2)


def test_heads_that_stop_while_the_connection_lives_are_noticed(market, stack):
    with WebSocketProxy(market.anvil.port, drop=is_head) as proxy:
        listener = stack.start("listener", WS_RPC_URL=proxy.url, HEAD_TIMEOUT_SECONDS="1")
        wait_session(stack)
        market.mine(5)
        listener.wait_log("newHeads stalled", 20)
        listener.stop()


def test_a_quiet_chain_is_no_reason_to_leave(market, stack):
    listener = stack.start("listener", HEAD_TIMEOUT_SECONDS="1")
    wait_session(stack)
    listener.wait_log("the chain is quiet", 10)
    assert len(stack.database.sessions()) == 1 and listener.running


def test_logs_dropped_silently_are_found_by_the_re_read(market, stack):
    """One subscription is silent while the other flows: the backfiller finds what was missed, and says so."""
    with WebSocketProxy(market.anvil.port, drop=is_log) as proxy:
        stack.start("listener", WS_RPC_URL=proxy.url)
        backfiller = stack.start("backfiller", TRAIL_SECONDS="1")
        stack.start("processor")
        wait_session(stack)
        [fill] = market.take("AAPL0x", "SELL", "0.5", usdc="115")
        stack.wait_until(lambda: len(stack.database.trades()) == 1, 20, "the missed fill")
        backfiller.wait_log("listener missed an event")
        assert stack.database.events()[0]["source"] == "backfiller"
        assert stack.database.trades()[0]["tx_hash"] == fill.tx_hash


def test_a_clear_whose_second_half_is_dropped_is_completed_by_asking(market, stack):
    after_clear = "0x3f20e55919cca701abb2a40ab72542b25ea7eed63a50f979dd2cd3231e5f488d"
    with WebSocketProxy(market.anvil.port, drop=lambda text: is_log(text) and after_clear in text) as proxy:
        stack.start("listener", WS_RPC_URL=proxy.url)
        wait_session(stack)
        market.clear("tTSLA", "BUY", "1.5", usdc="375", bounty_bought="0.002")
        stack.wait_until(lambda: stack.database.count("event_queue") == 1, what="the completed clear")
        assert json.loads(stack.database.events()[0]["event_data"])["after_clear"]["topics"] == [after_clear]
        assert proxy.dropped


def test_logs_without_a_time_take_it_from_their_head(market, stack):
    """Older nodes send no blockTimestamp: it must come from the header all the same."""
    class Stripping(WebSocketProxy):
        def _frame(self, stream):
            frame, text = super()._frame(stream)
            if text and is_log(text):
                message = json.loads(text)
                message["params"]["result"].pop("blockTimestamp", None)
                payload = json.dumps(message).encode()
                size = bytes([126]) + len(payload).to_bytes(2, "big") if len(payload) < 65536 else bytes([127]) + len(payload).to_bytes(8, "big")
                return b"\x81" + size + payload, None
            return frame, text

    with Stripping(market.anvil.port) as proxy:
        stack.start("listener", WS_RPC_URL=proxy.url)
        wait_session(stack)
        [fill] = market.take("AAPL0x", "SELL", "1", usdc="230")
        stack.wait_until(lambda: stack.database.count("event_queue") == 1, what="the event")
        block = market.anvil.rpc.call("eth_getBlockByNumber", hex(fill.block_number), False)
        seconds = stack.database.value("SELECT CAST(strftime('%s', block_timestamp) AS INTEGER) FROM event_queue")
        assert seconds == int(block["timestamp"], 16)


@pytest.mark.parametrize("name", ["listener", "backfiller", "processor"])
def test_all_problems_of_a_configuration_are_listed_at_once(stack, name):
    for key in ("WS_RPC_URL", "HTTP_RPC_URL"):
        stack.config.pop(key)
    program = stack.run(name, expect=78, ORDERBOOK="0x12", ORDER_OWNER="", DEPLOYMENT_BLOCK="-1", LOG_LEVEL="loud")
    for key in ("ORDERBOOK", "ORDER_OWNER", "DEPLOYMENT_BLOCK", "LOG_LEVEL", "WS_RPC_URL"):
        assert key in program.text()
    assert not stack.database.path.exists()


@pytest.mark.parametrize("name", ["listener", "backfiller", "processor"])
def test_check_of_an_unreachable_node_redacts_the_key(stack, name):
    urls = {"WS_RPC_URL": "ws://127.0.0.1:1/v2/SECRETKEY", "HTTP_RPC_URL": "http://127.0.0.1:1/v2/SECRETKEY"}
    program = stack.run(name, "--check", expect=69, **urls)
    assert "127.0.0.1:1" in program.text() and "SECRETKEY" not in program.text()
    assert not stack.database.path.exists()


@pytest.mark.parametrize("name", ["listener", "backfiller", "processor", "executor"])
def test_check_is_content_and_changes_nothing(stack, name):
    program = stack.run(name, "--check")
    assert "DATABASE_PATH=" in program.text()
    assert not stack.database.path.exists()


@pytest.mark.parametrize("name", ["listener", "backfiller", "processor"])
def test_the_wrong_chain_is_refused_naming_both(stack, name):
    program = stack.run(name, "--check", expect=78, CHAIN_ID="10")
    assert "10" in program.text() and "8453" in program.text()
