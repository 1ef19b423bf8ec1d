"""The monitor as a server, and clients that read, watch and misbehave."""

import contextlib
import http.client
import json
import socket
import time

from .ballast import Program

RECEIVE_LIMIT = 16 * 1024 * 1024


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        assert self.headers["content-type"] == "application/json", self.headers
        return json.loads(self.body)


class Events:
    """A client of /events: a name and the data of one event after another."""

    def __init__(self, port: int, timeout: float = 15):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.connection.request("GET", "/events")
        self.response = self.connection.getresponse()
        self.last_id = 0

    def next(self) -> tuple[str, dict]:
        """Raises EOFError at the end of the stream."""
        fields = {}
        while True:
            line = self.response.readline()
            if not line:
                raise EOFError
            if line == b"\n":
                break
            name, value = line.decode().rstrip("\n").split(": ", 1)
            fields[name] = value
        assert int(fields["id"]) > self.last_id
        self.last_id = int(fields["id"])
        return fields["event"], json.loads(fields["data"])

    def until(self, predicate, timeout: float = 10) -> dict:
        """The data of the first event for which predicate(name, data) is true."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            name, data = self.next()
            if predicate(name, data):
                return data
        raise AssertionError(f"no such event in {timeout} s, the last was {name}: {str(data)[:300]}")

    def close(self) -> None:
        self.response.close()
        self.connection.close()


class MonitorServer:
    """One run, on a port of its own."""

    def __init__(self, database_path, folder, **config):
        settings = {"DATABASE_PATH": str(database_path), "MONITOR_LISTEN": "127.0.0.1:0"} | config
        self.program = Program("monitor", settings, folder)
        self.port = int(self.program.wait_log(r"ready url=http://\S+:(\d+)/").group(1))

    def request(self, path: str, method: str = "GET", headers=(), body=None, timeout: float = 15) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str):
        answer = self.request(path)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json

    def error(self, path: str, status: int, **options) -> str:
        answer = self.request(path, **options)
        assert answer.status == status, (path, answer.status, answer.body)
        return answer.json["error"]

    @contextlib.contextmanager
    def events(self):
        client = Events(self.port)
        try:
            yield client
        finally:
            client.close()

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        client = socket.socket()
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(15)
        client.connect(("127.0.0.1", self.port))
        return client

    def raw(self, request: bytes, half_close: bool = False) -> bytes:
        """All that comes back to these bytes; half_close: and to the end of what is sent."""
        with self.connect() as client:
            received = b""
            with contextlib.suppress(ConnectionError):
                client.sendall(request)
                if half_close:
                    client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while len(received) < RECEIVE_LIMIT and (part := client.recv(65536)):
                    received += part
            return received
