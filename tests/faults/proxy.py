"""A proxy between Ballast's programs and the node that does to them what networks and providers do.

    with FaultProxy(anvil.port, seed=7) as proxy:
        stack.config |= {"HTTP_RPC_URL": proxy.url, "WS_RPC_URL": proxy.ws_url}
        proxy.add("empty_logs", ["eth_getLogs"], times=2)
        ...
        proxy.clear()

One port speaks HTTP and WebSocket. A fault has a name (of ANSWER, BODY, WIRE, FRAME, HANDSHAKE), the methods it
strikes, how often, and what it needs: seconds, at, blocks. On a WebSocket the methods are those of the answers, and
"logs" and "newHeads" for notifications, "handshake" for the upgrade. An eth_call in the state of a certain block goes by
the name of its function as well: "asset", "decimals", "convertToAssets". "*" strikes everything. What is random comes
from the seed. `struck` counts what really was applied.
"""

import base64
import contextlib
import hashlib
import http.client
import json
import random
import socket
import struct
import threading
import time
from collections import Counter

from lib.wsproxy import read_exactly, read_head

INFINITE = float("inf")
HUGE = 40 * 1024 * 1024
HOLD_S = 0.3  # how long a frame waits for another to change places with
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


class Hangup(Exception):
    """This connection is to end."""

    def __init__(self, reset: bool = False):
        super().__init__()
        self.reset = reset


class Fault:
    def __init__(self, name: str, methods, times: float = INFINITE, **options):
        if name not in ALL:
            raise ValueError(f"no fault {name}")
        self.name = name
        self.methods = set(methods)
        self.times = times
        self.options = options

    def strikes(self, names) -> bool:
        return self.times > 0 and not self.methods.isdisjoint(("*", *names))

    def __repr__(self) -> str:
        options = "".join(f" {name}={value}" for name, value in self.options.items())
        return f"{self.name}({','.join(sorted(self.methods))} x{self.times}{options})"


# ANSWER: what is said in valid JSON. answer(proxy, fault, request, answer) gives the answer, perhaps another.


def _result(function):
    def change(proxy, fault, request, answer):
        if "result" not in answer:
            return answer
        return answer | {"result": function(proxy, fault, request, answer["result"])}

    return change


def _logs(function):
    def change(proxy, fault, request, result):
        return function(proxy, fault, list(result)) if isinstance(result, list) and result else result

    return _result(change)


def _without_one(proxy, fault, logs):
    del logs[proxy.random.randrange(len(logs))]
    return logs


def _block_of_one(proxy, logs) -> str:
    return proxy.random.choice(logs)["blockNumber"]


def _without_one_block(proxy, fault, logs):
    block = _block_of_one(proxy, logs)
    return [log for log in logs if log["blockNumber"] != block]


def _cut_off_at_a_block(proxy, fault, logs):
    block = int(_block_of_one(proxy, logs), 16)
    return [log for log in logs if int(log["blockNumber"], 16) < block]


def _one_changed(**values):
    def change(proxy, fault, logs):
        place = proxy.random.randrange(len(logs))
        logs[place] = logs[place] | values
        return logs

    return change


def _lagging(proxy, fault, request, answer):
    """As a node that is some blocks behind: its head, no block beyond it, and silently no logs beyond it."""
    head = proxy.lagging_head(fault)
    method, params, result = request["method"], request["params"], answer.get("result")
    if method == "eth_blockNumber":
        return answer | {"result": hex(head)}
    if method == "eth_getBlockByNumber" and params[0] == "latest":
        return answer | {"result": proxy.ask("eth_getBlockByNumber", hex(head), params[1])}
    if method in ("eth_getBlockByNumber", "eth_getBlockReceipts", "eth_getBlockByHash") and result:
        block = result[0]["blockNumber"] if isinstance(result, list) else result["number"]
        return answer if int(block, 16) <= head else answer | {"result": None}
    if method == "eth_getLogs" and isinstance(result, list):
        return answer | {"result": [log for log in result if int(log["blockNumber"], 16) <= head]}
    if asked_of_block(request) is not None and proxy.number_of(asked_of_block(request)) > head:
        return _error(-32000, "header not found")(proxy, fault, request, answer)
    return answer


def _beyond_genesis(result) -> bool:
    """A block of which a lie can be told: who is lied to about the first block takes the chain for another one."""
    return isinstance(result, dict) and "number" in result and int(result["number"], 16) > 0


def _other_block(proxy, fault, request, result):
    if not _beyond_genesis(result):
        return result
    return proxy.ask("eth_getBlockByNumber", hex(int(result["number"], 16) - 1), False)


def _old_answer(proxy, fault, request, answer):
    """The answer to an earlier request, id and all."""
    with proxy.lock:
        old, proxy.previous = proxy.previous, answer
    return old or answer


def _error(code: int, message: str):
    return lambda proxy, fault, request, answer: {
        "jsonrpc": "2.0", "id": answer.get("id"), "error": {"code": code, "message": message}
    }


def _always(value):
    return _result(lambda proxy, fault, request, result: value)


SELECTORS = {"0x38d52e0f": "asset", "0x313ce567": "decimals", "0x07a2d13a": "convertToAssets"}


def asked_of_block(request: dict):
    """The block in whose state an eth_call is to be made, as it is named; None: the latest, or no call."""
    params = request.get("params") or []
    if request.get("method") != "eth_call" or len(params) < 2 or params[1] == "latest":
        return None
    return params[1]


def names_of(request: dict) -> tuple[str, ...]:
    """What faults may call it, the closest last."""
    names = (request.get("method"),)
    if asked_of_block(request) is None:
        return names
    call = request["params"][0]
    return *names, SELECTORS.get((call.get("data") or call.get("input"))[:10], "another call")


LOG_FAULTS = {
    "empty_logs": _always([]),
    "one_block_missing": _logs(_without_one_block),
    "cut_off_at_a_block": _logs(_cut_off_at_a_block),
    "one_log_missing": _logs(_without_one),
    "last_log_missing": _logs(lambda proxy, fault, logs: logs[:-1]),
    "second_half_missing": _logs(lambda proxy, fault, logs: logs[: len(logs) // 2]),
    "orphan_block_hash": _logs(_one_changed(blockHash="0x" + "cd" * 32)),
    "removed_in_answer": _logs(_one_changed(removed=True)),
    "pending_log": _logs(_one_changed(blockHash=None, blockNumber=None, logIndex=None)),
    "broken_hex": _logs(_one_changed(data="0xabc")),
    "log_twice": _logs(lambda proxy, fault, logs: logs + logs[-1:]),
    "logs_backwards": _logs(lambda proxy, fault, logs: logs[::-1]),
}
BLOCK_FAULTS = {
    "other_block": _result(_other_block),
    "other_block_hash": _result(
        lambda proxy, fault, request, result: (
            result | {"hash": "0x" + "ab" * 32} if _beyond_genesis(result) else result
        )
    ),
}
STATE_FAULTS = {
    "pruned_state": _error(-32000, "missing trie node 5d41402abc4b2a76 (path ) state 0x5d41402abc4b2a76 is not available"),
    "no_call_by_hash": lambda proxy, fault, request, answer: (
        _error(-32602, "invalid argument 1: hex string without 0x prefix")(proxy, fault, request, answer)
        if isinstance(asked_of_block(request), dict) else answer
    ),
}
ANSWER = LOG_FAULTS | BLOCK_FAULTS | STATE_FAULTS | {
    "wrong_id": lambda proxy, fault, request, answer: answer | {"id": 987654321},
    "null_id": lambda proxy, fault, request, answer: answer | {"id": None},
    "text_id": lambda proxy, fault, request, answer: answer | {"id": f"x{answer.get('id')}"},
    "null_result": _always(None),
    "number_result": _always(7),
    "empty_hex_result": _always("0x"),
    "no_result": lambda proxy, fault, request, answer: {"jsonrpc": "2.0", "id": answer.get("id")},
    "internal_error": _error(-32603, "internal error"),
    "limit_error": _error(-32005, "query returned more than 10000 results"),
    "lagging_head": _lagging,
    "other_chain": lambda proxy, fault, request, answer: (
        answer | {"result": "0x1"} if request["method"] == "eth_chainId" else answer
    ),
    "old_answer": _old_answer,
}

# BODY: what is no JSON-RPC. (fault, body) gives status, headers, body.

PAGE = b"<html><body><h1>Something went wrong</h1></body></html>"
BODY = {
    "garbage": lambda fault, body: (200, {}, bytes(range(256)) * 3),
    "truncated_json": lambda fault, body: (200, {}, body[: len(body) // 2]),
    "empty_body": lambda fault, body: (200, {}, b""),
    "deep_json": lambda fault, body: (200, {}, b"[" * 100_000),
    "http_200_page": lambda fault, body: (200, {"Content-Type": "text/html"}, PAGE),
    "http_429": lambda fault, body: (429, {}, b"slow down"),
    "http_429_retry_after": lambda fault, body: (429, {"Retry-After": fault.options.get("retry_after", 1)}, b""),
    "http_429_nonsense_retry_after": lambda fault, body: (429, {"Retry-After": "soon, -1"}, b""),
    "http_500": lambda fault, body: (500, {}, b""),
    "http_502_page": lambda fault, body: (502, {"Content-Type": "text/html"}, PAGE),
    "gzip_header": lambda fault, body: (200, {"Content-Encoding": "gzip"}, body),
    "oversized": lambda fault, body: (200, {}, b" " * HUGE),
}

# WIRE: what happens to the bytes, of an HTTP answer or of a frame.

WIRE = (
    "delay", "close_before", "close_after", "reset", "cut", "one_byte_writes", "duplicate", "stall_after_header",
    "half_open",
)

# FRAME: only on a WebSocket. (connection, fault, payload) does its own sending.

FRAME = (
    "reorder", "masked", "unknown_subscription", "silent", "replay_old", "removed_known", "removed_unknown",
    "error_without_id", "binary", "invalid_utf8", "fragments", "control_flood", "reserved_bits", "server_close",
)
HANDSHAKE = ("refused_page", "refused_429", "refused_500", "wrong_accept", "handshake_cut", "handshake_stall")
ALL = {*ANSWER, *BODY, *WIRE, *FRAME, *HANDSHAKE}


class FaultProxy:
    def __init__(self, upstream_port: int, seed: int = 0):
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.struck: Counter = Counter()
        self.asked: Counter = Counter()
        self.previous: dict | None = None
        self.last_seen = ""  # the hash of the head up to which gethify knows the chain
        self._upstream_port = upstream_port
        self._local = threading.local()
        self._faults: list[Fault] = []
        self._heads: dict[int, int] = {}
        self._hooks: list[list] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._sockets: set[socket.socket] = set()
        self._websockets: set["_WebSocket"] = set()
        self._closed = threading.Event()
        self._gethify: threading.Thread | None = None
        port = self._listener.getsockname()[1]
        self.url, self.ws_url = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"

    def __enter__(self) -> "FaultProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._closed.set()
        with self.lock:
            open_sockets = [self._listener, *self._sockets]
        for one in open_sockets:
            shut(one)
        if self._gethify:
            self._gethify.join(5)

    # The schedule

    def add(self, name: str, methods=("*",), times: float = INFINITE, **options) -> Fault:
        fault = Fault(name, methods, times, **options)
        with self.lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """No fault any more. Connections that hang go on hanging until the program gives them up."""
        with self.lock:
            self._faults.clear()

    def cut(self) -> None:
        """Ends every connection; new ones are accepted."""
        with self.lock:
            open_sockets = list(self._sockets)
        for one in open_sockets:
            shut(one)

    def when(self, method: str, number: int, action) -> None:
        """action() happens once, when the number-th request of this method from now on has come over HTTP, before the
        node hears of it. The program waits for it."""
        with self.lock:
            self._hooks.append([method, number, action])

    def forget_hooks(self) -> None:
        with self.lock:
            self._hooks.clear()

    def gethify(self, poll_seconds: float = 0.02) -> None:
        """From now on, logs of blocks that leave the chain are sent again with removed:true, as geth does. In which
        order, and whether before or after the logs of the new blocks, is as little known as with geth."""
        self._gethify = threading.Thread(target=_Gethify(self, poll_seconds).run, daemon=True)
        self._gethify.start()

    def chosen(self, names, kinds) -> list[Fault]:
        """The faults of these kinds that strike now what goes by these names; each counts down."""
        names = (names,) if isinstance(names, str) else names
        found = []
        with self.lock:
            for fault in self._faults:
                if fault.name in kinds and fault.strikes(names):
                    fault.times -= 1
                    self.struck[f"{fault.name} {names[-1]}"] += 1
                    found.append(fault)
        return found

    # The node

    def exchange(self, body: bytes) -> bytes:
        """The node's answer."""
        for attempt in range(2):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self._upstream_port, timeout=20)
                self._local.connection = connection
            try:
                connection.request("POST", "/", body, {"Content-Type": "application/json"})
                return connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                self._local.connection = None
                connection.close()
                if attempt:
                    raise
        raise AssertionError

    def ask(self, method: str, *params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return json.loads(self.exchange(json.dumps(request).encode())).get("result")

    def number_of(self, block) -> int:
        """Of a block as eth_call names it; 0 when the node knows none of that hash."""
        if not isinstance(block, dict):
            return int(block, 16)
        header = self.ask("eth_getBlockByHash", block["blockHash"], False)
        return int(header["number"], 16) if header else 0

    def lagging_head(self, fault: Fault) -> int:
        """Where the head was when the fault began, less its blocks; it stays there."""
        with self.lock:
            known = self._heads.get(id(fault))
        if known is None:
            known = max(0, int(self.ask("eth_blockNumber"), 16) - fault.options.get("blocks", 3))
            with self.lock:
                self._heads[id(fault)] = known
        return known

    def told(self, request: dict, answer: dict) -> dict:
        """The answer as the faults of the schedule have it."""
        for fault in self.chosen(names_of(request), ANSWER):
            answer = ANSWER[fault.name](self, fault, request, answer)
        return answer

    # Connections

    def websockets(self) -> list["_WebSocket"]:
        with self.lock:
            return list(self._websockets)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.lock:
                    self._sockets.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        reset = False
        stream = client.makefile("rb")
        try:
            while True:
                head = read_head(stream)
                if b"upgrade: websocket" in head.lower():
                    websocket = _WebSocket(self, client, stream, head)
                    with self.lock:
                        self._websockets.add(websocket)
                    try:
                        websocket.run()
                    finally:
                        with self.lock:
                            self._websockets.discard(websocket)
                    break
                length = int(header(head, b"content-length") or 0)
                self._answer(client, read_exactly(stream, length))
        except Hangup as hangup:
            reset = hangup.reset
        except (OSError, EOFError, ValueError, http.client.HTTPException):
            pass
        finally:
            if getattr(self._local, "connection", None):
                self._local.connection.close()
                self._local.connection = None
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                shut(client)
            with self.lock:
                self._sockets.discard(client)
            stream.close()
            client.close()

    def _answer(self, client: socket.socket, body: bytes) -> None:
        request = json.loads(body)
        calls = request if isinstance(request, list) else [request]
        names = names_of(calls[0])
        for call in calls:
            self._count(call["method"])
        wire = self.chosen(names, WIRE)
        told = {fault.name for fault in wire}
        if "close_before" in told:
            raise Hangup
        if "half_open" in told:
            hang(client)
        answer = json.loads(self.exchange(body))
        if isinstance(request, list):
            by_id = {one["id"]: one for one in answer}
            answer = [self.told(call, by_id[call["id"]]) for call in calls]
        else:
            answer = self.told(request, answer)
        status, headers, content = 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()
        for fault in self.chosen(names, BODY):
            status, more, content = BODY[fault.name](fault, content)
            headers |= more
        lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        send(client, "\r\n".join(lines).encode() + b"\r\n\r\n", content, wire)


    def _count(self, method: str) -> None:
        due = []
        with self.lock:
            self.asked[method] += 1
            for hook in self._hooks:
                if hook[0] == method:
                    hook[1] -= 1
                    if hook[1] == 0:
                        due.append(hook[2])
        for action in due:
            action()


def send(client: socket.socket, head: bytes, content: bytes, wire: list[Fault]) -> None:
    """Puts bytes on the wire as these faults have it."""
    data = head + content
    for fault in wire:
        if fault.name == "delay":
            time.sleep(fault.options.get("seconds", 0.05))
        elif fault.name == "close_after":
            raise Hangup
        elif fault.name == "reset":
            raise Hangup(reset=True)
        elif fault.name == "cut":
            at = fault.options.get("at", 0.5)
            client.sendall(data[: int(len(data) * at) if isinstance(at, float) else at])
            raise Hangup
        elif fault.name == "stall_after_header":
            client.sendall(head)
            hang(client)
        elif fault.name == "duplicate":
            data += data
        elif fault.name == "one_byte_writes":
            first = min(len(data), 400)
            for at in range(first):
                client.send(data[at : at + 1])
            data = data[first:]
        elif fault.name == "half_open":
            hang(client)
    client.sendall(data)


def hang(client: socket.socket) -> None:
    """Nothing is read, nothing is said, until the other side gives up or the proxy ends."""
    client.settimeout(0.2)
    while True:
        try:
            # Looks without taking: the kernel's buffer fills as with a peer that stopped reading.
            if not client.recv(1, socket.MSG_PEEK):
                raise Hangup
            time.sleep(0.05)
            if closed_by_peer(client):
                raise Hangup
        except TimeoutError:
            continue
        except OSError:
            raise Hangup from None


def closed_by_peer(client: socket.socket) -> bool:
    """Its FIN or RST has come, though unread bytes stand before it."""
    state = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != 1  # TCP_ESTABLISHED


def shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def frame_head(opcode: int, length: int, final: bool = True, masked: bool = False, reserved: int = 0) -> bytes:
    first, mask = opcode | (0x80 if final else 0) | reserved, 0x80 if masked else 0
    if length < 126:
        return bytes([first, mask | length])
    if length < 65536:
        return bytes([first, mask | 126]) + length.to_bytes(2, "big")
    return bytes([first, mask | 127]) + length.to_bytes(8, "big")


def masked_with(payload: bytes, key: bytes) -> bytes:
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")


def read_frame(stream) -> tuple[int, bool, bytes]:
    """opcode, final, payload without its mask."""
    first, second = read_exactly(stream, 2)
    length = second & 0x7F
    if length >= 126:
        length = int.from_bytes(read_exactly(stream, 2 if length == 126 else 8), "big")
    key = read_exactly(stream, 4) if second & 0x80 else None
    payload = read_exactly(stream, length)
    return first & 0x0F, bool(first & 0x80), masked_with(payload, key) if key else payload


class _WebSocket:
    """One connection of a program: frames of the node pass through the faults, those of the program as they are."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, stream, head: bytes):
        self.proxy = proxy
        self.client = client
        self.subscriptions: dict[str, dict] = {}  # what each asks for: kind and filter
        self._stream = stream
        self._head = head
        self._sending = threading.RLock()
        self._requests: dict = {}
        self._held: tuple[bytes, float] | None = None
        self._old: list[bytes] = []
        self._dead = False

    def run(self) -> None:
        faults = {fault.name for fault in self.proxy.chosen("handshake", (*HANDSHAKE, *WIRE))}
        refusals = {"refused_page": (200, PAGE), "refused_429": (429, b"slow"), "refused_500": (500, b"")}
        for name, (status, body) in refusals.items():
            if name in faults:
                self.client.sendall(b"HTTP/1.1 %d Told\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
                raise Hangup
        if faults & {"close_before", "reset"}:
            raise Hangup(reset="reset" in faults)
        if faults & {"handshake_stall", "half_open", "stall_after_header"}:
            hang(self.client)
        key = header(self._head, b"sec-websocket-key") or b""
        if "wrong_accept" in faults:
            key += b"x"
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID).digest())
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        if faults & {"handshake_cut", "cut", "close_after"}:
            self.client.sendall(answer[: len(answer) // 2])
            raise Hangup
        if "delay" in faults:
            time.sleep(0.05)
        with socket.create_connection(("127.0.0.1", self.proxy._upstream_port)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server_stream = server.makefile("rb")
            ours = base64.b64encode(bytes(16)).decode()
            server.sendall(
                f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {ours}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            read_head(server_stream)
            self.client.sendall(answer)
            threading.Thread(target=self._up, args=(server,), daemon=True).start()
            try:
                self._down(server_stream)
            finally:
                self._dead = True
                shut(server)

    def deliver(self, subscription: str, result: dict) -> None:
        """Sends a notification that the node did not."""
        self._send_text(_notification(subscription, result), [])

    def _up(self, server: socket.socket) -> None:
        """What the program says, as it is; a half-open connection no longer reads."""
        try:
            while not self._dead:
                opcode, final, payload = read_frame(self._stream)
                if opcode == TEXT:
                    self._note_request(payload)
                key = b"\1\2\3\4"
                server.sendall(frame_head(opcode, len(payload), final, masked=True) + key + masked_with(payload, key))
        except (OSError, EOFError, ValueError):
            pass
        finally:
            shut(server)

    def _note_request(self, payload: bytes) -> None:
        request = json.loads(payload)
        for one in request if isinstance(request, list) else [request]:
            self._requests[one.get("id")] = one
            with self.proxy.lock:
                self.proxy.asked[f"ws {one.get('method')}"] += 1

    def _down(self, server_stream) -> None:
        """What the node says, as the faults have it."""
        whole = b""
        while True:
            opcode, final, payload = read_frame(server_stream)
            if opcode >= CLOSE:
                self._send(frame_head(opcode, len(payload)), payload, [])
                if opcode == CLOSE:
                    return
                continue
            whole += payload
            if not final:
                continue
            message, whole = json.loads(whole), b""
            self._message(message)

    def _message(self, message: dict) -> None:
        if message.get("method") == "eth_subscription":
            subscription = message["params"]["subscription"]
            kind = self.subscriptions.get(subscription, {}).get("kind", "logs")
            self._notification(kind, message)
            return
        request = self._requests.pop(message.get("id"), None) or {"method": "unknown", "params": []}
        if request["method"] == "eth_subscribe" and isinstance(message.get("result"), str):
            kind, *rest = request["params"]
            self.subscriptions[message["result"]] = {"kind": kind, "filter": rest[0] if rest else {}}
        method = request["method"]
        message = self.proxy.told(request, message)
        self._with_faults(method, json.dumps(message).encode())

    def _notification(self, kind: str, message: dict) -> None:
        for fault in self.proxy.chosen(kind, ("lagging_head",)):
            block = message["params"]["result"].get("number") or message["params"]["result"].get("blockNumber")
            if int(block, 16) > self.proxy.lagging_head(fault):
                return
        self._with_faults(kind, json.dumps(message).encode())

    def _with_faults(self, method: str, payload: bytes) -> None:
        for fault in self.proxy.chosen(method, BODY):
            if not fault.name.startswith(("http_", "gzip_")):
                _, _, payload = BODY[fault.name](fault, payload)
        for fault in self.proxy.chosen(method, FRAME):
            if self._frame_fault(fault, payload):
                return
        wire = self.proxy.chosen(method, WIRE)
        if any(fault.name == "close_before" for fault in wire):
            raise Hangup
        self._send_text(payload, wire)

    def _frame_fault(self, fault: Fault, payload: bytes) -> bool:
        """True: the message has gone its own way."""
        length, name = len(payload), fault.name
        if name == "silent":
            return True
        if name == "reorder":
            with self._sending:
                self._held = (payload, time.monotonic() + HOLD_S)
            threading.Timer(HOLD_S, self._release).start()
            return True
        if name == "masked":
            key = b"\7\6\5\4"
            self._send(frame_head(TEXT, length, masked=True) + key, masked_with(payload, key), [])
            return True
        if name == "binary":
            self._send(frame_head(BINARY, length), payload, [])
            return True
        if name == "reserved_bits":
            self._send(frame_head(TEXT, length, reserved=0x40), payload, [])
            return True
        if name == "invalid_utf8":
            broken = payload[: length // 2] + b"\xff\xfe" + payload[length // 2 :]
            self._send(frame_head(TEXT, len(broken)), broken, [])
            return True
        if name == "fragments":
            with self._sending:
                size = max(1, length // 7 + 1)
                for at in range(0, length, size):
                    piece = payload[at : at + size]
                    self._send(frame_head(TEXT if at == 0 else 0, len(piece), at + size >= length), piece, [])
            return True
        if name == "server_close":
            self._send(frame_head(CLOSE, 2), (1001).to_bytes(2, "big"), [])
            raise Hangup
        if name == "control_flood":
            for _ in range(200):
                self._send(frame_head(PING, 4), b"ping", [])
        elif name == "error_without_id":
            self._send_text(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}', [])
        elif name == "replay_old":
            for old in self._old[-3:]:
                self._send_text(old, [])
        else:
            self._inject(name)
        return False

    def _inject(self, name: str) -> None:
        """A notification of which the node knows nothing: removed:true, or for another's subscription."""
        logs = [subscription for subscription, one in self.subscriptions.items() if one["kind"] == "logs"]
        known = [json.loads(old)["params"]["result"] for old in self._old if b'"topics"' in old]
        log = dict(self.proxy.random.choice(known)) if known else dict(SOME_LOG)
        if name == "unknown_subscription":
            self._send_text(_notification("0x" + "9" * 32, log), [])
            return
        if name == "removed_unknown":
            log |= {"blockHash": "0x" + "ee" * 32, "transactionHash": "0x" + "dd" * 32}
        for subscription in logs[:1]:
            self._send_text(_notification(subscription, log | {"removed": True}), [])

    def _release(self) -> None:
        """A frame that found no other to change places with goes by itself."""
        with contextlib.suppress(OSError, Hangup), self._sending:
            if self._held:
                payload, self._held = self._held[0], None
                self._send(frame_head(TEXT, len(payload)), payload, [])

    def _send_text(self, payload: bytes, wire: list[Fault]) -> None:
        if b'"eth_subscription"' in payload[:200] and len(self._old) < 1000:
            self._old.append(payload)
        with self._sending:
            self._send(frame_head(TEXT, len(payload)), payload, wire)
            if self._held:
                held, self._held = self._held[0], None
                self._send(frame_head(TEXT, len(held)), held, [])

    def _send(self, head: bytes, payload: bytes, wire: list[Fault]) -> None:
        with self._sending:
            send(self.client, head, payload, wire)


SOME_LOG = {
    "address": "0x" + "12" * 20, "topics": ["0x" + "34" * 32], "data": "0x", "blockHash": "0x" + "56" * 32,
    "blockNumber": "0x1", "transactionHash": "0x" + "78" * 32, "transactionIndex": "0x0", "logIndex": "0x0",
    "removed": False,
}


def _notification(subscription: str, result: dict) -> bytes:
    params = {"subscription": subscription, "result": result}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params}).encode()


class _Gethify:
    """Watches the chain by its parents' hashes and tells the subscribers what left it."""

    def __init__(self, proxy: FaultProxy, poll_seconds: float):
        self._proxy = proxy
        self._poll_seconds = poll_seconds
        self._chain: list[dict] = []  # number, hash, parent, logs; lowest first
        self._random = random.Random(proxy.random.random())

    def run(self) -> None:
        while not self._proxy._closed.wait(self._poll_seconds):
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
                self._look()

    def _look(self) -> None:
        head = self._proxy.ask("eth_getBlockByNumber", "latest", False)
        if self._chain and head["hash"] == self._chain[-1]["hash"]:
            return
        known = {block["hash"]: place for place, block in enumerate(self._chain)}
        fresh, cursor = [], head
        while cursor["hash"] not in known and len(fresh) < 200:
            fresh.append(cursor)
            if not self._chain or int(cursor["number"], 16) <= self._chain[0]["number"]:
                break
            cursor = self._proxy.ask("eth_getBlockByHash", cursor["parentHash"], False)
        keep = known.get(cursor["hash"], -1) + 1
        orphans, self._chain = self._chain[keep:], self._chain[:keep]
        for block in reversed(fresh):
            logs = self._proxy.ask("eth_getLogs", {"blockHash": block["hash"]}) or []
            self._chain.append({"number": int(block["number"], 16), "hash": block["hash"], "logs": logs})
        self._proxy.last_seen = head["hash"]
        self._tell([log for block in orphans for log in block["logs"]])

    def _tell(self, logs: list[dict]) -> None:
        if not logs:
            return
        if self._random.random() < 0.5:
            logs = logs[::-1]
        if self._random.random() < 0.5:
            time.sleep(self._random.random() * 0.05)
        for websocket in self._proxy.websockets():
            for subscription, one in list(websocket.subscriptions.items()):
                if one["kind"] != "logs":
                    continue
                for log in filter(lambda log: _wanted(log, one["filter"]), logs):
                    with contextlib.suppress(OSError, Hangup):
                        websocket.deliver(subscription, log | {"removed": True})


def _wanted(log: dict, wanted: dict) -> bool:
    addresses = wanted.get("address") or []
    addresses = [addresses] if isinstance(addresses, str) else addresses
    if addresses and log["address"].lower() not in [address.lower() for address in addresses]:
        return False
    first = (wanted.get("topics") or [None])[0]
    return first is None or log["topics"][:1] == [first] or (isinstance(first, list) and log["topics"][0] in first)
