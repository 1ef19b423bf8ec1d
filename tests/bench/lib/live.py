"""A node on which time passes: a chain that grows when it is told to, over WebSocket and HTTP on one port.

    with LiveNode() as node:
        node.mine()                             an empty block
        sent_ns = node.send(node.log(data))     an event of the block that is being made, to whoever subscribed
        node.mine()                             that block; its head goes out

It answers what Ballast's programs ask, from memory, and counts it: calls by method, requests, bytes of notifications.
"""

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections import Counter

from .fills import TAKE_ORDER_V2
from .samples import ORDERBOOK, USDC, symbol_of

CHAIN_ID = 8453
FINAL_DEPTH = 64
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
EMPTY_BLOOM, FULL_BLOOM = "0x" + "00" * 256, "0x" + "ff" * 256
SYMBOL_CALL, DECIMALS_CALL = "0x95d89b41", "0x313ce567"


def block_hash(number: int) -> str:
    return f"0x{'b10c' * 12}{number:016x}"


def text_result(text: str) -> str:
    return "0x" + (32).to_bytes(32, "big").hex() + len(text).to_bytes(32, "big").hex() + text.encode().ljust(32, b"\0").hex()


class LiveNode:
    def __init__(self, blocks: int = 100):
        self.calls: Counter = Counter()
        self.requests = 0
        self.notified_bytes = 0
        self._logs: dict[int, list[dict]] = {}
        self._by_transaction: dict[str, dict] = {}
        self._started = int(time.time()) - 2 * blocks
        self._head = blocks
        self._transactions = 0
        self._subscribers: list[tuple[socket.socket, threading.Lock, str, str]] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url, self.ws_url = f"http://127.0.0.1:{self.port}", f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> "LiveNode":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._listener.close()

    # The chain

    @property
    def subscribed(self) -> bool:
        return len(self._subscribers) >= 2

    def log(self, data: bytes) -> dict:
        """A TakeOrderV2 in the block that is being made, in a transaction of its own."""
        number = self._head + 1
        self._transactions += 1
        logs = self._logs.setdefault(number, [])
        logs.append({
            "address": ORDERBOOK, "topics": [TAKE_ORDER_V2], "data": "0x" + data.hex(),
            "blockHash": block_hash(number), "blockNumber": hex(number), "blockTimestamp": hex(self._time_of(number)),
            "transactionHash": f"0x{'7a' * 24}{self._transactions:016x}", "transactionIndex": hex(len(logs)),
            "logIndex": hex(len(logs)), "removed": False,
        })
        self._by_transaction[logs[-1]["transactionHash"]] = logs[-1]
        return logs[-1]

    def send(self, *logs: dict) -> int:
        """Notifies of logs; when the first left, by the monotonic clock in nanoseconds."""
        frames = [(one, self._notification(one[3], log)) for log in logs for one in self._subscribers if one[2] == "logs"]
        sent_ns = time.monotonic_ns()
        for (connection, lock, _, _), frame in frames:
            with lock:
                connection.sendall(frame)
        return sent_ns

    def mine(self) -> int:
        """The next block, with the logs that were made for it."""
        self._head += 1
        header = self._header(self._head)
        for connection, lock, kind, name in self._subscribers:
            if kind == "newHeads":
                with lock:
                    connection.sendall(self._notification(name, header))
        return self._head

    def _time_of(self, number: int) -> int:
        return self._started + 2 * number

    def _header(self, number: int) -> dict:
        return {
            "number": hex(number), "hash": block_hash(number), "parentHash": block_hash(max(0, number - 1)),
            "timestamp": hex(self._time_of(number)), "transactions": [],
            # Of a block with logs no bloom says anything: it is read by its hash and by its receipts in any case.
            "logsBloom": FULL_BLOOM if self._logs.get(number) else EMPTY_BLOOM,
        }

    def _notification(self, name: str, result: dict) -> bytes:
        payload = json.dumps({
            "jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": name, "result": result},
        }, separators=(",", ":")).encode()
        self.notified_bytes += len(payload)
        return frame(payload)

    # Answers

    def _block(self, tag: str) -> int:
        if tag == "finalized":
            return self._head - FINAL_DEPTH
        return self._head if tag == "latest" else int(tag, 16)

    def _answer(self, call: dict) -> dict:
        method, params = call["method"], call.get("params", [])
        with self._lock:
            self.calls[method] += 1
        answer = {"jsonrpc": "2.0", "id": call["id"]}
        known = getattr(self, "_" + method, None)
        if known is None:
            return answer | {"error": {"code": -32601, "message": f"the method {method} does not exist"}}
        return answer | {"result": known(*params)}

    def _eth_chainId(self):
        return hex(CHAIN_ID)

    def _eth_blockNumber(self):
        return hex(self._head)

    def _eth_getBlockByNumber(self, tag, _full):
        number = self._block(tag)
        return self._header(number) if number <= self._head else None

    def _eth_getLogs(self, wanted):
        if "blockHash" in wanted:
            first = last = int(wanted["blockHash"][-16:], 16)
        else:
            first, last = self._block(wanted["fromBlock"]), self._block(wanted["toBlock"])
        return [log for number in range(first, last + 1) for log in self._logs.get(number, ())]

    def _eth_getBlockReceipts(self, tag):
        return [self._receipt(log) for log in self._logs.get(self._block(tag), ())]

    def _eth_getTransactionReceipt(self, tx_hash):
        found = self._by_transaction.get(tx_hash)
        return found and self._receipt(found)

    def _receipt(self, log: dict) -> dict:
        return {
            "transactionHash": log["transactionHash"], "blockHash": log["blockHash"], "blockNumber": log["blockNumber"],
            "transactionIndex": log["transactionIndex"], "status": "0x1", "gasUsed": "0x30d40",
            "effectiveGasPrice": "0x5f5e100", "l1Fee": "0x3b9aca00", "logs": [log],
        }

    def _eth_call(self, call, _tag):
        stock = call["to"].lower() != USDC
        if call["data"] == DECIMALS_CALL:
            return hex(18 if stock else 6)[:2] + f"{18 if stock else 6:064x}"
        return text_result(symbol_of(int(call["to"][-4:], 16)) if stock else "USDC")

    # Connections

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        try:
            while True:
                head = {}
                line = stream.readline()
                if not line:
                    return
                while (line := stream.readline().strip()):
                    name, _, value = line.partition(b":")
                    head[name.lower()] = value.strip()
                if b"sec-websocket-key" in head:
                    self._serve_websocket(connection, stream, head[b"sec-websocket-key"])
                    return
                self._answer_http(connection, stream.read(int(head.get(b"content-length", 0))))
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def _answer_http(self, connection: socket.socket, body: bytes) -> None:
        asked = json.loads(body)
        with self._lock:
            self.requests += 1
        told = [self._answer(one) for one in asked] if isinstance(asked, list) else self._answer(asked)
        content = json.dumps(told).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)

    def _serve_websocket(self, connection: socket.socket, stream, key: bytes) -> None:
        lock = threading.Lock()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        try:
            while (message := read_frame(stream)) is not None:
                kind, payload = message
                if kind == 9:
                    with lock:
                        connection.sendall(frame(payload, 10))
                elif kind == 1:
                    self._answer_websocket(connection, lock, json.loads(payload))
        finally:
            self._subscribers = [one for one in self._subscribers if one[0] is not connection]

    def _answer_websocket(self, connection, lock, call: dict) -> None:
        if call["method"] == "eth_subscribe":
            kind = call["params"][0]
            answer = {"jsonrpc": "2.0", "id": call["id"], "result": "0x" + kind.encode().hex()}
        else:
            answer = self._answer(call)
        with lock:
            connection.sendall(frame(json.dumps(answer).encode()))
            if call["method"] == "eth_subscribe":
                self.calls["eth_subscribe"] += 1
                self._subscribers.append((connection, lock, kind, answer["result"]))


def frame(payload: bytes, kind: int = 1) -> bytes:
    """One unmasked frame (RFC 6455, 5.2)."""
    length = len(payload)
    if length < 126:
        return struct.pack(">BB", 0x80 | kind, length) + payload
    if length < 65536:
        return struct.pack(">BBH", 0x80 | kind, 126, length) + payload
    return struct.pack(">BBQ", 0x80 | kind, 127, length) + payload


def read_frame(stream):
    """(kind, payload) of a client's frame; None at the end."""
    head = stream.read(2)
    if len(head) < 2 or head[0] & 15 == 8:
        return None
    length = head[1] & 127
    if length == 126:
        length = int.from_bytes(stream.read(2), "big")
    elif length == 127:
        length = int.from_bytes(stream.read(8), "big")
    mask = stream.read(4)
    payload = stream.read(length)
    keys = (mask * (length // 4 + 1))[:length]
    return head[0] & 15, bytes(a ^ b for a, b in zip(payload, keys))
