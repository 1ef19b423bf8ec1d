"""What the campaigns against a real node share: a lane with a node and a market of its own, random fills, the programs
run by cron or as a group, and cases that run side by side."""

import contextlib
import multiprocessing
import queue
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "integration"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import lib  # noqa: E402

# Both folders of helpers are one package, whichever was found first.
for folder in (HERE / "lib", HERE.parent / "integration/lib"):
    if str(folder) not in lib.__path__:
        lib.__path__.append(str(folder))

from checker import Checker  # noqa: E402
from lib.anvil import ROOT, Anvil  # noqa: E402
from lib.ballast import PROGRAMS, Program, Stack  # noqa: E402
from lib.database import Database  # noqa: E402
from lib.orderbook import BALANCE, Market  # noqa: E402
from truth import TruthTeller  # noqa: E402

EQUITIES = ("AAPL0x", "NVDAs1", "tTSLA", "tBRK.B")
# One beside plain shares of its ticker, one whose shares and assets have other decimals than is booked.
FEW_DECIMALS = {"tCRCL": 8}
VAULTS = {"wtTSLA": "tTSLA", "wtCRCL": "tCRCL"}
# With so many of the fills' transactions a vault's shares become worth something else.
WORTH_CHANGES = 0.3
CONVERGED_S = 30
MOST_TOLD = 3
# Several anvils beside each other lose contracts' code when blocks are taken back at heights above a thousand: it keeps
# the states of 500 blocks in memory.
OLDEST_HEAD = 450
# What a supervisor does with an exit code, as the README says.
LEFT_ALONE = (0, 64, 78)
ALLOWED = (0, 75, 78)


@dataclass
class Outcome:
    violations: list[str] = field(default_factory=list)
    figures: dict = field(default_factory=dict)


class Lane:
    """A node with a market. Cases come one after the other; each looks only at the blocks from its own beginning on."""

    def __init__(self, folder: Path, teller: TruthTeller, **anvil_options):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.teller = teller
        self.anvil = Anvil(self.folder, mining="manual", **anvil_options)
        self.market: Market | None = None
        self.ready_block = 0  # what stands below is the market itself: no reorganisation may take it
        self.takers: list[str] = []

    def __enter__(self) -> "Lane":
        self.anvil.start()
        self.anvil.set_mining("auto")
        self.market = Market(self.anvil).deploy(FEW_DECIMALS, VAULTS)
        self.takers = self.anvil.accounts[4:]
        self._fund()
        self.anvil.set_mining("manual")
        self.ready_block = self.anvil.head()
        return self

    def __exit__(self, *_) -> None:
        self.anvil.stop()

    def _fund(self) -> None:
        market, token = self.market, self.market._token
        transactions = []
        for taker in self.takers[1:]:
            for one in market.tokens.values():
                mint = token.call("mint", taker, BALANCE)
                approve = token.call("approve", market.orderbook, 2**256 - 1)
                transactions += [(taker, one.address, mint), (taker, one.address, approve)]
        market._send_all(transactions)

    def send(self, rng: random.Random) -> str:
        """A transaction with one to three random fills, most of them the owner's, into the pool."""
        self.market.taker = rng.choice(self.takers)
        count = rng.choices((1, 2, 3), (6, 3, 1))[0]
        self.market.many([random_action(rng, self.market) for _ in range(count)])
        self.market._unsettled.clear()
        return self.market.last_tx

    def mine(self, rng: random.Random, fills: int = 0) -> list[str]:
        """One block with this many transactions; their hashes. In it vaults' shares may become worth something else,
        which counts for all its fills, and is announced by an empty block: see Market.change_worth."""
        worths = [(rng.choice(list(VAULTS)), random_worth(rng)) for _ in range(fills) if rng.random() < WORTH_CHANGES]
        if worths:
            self.anvil.mine()
        for symbol, worth in worths:
            self.market.change_worth(symbol, worth)
        sent = [self.send(rng) for _ in range(fills)]
        self.anvil.rpc.call("evm_mine")
        return sent

    def mine_actions(self, *actions) -> None:
        """One block with one transaction, of these."""
        self.market.many(list(actions))
        self.market._unsettled.clear()
        self.anvil.rpc.call("evm_mine")

    def checker(self, first_block: int) -> Checker:
        return Checker(self.anvil.url, self.market.orderbook, [self.market.owner], first_block, self.teller)

    def stack(self, folder: Path, first_block: int, **config) -> Stack:
        """The programs, on a database of their own."""
        Path(folder).mkdir(parents=True)
        stack = Stack(self.market, folder)
        stack.config |= {"DEPLOYMENT_BLOCK": str(first_block), "LOG_LEVEL": "info"}
        stack.config |= {name: str(value) for name, value in config.items()}
        return stack


def compile_contracts() -> None:
    """Nothing to do when they are newer than their sources."""
    subprocess.run(["node", ROOT / "tests/contracts/compile.js"], check=True, stdout=subprocess.DEVNULL)


def random_action(rng: random.Random, market: Market):
    """A take or a clear of the owner's order, a swap of two equities, or a fill that is none of ours: of the first
    generation or of the second, in plain or in wrapped shares."""
    symbol, other = rng.sample((*EQUITIES, *VAULTS), 2)
    side = rng.choice(("BUY", "SELL"))
    shares = f"{rng.choice((1, 5, 30, 77, 100, 130, 275, 999)) * rng.randint(1, 3) / 100:.2f}"
    usdc = f"{rng.randint(0, 90_000)}.{rng.randrange(100):02}"
    kind = rng.choices(("take", "clear", "swap", "stranger"), (6, 4, 1, 1))[0]
    taking, clearing, swapping = market.taking, market.clearing, market.swapping
    if rng.random() < 0.5:
        taking, clearing, swapping = market.taking_floats, market.clearing_floats, market.swapping_floats
        shares, usdc = random_float(rng, shares), random_float(rng, usdc)
    if kind == "swap":
        return swapping(symbol, shares, other, "0.3")
    if kind == "stranger":
        return taking(symbol, side, shares, usdc, owner=market.stranger)
    if kind == "take":
        return taking(symbol, side, shares, usdc)
    return clearing(symbol, side, shares, usdc, owner_is=rng.choice(("alice", "bob")))


def random_float(rng: random.Random, amount: str):
    """About the amount, in one of the forms that floats have: some say more digits than are booked, some end in zeros
    that the exponent has."""
    form = rng.choice(("as it is", "long", "padded", "tens"))
    if form == "long":
        return f"{amount}{rng.randrange(10**25):025}"
    if form == "padded":
        return int(amount.replace(".", "")) * 10**40, -42
    if form == "tens":
        return 1 + int(amount.partition(".")[0]) // 10, 1
    return amount


def random_worth(rng: random.Random) -> str:
    """Of one share of a vault, with as many digits as there are."""
    return f"{rng.randrange(3)}.{rng.randrange(1, 10**18):018}"


# Running the programs


def once(stack: Stack, name: str, problems: list[str], allowed=ALLOWED, **changes) -> int:
    """One run as cron would start it. Any other exit than the allowed is a problem."""
    program = stack.start(name, "--once", **changes)
    try:
        code = program.wait(60)
    except AssertionError:
        program.kill9()
        problems.append(f"{name} --once did not end within 60 s")
        return -1
    if code not in allowed:
        problems.append(f"{name} --once exited {code}: {last_line(program)}")
    return code


def last_line(program: Program) -> str:
    lines = [line for line in program.text().splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


def converge_once(stack: Stack, checker: Checker, turns: int = 6) -> list[str]:
    """Cron, until the checker is content. What is still wrong after so many turns."""
    for turn in range(turns):
        time.sleep(turn * 0.1)
        problems: list[str] = []
        for name in ("backfiller", "processor", "executor", "processor"):
            once(stack, name, problems, allowed=(0, 75))
        problems += checker.violations(stack.database.path)
        if not problems:
            break
    return problems


class Group:
    """The four programs as a supervisor runs them."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.problems: list[str] = []
        self._running: dict[str, Program] = {}
        self._seen: set[int] = set()

    def start(self, names=PROGRAMS) -> None:
        for name in names:
            if name not in self._running or not self._running[name].running:
                self._running[name] = self.stack.start(name)

    def tend(self) -> None:
        """Starts again what ended, unless a person is needed."""
        for name, program in list(self._running.items()):
            if program.running:
                continue
            self._judge(program)
            if program.returncode not in LEFT_ALONE:
                self._running[name] = self.stack.start(name)

    def revive(self) -> None:
        """The person came: everything runs again."""
        self.tend()
        self.start(list(self._running))

    def stop(self) -> None:
        """Asks all to stop, and waits."""
        with contextlib.suppress(AssertionError):
            self.stack.stop()
        for program in self._running.values():
            if program.running:
                program.kill9()
                self.problems.append(f"{program.name} did not stop")
            elif program.returncode != -signal.SIGTERM:  # asked before it could listen
                self._judge(program)
        self._running.clear()

    def _judge(self, program: Program) -> None:
        if program.pid in self._seen:
            return
        self._seen.add(program.pid)
        if program.returncode not in ALLOWED:
            self.problems.append(f"{program.name} ended with {program.returncode}: {last_line(program)}")

    def converge(self, checker: Checker, seconds: float = CONVERGED_S) -> list[str]:
        """Lets them run until the checker is content. What is still wrong when the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            self.tend()
            if self.stack.database.path.exists():
                problems = self._waiting(checker) or checker.violations(self.stack.database.path)
            else:
                problems = ["there is no database"]
            if not problems or time.monotonic() > deadline:
                return problems
            time.sleep(0.05)

    def _waiting(self, checker: Checker) -> list[str]:
        """A cheap look, before the whole one: the file may be there before its tables are."""
        head = checker_head(checker)
        try:
            covered = self.stack.database.coverage()
        except sqlite3.OperationalError as problem:
            return [f"the database cannot be read: {problem}"]
        return [] if covered and covered[-1][1] == head else [f"coverage is {covered}, the head {head}"]


def checker_head(checker: Checker) -> int:
    return checker.truth().head


def kinds(database: Database) -> dict[str, int]:
    """What a case had of the second generation and of wrapped shares, also if it was taken back later."""
    if not database.path.exists():
        return {}
    elsewhere = """SELECT count(*) FROM (SELECT 1 FROM onchain_trades WHERE token_amount IS NOT NULL AND reverses_trade_id IS NULL
        GROUP BY tx_hash, symbol, direction, token_amount HAVING count(DISTINCT amount) > 1)"""
    return {
        "events of the second generation": database.count("event_queue", "event_type LIKE '%V3'"),
        "trades in wrapped shares": database.count("onchain_trades", "token_amount IS NOT NULL AND reverses_trade_id IS NULL"),
        "of those, mined again at another worth": database.value(elsewhere),
    }


def all_kinds(outcomes: list[Outcome]) -> dict[str, int]:
    counts: Counter = Counter()
    for outcome in outcomes:
        counts.update(outcome.figures.get("kinds", {}))
    return dict(counts)


def times(cases: list, outcomes: list[Outcome]) -> dict[str, float]:
    """How long it took until all was right, for each kind of case."""
    found = {}
    for kind in sorted({case.kind for case in cases}):
        took = [
            outcome.figures["converged"]
            for case, outcome in zip(cases, outcomes)
            if case.kind == kind and "converged" in outcome.figures
        ]
        if took:
            found[f"{kind}: seconds until converged, middle"] = round(median(took), 3)
            found[f"{kind}: seconds until converged, longest"] = round(max(took), 3)
    return found


# Many cases side by side


def run_cases(cases: list, jobs: int, lanes: int, folder: Path, run_case, anvil_options=None) -> list[Outcome]:
    """run_case(lane, case, folder) for each, in jobs processes of so many lanes. Folders of good cases are removed."""
    compile_contracts()
    context = multiprocessing.get_context("fork")
    following, results = context.Value("i", 0), context.Queue()
    jobs = max(1, min(jobs, len(cases)))
    lanes = max(1, min(lanes, -(-len(cases) // jobs)))
    workers = [
        context.Process(
            target=_work,
            args=(cases, following, results, lanes, Path(folder) / f"worker{number}", run_case, anvil_options or {}),
        )
        for number in range(jobs)
    ]
    for worker in workers:
        worker.start()
    outcomes: list[Outcome | None] = [None] * len(cases)
    missing = len(cases)
    try:
        while missing:
            try:
                place, outcome = results.get(timeout=1)
            except queue.Empty:
                if any(worker.is_alive() for worker in workers):
                    continue
                break
            outcomes[place] = outcome
            missing -= 1
    finally:
        for worker in workers:
            worker.join(30 if not missing else 0)
            if worker.is_alive():
                worker.terminate()
                worker.join()
    return [outcome or Outcome(["the case never came to its end"]) for outcome in outcomes]


def _work(cases, following, results, lanes, folder, run_case, anvil_options) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with TruthTeller() as teller:
        threads = [
            threading.Thread(
                target=_drive,
                args=(cases, following, results, folder / f"lane{number}", teller, run_case, anvil_options),
            )
            for number in range(lanes)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _drive(cases, following, results, folder, teller, run_case, anvil_options) -> None:
    def next_place() -> int:
        with following.get_lock():
            following.value += 1
            return following.value - 1

    place = next_place()
    while place < len(cases):
        # A lane that broke is replaced by a new one; the case that broke it is told.
        try:
            with Lane(folder, teller, **anvil_options) as lane:
                while place < len(cases) and lane.anvil.head() < OLDEST_HEAD:
                    _one(lane, cases[place], place, results, folder, run_case)
                    place = next_place()
        except Exception:
            results.put((place, Outcome([f"the lane broke: {traceback.format_exc(limit=-4)}"])))
            place = next_place()


def _one(lane, case, place, results, folder, run_case) -> None:
    own = folder / case.name
    shutil.rmtree(own, ignore_errors=True)
    began = time.monotonic()
    try:
        outcome = run_case(lane, case, own)
    except AssertionError as problem:
        outcome = Outcome([f"the case failed: {problem}"])
    outcome.figures["seconds"] = time.monotonic() - began
    if outcome.violations:
        different = list(dict.fromkeys(outcome.violations))
        outcome.violations = [f"{one} [in {own}]" for one in different[:MOST_TOLD]]
        if len(different) > MOST_TOLD:
            outcome.violations.append(f"and {len(different) - MOST_TOLD} more")
    else:
        shutil.rmtree(own, ignore_errors=True)
    results.put((place, outcome))
