"""The backfiller against a real node, and against a node that lies: coverage is only ever granted for what is proven."""

import contextlib
import http.client
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from lib.process import wait_until
from lib.wsproxy import WebSocketProxy

FAST = {"BACKFILL_ATTEMPTS": "3", "TRAIL_SECONDS": "1"}
TOO_LARGE = [
    (200, -32005, "query returned more than 10000 results"),
    (200, -32602, "query exceeds max block range 2000"),
    (200, -32602, "exceed maximum block range: 500"),
    (200, -32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range"),
    (413, -32614, "eth_getLogs is limited to a 10,000 range"),
    (400, -32012, "requested range too large"),
    (200, -32005, "block range too large, max range: 500"),
]
GARBAGE = {
    "not JSON": (200, b"{nonsense", "malformed answer"),
    "a page": (500, b"<html>Internal Server Error</html>", "unreachable"),
    "another id": (200, b'{"jsonrpc":"2.0","id":987654321,"result":[]}', "malformed answer"),
    "nothing at all": (200, b"", "malformed answer"),
    "no result": (200, b'{"jsonrpc":"2.0","id":ID}', "malformed answer"),
    "a number": (200, b'{"jsonrpc":"2.0","id":ID,"result":7}', "malformed answer"),
    "deep": (200, b"[" * 100_000, "malformed answer"),
    "an error": (200, b'{"jsonrpc":"2.0","id":ID,"error":{"code":-32603,"message":"internal"}}', "rpc"),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that was killed or has given up waiting is part of the tests."""


BY_HASH = "eth_getLogs by hash"
FINAL = pytest.mark.anvil(slots_in_an_epoch=1)  # all but the last two blocks are final


def name_of(request: dict) -> str:
    return BY_HASH if request["method"] == "eth_getLogs" and "blockHash" in request["params"][0] else request["method"]


class LyingNode:
    """Stands before the node and answers some requests in its own way.

    lie(method, answer, times, when): answer(request, ask) gives (status, headers, body); ask() asks the node and
    gives its answer. when(params): of which requests. Logs of one block, asked for by its hash, have the name BY_HASH.
    """

    def __init__(self, upstream: str):
        self._upstream = urlsplit(upstream)
        self._lies: list[list] = []
        self._lock = threading.Lock()
        self.asked: list[dict] = []
        self.lied = 0
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "LyingNode":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def lie(self, method: str, answer, times: float = float("inf"), when=lambda params: True) -> None:
        self._lies.append([method, answer, times, when])

    def forget(self) -> None:
        self._lies.clear()

    def log_ranges(self) -> list[tuple[int, int]]:
        return [log_range(one["params"]) for one in list(self.asked) if name_of(one) == "eth_getLogs"]

    def _choose(self, request: dict):
        with self._lock:
            self.asked.append(request)
            for lie in self._lies:
                if lie[0] == name_of(request) and lie[2] > 0 and lie[3](request["params"]):
                    lie[2] -= 1
                    self.lied += 1
                    return lie[1]
        return None

    def _answer(self, request: dict) -> tuple[int, dict, bytes]:
        answer, body = self._choose(request), json.dumps(request).encode()
        if answer:
            return answer(request, lambda: json.loads(self._ask(body)))
        return 200, {}, self._ask(body)

    def _answer_batch(self, requests: list[dict]) -> tuple[int, dict, bytes]:
        """Each call as if it had come alone; one that is no JSON-RPC answer is that of the whole batch."""
        answers = [self._answer(request) for request in requests]
        odd = next((answer for answer in answers if answer[0] != 200), None)
        return odd or (200, {}, b"[" + b",".join(content for _, _, content in answers) + b"]")

    def _ask(self, body: bytes) -> bytes:
        with contextlib.closing(
            http.client.HTTPConnection(self._upstream.hostname, self._upstream.port, timeout=10)
        ) as connection:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            return connection.getresponse().read()

    def _handler(self):
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = json.loads(body)
                answer = node._answer_batch if isinstance(request, list) else node._answer
                status, headers, content = answer(request)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in ({"Content-Length": str(len(content))} | headers).items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *_):
                pass

        return Handler


def says(result=None, change=None):
    """A JSON-RPC answer: a result of our own, or the node's one changed."""

    def answer(request, ask):
        value = change(ask()["result"]) if change else result
        return 200, {}, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value}).encode()

    return answer


def says_http(status: int, body: bytes = b"", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(request, ask):
        return status, names, body.replace(b"ID", str(request["id"]).encode())

    return answer


def refuses(status: int, code: int, message: str):
    def answer(request, ask):
        error = {"code": code, "message": message}
        return status, {}, json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()

    return answer


def log_range(params: list) -> tuple[int, int]:
    return int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)


def number_of(params: list) -> int:
    """The block that a header was asked for; -1 for a tag."""
    return int(params[0], 16) if params[0].startswith("0x") else -1


def blocks_in(params: list) -> int:
    first, last = log_range(params)
    return last - first + 1


@pytest.fixture
def liar(stack, market):
    with LyingNode(market.anvil.url) as node:
        stack.config |= {"HTTP_RPC_URL": node.url, **FAST}
        yield node


@pytest.fixture
def history(market):
    """Fills of all kinds over some sixty blocks, with silence between."""
    fills = market.take("AAPL0x", "SELL", "0.6", usdc="138.9")
    market.mine(20)
    fills += market.clear("tTSLA", "BUY", "1.5", usdc="375", bounty_bought="0.002")
    fills += market.many([
        market.taking("NVDAs1", "BUY", "7", usdc="980"),
        market.clearing("tTSLA", "SELL", "0.25", usdc="62.75", owner_is="bob", bounty_sold="0.001"),
        market.taking("NVDAs1", "BUY", "7", usdc="980", owner=market.stranger),
    ])
    market.mine(30)
    fills += market.take("AAPL0x", "SELL", "0.7", usdc="161")
    market.mine(5)
    return fills


def found(stack) -> list[tuple]:
    columns = ("tx_hash", "log_index", "block_number", "block_hash", "event_type", "source")
    return [tuple(row[column] for column in columns) for row in stack.database.events()]


def expected(fills) -> list[tuple]:
    rows = {
        (f.tx_hash, f.log_index, f.block_number, f.block_hash, f.event_type, "backfiller") for f in fills
    }
    return sorted(rows, key=lambda row: (row[2], row[1]))


def assert_whole(stack, market, fills) -> None:
    assert found(stack) == expected(fills)
    assert stack.database.coverage() == [(market.deployment_block, market.anvil.head())]


def test_history_in_one_batch(market, stack, history):
    program = stack.run("backfiller", "--once")
    assert_whole(stack, market, history)
    head = market.anvil.head()
    assert f"Processing blocks {market.deployment_block}-{head} of {head} rate=" in program.text()
    assert f"events={len(expected(history))}" in program.text()


def test_block_timestamps_are_the_headers(market, stack, history):
    stack.run("backfiller", "--once")
    for row in stack.database.events():
        header = market.rpc.call("eth_getBlockByNumber", hex(row["block_number"]), False)
        seconds = stack.database.value(
            "SELECT CAST(strftime('%s', ?) AS INTEGER)", row["block_timestamp"]
        )
        assert seconds == int(header["timestamp"], 16)


@pytest.mark.parametrize("batch_size, concurrency", [(1, 1), (7, 4), (7, 64), (1000000, 2)])
def test_history_in_batches(market, stack, history, batch_size, concurrency):
    program = stack.run("backfiller", "--once", BACKFILL_BATCH_SIZE=batch_size, BACKFILL_CONCURRENCY=concurrency)
    assert_whole(stack, market, history)
    assert "no gap is left" in program.text()


def test_no_more_requests_at_once_than_allowed(market, stack, history, liar):
    under_way, most, lock = 0, 0, threading.Lock()

    def counted(request, ask):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        answer = ask()
        with lock:
            under_way -= 1
        return 200, {}, json.dumps(answer).encode()

    for method in ("eth_getLogs", "eth_getBlockByNumber"):
        liar.lie(method, counted)
    stack.run("backfiller", "--once", BACKFILL_BATCH_SIZE=2, BACKFILL_CONCURRENCY=3)
    assert_whole(stack, market, history)
    assert 2 <= most <= 3


def test_the_same_backfill_three_times_adds_nothing(market, stack, history):
    for _ in range(3):
        stack.run("backfiller", "--once", BACKFILL_BATCH_SIZE=9)
        assert_whole(stack, market, history)
    assert [row["id"] for row in stack.database.rows("SELECT id FROM event_queue ORDER BY id")] == list(
        range(1, 1 + len(expected(history)))
    )


def test_a_gap_in_the_middle_and_new_blocks_are_all_that_is_read_again(market, stack, history, liar):
    stack.run("backfiller", "--once")
    read_to = market.anvil.head()
    more = market.take("AAPL0x", "SELL", "1", usdc="230")
    liar.asked.clear()
    stack.run("backfiller", "--once")
    assert_whole(stack, market, history + more)
    assert liar.log_ranges() == [(read_to + 1, market.anvil.head())]


def test_deployment_block_is_the_head(market, stack):
    fills = market.take("AAPL0x", "SELL", "0.6", usdc="138.9")
    head = market.anvil.head()
    stack.run("backfiller", "--once", DEPLOYMENT_BLOCK=head)
    assert stack.database.coverage() == [(head, head)]
    assert found(stack) == expected(fills)


def test_deployment_block_in_the_future(market, stack):
    future = market.anvil.head() + 3
    program = stack.run("backfiller", "--once", DEPLOYMENT_BLOCK=future)
    assert "DEPLOYMENT_BLOCK is in the future" in program.text()
    assert stack.database.coverage() == []
    running = stack.start("backfiller", DEPLOYMENT_BLOCK=future, TRAIL_SECONDS=1)
    running.wait_log("DEPLOYMENT_BLOCK is in the future")
    head = market.mine(5)
    stack.wait_until(lambda: stack.database.coverage() == [(future, head)], what="the deployment to come")


def test_a_range_without_events_is_covered(market, stack):
    market.mine(10)
    stack.run("backfiller", "--once", DEPLOYMENT_BLOCK=market.anvil.head() - 8)
    head = market.anvil.head()
    assert stack.database.coverage() == [(head - 8, head)] and found(stack) == []


def test_killed_in_the_middle_and_started_again(market, stack, history, liar):
    middle, gate = market.anvil.head() - 20, threading.Event()

    def held(request, ask):
        gate.wait(30)
        return says(change=lambda logs: logs)(request, ask)

    liar.lie("eth_getLogs", held, when=lambda params: log_range(params)[1] >= middle)
    program = stack.start("backfiller", "--once", BACKFILL_BATCH_SIZE=5, RPC_TIMEOUT_MS=20000)
    stack.wait_until(stack.database.coverage, what="the first batches")
    program.kill9()
    covered = stack.database.coverage()
    assert covered and covered[-1][1] < market.anvil.head()
    assert found(stack) == [
        row for row in expected(history) if any(first <= row[2] <= last for first, last in covered)
    ]
    gate.set()
    liar.forget()
    stack.run("backfiller", "--once", BACKFILL_BATCH_SIZE=5)
    assert_whole(stack, market, history)


def test_several_backfillers_at_once_do_no_harm(market, stack, history):
    programs = [stack.start("backfiller", "--once", BACKFILL_BATCH_SIZE=3) for _ in range(4)]
    assert [program.wait() for program in programs] == [0] * 4
    assert_whole(stack, market, history)


def test_stopping_leaves_with_zero_and_without_a_partial_range(market, stack, history, liar):
    gate = threading.Event()

    def held(request, ask):
        gate.wait(30)
        return says(change=lambda logs: logs)(request, ask)

    liar.lie("eth_getLogs", held)
    program = stack.start("backfiller", "--once", RPC_TIMEOUT_MS=20000)
    stack.wait_until(lambda: liar.lied, what="the request for logs")
    assert program.stop() == 0
    gate.set()
    assert stack.database.coverage() == [] and found(stack) == []


def test_second_orderbook_and_foreign_owners_are_none_of_ours(market, stack):
    fills = market.across([
        (market.decoy, market.taking("AAPL0x", "SELL", "5", usdc="1150")),
        (market.orderbook, market.clearing("AAPL0x", "SELL", "0.125", usdc="28.75")),
        (market.decoy, market.clearing("AAPL0x", "SELL", "5", usdc="1150")),
        (market.orderbook, market.taking("AAPL0x", "SELL", "3", usdc="690", owner=market.other)),
    ])
    market.take("NVDAs1", "BUY", "7", usdc="980", owner=market.stranger)
    market.clear("AAPL0x", "BUY", "9", usdc="2070", owner=market.stranger, counterparty=market.other)
    stack.run("backfiller", "--once")
    assert_whole(stack, market, fills)
    assert stack.database.count("event_queue") == 1


# A node that lies


@FINAL
def test_recheck_finds_what_a_lying_answer_had_hidden(market, stack, history, liar):
    liar.lie("eth_getLogs", says([]), times=1, when=lambda params: log_range(params)[0] == market.deployment_block)
    stack.run("backfiller", "--once")
    assert found(stack) == [] and liar.lied == 1
    stack.run("backfiller", "--once")
    assert found(stack) == []
    head = market.anvil.head()
    bounds = ("--from", market.deployment_block, "--to", head)
    program = stack.run("backfiller", *bounds, "--recheck", BACKFILL_BATCH_SIZE=10)
    assert_whole(stack, market, history)
    missed = "event found that an earlier read had missed"
    assert program.text().count(missed) == len(expected(history))
    assert missed not in stack.run("backfiller", *bounds, "--recheck").text()
    assert_whole(stack, market, history)


def test_recheck_of_unread_blocks_covers_them_and_of_a_lying_node_does_not_end_well(market, stack, history, liar):
    first = market.deployment_block
    stack.run("backfiller", "--from", first + 2, "--to", first + 11, "--recheck", BACKFILL_BATCH_SIZE=3)
    assert stack.database.coverage() == [(first + 2, first + 11)]
    stack.run("backfiller", "--from", first, "--to", market.anvil.head() + 1, "--recheck", expect=75)
    liar.lie("eth_getLogs", says_http(200, b"nonsense"))
    stack.run("backfiller", "--from", first, "--to", first + 11, "--recheck", expect=75)
    assert stack.database.coverage() == [(first + 2, first + 11)]


def test_a_node_that_is_behind_grants_no_coverage(market, stack, history, liar):
    head = market.anvil.head()
    liar.lie("eth_getLogs", says([]), when=lambda params: log_range(params)[1] == head)
    liar.lie("eth_getBlockByNumber", says(None), when=lambda params: params[0] == hex(head))
    program = stack.run("backfiller", "--once", BACKFILL_BATCH_SIZE=1000, expect=75)
    assert stack.database.coverage() == [] and found(stack) == []
    assert "kind=node behind" in program.text()
    liar.forget()
    stack.run("backfiller", "--once")
    assert_whole(stack, market, history)


def test_a_block_that_changes_while_its_logs_are_read_is_read_again(market, stack, history, liar):
    head, asked = market.anvil.head(), itertools.count()

    def other_hash_at_first(block):
        return block | {"hash": "0x" + "ab" * 32} if next(asked) == 0 else block

    liar.lie("eth_getBlockByNumber", says(change=other_hash_at_first), when=lambda params: params[0] == hex(head))
    program = stack.run("backfiller", "--once")
    assert "changed while its logs were read" in program.text()
    assert_whole(stack, market, history)


def test_a_log_of_another_branch_discards_the_whole_answer(market, stack, history, liar):
    first = history[0].block_number

    def moved(logs):
        return [log | ({"blockHash": "0x" + "cd" * 32} if int(log["blockNumber"], 16) == first else {}) for log in logs]

    liar.lie("eth_getLogs", says(change=moved), times=1)
    program = stack.run("backfiller", "--once")
    assert "has another hash than its log" in program.text()
    assert_whole(stack, market, history)


@pytest.mark.parametrize("change", [{"blockNumber": None}, {"removed": True}, {"logIndex": "0x"}, {"data": "0xabc"}])
def test_a_log_that_cannot_be_is_refused_with_the_whole_answer(market, stack, history, liar, change):
    liar.lie("eth_getLogs", says(change=lambda logs: logs[:-1] + [logs[-1] | change]))
    program = stack.run("backfiller", "--once", expect=75)
    assert found(stack) == [] and stack.database.coverage() == []
    assert "kind=malformed answer" in program.text()


def is_after_clear(log) -> bool:
    return log["topics"][0].startswith("0x3f20e559")


@FINAL
def test_a_clear_without_its_after_clear_is_asked_for_again(market, stack, history, liar):
    cut = says(change=lambda logs: [log for log in logs if not is_after_clear(log)])
    liar.lie("eth_getLogs", cut, times=2, when=lambda params: log_range(params)[0] == market.deployment_block)
    program = stack.run("backfiller", "--once")
    assert program.text().count("ClearV2 without its AfterClear") == 2
    assert_whole(stack, market, history)
    clears = [row for row in stack.database.events() if row["event_type"] == "ClearV2"]
    assert clears and all("after_clear" in json.loads(row["event_data"]) for row in clears)


@FINAL
def test_a_clear_that_stays_without_its_after_clear_blocks_nothing(market, stack, history, liar):
    cut = says(change=lambda logs: [log for log in logs if not is_after_clear(log)])
    liar.lie("eth_getLogs", cut)
    stack.run("backfiller", "--once")
    assert_whole(stack, market, history)
    clears = [row for row in stack.database.events() if row["event_type"] == "ClearV2"]
    assert clears and all("decode_error" in json.loads(row["event_data"]) for row in clears)


def test_too_many_requests_pause_the_whole_client(market, stack, history, liar):
    liar.lie("eth_getLogs", says_http(429, b"slow down", Retry_After="2"), times=1)
    program = stack.start("backfiller", "--once", BACKFILL_BATCH_SIZE=5, BACKFILL_CONCURRENCY=1)
    program.wait_log("kind=rate limited .* wait_ms=2000 ")
    asked = len(liar.asked)
    with pytest.raises(AssertionError):
        wait_until(lambda: len(liar.asked) > asked, 1.5)
    assert program.wait() == 0
    assert_whole(stack, market, history)


def test_a_storm_of_429_is_survived(market, stack, history, liar):
    turns = itertools.count()
    limited = says_http(429, b'{"jsonrpc":"2.0","id":ID,"error":{"code":-32005,"message":"slow"}}')

    def every_third(request, ask):
        return limited(request, ask) if next(turns) % 3 == 0 else says(change=lambda value: value)(request, ask)

    liar.lie("eth_getLogs", every_third)
    stack.run("backfiller", "--once", BACKFILL_BATCH_SIZE=5, BACKFILL_ATTEMPTS=8)
    assert_whole(stack, market, history)


@pytest.mark.parametrize("status, code, message", TOO_LARGE)
def test_a_range_the_provider_calls_too_large_is_split(market, stack, history, liar, status, code, message):
    liar.lie("eth_getLogs", refuses(status, code, message), when=lambda params: blocks_in(params) > 10)
    program = stack.run("backfiller", "--once", BACKFILL_ATTEMPTS=1)
    assert_whole(stack, market, history)
    assert "range too large" in program.text()
    assert max(last - first + 1 for first, last in liar.log_ranges()[-4:]) <= 10


def test_a_split_range_grows_again(market, stack, liar):
    market.mine(300)
    liar.lie("eth_getLogs", refuses(200, -32005, "query returned more than 10000 results"), times=4)
    stack.run("backfiller", "--once", BACKFILL_BATCH_SIZE=32, BACKFILL_CONCURRENCY=1)
    sizes = [last - first + 1 for first, last in liar.log_ranges()]
    assert sizes[:5] == [32, 16, 8, 4, 2]
    assert sizes[5:13] == [2] * 8 and 3 in sizes and max(sizes[14:]) > 4
    assert stack.database.coverage() == [(market.deployment_block, market.anvil.head())]


def test_one_block_that_stays_too_large_is_the_only_one_not_read(market, stack, history, liar):
    bad = history[0].block_number + 3
    refused = refuses(200, -32005, "query returned more than 10000 results")
    liar.lie("eth_getLogs", refused, when=lambda params: log_range(params)[0] <= bad <= log_range(params)[1])
    program = stack.run("backfiller", "--once", expect=75)
    head = market.anvil.head()
    assert stack.database.coverage() == [(market.deployment_block, bad - 1), (bad + 1, head)]
    assert f"blocks not read first_block={bad} last_block={bad} kind=range too large" in program.text()
    assert "one block alone is too large" in program.text()
    assert found(stack) == expected(history)


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getBlockByNumber"])
def test_garbage_is_asked_for_again_and_told_when_it_stays(market, stack, history, liar, name, method):
    status, body, kind = GARBAGE[name]
    past_genesis = (lambda params: params[0] != "0x0") if method != "eth_getLogs" else (lambda params: True)
    liar.lie(method, says_http(status, body), times=2, when=past_genesis)
    program = stack.run("backfiller", "--once")
    assert f"kind={kind}" in program.text()
    assert_whole(stack, market, history)
    market.mine(1)
    liar.lie(method, says_http(status, body), when=past_genesis)
    program = stack.run("backfiller", "--once", expect=75)
    head = market.anvil.head()
    assert f"blocks not read first_block={head} last_block={head} kind={kind}" in program.text()
    assert "try again blocks_left=1" in program.text()
    assert stack.database.coverage() == [(market.deployment_block, head - 1)]


def test_an_answer_that_ends_in_its_middle_is_asked_for_again(market, stack, history, liar):
    def cut(request, ask):
        body = json.dumps(ask()).encode()
        return 200, {"Content-Length": str(len(body)), "Connection": "close"}, body[: len(body) // 2]

    liar.lie("eth_getLogs", cut, times=2)
    program = stack.run("backfiller", "--once", RPC_TIMEOUT_MS=1000)
    assert "kind=unreachable" in program.text()
    assert_whole(stack, market, history)


def test_some_ranges_fail_and_the_others_are_read(market, stack, history, liar):
    first = market.deployment_block
    liar.lie("eth_getLogs", says_http(200, b"nonsense"), when=lambda params: log_range(params)[0] in (first, first + 20))
    program = stack.run("backfiller", "--once", BACKFILL_BATCH_SIZE=10, expect=75)
    head = market.anvil.head()
    assert stack.database.coverage() == [(first + 10, first + 19), (first + 30, head)]
    for block in (first, first + 20):
        assert f"blocks not read first_block={block} last_block={block + 9} kind=malformed" in program.text()


def test_a_node_that_goes_away_ends_a_run_with_all_that_is_left(market, stack, history, liar):
    gone = says_http(503, b"gone")
    reach = market.deployment_block + 20
    liar.lie("eth_getBlockByNumber", gone, when=lambda params: number_of(params) >= reach)
    settings = {"BACKFILL_BATCH_SIZE": 5, "BACKFILL_BATCH_GROWTH": 1, "BACKFILL_CONCURRENCY": 1}
    program = stack.run("backfiller", "--once", expect=75, **settings)
    first, head = market.deployment_block, market.anvil.head()
    [covered] = stack.database.coverage()
    assert covered == (first, first + 19)
    assert f"blocks not read first_block={first + 20} last_block={head} kind=unreachable" in program.text()


def test_an_unreachable_node_ends_a_run_with_75_and_words(market, stack, history):
    market.anvil.stop()
    program = stack.run("backfiller", "--once", BACKFILL_ATTEMPTS=2, expect=75)
    assert "cannot start: the node does not answer" in program.text()
    assert stack.database.coverage() == []


# Configuration


def test_a_wrong_chain_is_refused_naming_both(market, stack):
    for arguments in (["--once"], ["--check"], []):
        program = stack.run("backfiller", *arguments, CHAIN_ID="31337", expect=78)
        assert "31337" in program.text() and "8453" in program.text()


def test_check_of_an_unreachable_node_says_where_without_the_key(market, stack, workdir):
    url = "http://user:geheim@127.0.0.1:9/v2/secretkey?token=alsosecret"
    program = stack.run("backfiller", "--check", HTTP_RPC_URL=url, expect=69)
    assert "127.0.0.1:9" in program.text()
    for secret in ("geheim", "secretkey", "alsosecret"):
        assert secret not in program.text()
    assert not stack.database.path.exists()


def test_check_prints_the_configuration_and_changes_nothing(market, stack):
    program = stack.run("backfiller", "--check")
    assert "BACKFILL_BATCH_SIZE=1000" in program.text() and "are good" in program.text()
    assert not stack.database.path.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from", "1"],
        ["--recheck"],
        ["--from", "1", "--to", "2"],
        ["--from", "200", "--to", "100", "--recheck"],
        ["--from", "x", "--to", "100", "--recheck"],
        ["--from", "-1", "--to", "100", "--recheck"],
        ["--from", "100", "--to", "99999999999999999999", "--recheck"],
        ["--from", "0", "--to", "100", "--recheck"],
    ],
)
def test_usage_errors(market, stack, arguments):
    assert market.deployment_block > 0
    stack.run("backfiller", *arguments, expect=64)
    assert not stack.database.path.exists()


def test_all_that_is_wrong_is_listed_at_once(market, stack):
    wrong = {"BACKFILL_BATCH_SIZE": "0", "BACKFILL_CONCURRENCY": "65", "TRAIL_SECONDS": "soon"}
    program = stack.run("backfiller", "--once", expect=78, **wrong)
    assert all(key in program.text() for key in wrong)


# Going on


def test_it_follows_the_head_when_nobody_listens(market, stack, history):
    program = stack.start("backfiller", TRAIL_SECONDS=1)
    stack.wait_until(lambda: found(stack) == expected(history), what="the history")
    more = market.take("AAPL0x", "SELL", "1", usdc="230")
    stack.wait_until(lambda: found(stack) == expected(history + more), what="the new fill")
    market.mine(3)
    head = market.anvil.head()
    stack.wait_until(lambda: stack.database.coverage()[0][1] == head, what="coverage to the head")
    assert program.stop() == 0


def test_it_outlives_a_node_that_hangs_and_comes_back(market, stack, history, liar):
    hung = says_http(503, b"starting")
    for method in ("eth_getLogs", "eth_getBlockByNumber", "eth_chainId", "eth_blockNumber"):
        liar.lie(method, hung)
    program = stack.start("backfiller")
    program.wait_log("the node does not answer: asking again")
    liar.forget()
    stack.wait_until(lambda: found(stack) == expected(history), what="the history")
    for method in ("eth_getLogs", "eth_getBlockByNumber", "eth_blockNumber"):
        liar.lie(method, hung)
    program.wait_log("head not known: asking again kind=unreachable")
    more = market.take("AAPL0x", "SELL", "1", usdc="230")
    liar.forget()
    stack.wait_until(lambda: found(stack) == expected(history + more), 20, what="the new fill")
    assert program.running


def test_a_range_that_fails_for_ever_does_not_hold_up_the_others(market, stack, history, liar):
    first = market.deployment_block
    liar.lie("eth_getLogs", says_http(200, b"nonsense"), when=lambda params: log_range(params)[0] == first)
    stack.start("backfiller", BACKFILL_BATCH_SIZE=10, BACKFILL_CONCURRENCY=1)
    head = market.anvil.head()
    stack.wait_until(lambda: stack.database.coverage() == [(first + 10, head)], what="the others")
    liar.forget()
    stack.wait_until(lambda: stack.database.coverage() == [(first, head)], 20, what="the first")


def test_a_node_that_changes_to_another_chain_ends_it(market, stack, history):
    program = stack.start("backfiller", TRAIL_SECONDS=1)
    stack.wait_until(lambda: found(stack) == expected(history), what="the history")
    market.anvil.kill9()
    market.anvil.start()
    assert program.wait() == 78
    assert "another chain" in program.text()


# Behind a listener


def start_listener(stack, **changes) -> None:
    stack.start("listener", CUTOFF_TIMEOUT_SECONDS=0, **changes)
    stack.wait_until(stack.database.sessions, what="the session")


def test_it_trails_behind_the_listener_on_a_quiet_chain_without_a_warning(market, stack, history):
    start_listener(stack)
    program = stack.start("backfiller", TRAIL_SECONDS=1)
    [session] = stack.database.sessions()
    fills = market.take("AAPL0x", "SELL", "1", usdc="230")
    head = market.mine(3)
    stack.wait_until(lambda: stack.database.coverage() == [(market.deployment_block, head)], what="coverage to the head")
    sources = {row["block_number"]: row["source"] for row in stack.database.events()}
    assert sources[fills[0].block_number] == "listener"
    assert all(source == "backfiller" for block, source in sources.items() if block < session["cutoff_block"])
    assert "missed" not in program.text() and "disagrees" not in program.text()


def test_what_the_listener_missed_is_found_with_a_warning(market, stack, history):
    with WebSocketProxy(market.anvil.port, drop=lambda text: '"data"' in text) as proxy:
        start_listener(stack, WS_RPC_URL=proxy.url)
        program = stack.start("backfiller", TRAIL_SECONDS=1)
        stack.wait_until(stack.database.coverage, what="the history")
        [fill] = market.take("AAPL0x", "SELL", "1", usdc="230")
        stack.wait_until(lambda: found(stack) == expected([*history, fill]), what="the missed fill")
        missed = program.wait_log("listener missed an event .*")
        assert f"block_number={fill.block_number} log_index={fill.log_index} tx_hash={fill.tx_hash}" in missed[0]
        assert len(proxy.dropped) == 1 and program.text().count("listener missed") == 1


def test_a_listener_that_dies_leaves_the_rest_to_the_backfiller(market, stack, history):
    start_listener(stack)
    program = stack.start("backfiller", TRAIL_SECONDS=1)
    program.wait_log("listener session is open")
    stack.programs[0].kill9()
    fills = market.take("AAPL0x", "SELL", "1", usdc="230")
    stack.wait_until(lambda: found(stack) == expected(history + fills), what="the fill without a listener")
    program.wait_log("listener session is over")
    assert "missed" not in program.text()


def test_a_run_beside_a_listener_reads_up_to_the_head(market, stack, history):
    start_listener(stack)
    market.take("AAPL0x", "SELL", "1", usdc="230")
    head = market.mine(2)
    stack.wait_until(lambda: stack.database.count("event_queue") == 1, what="the listener's event")
    program = stack.run("backfiller", "--once")
    assert stack.database.coverage() == [(market.deployment_block, head)]
    assert "missed" not in program.text()
