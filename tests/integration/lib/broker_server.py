"""The wire of the simulated broker: connections, TLS, HTTP/1.1 by hand, and everything that can go wrong there.

By hand, because a fault must be able to stop at any byte: http.server hides when it reads and when it closes.
"""

import atexit
import contextlib
import functools
import gzip
import json
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from .tlsproxy import Authority

LONGEST_HEAD = 65536
HANDSHAKE_SECONDS = 10
# A socket that closes with unread bytes resets, and the answer may be lost with it: what was refused is read to its end.
LINGER_SECONDS = 5
HUGE_BYTES = 32 * 1024 * 1024
GARBAGE = b'\x00{"id": }<<<'

ON_ACCEPT = "reset_on_accept"
ON_HANDSHAKE = "drop_after_handshake"
CONNECTION_KINDS = {"refuse", ON_ACCEPT, ON_HANDSHAKE}
BEFORE_KINDS = {"drop_in_request", "drop_before", "stall_before", "status_before", "call_before"}
AFTER_KINDS = {
    "drop_after", "stall_after", "status_after", "no_location", "wrong_location", "odd_location", "unparsable",
    "truncated", "slow", "gzip", "huge", "call_after",
}


@dataclass
class Request:
    """What came over the wire, and what became of it; status is None while (or because) nothing was answered."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    at: float = field(default_factory=time.time)
    status: int | None = None
    broker: str | None = None
    problem: str | None = None
    repeated: set[str] = field(default_factory=set)

    @property
    def json(self):
        """The body as JSON, for assertions."""
        return json.loads(self.body)

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in self.path.split("/")[1:]]


@dataclass
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_response(status: int, value, headers: dict | None = None) -> Response:
    return Response(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def response_of(value) -> Response:
    """A Response of a fault's value: (status[, body[, headers]]), the body as dict, list, str or bytes."""
    status, *rest = value
    body = rest[0] if rest else b""
    headers = rest[1] if len(rest) > 1 else {}
    if isinstance(body, (dict, list)):
        return json_response(status, body, headers)
    data = body.encode() if isinstance(body, str) else body
    kind = {"Content-Type": "text/html" if data.startswith(b"<") else "application/json"} if data else {}
    return Response(status, data, {**kind, **headers})


class Refused(Exception):
    """Leaves an endpoint with the answer that says no."""

    def __init__(self, response: Response):
        super().__init__(response.status)
        self.response = response


def read_json(request: Request) -> tuple[object, list[str]]:
    """The body, and the keys that stand in it twice. ValueError when it is no JSON."""
    twice = []

    def collect(pairs):
        names = [name for name, _ in pairs]
        twice.extend(name for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    return json.loads(request.body, object_pairs_hook=collect), twice


class Fault:
    """One thing that goes wrong, for the requests that match.

    match: "POST /v2/orders": method and beginning of the path. In the path, "*" stands for one segment, "$" at its
    end for the end of the path; a path that begins with "^" is a regular expression. "*" alone matches everything.
    call: what to do at that moment, in the server's thread. It must not start programs: they would die with the thread.
    """

    def __init__(self, match: str, kind: str, *, times: int | None = 1, after: int = 0, value=None,
                 call: Callable[[], None] | None = None):
        if kind not in CONNECTION_KINDS | BEFORE_KINDS | AFTER_KINDS:
            raise ValueError(f"there is no fault {kind!r}")
        if kind in CONNECTION_KINDS and match != "*":
            raise ValueError(f"{kind} happens before the path is known: match must be '*'")
        self.match = match
        self.kind = kind
        self.times = times
        self.after = after
        self.value = value
        self.call = call
        self.seen = 0
        self.applied = 0
        self._method, _, path = match.partition(" ")
        self._path = re.compile(self._pattern(path))

    def __repr__(self) -> str:
        return f"Fault({self.match!r}, {self.kind!r}, applied {self.applied} of {self.times})"

    @staticmethod
    def _pattern(path: str) -> str:
        if path.startswith("^"):
            return path
        return "^" + re.escape(path).replace(r"\*", "[^/]+").replace(r"\$", "$")

    def wants(self, method: str, path: str) -> bool:
        return self._method in ("*", method) and self._path.search(path) is not None

    def take(self) -> bool:
        """Counts one request that matches; whether it is one of those to suffer."""
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.applied >= self.times):
            return False
        self.applied += 1
        return True


class Gone(Exception):
    """The client has closed the connection, or the server is stopping."""


class BadRequest(Exception):
    """Not HTTP/1.1 as the brokers want it."""


@functools.cache
def _authorities() -> tuple[Authority, Authority]:
    """Ours and a stranger's; made once, because keys take their time."""
    folder = Path(tempfile.mkdtemp(prefix="broker-ca-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Authority(folder), Authority(folder, "stranger")


def _expired(ours: Authority) -> Path:
    good = ours.certificate("localhost")
    ended = good.with_name("ended.pem")
    made = subprocess.run(
        ["openssl", "x509", "-req", "-in", good.with_suffix(".csr"), "-CA", ours.file, "-CAkey",
         ours.folder / f"{ours.name}.key", "-CAcreateserial", "-days", "-1", "-extfile", good.with_suffix(".ext")],
        check=True, capture_output=True,
    )
    ended.write_bytes(made.stdout + good.with_suffix(".key").read_bytes())
    return ended


@functools.cache
def certificate_file(name: str) -> Path:
    ours, stranger = _authorities()
    makers = {
        "good": lambda: ours.certificate("localhost"),
        "expired": lambda: _expired(ours),
        "wrong_host": lambda: ours.certificate("elsewhere.test"),
        "unknown_authority": lambda: stranger.certificate("localhost"),
    }
    return makers[name]()


def ca_file() -> Path:
    return _authorities()[0].file


class Wire:
    """One connection: reads up to a mark or a length, writes, and ends in every rude way."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self.idle = False
        self.last = False  # no request may follow
        self._unread = b""

    def wrap(self, context: ssl.SSLContext) -> None:
        self.connection.settimeout(HANDSHAKE_SECONDS)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.connection.settimeout(None)

    def _more(self) -> None:
        data = self.connection.recv(65536)
        if not data:
            raise Gone
        self._unread += data

    def until(self, mark: bytes, what: str) -> bytes:
        while mark not in self._unread:
            if len(self._unread) > LONGEST_HEAD:
                raise BadRequest(f"{what} is too long")
            self._more()
        found, _, self._unread = self._unread.partition(mark)
        return found

    def exactly(self, length: int) -> bytes:
        while len(self._unread) < length:
            self._more()
        found, self._unread = self._unread[:length], self._unread[length:]
        return found

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def wait_until_client_leaves(self, seconds: float | None) -> None:
        self.connection.settimeout(seconds)
        with contextlib.suppress(OSError, ValueError):
            while self.connection.recv(65536):
                pass

    def reset(self) -> None:
        """Closes with RST: what is on its way is lost."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def hang_up(self) -> None:
        """From another thread: wakes the reader. The plain socket's shutdown, for TLS's own forgets its state."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.close()


class Server:
    """Listens, and gives each connection a thread.

    handler: has lock, changed, faults, complain(request, text), record(request), answer(request) -> Response,
    adorn(request, response) for what every answer carries, other_location(response) for a misleading one.
    """

    def __init__(self, handler, certificate: Path | None):
        self._handler = handler
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self.port = 0
        self.handshakes_refused = 0
        self._listener = self._bound()
        self.port = self._listener.getsockname()[1]
        self._wires: set[Wire] = set()
        self._threads: set[threading.Thread] = set()
        self._timer: threading.Timer | None = None
        self._stopping = threading.Event()

    def _bound(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        return listener

    def start(self) -> None:
        self._listener.listen(64)
        self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        self._stopping.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join(10)
        with self._handler.lock:
            self._close_listener()
            threads = list(self._threads)
            for wire in list(self._wires):
                wire.hang_up()
        for thread in threads:
            thread.join(10)

    def refuse(self, seconds: float) -> None:
        """Nobody listens for so long. The port stays bound, so that nobody else gets it."""
        self._close_listener()
        self._listener = self._bound()
        self._timer = threading.Timer(seconds, self._listen_again)
        self._timer.start()

    def hang_up_idle(self) -> None:
        """Connections kept alive would pass by a fault that strikes new ones. One whose answer is still on its way is
        hung up behind it."""
        for wire in list(self._wires):
            wire.last = True
            if wire.idle:
                wire.hang_up()

    def _listen_again(self) -> None:
        with self._handler.lock:
            if not self._stopping.is_set():
                self.start()
                self._handler.changed.notify_all()

    def _close_listener(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _spawn(self, target, *arguments) -> None:
        def body():
            try:
                target(*arguments)
            finally:
                with self._handler.lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=body, daemon=True)
        with self._handler.lock:
            self._threads.add(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not self._stopping.is_set():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._spawn(self._serve, Wire(connection))

    def _serve(self, wire: Wire) -> None:
        with self._handler.lock:
            self._wires.add(wire)
        try:
            # Set before the wires are hung up: one of the two sees the other.
            if not self._stopping.is_set() and self._greet(wire):
                while not self._stopping.is_set() and self._exchange(wire):
                    pass
        except (Gone, OSError, ValueError):
            pass  # the client left, or we did: both ends of a connection are normal
        finally:
            with self._handler.lock:
                self._wires.discard(wire)
            wire.close()

    def _greet(self, wire: Wire) -> bool:
        """Up to the first request; whether one may come."""
        if fault := self._take("*", "", {ON_ACCEPT}):
            self._call(fault)
            wire.reset()
            return False
        if self._context is not None:
            try:
                wire.wrap(self._context)
            except OSError:
                with self._handler.lock:
                    self.handshakes_refused += 1
                    self._handler.changed.notify_all()
                return False
        if fault := self._take("*", "", {ON_HANDSHAKE}):
            self._call(fault)
            return False
        return True

    def _take(self, method: str, path: str, kinds: set[str]) -> Fault | None:
        with self._handler.lock:
            for fault in self._handler.faults:
                if fault.kind in kinds and fault.wants(method, path) and fault.take():
                    self._handler.changed.notify_all()
                    return fault
        return None

    def _call(self, fault: Fault | None) -> None:
        """Without the lock: the function may wait for what only other requests bring about."""
        if fault is not None and fault.call is not None:
            try:
                fault.call()
            except Exception:
                self._handler.complain(None, f"the call of {fault} failed: {traceback.format_exc()}")

    def _exchange(self, wire: Wire) -> bool:
        """One request and its answer; whether another may follow on this connection."""
        wire.idle = True
        if wire.last:
            return False
        line = wire.until(b"\r\n", "request line")
        wire.idle = False
        try:
            request = self._begin(line)
            fault = self._take(request.method, request.path, BEFORE_KINDS | AFTER_KINDS)
            if fault is not None and fault.kind == "drop_in_request":
                return self._drop_in_request(wire, request, fault, len(line) + 2)
            self._finish_reading(wire, request)
        except BadRequest as error:
            self._handler.complain(None, f"not HTTP: {error}")
            wire.send(_head(Response(400), True) + b"\r\n")
            wire.wait_until_client_leaves(LINGER_SECONDS)
            return False
        self._handler.record(request)
        return self._answer(wire, request, fault)

    @staticmethod
    def _begin(line: bytes) -> Request:
        parts = line.decode("latin-1").split(" ")
        if len(parts) != 3 or parts[2] != "HTTP/1.1" or not parts[1].startswith("/"):
            raise BadRequest(f"request line {line!r}")
        path, _, query = parts[1].partition("?")
        request = Request(parts[0], path)
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name in request.query:
                request.repeated.add(f"parameter {name}")
            request.query[name] = value
        return request

    def _drop_in_request(self, wire: Wire, request: Request, fault: Fault, already: int) -> bool:
        request.body = wire.exactly(max(0, int(fault.value or 0) - already))
        request.problem = f"fault {fault.kind}"
        self._handler.record(request)
        self._call(fault)
        wire.reset()
        return False

    @staticmethod
    def _finish_reading(wire: Wire, request: Request) -> None:
        """Headers and body. Never chunked: neither broker's documents speak of it."""
        head = b""
        while (line := wire.until(b"\r\n", "headers")) != b"":
            head += line
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or name != name.strip() or len(head) > LONGEST_HEAD:
                raise BadRequest(f"header {line!r}")
            if name.lower() in request.headers:
                request.repeated.add(f"header {name}")
            request.headers[name.lower()] = value.strip()
        length = request.headers.get("content-length", "0")
        if "transfer-encoding" in request.headers or not length.isdecimal():
            raise BadRequest(f"{request.method} {request.path}: a body without a plain Content-Length")
        if "expect" in request.headers:
            raise BadRequest(f"{request.method} {request.path}: Expect: {request.headers['expect']}")
        request.body = wire.exactly(int(length))

    def _answer(self, wire: Wire, request: Request, fault: Fault | None) -> bool:
        before = fault is not None and fault.kind in BEFORE_KINDS
        if before:
            self._call(fault)
        if fault is not None and fault.kind == "status_before":
            response = response_of(fault.value)
            self._handler.adorn(request, response)
        elif before and fault.kind != "call_before":
            response = None
        else:
            response = self._handler.answer(request)
        if not before:
            self._call(fault)
        if fault is not None and not self._misbehaves(wire, request, response, fault):
            return False
        last = request.headers.get("connection", "").lower() == "close"
        self._note(request, response.status, fault and f"fault {fault.kind}")
        self._send(wire, request, response, fault, last)
        return not last and (fault is None or fault.kind not in ("truncated", "slow"))

    def _misbehaves(self, wire: Wire, request: Request, response: Response | None, fault: Fault) -> bool:
        """Ends the connection, or alters the response; whether there is still one to send."""
        if fault.kind in ("drop_before", "drop_after"):
            self._note(request, None, f"fault {fault.kind}")
            wire.reset()
            return False
        if fault.kind in ("stall_before", "stall_after"):
            self._note(request, None, f"fault {fault.kind}")
            wire.wait_until_client_leaves(fault.value)
            return False
        if fault.kind == "status_after":
            said = response_of(fault.value)
            response.status, response.body, response.headers = said.status, said.body, said.headers
            self._handler.adorn(request, response)
        elif fault.kind == "no_location":
            response.headers.pop("Location", None)
        elif fault.kind == "wrong_location":
            response.headers["Location"] = self._handler.other_location(response, fault.value)
        elif fault.kind == "odd_location":
            base = response.headers.get("Location", "/orders/0").rpartition("/")[0]
            response.headers["Location"] = f"{base}/{fault.value or 'pending'}"
        elif fault.kind == "unparsable":
            response.body = GARBAGE
        elif fault.kind == "gzip":
            response.body = gzip.compress(response.body)
            response.headers["Content-Encoding"] = "gzip"
        elif fault.kind == "huge":
            response.body = b'{"padding": "' + b"x" * ((fault.value or HUGE_BYTES) - 15) + b'"}'
        return True

    def _note(self, request: Request, status: int | None, problem: str | None) -> None:
        with self._handler.lock:
            request.status = status
            request.problem = request.problem or problem
            self._handler.changed.notify_all()

    def _send(self, wire: Wire, request: Request, response: Response, fault: Fault | None, last: bool) -> None:
        body = b"" if request.method == "HEAD" else response.body
        kind = fault.kind if fault is not None else None
        if kind == "truncated":
            wire.send(_head(response, True, len(body) + 100) + b"\r\n" + body[: len(body) // 2])
        elif kind == "slow":
            for byte in _head(response, True, len(body)) + b"\r\n" + body:
                wire.send(bytes([byte]))
                if self._stopping.wait(fault.value or 0.01):
                    raise Gone
        else:
            wire.send(_head(response, last, len(body)) + b"\r\n" + body)


def _head(response: Response, last: bool, length: int = 0) -> bytes:
    headers = {"Content-Length": length, **response.headers}
    if response.status == HTTPStatus.NO_CONTENT:
        del headers["Content-Length"]
    if last:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {response.status} {_phrase(response.status)}", *(f"{n}: {v}" for n, v in headers.items())]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
