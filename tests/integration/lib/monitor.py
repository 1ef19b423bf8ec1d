"""`monitor` as it serves its page."""

import socket
import urllib.request
from pathlib import Path

from .ballast import Program
from .process import wait_until


class Server:
    """The monitor on one port, which it may leave and come back to."""

    def __init__(self, folder: Path):
        self.folder, self.runs, self.program = Path(folder), 0, None
        with socket.create_server(("127.0.0.1", 0)) as chosen:
            self.port = chosen.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def start(self, database: Path, **config) -> "Server":
        self.runs += 1
        self.program = Program("monitor", {"DATABASE_PATH": database, "MONITOR_LISTEN": f"127.0.0.1:{self.port}"} | config,
                               self.folder, run=self.runs)
        wait_until(lambda: self.ask("healthz"), what="the monitor to answer", logs=[self.program.log])
        return self

    def stop(self) -> None:
        if self.program and self.program.running:
            assert self.program.stop() == 0

    def ask(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return answer.read()
