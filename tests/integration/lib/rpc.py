"""JSON-RPC over HTTP with one kept-alive connection a thread."""

import http.client
import itertools
import json
import threading
from urllib.parse import urlsplit


class RpcError(Exception):
    """The node answered, with an error."""

    def __init__(self, method: str, error: dict):
        super().__init__(f"{method}: {error.get('message')} (code {error.get('code')})")
        self.code = error.get("code")
        self.message = error.get("message")
        self.data = error.get("data")


class NodeUnreachable(Exception):
    """No answer, or none that is JSON-RPC. Whether the node acted on the request is not known."""


class Rpc:
    def __init__(self, url: str, timeout: float = 10):
        self.url = url
        self._address = urlsplit(url)
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._local = threading.local()

    def call(self, method: str, *params):
        """The result of one request."""
        return self._result(method, self._exchange(self._request(method, params)))

    def batch(self, requests: list[tuple]) -> list:
        """The results of many (method, *params), sent at once, in their order."""
        if not requests:
            return []
        body = [self._request(method, params) for method, *params in requests]
        answers = {answer["id"]: answer for answer in self._exchange(body)}
        return [self._result(one["method"], answers[one["id"]]) for one in body]

    def integer(self, method: str, *params) -> int:
        """The result of one request whose result is a hex quantity."""
        return int(self.call(method, *params), 16)

    def close(self) -> None:
        """Closes this thread's connection; the next call opens another."""
        connection = self._local.__dict__.pop("connection", None)
        if connection:
            connection.close()

    def _request(self, method: str, params) -> dict:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    def _exchange(self, body):
        connection = self._local.__dict__.setdefault(
            "connection",
            http.client.HTTPConnection(
                self._address.hostname, self._address.port, timeout=self._timeout
            ),
        )
        try:
            connection.request(
                "POST",
                self._address.path or "/",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NodeUnreachable(f"{self.url}: {error!r}") from error

    @staticmethod
    def _result(method: str, answer: dict):
        if "error" in answer:
            raise RpcError(method, answer["error"])
        return answer["result"]
