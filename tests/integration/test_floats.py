"""Both generations of orderbooks in one database: what is read of each, live and from history."""

import json

from lib.amounts import float_word
from lib.fills import AFTER_CLEAR_V2, CLEAR_V3, TAKE_ORDER_V3
from test_pipeline import as_rows, fills_of, run_once, settled, wait_booked, wait_session


def mixed(market) -> list:
    """Fills of both generations, some in one transaction, of both owners' sides and of strangers."""
    fills = market.take("AAPL0x", "SELL", "1.25", usdc="287.5")
    fills += market.many([market.taking_floats("AAPL0x", "SELL", "0.7500000000000000009", usdc="172.5")])
    fills += market.many(
        [
            market.clearing_floats("NVDAs1", "BUY", "2", usdc="361.5", owner_is="bob"),
            market.taking("tTSLA", "BUY", "0.5", usdc="120"),
            market.taking_floats("tTSLA", "SELL", "1.333333333333333333333333333", usdc=(31999999999, -8)),
            market.clearing("NVDAs1", "SELL", "0.25", usdc="45", bounty_sold="0.01"),
            market.clearing_floats("tBRK.B", "SELL", (3, 0), usdc=(12, 2), owner=market.owner),
            market.taking_floats("AAPL0x", "SELL", "5", usdc="1", owner=market.stranger),
        ]
    )
    fills += market.many([market.taking_floats("AAPL0x", "BUY", (0, 2**31 - 1), usdc=(1, -(2**31)))])
    return fills


def test_history_of_both_generations(market, stack):
    fills = mixed(market)
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    assert {row["event_type"] for row in stack.database.events()} == {
        "TakeOrderV2", "ClearV2", "TakeOrderV3", "ClearV3",
    }
    assert {row["outcome"] for row in stack.database.events()} == {"trade"}
    [take] = stack.database.rows("SELECT * FROM event_queue WHERE event_type = 'TakeOrderV3' ORDER BY id LIMIT 1")
    leg = json.loads(take["event_data"])["fills"][0]["output"]
    assert leg["float_word"] == "0x" + float_word("0.7500000000000000009").hex()
    assert leg["tokens"] == "0.75" and "decimals" not in leg
    assert "identical" in stack.run("processor", "--replay").text()
    stack.run("backfiller", "--verify")


def test_live_events_of_both_generations_and_the_proof_of_them(market, stack):
    stack.start_all()
    wait_session(stack)
    fills = mixed(market)
    wait_booked(stack, fills)
    assert {row["source"] for row in stack.database.events()} == {"listener"}
    stack.wait_until(
        lambda: stack.database.count("event_queue", "confirmed = 0") == 0, 20, "the backfiller's proof"
    )
    assert fills_of(stack.database) == as_rows(fills)


def test_hostile_floats_are_set_aside_and_the_others_go_on(market, stack):
    hostile = {
        (2**223 - 1, 2**31 - 1): "out of range",
        (1, 13): "out of range",
        (-1, 0): "negative",
        (-(2**223), -(2**31)): "negative",
    }
    for amount in hostile:
        action = market.taking_floats("AAPL0x", "SELL", "1", usdc="1")
        one, bad = float_word("1").hex(), float_word(amount).hex()
        # The taker's input is the first of the two words of 1 behind the config's offset.
        calldata = action.calldata.replace(one, bad, 1)
        market.many([type(action)(calldata)])
    fills = market.many([market.taking_floats("AAPL0x", "SELL", "1", usdc="230")])
    run_once(stack)
    assert fills_of(stack.database) == as_rows(fills)
    errors = [row["error"] for row in stack.database.events() if row["outcome"] == "quarantined"]
    assert len(errors) == len(hostile)
    for (coefficient, exponent), words in hostile.items():
        assert f"amount {words}: {coefficient}e{exponent} AAPL0x" in errors


def test_a_clear_of_floats_waits_for_its_own_after_clear(market, stack):
    """One that has none is kept and set aside; one of the other generation is not taken for it."""
    action = market.clearing_floats("AAPL0x", "SELL", "1", usdc="230")
    [fill] = market.many([action])
    log = next(one for one in market.logs(market.last_tx) if one["topics"][0] == CLEAR_V3)
    market.emit_raw(CLEAR_V3, bytes.fromhex(log["data"][2:]))
    market.emit_raw(AFTER_CLEAR_V2, bytes(5 * 32))
    market.emit_raw(TAKE_ORDER_V3, bytes(40))
    stack.run("backfiller", "--once", BACKFILL_ATTEMPTS="2")
    stack.run("processor", "--once")
    stack.run("executor", "--once")
    stack.run("processor", "--once")
    assert settled(stack)
    assert fills_of(stack.database) == as_rows([fill])
    errors = sorted(row["error"] for row in stack.database.events() if row["outcome"] == "quarantined")
    assert errors[0] == "ClearV3 without its AfterClear"
    assert errors[1].startswith("undecodable: ")
