"""What the group costs while nothing happens: processor time, memory; binaries; start-up."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from lib.live import LiveNode
from lib.process import wait_until
from lib.programs import Processes, binary, configuration, folder
from lib.report import Report

PROGRAMS = ("listener", "backfiller", "processor", "executor")
BLOCK_S = 2.0
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def memory_mib(pid: int, what: str) -> float:
    """Rss, or Pss: what is shared with others counted by shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"no {what} of {pid}")


def mine_until(node: LiveNode, stop: threading.Event) -> None:
    while not stop.wait(BLOCK_S):
        node.mine()


def idle(report: Report, path: Path, seconds: float) -> None:
    stop = threading.Event()
    with LiveNode() as node:
        miner = threading.Thread(target=mine_until, args=(node, stop))
        group = Processes(path, configuration(path / "b.db", node.url, WS_RPC_URL=node.ws_url, CUTOFF_TIMEOUT_SECONDS=0))
        group.start(*PROGRAMS)
        wait_until(lambda: node.subscribed, 20, "a session")
        miner.start()
        time.sleep(2 * BLOCK_S + 1)
        pids = {name: process.pid for name, process in group.running.items()}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        used = {name: (cpu_seconds(pid) - before[name]) / seconds * 100 for name, pid in pids.items()}
        rss = {name: memory_mib(pid, "Rss") for name, pid in pids.items()}
        pss = {name: memory_mib(pid, "Pss") for name, pid in pids.items()}
        stop.set()
        miner.join()
        group.stop()
    each = ", ".join(f"{name} {value:.2f}" for name, value in used.items())
    report.row(f"processor time of all four together, blocks every {BLOCK_S:.0f} s", sum(used.values()), "%", goal="< 0.5 %")
    report.row("of each", each, "%")
    report.row("resident, shared pages counted once (PSS), all four", sum(pss.values()), "MiB", goal="< 40 MiB")
    report.row("resident (RSS), added up", sum(rss.values()), "MiB")
    report.row("resident (RSS) of each", ", ".join(f"{name} {value:.1f}" for name, value in rss.items()), "MiB")


def ready_ms(name: str, environment: dict) -> float:
    """From the start of the process to its line "ready"."""
    began = time.monotonic()
    process = subprocess.Popen([binary(name)], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    for line in process.stderr:
        if b" ready " in line:
            took = (time.monotonic() - began) * 1000
            process.kill()
            process.wait()
            process.stderr.close()
            return took
    raise SystemExit(f"{name} ended before it was ready")


def spawn_ms() -> float:
    began = time.monotonic()
    subprocess.run(["/bin/true"], check=True)
    return (time.monotonic() - began) * 1000


def middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def start_up(report: Report, path: Path, times: int) -> None:
    environment = configuration(path / "s.db", "http://127.0.0.1:1", LOG_LEVEL="info")
    ready_ms("processor", environment)  # makes the database
    floor = middle([spawn_ms() for _ in range(times)])
    for name in PROGRAMS:
        took = middle([ready_ms(name, environment) for _ in range(times)])
        report.row(f"start to ready: {name}", took, "ms", floor, "starting /bin/true", goal="< 30 ms")


def sizes(report: Report, path: Path) -> None:
    for name in PROGRAMS:
        stripped = path / name
        subprocess.run(["strip", "-o", stripped, binary(name)], check=True)
        report.row(f"binary, without symbols: {name}", stripped.stat().st_size / 1024, "KiB")


def measure(short: bool) -> Report:
    report = Report("footprint", "while nothing happens")
    with folder() as path:
        idle(report, path, 5 if short else 30)
        start_up(report, path, 3 if short else 21)
        sizes(report, path)
    return report


if __name__ == "__main__":
    measure("--short" in sys.argv).print()
