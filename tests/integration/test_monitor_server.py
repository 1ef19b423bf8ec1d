"""What the monitor serves: exact numbers, every refusal, clients that misbehave, databases that come and go."""

import contextlib
import hashlib
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from lib.ballast import binary
from lib.monitor_server import Events, MonitorServer
from lib.process import wait_until
from test_monitor import ledger, traded  # noqa: F401  fixtures

TIME = "2026-01-05T15:{:02}:00.000Z"
DATA_PATHS = ("/api/state", "/api/fills", "/api/executions", "/api/pnl", "/api/trace/trade/1", "/readyz", "/healthz", "/")


@pytest.fixture
def start(tmp_path):
    """Starts monitors, which all must leave with 0 when they are told to stop."""
    servers = []

    def run(ledger, **config):
        folder = tmp_path / f"monitor{len(servers)}"
        folder.mkdir()
        servers.append(MonitorServer(ledger.path, folder, **config))
        return servers[-1]

    yield run
    for server in servers:
        assert server.program.stop() == 0, server.program.text()


@pytest.fixture
def server(start, traded):  # noqa: F811
    return start(traded)


def reader_of(server) -> int:
    return int(subprocess.run(["pgrep", "-P", str(server.program.pid)], check=True, capture_output=True, text=True).stdout)


def put_in_place(path, content: bytes) -> None:
    """Another file at that path, as a restored backup comes; the old -wal and -shm go with the old file."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    os.replace(new, path)


def vacuum(ledger, target) -> None:  # noqa: F811
    """A copy in one file, without a -wal."""
    connection = sqlite3.connect(ledger.path, isolation_level=None)
    connection.execute("VACUUM INTO ?", (str(target),))
    connection.close()


def complete_state(server) -> dict:
    """With the profit, which is first computed behind the first answers."""
    return wait_until(lambda: (found := server.get("/api/state"))["pnl"] and found, what="the profit")


# --- what it says ---


def test_the_state_has_the_numbers_of_the_tables(start, traded):  # noqa: F811
    traded.event(8, outcome="quarantined", error="a symbol that is not \u00e9\x1b one")
    traded.event(9, processed=0, outcome=None, processed_at=None)
    traded.execution(10, "SELL", "2", None, "HELD", error="was it placed?")
    traded.write("INSERT INTO trade_accumulators (symbol, net_position, accumulated_long) VALUES ('AAPL', '0.4', '0.4')")
    traded.write("INSERT INTO trade_accumulators (symbol, net_position, accumulated_short, pending_execution_id)"
                 " VALUES ('NVDA', '-2.5', '2.5', 3)")
    traded.write("INSERT INTO trade_execution_links VALUES (4, 1, '0.6')")
    for block_range in ((100, 200), (301, 400)):
        traded.write("INSERT INTO block_coverage VALUES (?, ?)", *block_range)
    traded.write("INSERT INTO listener_sessions (cutoff_block, cutoff_source, last_block, started_at)"
                 " VALUES (390, 'block_number', 420, '2026-01-05T15:00:00.000Z')")
    traded.write("INSERT INTO ledger VALUES ('chain_id', '8453')")
    traded.write("INSERT INTO broker_tokens VALUES ('schwab', '2026-01-05T15:00:00.000Z', '', '', 1, '')")
    traded.write("UPDATE onchain_trades SET oracle_price = '148.5', gas_used = 234567, gas_price_wei = 1500000007,"
                 " l1_fee_wei = 9007199254740993 WHERE id = 4")
    state = complete_state(start(traded))

    assert state["database"] == "ballast.db"
    assert state["ledger"] == {"chain_id": "8453", "orderbook": None, "order_owner": None}
    assert state["trading"]["halted"] is False
    assert state["listener"]["open"] is False and state["listener"]["session"]["last_block"] == 420
    assert state["coverage"] == {
        "first_block": 100, "contiguous_to": 200, "highest": 400, "missing": 100, "head": 420,
        "ranges": [{"first_block": 301, "last_block": 400}, {"first_block": 100, "last_block": 200}],
        "gaps": [{"first_block": 201, "last_block": 300}]}
    assert state["events"] == {"total": 7, "waiting": 1, "oldest_waiting_at": "2026-01-05T15:09:00.250Z", "quarantined": 1}
    assert [(row["event_id"], row["error"]) for row in state["quarantine"]] == [(6, "a symbol that is not \u00e9\x1b one")]
    assert [(row["symbol"], row["threshold"], row["to_next_hedge"]) for row in state["positions"]] == [
        ("AAPL", "1", "0.6"), ("NVDA", "1", None)]
    assert (state["executions"]["open"], state["executions"]["held"]) == (0, 1)
    assert [row["id"] for row in state["executions"]["rows"]] == [3, 2, 1]
    assert [row["trade_id"] for row in state["fills"]] == [5, 4, 3, 2, 1]
    assert state["fills"][1] == {
        "trade_id": 4, "event_id": 4, "tx_hash": f"0x{4:064x}", "log_index": 0, "block_number": 4, "block_timestamp": TIME.format(4),
        "symbol": "AAPL0x", "base_symbol": "AAPL", "direction": "SELL", "amount": "0.6", "usdc_amount": "89.4", "price_usdc": "149",
        "unallocated": "0", "token_amount": None, "oracle_price": "148.5", "oracle_confidence": None, "oracle_published_at": None,
        "spread_usdc": "0.3", "gas_used": "234567", "gas_price_wei": "1500000007", "l1_fee_wei": "9007199254740993",
        "reverses_trade_id": None, "reversed_by": None, "source": "listener", "created_at": TIME.format(4)}
    assert {row["stage"]: (row["count"], row["p50_ms"]) for row in state["latency"]} == {
        "block to queue, by subscription": (5, 250), "queue to trade": (5, 4), "execution to order": (3, 5),
        "queue to order": (1, 60_000 + 5 - 250), "order to its end": (2, 8995)}
    assert state["pnl"] == {"realised_total": "3.45", "fills": 7, "unpriced_shares": "0",
                            "symbols": [{"symbol": "AAPL", "realised_total": "3.45", "net_position": "0.4"}]}
    assert state["login"] == {"broker": "schwab", "login_at": "2026-01-05T15:00:00.000Z", "ends_at": "2026-01-12T15:00:00.000Z"}
    names = [problem["name"] for problem in state["problems"]]
    assert {"execution_held", "event_quarantined", "event_waiting", "login_ended"} <= set(names)


def test_an_empty_ledger_has_a_state(start, ledger):  # noqa: F811
    state = complete_state(start(ledger))
    assert state["coverage"] == {"first_block": 0, "contiguous_to": None, "highest": None, "missing": 0, "head": None,
                                 "ranges": [], "gaps": []}
    assert state["fills"] == state["positions"] == state["latency"] == []
    assert state["pnl"] == {"realised_total": "0", "fills": 0, "unpriced_shares": "0", "symbols": []}
    assert state["listener"] == {"open": False, "session": None} and state["login"] is None


def test_rows_come_by_pages(server, traded):  # noqa: F811
    traded.trade(11, "BUY", "2", "100", "200", symbol="BRK.B")

    def ids(path, key):
        page = server.get(path)
        return [row[key] for row in page["rows"]], page["next_before"]

    assert ids("/api/fills", "trade_id") == ([6, 5, 4, 3, 2, 1], None)
    assert ids("/api/fills?limit=2", "trade_id") == ([6, 5], 5)
    assert ids("/api/fills?limit=2&before=5", "trade_id") == ([4, 3], 3)
    assert ids("/api/fills?before=1", "trade_id") == ([], None)
    assert ids("/api/fills?symbol=BRK.B", "trade_id") == ([6], None)
    assert ids("/api/fills?symbol=BRK%2eB&limit=500", "trade_id") == ([6], None)
    assert ids("/api/fills?symbol=NONE", "trade_id") == ([], None)
    assert ids("/api/executions?limit=1", "id") == ([2], 2)
    assert ids("/api/executions?limit=1&before=2&symbol=AAPL", "id") == ([1], 1)
    assert ids("/api/executions?symbol=NVDA", "id") == ([], None)


def test_rare_symbols_are_found_page_after_page(start, ledger):  # noqa: F811
    """Of one ticker so many rows are looked at for a page: the way on is next_before, however few there were."""
    with ledger.transaction() as connection:
        connection.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45000)"
                           " INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp, event_type,"
                           " event_data, processed, outcome, source, processed_at) SELECT printf('0x%064x', i), 0, i,"
                           " printf('0x%064x', i), '2026-01-05T15:00:00.000Z', 'take', '{}', 1, 'trade', 'listener', '' FROM n")
        connection.execute("INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp, order_owner,"
                           " symbol, base_symbol, direction, amount, unallocated) SELECT id, tx_hash, 0, id,"
                           " '2026-01-05T15:00:00.000Z', printf('0x%040x', 1), 'AAPL0x', iif(id = 3, 'RARE', 'AAPL'), 'BUY', '1', '0'"
                           " FROM event_queue")
    server = start(ledger)
    found, before, pages = [], None, 0
    while pages == 0 or before is not None:
        page = server.get("/api/fills?symbol=RARE" + (f"&before={before}" if before else ""))
        found += [row["trade_id"] for row in page["rows"]]
        before, pages = page["next_before"], pages + 1
    assert (found, pages) == ([3], 3)


def test_a_fill_is_traced_both_ways(server, traded):  # noqa: F811
    traded.write("INSERT INTO trade_execution_links VALUES (1, 1, '0.1')")
    traded.write("INSERT INTO trade_offsets VALUES (3, 1, '0.2')")
    traded.write("INSERT INTO operator_decisions (execution_id, decision, reason, decided_at)"
                 " VALUES (1, 'not-placed', 'looked', '2026-01-06T00:00:00.000Z')")
    of_event = server.get("/api/trace/event/1")
    assert of_event["event"]["id"] == 1 and of_event["event"]["removed"] is False
    assert [trade["trade_id"] for trade in of_event["trades"]] == [1]
    assert of_event["trades"][0]["offsets"] == [{"trade_id": 3, "shares": "0.2"}]
    assert of_event["trades"][0]["contributions"] == [{"execution_id": 1, "contributed_shares": "0.1"}]
    assert of_event["executions"][0]["contributions"] == [{"trade_id": 1, "contributed_shares": "0.1"}]
    assert [decision["reason"] for decision in of_event["decisions"]] == ["looked"]
    assert server.get("/api/trace/trade/1") == of_event
    of_execution = server.get("/api/trace/execution/1")
    assert of_execution["event"] is None and of_execution["trades"] == of_event["trades"]
    assert server.get("/api/trace/trade/3")["trades"][0]["offsets"] == [{"trade_id": 1, "shares": "0.2"}]
    assert server.get("/api/trace/execution/2")["trades"] == []


def test_profit_over_time_is_that_of_the_report(server, traded):  # noqa: F811
    traded.trade(8, "BUY", "2", "100", "200", symbol="NVDA")
    report = traded.report("pnl")
    told = wait_until(lambda: (found := server.get("/api/pnl")) and found["fills"] == 8 and found, what="the new fill")
    assert told["points"][-1]["realised_total"] == told["realised_total"] == "3.45"
    assert [point["time"] for point in told["points"]] == [row["time"] for row in report]
    assert [point["realised_total"] for point in told["points"][:7]] == [row["realised_total"] for row in report[:7]]
    of_one = server.get("/api/pnl?symbol=NVDA")
    assert of_one["symbols"] == [{"symbol": "NVDA", "realised_total": "0", "net_position": "2"}]
    assert (len(of_one["points"]), of_one["fills"]) == (1, 1)
    assert server.get("/api/pnl?symbol=TSLA")["points"] == []


def test_a_fill_from_the_past_changes_what_came_after_it(server, traded):  # noqa: F811
    assert server.get("/api/pnl")["realised_total"] == "3.45"
    traded.trade(0, "BUY", "1", "140", "140")
    expected = traded.report("pnl")[-1]["realised_total"]
    assert expected != "3.45"
    wait_until(lambda: server.get("/api/pnl")["realised_total"] == expected, what="the profit of the report")
    wait_until(lambda: server.get("/api/state")["pnl"]["realised_total"] == expected, timeout=1, what="the same in the state")


def test_an_execution_counts_once_it_has_ended(server, traded):  # noqa: F811
    traded.execution(20, "SELL", "0.4", None, "SUBMITTED")
    wait_until(lambda: server.get("/api/state")["executions"]["open"] == 1)
    assert server.get("/api/pnl")["fills"] == 7
    traded.write("UPDATE executions SET status = 'FILLED', executed_at = ?, average_price = '150' WHERE id = 3", TIME.format(21))
    wait_until(lambda: server.get("/api/pnl")["fills"] == 8, what="the filled order")
    assert server.get("/api/pnl")["realised_total"] == traded.report("pnl")[-1]["realised_total"]


def test_ready_is_who_needs_nobody(start, ledger):  # noqa: F811
    server = start(ledger, MONITOR_PROGRAMS="cron", MONITOR_DISK_LOW_MB="0")
    ledger.write("INSERT INTO block_coverage VALUES (0, 10)")
    wait_until(lambda: server.request("/readyz").body == b"ready\n", what="all to be well")
    ledger.write("UPDATE controls SET value = '1', reason = 'looked odd'")
    answer = server.request("/readyz")
    assert answer.status == 503 and answer.body.startswith(b"trading_halted: ") and b"looked odd" in answer.body
    assert server.request("/healthz").body == b"ok\n"


# --- who watches ---


def test_a_commit_is_seen_within_a_second(server, traded):  # noqa: F811
    with server.events() as events:
        name, state = events.next()
        assert name == "state" and state["fills"][0]["trade_id"] == 5
        traded.trade(12, "BUY", "1", "100", "100")
        committed = time.monotonic()
        events.until(lambda name, data: name == "state" and data["fills"][0]["trade_id"] == 6)
        assert time.monotonic() - committed < 1
        assert server.get("/api/state")["fills"][0]["trade_id"] == 6


def test_a_storm_of_commits_is_four_states_a_second(server, traded):  # noqa: F811
    with server.events() as events:
        events.next()
        began = time.monotonic()
        count = 0
        while time.monotonic() - began < 1:
            traded.write("UPDATE controls SET reason = reason || '.'")
            count += 1
        traded.write("UPDATE controls SET reason = 'the last'")
        took = time.monotonic() - began
        seen = []
        # The reason of a switch that is off is not told: what was set last is told by a fill.
        traded.trade(12, "BUY", "1", "100", "100")
        events.until(lambda name, data: seen.append(1) or data["fills"][0]["trade_id"] == 6)
    assert count > 10 and len(seen) <= 4 * (took + 1), (count, len(seen), took)


def test_many_watch_and_one_more_is_told_so(server, traded):  # noqa: F811
    clients = [Events(server.port) for _ in range(70)]
    try:
        assert sorted(client.response.status for client in clients) == [200] * 64 + [503] * 6
        watching = [client for client in clients if client.response.status == 200]
        assert all(client.next()[0] == "state" for client in watching)
        traded.trade(12, "BUY", "1", "100", "100")
        for client in watching:
            client.until(lambda name, data: data["fills"][0]["trade_id"] == 6)
        assert server.request("/healthz").status == 200
        watching[0].close()
        wait_until(lambda: server.request("/events", method="HEAD").status == 200, what="the place of who left")
    finally:
        for client in clients:
            client.close()


# --- what it refuses ---


@pytest.mark.parametrize("path", [
    "/api/fills?limit=0", "/api/fills?limit=501", "/api/fills?limit=-1", "/api/fills?limit=1e1", "/api/fills?limit=01",
    "/api/fills?limit=", "/api/fills?limit", "/api/fills?limit=5&limit=6", "/api/fills?limit=%35", "/api/fills?before=0",
    "/api/fills?before=9223372036854775808", "/api/fills?before=x", "/api/fills?symbol=", "/api/fills?symbol=%",
    "/api/fills?symbol=%4", "/api/fills?symbol=%zz", "/api/fills?symbol=A%00", "/api/fills?symbol=A%20B", "/api/fills?symbol=%c3%a9",
    "/api/fills?symbol=" + "A" * 33, "/api/fills?page=2", "/api/state?x=1", "/api/pnl?limit=1", "/api/trace/event/0",
    "/api/trace/event/-1", "/api/trace/event/1x", "/api/trace/event/", "/api/trace/trade/9223372036854775808",
    "/api/trace/trade/1?limit=1",
])
def test_a_parameter_that_is_not_as_it_should_be_is_refused(server, path):
    assert server.error(path, 400)


@pytest.mark.parametrize("path", [
    "/nothing", "/api", "/api/", "/api/fills/", "/api/trace/fill/1", "/api/trace/event/99", "/api/trace/trade/99",
    "/api/trace/execution/99", "/../../etc/passwd", "/%2e%2e/etc/passwd", "//", "/index.html/", "/events/1",
])
def test_what_is_not_there_is_not_found(server, path):
    assert server.error(path, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_only_reading_is_allowed(server, method):
    answer = server.request("/api/state", method=method, body=b"x" * 1000 if method in ("POST", "PUT") else None)
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD" and "error" in answer.json


def test_head_is_get_without_its_body(server):
    for path in (*DATA_PATHS, "/nothing"):
        get, head = server.request(path), server.request(path, method="HEAD")
        assert (head.status, head.body) == (get.status, b"")
        assert head.headers["content-type"] == get.headers["content-type"]
    assert server.request("/events", method="HEAD").headers["content-type"] == "text/event-stream; charset=utf-8"


def test_every_answer_is_guarded(server):
    for path in (*DATA_PATHS, "/nothing", "/api/fills?limit=0", "/vendor/uPlot.iife.min.js"):
        headers = server.request(path).headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
            " base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert "access-control-allow-origin" not in headers
        assert headers["cache-control"] == ("no-cache" if "etag" in headers else "no-store")


def test_assets_are_sent_once(server):
    page = server.request("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8" and page.body == server.request("/index.html").body
    again = server.request("/", headers={"If-None-Match": f'"other", {page.headers["etag"]}'})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", page.headers["etag"])
    assert server.request("/", headers={"If-None-Match": '"other"'}).status == 200
    script = server.request("/vendor/uPlot.iife.min.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8" and b"uPlot" in script.body
    assert server.request("/vendor/uPlot.min.css").headers["content-type"] == "text/css; charset=utf-8"


def test_another_name_is_not_answered(server):
    for host in ("ballast.example", "127.0.0.1.example", "localhost.example:80", "localhost:", "localhost:x", "", "[::1", "0"):
        assert "localhost" in server.error("/api/state", 421, headers={"Host": host})
        assert server.error("/", 421, headers={"Host": host})
    for host in ("localhost", "LOCALHOST:9464", "127.0.0.1:1", "[::1]", "[::1]:65535"):
        assert server.request("/api/state", headers={"Host": host}).status == 200
    assert b" 421 " in server.raw(b"GET / HTTP/1.0\r\n\r\n").splitlines()[0]
    assert b" 400 " in server.raw(b"GET / HTTP/1.1\r\n\r\n").splitlines()[0]


def test_requests_have_a_size(server):
    assert server.error("/api/fills?symbol=" + "A" * 2000, 414)
    assert b" 414 " in server.raw(b"GET /" + b"A" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").splitlines()[0]
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    assert b" 431 " in server.raw(head + b"X: " + b"a" * 100_000 + b"\r\n\r\n").splitlines()[0]
    assert b" 431 " in server.raw(head + b"X: a\r\n" * 20_000 + b"\r\n").splitlines()[0]
    for nonsense in (b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00" + b"\xff" * 500):
        assert b" 200 " not in server.raw(nonsense + b"\r\n\r\n", half_close=True)[:16]
    assert server.request("/healthz").status == 200


def test_a_large_body_is_not_taken(server):
    with contextlib.suppress(ConnectionError):
        server.request("/", method="POST", body=b"x" * 1_000_000)
    with contextlib.suppress(ConnectionError):
        server.request("/api/state", method="GET", body=b"x" * 1_000_000)
    assert server.request("/api/state", body=b"x" * 1000).status == 200


# --- who is slow ---


def test_nobody_who_is_slow_holds_up_the_others(server, traded):  # noqa: F811
    """Half-open connections, a request that comes byte by byte, a watcher and a reader that do not read: at most
    ten seconds each (an answer thirty), and the others notice nothing."""
    with traded.transaction() as connection:
        connection.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO"
                           " trade_accumulators (symbol, last_updated) SELECT 'S' || i, hex(randomblob(600)) FROM n")
    idle = [server.connect() for _ in range(150)]
    idle[0].sendall(b"\r\n\r\n")
    idle[1].sendall(b"\0" * 100 + b"\r\n\r\n")
    drip = server.connect()
    deaf = server.connect(receive_buffer=4096)
    deaf.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    began = time.monotonic()
    answered = []
    with contextlib.suppress(ConnectionError):
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1000:
            drip.sendall(bytes([byte]))
            asked = time.monotonic()
            assert server.request("/api/state").status == 200
            answered.append(time.monotonic() - asked)
            if select.select([drip], [], [], 0.1)[0]:
                break
    assert 9 < time.monotonic() - began < 14
    assert all(closed(client) for client in [drip, *idle])
    assert sorted(answered)[len(answered) // 2] < 0.25
    server.program.wait_log("does not read", timeout=5)
    with server.events() as events:
        events.next()
        traded.trade(12, "BUY", "1", "100", "100")
        events.until(lambda name, data: data["fills"][0]["trade_id"] == 6)
    for client in (drip, deaf, *idle):
        client.close()


def closed(client) -> bool:
    client.settimeout(3)
    try:
        return client.recv(1024) == b""
    except ConnectionResetError:
        return True


# --- the database ---


def test_another_database_at_the_path_is_read_at_once(server, traded, tmp_path):  # noqa: F811
    backup = tmp_path / "backup.db"
    vacuum(traded, backup)
    traded.trade(12, "BUY", "1", "100", "100")
    with server.events() as events:
        events.until(lambda name, data: name == "state" and data["fills"][0]["trade_id"] == 6)
        put_in_place(traded.path, backup.read_bytes())
        began = time.monotonic()
        events.until(lambda name, data: name == "state" and data["fills"][0]["trade_id"] == 5)
        assert time.monotonic() - began < 3
    assert server.get("/api/state")["fills"][0]["trade_id"] == 5


def test_a_database_that_is_gone_is_waited_for(server, traded, tmp_path):  # noqa: F811
    aside = tmp_path / "aside.db"
    with server.events() as events:
        assert events.next()[0] == "state"
        os.rename(traded.path, aside)
        told = events.until(lambda name, data: name == "unavailable")
        assert "DATABASE_PATH" in told["error"]
        assert server.error("/api/state", 503) == told["error"]
        assert server.request("/api/fills").headers["retry-after"] == "1"
        assert server.request("/healthz").status == 200 and server.request("/").status == 200
        assert server.request("/readyz").body.startswith(b"database_unreadable: ")
        os.rename(aside, traded.path)
        back = time.monotonic()
        events.until(lambda name, data: name == "state")
        assert time.monotonic() - back < 3
    assert server.get("/api/state")["fills"][0]["trade_id"] == 5
    log = server.program.text()
    assert log.count("cannot be read") <= 3, log  # an alarm tells it, too


def test_it_starts_before_there_is_a_database(start, ledger, tmp_path):  # noqa: F811
    aside = tmp_path / "aside.db"
    shutil.move(ledger.path, aside)
    server = start(ledger)
    # A question that comes while the first opening fails hears that it is tried again.
    wait_until(lambda: "no such file" in server.error("/api/state", 503).lower(), 5, "the reason")
    shutil.move(aside, ledger.path)
    wait_until(lambda: server.request("/api/state").status == 200, timeout=5, what="the state")


def test_a_file_that_is_no_database_is_said(server, traded):  # noqa: F811
    vacuumed = traded.path.with_suffix(".good")
    vacuum(traded, vacuumed)
    good = vacuumed.read_bytes()
    with server.events() as events:
        for bad, words in ((b"x" * 8192, "not a SQLite database"), (good[:60] + b"\0\0\0\1" + good[64:], "older schema"),
                           (good[:60] + b"\0\0\x7f\1" + good[64:], "newer schema"), (good[:68] + b"none" + good[72:], "another application")):
            put_in_place(traded.path, bad)
            events.until(lambda name, data: name == "unavailable" and words in data["error"])
        put_in_place(traded.path, good)
        events.until(lambda name, data: name == "state")


def test_a_damaged_database_does_not_end_it(server, traded):  # noqa: F811
    """The header is as it should be, the rest is not."""
    vacuumed = traded.path.with_suffix(".good")
    vacuum(traded, vacuumed)
    good = vacuumed.read_bytes()
    with server.events() as events:
        events.next()
        for kept in (4096, 8192, len(good) // 2):
            put_in_place(traded.path, good[:kept] + b"\xa5" * (len(good) - kept))
            told = events.until(lambda name, data: name == "unavailable" and "replaced" not in data["error"])
            assert "damaged" in told["error"]
            assert server.request("/healthz").status == 200
            put_in_place(traded.path, good)
            events.until(lambda name, data: name == "state")


def test_a_locked_database_is_waited_for(start, traded):  # noqa: F811
    holder = sqlite3.connect(traded.path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    server = start(traded)
    wait_until(lambda: "locked" in server.error("/api/state", 503), timeout=8, what="the lock to be noticed")
    assert server.request("/healthz").status == 200
    holder.execute("COMMIT")
    holder.close()
    wait_until(lambda: server.request("/api/state").status == 200, timeout=15, what="the state")


def test_a_reader_that_dies_or_hangs_is_replaced(server):
    with server.events() as events:
        events.next()
        os.kill(reader_of(server), signal.SIGKILL)
        assert "137" in events.until(lambda name, data: name == "unavailable")["error"]
        events.until(lambda name, data: name == "state", timeout=3)
        stopped = reader_of(server)
        os.kill(stopped, signal.SIGSTOP)
        began = time.monotonic()
        assert server.error("/api/fills", 503)
        assert time.monotonic() - began < 8
        assert server.request("/healthz").status == 200
        os.kill(stopped, signal.SIGCONT)
        wait_until(lambda: server.request("/api/fills").status == 200, what="the reader to answer again")


def test_nothing_is_written_while_it_serves(start, traded):  # noqa: F811
    def state():
        names = sorted(path.name for path in traded.path.parent.iterdir() if not path.name.endswith("-shm"))
        return names, hashlib.sha256(traded.path.read_bytes()).hexdigest(), traded.path.stat().st_mtime_ns

    before = state()
    server = start(traded)
    for path in DATA_PATHS:
        server.request(path)
    assert server.program.stop() == 0
    assert [name for name in state()[0] if name not in before[0]] in ([], ["ballast.db-wal"])
    assert state()[1:] == before[1:]
    assert all(beside.stat().st_size == 0 for beside in traded.path.parent.glob("*-wal"))


# --- its life ---


def test_it_stops_while_clients_are_there(server, traded):  # noqa: F811
    half_open = server.connect()
    waiting = server.connect()
    clients = [Events(server.port) for _ in range(5)]
    for client in clients:
        client.next()
    os.kill(reader_of(server), signal.SIGSTOP)
    waiting.sendall(b"GET /api/fills HTTP/1.1\r\nHost: localhost\r\n\r\n")
    began = time.monotonic()
    assert server.program.stop() == 0
    assert time.monotonic() - began < 2
    for client in clients:
        with pytest.raises(EOFError):  # the stream's own end, not a broken one
            while True:
                client.next()
        client.close()
    assert b" 503 " in waiting.recv(1024)
    half_open.close()
    waiting.close()


def test_an_interrupt_from_the_terminal_is_no_accident(server):
    """The terminal signals both processes."""
    os.kill(reader_of(server), signal.SIGINT)
    os.kill(server.program.pid, signal.SIGINT)
    assert server.program.wait(3) == 0


def test_no_reader_outlives_it(server):
    reader = reader_of(server)
    server.program.kill9()
    wait_until(lambda: not os.path.exists(f"/proc/{reader}") or "Z" in open(f"/proc/{reader}/stat").read(), what="the reader to leave")
    server.program.stop = lambda: 0


@pytest.mark.parametrize("listen", ["localhost:9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", ":9464", "::1:9464", "[::1:9464", "[]:1",
                                    "1.2.3:80", "127.0.0.1:http", "127.0.0.1:-1", "[127.0.0.1]:80"])
def test_where_it_cannot_listen(ledger, listen):  # noqa: F811
    assert "MONITOR_LISTEN" in ledger.monitor(expect=78, MONITOR_LISTEN=listen)


def test_a_port_that_is_taken_is_said(server, traded):  # noqa: F811
    assert "another monitor" in traded.monitor(expect=69, MONITOR_LISTEN=f"127.0.0.1:{server.port}")


def test_others_are_let_in_with_a_warning(start, ledger):  # noqa: F811
    server = start(ledger, MONITOR_LISTEN="0.0.0.0:0")
    assert "there is no login" in server.program.text()
    assert server.request("/healthz", headers={"Host": "ballast.example"}).status == 200


def test_it_serves_on_the_other_loopback(start, ledger):  # noqa: F811
    server = start(ledger, MONITOR_LISTEN="[::1]:0")
    with socket.create_connection(("::1", server.port), timeout=5) as client:
        client.sendall(f"GET /healthz HTTP/1.1\r\nHost: [::1]:{server.port}\r\n\r\n".encode())
        assert client.recv(1024).startswith(b"HTTP/1.1 200 ")


def test_once_makes_no_sense(ledger):  # noqa: F811
    assert "say what to show" in ledger.monitor("--once", expect=64)
    run = subprocess.run([binary("monitor"), "--check"], env={"DATABASE_PATH": str(ledger.path)}, capture_output=True, text=True)
    assert run.returncode == 0 and "MONITOR_LISTEN=127.0.0.1:9464" in run.stdout
