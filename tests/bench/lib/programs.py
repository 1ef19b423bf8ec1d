"""Running what is measured, and what it cost: time, memory, processor time."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import samples
from .ballast import binary
from .process import die_with_parent

ROOT = Path(__file__).resolve().parents[3]
BUILT = Path(os.environ.get("BALLAST_BENCH") or ROOT / "build/release-gcc/bench")


MEMORY_LOOKS_S = 0.02


@dataclass
class Run:
    seconds: float
    cpu: float
    peak_mib: float
    log: str


def watch_memory(pid: int) -> float:
    """Until it ends: its largest resident memory in MiB. ru_maxrss counts what this process has at the fork, too."""
    peak = 0.0
    with open(f"/proc/{pid}/status", encoding="ascii") as status, os.fdopen(os.pidfd_open(pid)) as ended:
        while not select.select([ended], [], [], MEMORY_LOOKS_S)[0]:
            status.seek(0)
            lines = dict(line.split(":", 1) for line in status)
            if "VmHWM" in lines:
                peak = max(peak, int(lines["VmHWM"].split()[0]) / 1024)
    return peak


def run(command, environment=None, cwd=None, timeout=900) -> Run:
    """Runs to its end; a failure ends the measurement with what it said. peak_mib: its largest resident memory."""
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        process = subprocess.Popen(
            [*map(str, command)], env=os.environ | (environment or {}), cwd=cwd, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
        )
        peak_mib = watch_memory(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read().decode(errors="replace")
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{text[-4000:]}")
    return Run(seconds, used.ru_utime + used.ru_stime, peak_mib, text)


class Node:
    """The synthetic node of tests/bench/node with a chain of so many blocks and logs."""

    def __init__(self, folder: Path, blocks: int, logs: int, latency_ms: int = 0, limit: int = 10_000):
        options = {"samples": samples.write(Path(folder) / "samples.txt"), "blocks": blocks, "logs": logs,
                   "latency-ms": latency_ms, "limit": limit}
        command = [str(BUILT / "node")] + [f"--{name}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait()

    def counts(self) -> dict:
        """requests (HTTP), bytes, and calls by method, since the node began."""
        with urllib.request.urlopen(self.url + "/") as answer:
            return json.load(answer)


class Processes:
    """Programs of Ballast that run side by side until they are stopped. Their logs stand in the folder."""

    def __init__(self, path: Path, environment: dict):
        self.path = path
        self.environment = environment
        self.running: dict[str, subprocess.Popen] = {}

    def start(self, *names: str) -> None:
        for name in names:
            with open(self.path / f"{name}.log", "wb") as log:
                self.running[name] = subprocess.Popen(
                    [binary(name)], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    preexec_fn=die_with_parent,
                )

    def log(self, name: str) -> str:
        return (self.path / f"{name}.log").read_text(errors="replace")

    def stop(self) -> None:
        """An exit code other than 0 ends the measurement."""
        for process in self.running.values():
            process.terminate()
        for name, process in self.running.items():
            if process.wait(20) != 0:
                raise SystemExit(f"{name} ended with {process.returncode}:\n{self.log(name)[-4000:]}")
        self.running.clear()


@contextlib.contextmanager
def folder():
    """A folder for one measurement, beside the build and so on the same file system."""
    base = ROOT / "build/bench"
    base.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=base))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def configuration(database: Path, url: str, **changes) -> dict:
    """The environment of Ballast's programs on a synthetic chain."""
    found = {
        "PATH": os.environ["PATH"], "DATABASE_PATH": str(database), "HTTP_RPC_URL": url, "CHAIN_ID": "8453",
        "ORDERBOOK": samples.ORDERBOOK, "ORDER_OWNER": samples.OWNER, "DEPLOYMENT_BLOCK": "1", "LOG_LEVEL": "warn",
    }
    return found | {name: str(value) for name, value in changes.items()}


__all__ = ["BUILT", "ROOT", "Node", "Processes", "Run", "binary", "configuration", "folder", "run"]
