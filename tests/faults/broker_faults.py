"""Orders at a broker that misbehaves, placed by an executor that is killed: every fault of the broker at each step of an
order, with a kill -9 before each commit and each word to the network, and started again until nothing moves.

A case is BROKER-FAULT-KILL. After each the broker's own book is compared with the executions: never two orders for one
execution, each order found and accounted for, HELD only where a machine cannot know.
"""

import contextlib
import os
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib.broker_sim import (  # noqa: E402
    ALPACA_429, HTML_403, HTML_502, SCHWAB_400, SCHWAB_FAULT, BrokerSimulator, Fault,
)
from lib.campaign import Options, Outcome, Report, chosen, run_cases  # noqa: E402
from lib.hedger import Hedger  # noqa: E402
from lib.world import INVARIANTS, injecting  # noqa: E402

NAME = "broker_faults"
SHORT = 40
PATIENCE_S = 25
POSTS = {"alpaca": "POST /v2/orders", "schwab": "POST /trader/v1/accounts/*/orders"}
HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
ALPACA_403 = b'{"code":40310000,"message":"insufficient buying power"}'

# What the broker does to the order: the fault, and whether an order can come of that attempt.
FAULTS = {
    "none": None,
    "refuse": ("refuse", 0.5),
    "reset_on_accept": ("reset_on_accept", None),
    "drop_after_handshake": ("drop_after_handshake", None),
    "drop_in_request": ("drop_in_request", 30),
    "drop_before": ("drop_before", None),
    "drop_after": ("drop_after", None),
    "stall_before": ("stall_before", 2),
    "stall_after": ("stall_after", 2),
    "500_before": ("status_before", (500, b"", {})),
    "500_after": ("status_after", (500, b"", {})),
    "502_html_before": ("status_before", (502, HTML_502, HTML)),
    "502_html_after": ("status_after", (502, HTML_502, HTML)),
    "403_html_before": ("status_before", (403, HTML_403, HTML)),
    "429": ("status_before", (429, ALPACA_429, {"Retry-After": "1", **JSON})),
    "unparsable": ("unparsable", None),
    "truncated": ("truncated", None),
    "slow": ("slow", 0.0005),
    "gzip": ("gzip", None),
    "refused": ("status_before", None),
    "no_location": ("no_location", None),
    "wrong_location": ("wrong_location", None),
    "odd_location": ("odd_location", None),
    "lag": ("drop_after", None),
    "rejected_late": None,
    "partial": None,
    "over": None,
    "gateway": ("status_before", (401, SCHWAB_FAULT, JSON)),
}
SCHWAB_ONLY = ("no_location", "wrong_location", "odd_location", "gateway")
ENDS = {"rejected_late": "reject", "partial": "partial_expire:4", "over": "over:2"}
REFUSED = {"alpaca": (403, ALPACA_403, JSON), "schwab": (400, SCHWAB_400, JSON)}
# request and recorded: the moments seen from the broker. The others: before the Nth system call of that name. A good run
# makes 4 fsync, 24 pwrite64, 12 or 13 sendto and some 55 recvfrom; commits, handshakes, requests and answers lie between.
KILLS = ("none", "request", "recorded", "fsync1", "fsync2", "fsync3", "fsync4", "pwrite64_6", "pwrite64_12", "pwrite64_18",
         "sendto7", "sendto9", "sendto11", "recvfrom40", "recvfrom50")
NOT_PLACED = ("drop_in_request", "drop_before", "stall_before", "500_before", "502_html_before", "403_html_before")


def campaign(options: Options) -> Report:
    return run_cases(options, NAME, [] if options.only else chosen(options, NAME, every_case(), SHORT), nothing, run_case)


def every_case() -> list[str]:
    return [
        f"{broker}-{fault}-{kill}"
        for broker in POSTS for fault in FAULTS for kill in KILLS
        if broker == "schwab" or fault not in SCHWAB_ONLY
    ]


@contextlib.contextmanager
def nothing(folder):
    yield folder


def run_case(_, case: str, folder: Path, rng) -> Outcome:
    broker, fault, kill = case.split("-")
    with BrokerSimulator(folder) as sim:
        return Case(sim, Hedger(folder, sim, broker), broker, fault, kill).run()


def stop_traced(program) -> None:
    """strace does not pass a signal on: its child is asked."""
    for child in Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGTERM)
    program.wait(10)


class Case:
    def __init__(self, sim, hedger, broker: str, fault: str, kill: str):
        self.sim, self.hedger, self.broker, self.fault, self.kill = sim, hedger, broker, fault, kill
        self.running = None

    def run(self) -> Outcome:
        if self.broker == "schwab":
            self.hedger.login()
        self.hedger.ask("AAPL", 10, "SELL")
        self.arrange()
        killed = self.first_run()
        self.sim.clear_faults()
        row = self.settle()
        problems = self.judge(row)
        return Outcome(problems, Counter({row["status"]: 1, "killed": killed, "orders": self.sim.count()}))

    def arrange(self) -> None:
        self.sim.on_order = ENDS.get(self.fault, "fill")
        self.sim.lag_seconds = 0.7 if self.fault == "lag" else 0
        if self.fault == "wrong_location":
            self.sim.place_by_hand("MSFT", "BUY", 7)
        match = POSTS[self.broker]
        if FAULTS[self.fault]:
            kind, value = FAULTS[self.fault]
            value = REFUSED[self.broker] if self.fault == "refused" else value
            self.sim.add_fault(Fault("*" if kind in ("refuse", "reset_on_accept", "drop_after_handshake") else match,
                                     kind, value=value, call=self.shoot if self.kill in ("request", "recorded") else None))
        elif self.kill in ("request", "recorded"):
            kind = "call_before" if self.kill == "request" else "call_after"
            self.sim.add_fault(Fault(match, kind, call=self.shoot))

    def shoot(self) -> None:
        if self.running and self.running.running:
            self.running.kill9()

    def first_run(self) -> bool:
        """Until it is killed, or has done what it can. Whether it was killed."""
        call = re.fullmatch(r"([a-z]+(?:64_)?)_?(\d+)", self.kill)
        before = ()
        if call:
            name = call[1].rstrip("_")
            before = injecting("-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={call[2]}")
        self.running = program = self.hedger.start(before=before)
        deadline = time.monotonic() + 4
        while program.running and time.monotonic() < deadline and not self.ended():
            time.sleep(0.02)
        if program.running:
            stop_traced(program) if call else program.stop()
        return program.returncode == -9

    def ended(self) -> bool:
        return self.hedger.status() in ("FILLED", "FAILED", "HELD")

    def settle(self) -> dict:
        """Started again as often as a supervisor would, until the execution has ended or is HELD."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.ended():
            program = self.hedger.start()
            while program.running and not self.ended():
                if time.monotonic() > deadline:
                    program.kill9()
                    raise AssertionError(f"nothing moves: {self.hedger.execution()}\n{program.text()[-1500:]}")
                time.sleep(0.02)
            if program.running and program.stop() != 0:
                raise AssertionError(f"it ended with {program.returncode}\n{program.text()[-1500:]}")
        return self.hedger.execution()

    def judge(self, row: dict) -> list[str]:
        mine = [order for order in self.sim.orders() if order["symbol"] == "AAPL"]
        problems = [f"the simulator objects: {words}" for words in self.sim.violations]
        problems += [f"a law is broken: {law}" for law in self.hedger.database.broken_laws(INVARIANTS)]
        if len(mine) > 1:
            problems.append(f"{len(mine)} orders for one execution: {mine}")
        if row["status"] == "HELD":
            return problems + self.judge_held(row, mine)
        if row["status"] == "FILLED" and not mine:
            problems.append(f"FILLED without an order: {row}")
        if mine and (row["order_id"], row["filled_shares"]) != (str(mine[0]["id"]), str(mine[0]["filled"])):
            problems.append(f"the order is {mine[0]}, the execution says {row}")
        if not mine and row["filled_shares"] != "0":
            problems.append(f"shares without an order: {row}")
        if row["status"] == "FAILED" and self.fault not in ("refused", *ENDS):
            problems.append(f"FAILED for no reason: {row}")
        return problems

    def judge_held(self, row: dict, mine: list[dict]) -> list[str]:
        """Only at Schwab, only when an order may have left, and only when the book does not have it."""
        problems = []
        if self.broker != "schwab":
            problems.append(f"HELD, though the client_order_id decides: {row}")
        if mine:
            problems.append(f"HELD, though the order is in the list: {row} {mine}")
        if self.fault not in NOT_PLACED and self.kill == "none":
            problems.append(f"HELD, though nothing was unclear: {row}")
        return problems
