"""A broker that does nothing but note when orders come: Alpaca's answers, as few as the executor needs, at once.

Runs in a process of its own, one thread, so that nothing else of a measurement holds it up. Started as a program it prints
its port, and at the end of its standard input what came: {"SYMBOL": [[first byte's time in ns, shares], ...]}.
"""

import json
import select
import socket
import sys
import time

ACCOUNT = {
    "id": "bench", "account_number": "PA1234567", "status": "ACTIVE", "cash": "1000000000", "buying_power": "1000000000",
    "trading_blocked": False, "account_blocked": False, "trade_suspended_by_user": False, "shorting_enabled": True,
}
CLOCK = {"timestamp": "2026-01-05T10:00:00-05:00", "is_open": True, "next_open": "2026-01-06T09:30:00-05:00",
         "next_close": "2026-01-05T16:00:00-05:00"}
NOT_FOUND = {"code": 40410000, "message": "not found"}


class OrderDesk:
    def __init__(self):
        self.came: dict[str, list[tuple[int, str]]] = {}
        self._orders: dict[str, dict] = {}

    def answer(self, line: bytes, body: bytes, at_ns: int) -> tuple[int, dict]:
        method, path, _ = line.decode().split(" ", 2)
        if method == "POST":
            return 200, self._take_order(json.loads(body), at_ns)
        known = {"/v2/account": ACCOUNT, "/v2/clock": CLOCK}.get(path)
        if known is None and path.startswith("/v2/orders/"):
            known = self._orders.get(path.rpartition("/")[2])
        return (200, known) if known else (404, NOT_FOUND)

    def _take_order(self, sent: dict, at_ns: int) -> dict:
        self.came.setdefault(sent["symbol"], []).append((at_ns, sent["qty"]))
        order = sent | {"id": f"order-{len(self._orders) + 1}", "filled_qty": "0", "filled_avg_price": None}
        self._orders[order["id"]] = order | {
            "status": "filled", "filled_qty": sent["qty"], "filled_avg_price": "200"}
        return order | {"status": "pending_new"}


def serve(desk: OrderDesk) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    poll, connections = select.epoll(), {}
    poll.register(listener, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == sys.stdin.fileno():
                return
            if fd == listener.fileno():
                connection, _ = listener.accept()
                connections[connection.fileno()] = [connection, b"", 0]
                poll.register(connection, select.EPOLLIN)
                continue
            if not take_bytes(desk, connections[fd]):
                poll.unregister(fd)
                connections.pop(fd)[0].close()


def take_bytes(desk: OrderDesk, state: list) -> bool:
    """What came on one connection; false at its end."""
    data = state[0].recv(65536)
    if not state[1]:
        state[2] = time.monotonic_ns()
    if not data:
        return False
    state[1] += data
    head, separator, body = state[1].partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    if separator and len(body) >= length:
        status, answer = desk.answer(head.partition(b"\r\n")[0], body, state[2])
        content = json.dumps(answer).encode()
        state[0].sendall(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                         % (status, len(content)) + content)
        state[1] = b""
    return True


if __name__ == "__main__":
    desk = OrderDesk()
    serve(desk)
    print(json.dumps(desk.came))
