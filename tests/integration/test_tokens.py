"""Tokens are asked for once; one that cannot be asked holds only its own events."""

from test_pipeline import as_rows, fills_of


def test_an_event_of_an_unknown_token_waits_for_the_node_and_others_go_on(market, stack):
    known = market.take("AAPL0x", "SELL", "0.5", usdc="115")
    stack.run("backfiller", "--once")
    stack.run("processor", "--once")
    unknown = market.take("NVDAs1", "BUY", "1", usdc="140")
    known += market.take("AAPL0x", "SELL", "0.5", usdc="115")
    stack.run("backfiller", "--once")
    market.anvil.pause()
    waiting = stack.run("processor", "--once", expect=75, RPC_TIMEOUT_MS="300")
    market.anvil.resume()
    assert "unreachable" in waiting.text()
    assert fills_of(stack.database) == as_rows(known)
    assert [e["symbol"] for e in stack.database.executions()] == ["AAPL"]
    stack.run("processor", "--once")
    assert fills_of(stack.database) == as_rows(known + unknown)


def test_a_processor_that_runs_takes_a_waiting_event_up_by_itself(market, stack):
    fills = market.take("NVDAs1", "BUY", "1", usdc="140")
    stack.run("backfiller", "--once")
    market.anvil.pause()
    processor = stack.start("processor", RPC_TIMEOUT_MS="300")
    processor.wait_log("token not known yet")
    market.anvil.resume()
    stack.wait_until(lambda: fills_of(stack.database) == as_rows(fills), 20, "the fill to be booked")


def test_the_node_is_not_asked_again_for_what_the_table_knows(market, stack):
    fills = market.take("AAPL0x", "SELL", "0.5", usdc="115")
    stack.run("backfiller", "--once")
    stack.run("processor", "--once")
    fills += market.take("AAPL0x", "BUY", "0.25", usdc="57")
    stack.run("backfiller", "--once")
    market.anvil.pause()
    stack.run("processor", "--once", RPC_TIMEOUT_MS="300")
    market.anvil.resume()
    assert fills_of(stack.database) == as_rows(fills)
    assert {row["symbol"] for row in stack.database.rows("SELECT symbol FROM tokens")} == {"AAPL0x", "USDC"}


def test_a_node_of_another_chain_is_never_asked(market, stack):
    market.take("AAPL0x", "SELL", "0.5", usdc="115")
    stack.run("backfiller", "--once")
    market.anvil.stop()
    market.anvil.start()
    refused = stack.run("processor", "--once", expect=78)
    assert "genesis" in refused.text()
    assert stack.database.count("tokens") == 0
