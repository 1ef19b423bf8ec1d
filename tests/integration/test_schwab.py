"""Hedging at Charles Schwab, against a simulator that is as strict as the real one, and misbehaves as it does."""

import re
import socket
import sqlite3
import ssl
import struct
import subprocess
from urllib.parse import parse_qsl

import pytest

from lib.anvil import ROOT
from lib.ballast import binary
from lib.broker_sim import HTML_403, HTML_502, SCHWAB_400, BrokerSimulator, Fault
from lib.hedger import ENCRYPTION_KEY, Hedger
from lib.process import wait_until

POST = "POST /trader/v1/accounts/*/orders"
LIST = "GET /trader/v1/accounts/*/orders"
TOKEN = "POST /v1/oauth/token"
DAY = 24 * 60 * 60


@pytest.fixture
def sim(workdir):
    with BrokerSimulator(workdir) as simulator:
        yield simulator
        assert simulator.violations == []


@pytest.fixture
def hedger(workdir, sim):
    """Logged in."""
    made = Hedger(workdir, sim, "schwab")
    made.login()
    return made


def posts(sim):
    return [request for request in sim.requests if request.method == "POST" and request.path.endswith("/orders")]


def test_a_person_logs_in_and_an_order_is_placed_followed_and_booked(workdir, sim):
    hedger = Hedger(workdir, sim, "schwab")
    assert "executor auth" in hedger.run("--check", expect=78).text()
    told = hedger.login()
    assert f"{sim.url}/v1/oauth/authorize?response_type=code&client_id=" in told
    assert sim.schwab_account_number in hedger.run("--check").text()
    sim.split_fills = True
    hedger.ask("AAPL", 10, "SELL")
    row = hedger.hedge("FILLED")
    order = sim.orders()[0]
    assert (order["symbol"], order["side"], str(order["quantity"])) == ("AAPL", "sell", "10")
    assert row["order_id"] == str(order["id"])
    assert [row[name] for name in ("shares", "order_shares", "accepted_shares", "filled_shares")] == ["10"] * 4
    assert row["average_price"] is not None


def test_an_order_waits_for_the_login(workdir, sim):
    hedger = Hedger(workdir, sim, "schwab")
    hedger.ask()
    program = hedger.start()
    wait_until(lambda: "executor auth" in (hedger.execution()["error"] or ""), 10, "the reason")
    assert (hedger.status(), posts(sim)) == ("PENDING", [])
    hedger.login()
    hedger.wait_status("FILLED", timeout=75)
    program.stop()


def test_a_wrong_redirect_logs_nobody_in(workdir, sim):
    hedger = Hedger(workdir, sim, "schwab")
    for redirect, words in (("https://127.0.0.1/?error=access_denied", "access_denied"), ("nonsense", "no code"),
                            ("https://127.0.0.1/?code=C0.invented%40&session=1", "refuses the login")):
        with pytest.raises(AssertionError, match=words):
            hedger.login(redirect)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_the_end_of_the_login_is_caught_on_the_loopback(workdir, sim):
    hedger = Hedger(workdir, sim, "schwab")
    port = free_port()
    sim.schwab_redirect_uri = hedger.config["SCHWAB_REDIRECT_URI"] = f"https://127.0.0.1:{port}/callback"
    process = subprocess.Popen(
        [binary("executor"), "auth"], env={key: str(value) for key, value in hedger.config.items()}, cwd=workdir,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    try:
        state = next(filter(None, (re.search(r"state=(\w+)", line) for line in process.stdout)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for path in ("/favicon.ico", sim.authorize().split(f"{port}", 1)[1] + f"&state={state[1]}"):
            with context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=10)) as browser:
                browser.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                answer = browser.recv(4096).decode()
        assert "taken the login" in answer
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.communicate()
    assert sim.schwab_account_number in hedger.run("--check").text()


@pytest.mark.parametrize("kind, value", [
    ("drop_after", None), ("stall_after", 5), ("no_location", None), ("odd_location", None), ("wrong_location", None),
    ("status_after", (500, b"", {})), ("status_after", (502, HTML_502, {"Content-Type": "text/html"})),
    ("status_after", (403, HTML_403, {"Content-Type": "text/html"})), ("truncated", None),
])
def test_an_unclear_outcome_is_found_in_the_list_and_never_sent_again(hedger, sim, kind, value):
    older = sim.place_by_hand("NVDA", "SELL", 10)["id"]
    hedger.ask("MSFT", 10)
    sim.add_fault(Fault(POST, kind, value=value))
    row = hedger.hedge("FILLED")
    mine = [order for order in sim.orders() if order["symbol"] == "MSFT"]
    assert [str(order["id"]) for order in mine] == [row["order_id"]] and row["order_id"] != str(older)
    assert len(posts(sim)) == 1


@pytest.mark.parametrize("kind, value", [
    ("drop_before", None), ("drop_in_request", 20), ("stall_before", 5), ("status_before", (500, b"", {})),
    ("status_before", (403, HTML_403, {"Content-Type": "text/html"})),
    ("status_before", (200, b"upstream request timeout", {})),
])
def test_what_cannot_be_found_is_held_for_a_person(hedger, sim, kind, value):
    sim.add_fault(Fault(POST, kind, value=value))
    hedger.ask()
    row = hedger.hedge("HELD")
    assert (len(posts(sim)), sim.count()) == (1, 0)
    assert "no such order is at the broker" in row["error"]
    assert "execution HELD" in hedger.text()


def held(hedger, sim) -> dict:
    sim.add_fault(Fault(POST, "drop_before"))
    hedger.ask()
    return hedger.hedge("HELD")


def test_a_person_says_that_nothing_was_placed(hedger, sim):
    held(hedger, sim)
    assert "execution HELD: a person must decide" in hedger.run("--once").text(), "told again at every start"
    told = hedger.run("held").text()
    assert "execution 1 HELD SELL 10 AAPL" in told and "--not-placed" in told
    hedger.run("resolve", 1, "--not-placed", "--reason", "the order list is empty")
    assert hedger.hedge("FILLED")["filled_shares"] == "10"
    decision = hedger.database.row("SELECT * FROM operator_decisions")
    assert (decision["decision"], decision["reason"]) == ("not-placed", "the order list is empty")
    hedger.run("resolve", 1, "--not-placed", expect=64)
    assert sim.count() == 1


def test_a_person_names_the_order(hedger, sim):
    held(hedger, sim)
    order_id = sim.place_by_hand("AAPL", "SELL", 10)["id"]
    hedger.run("resolve", 1, "--adopt", order_id)
    assert hedger.hedge("FILLED")["order_id"] == str(order_id)


def test_a_person_knows_what_was_filled(hedger, sim):
    held(hedger, sim)
    for words in (["--filled", "x", "1"], ["--filled", "4"], ["--filled", "4", "dear"], [], ["--not-placed", "--adopt", "1"]):
        hedger.run("resolve", 1, *words, expect=64)
    hedger.run("resolve", 1, "--filled", "4", "150.125")
    row = hedger.execution()
    assert (row["status"], row["filled_shares"], row["average_price"]) == ("FAILED", "4", "150.125")


def test_two_orders_that_could_be_it_are_held(hedger, sim):
    def twin():
        sim.place_by_hand("AAPL", "SELL", 10)

    sim.add_fault(Fault(POST, "drop_after", call=twin))
    hedger.ask()
    row = hedger.hedge("HELD")
    assert "several orders" in row["error"]
    assert len(posts(sim)) == 1


def test_an_order_of_an_earlier_execution_is_never_taken_for_this_one(hedger, sim):
    hedger.ask()
    first = hedger.hedge("FILLED")
    sim.add_fault(Fault(POST, "drop_before"))
    hedger.ask()
    row = hedger.hedge("HELD", number=2)
    assert (row["order_id"], sim.count()) == (None, 1)
    hedger.run("resolve", 2, "--adopt", first["order_id"], expect=64)


def test_an_order_that_is_listed_late_is_waited_for(hedger, sim):
    sim.lag_seconds = 2
    sim.add_fault(Fault(POST, "drop_after"))
    hedger.ask()
    assert hedger.hedge("FILLED", RECONCILE_SECONDS="6")["order_id"] == str(sim.orders()[0]["id"])


@pytest.mark.parametrize("on_order, status, filled", [
    ("partial_cancel:4", "FAILED", "4"), ("partial_expire:3", "FAILED", "3"), ("reject", "FAILED", "0"),
    ("expire", "FAILED", "0"),
])
def test_only_executions_that_are_fills_count(hedger, sim, on_order, status, filled):
    sim.on_order = on_order
    hedger.ask("AAPL", 10)
    row = hedger.hedge("FILLED", "FAILED")
    assert (row["status"], row["filled_shares"]) == (status, filled)
    assert (row["average_price"] is None) == (filled == "0")


def test_fills_that_come_later_than_the_status_are_waited_for(hedger, sim):
    sim.legs_lag = 3
    hedger.ask()
    row = hedger.hedge("FILLED", timeout=25)
    assert (row["filled_shares"], row["average_price"]) == ("10", "150.25")


@pytest.mark.parametrize("word", [
    "AWAITING_PARENT_ORDER", "AWAITING_CONDITION", "AWAITING_STOP_CONDITION", "AWAITING_MANUAL_REVIEW", "ACCEPTED",
    "AWAITING_UR_OUT", "PENDING_ACTIVATION", "QUEUED", "WORKING", "PENDING_CANCEL", "PENDING_REPLACE", "NEW",
    "AWAITING_RELEASE_TIME", "PENDING_ACKNOWLEDGEMENT", "PENDING_RECALL", "UNKNOWN", "A_WORD_OF_2027",
])
def test_every_other_word_is_an_open_order(hedger, sim, word):
    sim.on_order = f"status:{word}"
    hedger.ask()
    program = hedger.start()
    hedger.wait_status("SUBMITTED")
    order_id = sim.orders()[0]["id"]
    sim.wait_for(lambda: sum(request.path.endswith(f"/orders/{order_id}") for request in sim.requests) >= 2, 10, "polls")
    assert hedger.status() == "SUBMITTED"
    program.stop()


def test_a_refusal_is_not_an_order(hedger, sim):
    sim.add_fault(Fault(POST, "status_before", value=(400, SCHWAB_400, {"Content-Type": "application/json"})))
    hedger.ask()
    row = hedger.hedge("FAILED")
    assert "validation error" in row["error"] and sim.count() == 0


def test_a_token_that_was_taken_back_early_is_renewed_and_the_order_placed_once(hedger, sim):
    hedger.ask()
    sim.expire_access_tokens()
    hedger.hedge("FILLED")
    assert (sim.refreshes, sim.count()) == (1, 1)


def test_a_token_that_ends_between_the_questions_and_the_order_places_it_once(hedger, sim):
    sim.add_fault(Fault("GET /trader/v1/accounts/*", "call_after", after=1, call=sim.expire_access_tokens))
    hedger.ask()
    hedger.hedge("FILLED")
    assert sim.count() == 1


@pytest.mark.parametrize("rotate", [False, True])
def test_four_processes_refresh_once(hedger, sim, rotate):
    sim.rotate_refresh_tokens = rotate
    hedger.ask()
    sim.expire_access_tokens()
    sim.add_fault(Fault(TOKEN, "slow", value=0.001, times=None))
    programs = [hedger.start("--check") for _ in range(3)] + [hedger.start("--once")]
    assert [program.wait() for program in programs] == [0, 0, 0, 0]
    assert (sim.refreshes, sim.refresh_attempts) == (1, 1)
    assert hedger.database.value("SELECT generation FROM broker_tokens") == 2


def test_new_tokens_are_on_disk_before_they_are_used(hedger, sim):
    sim.rotate_refresh_tokens = True
    seen = []
    sim.expire_access_tokens()
    sim.add_fault(Fault("GET /trader/v1/accounts/accountNumbers", "call_before", after=1,
                        call=lambda: seen.append(hedger.database.value("SELECT generation FROM broker_tokens"))))
    hedger.run("--check")
    assert (seen, sim.refreshes) == ([2], 1)
    sim.expire_access_tokens()
    hedger.run("--check")
    assert sim.refreshes == 2, "the refresh token that came with the first answer is the one that works"


def test_a_dead_login_holds_new_orders_and_a_new_one_sends_them(hedger, sim):
    sim.expire_access_tokens()
    sim.kill_refresh_token()
    hedger.ask()
    program = hedger.start()
    wait_until(lambda: "executor auth" in (hedger.execution()["error"] or ""), 15, "the reason")
    attempts = sim.refresh_attempts
    assert (hedger.status(), posts(sim)) == ("PENDING", [])
    hedger.login()
    hedger.wait_status("FILLED", timeout=75)
    program.stop()
    assert attempts <= 2, "a dead token is not asked for again and again"


def shifted(workdir, seconds: float) -> dict:
    """Environment of a program whose clock is so much ahead."""
    library, shift = workdir / "jumping_clock.so", workdir / f"shift{int(seconds)}"
    if not library.exists():
        source = ROOT / "tests/faults/preload/jumping_clock.c"
        subprocess.run(["gcc", "-std=gnu17", "-shared", "-fPIC", "-o", library, source], check=True)
    shift.write_bytes(struct.pack("@q", int(seconds)))
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(shift)}


@pytest.fixture
def plain_sim(workdir):
    """Without TLS: no certificate is good for a clock that is days off."""
    with BrokerSimulator(workdir, tls=False) as simulator:
        yield simulator
        assert simulator.violations == []


def test_the_end_of_the_login_is_told_two_days_ahead(workdir, plain_sim):
    hedger = Hedger(workdir, plain_sim, "schwab")
    hedger.login(**shifted(workdir, -4.9 * DAY))
    hedger.run("--once")
    assert "login ends soon" not in hedger.text()
    hedger.login(**shifted(workdir, -5.5 * DAY))
    hedger.run("--once")
    assert re.search(r"warn .*login ends soon.* hours_left=3[56]", hedger.text())
    assert "ends in 3" in hedger.run("status").text()


def test_the_seven_days_count_from_the_login_and_not_from_a_refresh(workdir, plain_sim):
    sim = plain_sim
    hedger = Hedger(workdir, sim, "schwab")
    hedger.login(**shifted(workdir, -6.9 * DAY))
    hedger.run("--check")
    assert sim.refreshes == 1, "the token of six days ago is renewed"
    hedger.ask()
    program = hedger.start(**shifted(workdir, 0.2 * DAY))
    program.wait_log("error .*login has ended: new orders wait", 10)
    wait_until(lambda: "executor auth" in (hedger.execution()["error"] or ""), 10, "the reason")
    program.stop()
    assert (sim.refresh_attempts, hedger.status(), posts(sim)) == (1, "PENDING", [])


def test_tokens_are_sealed_and_a_wrong_key_is_a_clear_error(hedger, sim):
    kept = b"".join(path.read_bytes() for path in hedger.folder.glob("ballast.db*"))
    hedger.run("--check")
    sim.expire_access_tokens()
    hedger.run("--check")
    tokens = {request.headers["authorization"].split()[1] for request in sim.requests if request.path.startswith("/trader")}
    refresh = [dict(parse_qsl(request.body.decode())).get("refresh_token") for request in sim.requests if request.body]
    secrets = [sim.schwab_app_secret, *tokens, *filter(None, refresh)]
    assert len(tokens) >= 2 and any(refresh)
    for secret in secrets:
        assert secret.encode() not in kept and secret not in hedger.text()
    text = hedger.run("--check", expect=78, ENCRYPTION_KEY="ff" * 32).text()
    assert "cannot be opened" in text and "ENCRYPTION_KEY" in text
    assert sim.schwab_account_number in hedger.run("--check").text()


def test_a_row_that_was_changed_cannot_be_opened(hedger):
    with sqlite3.connect(hedger.database.path) as connection:
        connection.execute("UPDATE broker_tokens SET login_at = '2030-01-01T00:00:00.000Z'")
    assert "cannot be opened" in hedger.run("--check", expect=78).text()


def test_the_key_may_stand_in_a_file_of_its_own(hedger):
    path = hedger.folder / "key"
    path.write_text(ENCRYPTION_KEY + "\n")
    path.chmod(0o644)
    hedger.config.pop("ENCRYPTION_KEY")
    assert "others may read" in hedger.run("--check", expect=78, ENCRYPTION_KEY_FILE=path).text()
    path.chmod(0o600)
    hedger.run("--check", ENCRYPTION_KEY_FILE=path)


@pytest.mark.parametrize("day", ["closed_day", "before_open", "after_close"])
def test_orders_wait_while_the_market_is_closed(hedger, sim, day):
    sim.schwab_day = day
    hedger.ask()
    program = hedger.start()
    wait_until(lambda: hedger.execution()["error"] == "the market is closed", 10, "the reason")
    program.stop()
    assert posts(sim) == []


@pytest.mark.parametrize("day", ["open", "half_day"])
def test_orders_go_while_it_is_open(hedger, sim, day):
    sim.schwab_day = day
    hedger.ask()
    hedger.hedge("FILLED")


def test_a_page_of_html_is_no_reason_to_forget_the_login(hedger, sim):
    sim.expire_access_tokens()
    sim.add_fault(Fault(TOKEN, "status_before", times=2, value=(403, HTML_403, {"Content-Type": "text/html"})))
    hedger.ask()
    hedger.hedge("FILLED", timeout=30)
    assert sim.count() == 1


def test_another_account_than_the_configured_one_never_trades(hedger, sim):
    assert "11112222" in hedger.run("--check", expect=78, SCHWAB_ACCOUNT_NUMBER="11112222").text()
    hedger.ask()
    program = hedger.start(SCHWAB_ACCOUNT_NUMBER="11112222")
    wait_until(lambda: "11112222" in (hedger.execution()["error"] or ""), 10, "the reason")
    program.stop()
    assert posts(sim) == []


def test_short_and_cover_are_said_as_schwab_wants_them(hedger, sim):
    sim.positions["AAPL"] = 0
    hedger.ask("AAPL", 3, "SELL")
    hedger.hedge("FILLED", ALLOW_SHORT="1")
    sim.positions["AAPL"] = -3
    hedger.ask("AAPL", 5, "BUY")
    row = hedger.hedge("FAILED", number=2, ALLOW_SHORT="1")
    assert (row["order_shares"], row["filled_shares"]) == ("3", "3")
    assert ['"SELL_SHORT"' in str(posts(sim)[0].body), '"BUY_TO_COVER"' in str(posts(sim)[1].body)] == [True, True]


def test_a_killed_executor_finds_its_order(hedger, sim):
    programs = []
    sim.add_fault(Fault(POST, "call_after", call=lambda: programs[0].kill9()))
    hedger.ask()
    programs.append(hedger.start())
    wait_until(lambda: not programs[0].running, 15, "the kill")
    assert hedger.status() == "SUBMITTING"
    hedger.hedge("FILLED")
    assert (len(posts(sim)), sim.count()) == (1, 1)
    assert LIST.split(" ")[0] in [request.method for request in sim.requests]
