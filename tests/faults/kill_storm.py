"""The four programs as a group, each killed again and again in the middle of its work while fills happen, and all at once.

A case is one round of about a hundred kills on a new database: round-N. What is killed when is random and comes from the
seed; how far a program then was is the machine's matter. After the last kill the group has half a minute to come to rest,
then the books are compared with the chain.
"""

import contextlib
import re
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib.anvil import Anvil  # noqa: E402
from lib.ballast import PROGRAMS, Stack  # noqa: E402
from lib.campaign import Options, Outcome, Report, run_cases  # noqa: E402
from lib.database import Database  # noqa: E402
from lib.orderbook import Market  # noqa: E402
from lib.world import Started, broken_laws, checker_of, truth_problems, waiting  # noqa: E402

NAME = "kill_storm"
KILLS = 100  # a round
SHORT, LONG = 10, 200  # rounds
PAUSE_MS = (2, 40)
ALL_AT_ONCE = 0.05
CONVERGED_S = 30
FILLS = 24  # a round
# A ticker's fills are on one side.
SIDES = {"AAPL0x": "SELL", "NVDAs1": "BUY", "tTSLA": "SELL", "wtTSLA": "SELL", "tBRK.B": "BUY", "wtBRK.B": "BUY"}
VAULTS = {"wtTSLA": "tTSLA", "wtBRK.B": "tBRK.B"}
WORTH_CHANGES = 0.3  # of the fills come after one
# What a supervisor starts again: 75 is a database that was busy. -15: told to stop before it could listen.
ALLOWED = (0, 75, -15)
SETTINGS = {
    "LOG_LEVEL": "info", "CUTOFF_TIMEOUT_SECONDS": "1", "TRAIL_SECONDS": "1", "RECONNECT_MAX_SECONDS": "1",
    "HEDGE_RETRY_SECONDS": "0", "RPC_TIMEOUT_MS": "3000",
}


class Storm:
    """A node with a market that is rewound for every round, and the group of programs."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def __enter__(self) -> "Storm":
        with contextlib.ExitStack() as stack:
            self.anvil = stack.enter_context(Anvil(self.folder))
            self.market = Market(self.anvil).deploy(vaults=VAULTS)
            self.config = Stack(self.market, self.folder).config | SETTINGS
            self.checker, teller = checker_of(self, self.market.deployment_block)
            stack.enter_context(teller)
            self._snapshot = self.anvil.snapshot()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.__exit__(*exception)

    def rewind(self) -> None:
        self.anvil.revert(self._snapshot)
        self._snapshot = self.anvil.snapshot()

    def fill(self, rng) -> list:
        """One transaction with one fill or two, of a hedgeable or of a tiny amount, of either generation."""
        actions, market = [], self.market
        if rng.random() < WORTH_CHANGES:
            market.set_worth(rng.choice(list(VAULTS)), f"{rng.randrange(3)}.{rng.randrange(1, 10**18):018}")
        for _ in range(rng.choice((1, 1, 2))):
            symbol = rng.choice(list(SIDES))
            shares = f"{rng.randrange(1, 2500) / 1000}"
            make = rng.choice((market.taking, market.clearing, market.taking_floats, market.clearing_floats))
            actions.append(make(symbol, SIDES[symbol], shares, f"{rng.randrange(1, 900)}.{rng.randrange(1, 10)}"))
        return market.many(actions)


class Group:
    """Programs that are started again whenever they end, whoever ended them."""

    def __init__(self, config: dict, folder: Path, names=PROGRAMS):
        self.config, self.folder, self.names = config, Path(folder), names
        self.database = Database(self.folder / "ballast.db")
        self.running: dict[str, Started] = {}
        self.problems: list[str] = []
        self.counts: Counter = Counter()

    def start(self, name: str) -> Started:
        config = self.config | {"DATABASE_PATH": str(self.database.path)}
        self.running[name] = Started(name, (), config, self.folder)
        return self.running[name]

    def start_all(self) -> None:
        for name in self.names:
            self.start(name)

    def kill(self, names) -> None:
        """All dead before one is started again."""
        for name in names:
            self._judge(self.running[name])
            self.running[name].kill9()
        for name in names:
            self.start(name)
        self.counts["kills"] += len(names)

    def tend(self) -> None:
        for name, program in list(self.running.items()):
            if not program.running:
                self._judge(program)
                self.start(name)

    def converge(self, settled, seconds: float = CONVERGED_S) -> list[str]:
        """Waits until settled() finds nothing wrong; what it finds last."""
        deadline = time.monotonic() + seconds
        while True:
            self.tend()
            try:
                problems = settled()
            except Exception as error:  # no database yet, or no table
                problems = [repr(error)]
            if not problems or time.monotonic() > deadline:
                return [f"after {seconds} s: {problem}" for problem in problems]
            time.sleep(0.03)

    def stop(self) -> None:
        for program in self.running.values():
            program.send(15)
        for program in self.running.values():
            ended = program.wait(10)
            if ended.code not in ALLOWED:
                self.problems.append(f"told to stop, {ended.told()}")
        self.running.clear()

    def end(self) -> None:
        """Whatever went wrong, nothing runs on."""
        for program in self.running.values():
            program.kill9()

    def doubled(self) -> list[str]:
        """By the logs, which tell of an order once its state is on disk: none is accepted or filled twice."""
        lines: Counter = Counter()
        for log in self.folder.glob("*.log"):
            text = log.read_text(errors="replace")
            lines.update(re.findall(r"execution (?:SUBMITTED|FILLED) execution_id=\d+", text))
        return [f"{count} times: {line}" for line, count in lines.items() if count > 1]

    def _judge(self, program: Started) -> None:
        """What ended by itself must have had a reason that starting again can mend."""
        if program.running:
            return
        self.counts[f"ended themselves with {program.code}"] += 1
        if program.code not in ALLOWED:
            self.problems.append(f"{program.name} ended with {program.code}: {program.text()[-300:]}")


def campaign(options: Options) -> Report:
    rounds = LONG if options.amount == "long" else SHORT
    return run_cases(options, NAME, [f"round-{number}" for number in range(1, rounds + 1)], Storm, run_case)


def run_case(storm: Storm, case: str, folder: Path, rng) -> Outcome:
    group = Group(storm.config, folder)
    try:
        fills = storm.fill(rng)
        group.start_all()
        due = sorted(rng.sample(range(KILLS), FILLS))
        while group.counts["kills"] < KILLS:
            time.sleep(rng.randint(*PAUSE_MS) / 1000)
            while due and due[0] <= group.counts["kills"]:
                due.pop(0)
                fills += storm.fill(rng)
            group.kill(PROGRAMS if rng.random() < ALL_AT_ONCE else [rng.choice(PROGRAMS)])
            group.tend()
        began = time.monotonic()
        problems = settle(group, storm, fills)
        took = time.monotonic() - began
        group.counts["fills"] = len(fills)
        group.counts["milliseconds until converged, of all rounds"] = int(took * 1000)
    finally:
        group.end()
        storm.rewind()
    return Outcome(problems + group.problems, group.counts)


def settle(group: Group, storm: Storm, fills, whole: bool = True) -> list[str]:
    """Left alone, the group comes to rest, and then everything is right."""
    first, head = storm.market.deployment_block, storm.anvil.head()

    def rest() -> list[str]:
        database = group.database
        if (found := database.coverage()) != [(first, head)]:
            return [f"coverage is {found}, not {first}-{head}"]
        return waiting(database) or truth_problems(database, fills, first, head, whole)

    problems = group.converge(rest)
    group.stop()
    problems += truth_problems(group.database, fills, first, head, whole)
    problems += broken_laws(group.database.path) + group.doubled()
    group.counts["fills of the second generation"] += group.database.count("event_queue", "event_type LIKE '%V3'")
    group.counts["fills in wrapped shares"] += group.database.count("live_trades", "token_amount IS NOT NULL")
    if storm.checker:
        problems += storm.checker.violations(group.database.path)
    return list(dict.fromkeys(problems))
