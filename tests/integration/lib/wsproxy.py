"""Stands between the listener and the node's WebSocket and drops what it is told to drop.

    with WebSocketProxy(anvil.port, drop=lambda text: '"logs"' in text) as proxy: ... proxy.url

Frames of the server arrive unmasked (RFC 6455 5.2); text frames of which drop(text) is true do not go on.
"""

import contextlib
import socket
import threading


def read_exactly(stream, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def read_head(stream) -> bytes:
    """What stands before the body of an HTTP message, with its empty line."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            raise EOFError
        head += line
    return head


class WebSocketProxy:
    """One listening port; a pair of threads for each connection."""

    def __init__(self, upstream_port: int, drop=lambda text: False):
        self.drop = drop
        self.dropped: list[str] = []
        self._upstream_port = upstream_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "WebSocketProxy":
        self._run(self._accept)
        return self

    def __exit__(self, *_) -> None:
        self.cut()
        self._close(self._listener)
        for thread in self._threads:
            thread.join(5)

    def cut(self) -> None:
        """Ends every connection at once; new ones are accepted."""
        for one in self._sockets[1:]:
            self._close(one)

    def _run(self, function, *arguments) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def _close(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream_port))
            except OSError:
                return
            self._sockets += [client, server]
            self._run(self._copy, client, server)
            self._run(self._filter, server, client)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        self._close(source)
        self._close(target)

    def _filter(self, server: socket.socket, client: socket.socket) -> None:
        stream = server.makefile("rb")
        with contextlib.suppress(OSError, EOFError, ValueError):
            client.sendall(read_head(stream))
            while True:
                frame, text = self._frame(stream)
                if text is not None and self.drop(text):
                    self.dropped.append(text)
                    continue
                client.sendall(frame)
        self._close(server)
        self._close(client)

    def _frame(self, stream) -> tuple[bytes, str | None]:
        head = read_exactly(stream, 2)
        length = head[1] & 0x7F
        if length >= 126:
            extended = read_exactly(stream, 2 if length == 126 else 8)
            head += extended
            length = int.from_bytes(extended, "big")
        payload = read_exactly(stream, length)
        is_text = head[0] & 0x0F == 1
        return head + payload, payload.decode() if is_text else None
