"""What the node is asked, and what two providers charge for it: by the real programs, counted, then multiplied."""

import sys
import threading
import time
from pathlib import Path

from lib import samples
from lib.live import LiveNode
from lib.process import wait_until
from lib.programs import Node, Processes, binary, configuration, folder, run
from lib.report import Report

DAY_S = 86_400
BLOCK_S = 2.0
# Alchemy: alchemy.com/docs/reference/compute-unit-costs, read in a copy of 2026. Subscriptions by their bytes:
# 0.04 of a unit each (Alchemy's page "Compute Units").
ALCHEMY = {"eth_chainId": 0, "eth_blockNumber": 10, "eth_getBlockByNumber": 20, "eth_getLogs": 60,
           "eth_getBlockReceipts": 20, "eth_getTransactionReceipt": 20, "eth_call": 26, "eth_subscribe": 10}
ALCHEMY_BYTE = 0.04
# Infura: docs.metamask.io/services/get-started/pricing/credit-cost (MetaMask/metamask-docs, commit 2562e510). Events of a
# subscription are charged by block.
INFURA = {"eth_chainId": 5, "eth_blockNumber": 80, "eth_getBlockByNumber": 80, "eth_getLogs": 255,
          "eth_getBlockReceipts": 1000, "eth_getTransactionReceipt": 80, "eth_call": 80, "eth_subscribe": 5}
INFURA_HEAD, INFURA_LOGS = 50, 300
# A header on Base with some 200 transactions has 2 KB without them, as a notification has it.
HEAD_BYTES = 2_000


def price(calls: dict, prices: dict) -> float:
    return sum(count * prices[method] for method, count in calls.items())


class Living:
    """The group on a chain of its own, with blocks by the clock and a fill now and then."""

    def __init__(self, path: Path, trail_seconds: int, fill_every: int):
        path.mkdir()
        self.node = LiveNode().__enter__()
        self.fill_every = fill_every
        self.fills = 0
        self.group = Processes(path, configuration(
            path / "b.db", self.node.url, WS_RPC_URL=self.node.ws_url, CUTOFF_TIMEOUT_SECONDS=0, TRAIL_SECONDS=trail_seconds))
        self.group.start("listener", "backfiller", "processor", "executor")

    def mine(self, turn: int) -> None:
        if self.fill_every and turn % self.fill_every == 0:
            self.fills += 1
            self.node.send(self.node.log(samples.take(samples.OWNER, samples.equity(0), ("SELL", "BUY")[self.fills % 2], 1)))
        self.node.mine()


def live(path: Path, settings: dict[str, tuple[int, int]], warm_s: int, seconds: int) -> dict[str, tuple[dict, int]]:
    """All settings side by side: the calls of so many seconds, and the fills in them."""
    groups = {name: Living(path / name.replace(" ", "-"), *setting) for name, setting in settings.items()}
    for one in groups.values():
        wait_until(lambda node=one.node: node.subscribed, 20, "a session")
    before, stop = {}, threading.Event()
    warm, blocks = round(warm_s / BLOCK_S), round(seconds / BLOCK_S)
    for turn in range(warm + blocks):
        if turn == warm:
            before = {name: (one.node.calls.copy(), one.fills) for name, one in groups.items()}
        for one in groups.values():
            one.mine(turn)
        stop.wait(BLOCK_S)
    found = {}
    for name, one in groups.items():
        calls = one.node.calls.copy()
        calls.subtract(before[name][0])
        found[name] = (+calls, one.fills - before[name][1])
        one.group.stop()
        one.node.__exit__()
    return found


def a_day(report: Report, name: str, calls: dict, seconds: int) -> None:
    daily = {method: count * DAY_S / seconds for method, count in calls.items()}
    blocks = DAY_S / BLOCK_S
    report.row(f"{name}: calls a day", sum(daily.values()))
    report.row(f"{name}: Alchemy, compute units a day, calls", price(daily, ALCHEMY) / 1e6, "million")
    report.row(f"{name}: Alchemy, heads a day ({HEAD_BYTES:,} bytes each)", blocks * HEAD_BYTES * ALCHEMY_BYTE / 1e6, "million")
    report.row(f"{name}: Infura, credits a day, calls", price(daily, INFURA) / 1e6, "million")
    report.row(f"{name}: Infura, heads a day", blocks * INFURA_HEAD / 1e6, "million")


def a_fill(report: Report, quiet: dict, busy: dict, fills: int) -> None:
    more = {method: (busy.get(method, 0) - quiet.get(method, 0)) / fills for method in set(quiet) | set(busy)}
    told = ", ".join(f"{method} {count:.1f}" for method, count in sorted(more.items()) if abs(count) >= 0.05)
    report.row(f"what a fill in a block of its own adds ({fills} fills)", told or "nothing")
    report.row("a fill: Alchemy", price(more, ALCHEMY), "compute units")
    report.row("a fill: Infura", price(more, INFURA) + INFURA_LOGS, "credits")


def history(report: Report, path: Path, blocks: int, logs: int) -> None:
    with Node(path, blocks, logs) as node:
        run([binary("backfiller"), "--once"], configuration(path / "b.db", node.url))
        counts = node.counts()
    times = 10_000_000 / blocks
    calls = {name: count * times for name, count in counts.items() if name.startswith("eth_")}
    ours = logs / 10
    title = f"10 million blocks, 0.2 logs a block, a tenth ours ({blocks:,} measured, the rest multiplied)"
    report.row(f"{title}: HTTP requests", counts["requests"] * times)
    report.row(f"{title}: calls", sum(calls.values()))
    report.row(f"{title}: of these, headers of blocks with our events", calls["eth_getBlockByNumber"] / sum(calls.values()) * 100, "%")
    report.row(f"{title}: Alchemy", price(calls, ALCHEMY) / 1e6, "million compute units")
    report.row(f"{title}: Infura", price(calls, INFURA) / 1e6, "million credits")
    bare = {name: count - (ours * times if name == "eth_getBlockByNumber" else 0) for name, count in calls.items()}
    report.row("10 million blocks without an event of ours (computed): Alchemy", price(bare, ALCHEMY) / 1e6, "million compute units")
    report.row("10 million blocks without an event of ours (computed): Infura", price(bare, INFURA) / 1e6, "million credits")


def measure(short: bool) -> Report:
    seconds = 10 if short else 60
    report = Report("cost", "of the node, by the calls of the real programs and the price lists of two providers")
    settings = {"TRAIL_SECONDS=5": (5, 0), "TRAIL_SECONDS=15": (15, 0), "with fills": (5, 3)}
    if short:
        settings = {"TRAIL_SECONDS=5": (5, 0), "with fills": (5, 3)}
    with folder() as path:
        found = live(path, settings, 6 if short else 20, seconds)
        for name, (calls, _) in found.items():
            if name != "with fills":
                a_day(report, name, calls, seconds)
        a_fill(report, found["TRAIL_SECONDS=5"][0], *found["with fills"])
        history(report, path, *((20_000, 4_000) if short else (1_000_000, 200_000)))
    return report


if __name__ == "__main__":
    measure("--short" in sys.argv).print()
