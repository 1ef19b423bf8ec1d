"""Everything a node, a provider and a network can do wrong, alone and in pairs: afterwards nothing is missing, and
meanwhile no block counts as read whose fill is not in the queue.

A "cron" case runs the programs with --once against the faulty node, then against a good one. A "group" case runs the
four together with a WebSocket. A "hang" case is a group whose node says nothing about a vault: fills in all other shares
are hedged meanwhile. Each case has a new database and a new stretch of chain.
"""

import itertools
import random
import time
from dataclasses import dataclass, replace

import scene
from lib.campaign import Options, Report
from proxy import (
    ANSWER, BLOCK_FAULTS, BODY, FRAME, HANDSHAKE, INFINITE, LOG_FAULTS, STATE_FAULTS, WIRE, FaultProxy,
)

NAME = "node_faults"
LANES = 3
HTTP_METHODS = (
    "eth_chainId", "eth_blockNumber", "eth_getBlockByNumber", "eth_getLogs", "eth_call", "eth_getBlockReceipts",
)
WS_METHODS = ("eth_chainId", "eth_getBlockByNumber", "eth_blockNumber", "eth_subscribe", "eth_getLogs")
NOTIFICATIONS = ("logs", "newHeads")
# What the processor asks in the state of a fill's block.
STATE_METHODS = ("convertToAssets", "asset", "decimals")
ELSEWHERE = {*LOG_FAULTS, *BLOCK_FAULTS, *STATE_FAULTS, "other_chain", "lagging_head"}
ANYWHERE = tuple(name for name in ANSWER if name not in ELSEWHERE)
HANGING = ("half_open", "stall_after_header")
FRAME_BODIES = ("garbage", "truncated_json", "empty_body", "deep_json", "oversized")
TIMES = (1, 3, INFINITE)
PAIRS = 2_000
SHORT_GROUPS, SHORT_PAIRS = 40, 50
SHORT_STATES = {"cron": 30, "group": 4}

# Lies of eth_getLogs that may be believed, if reading again (backfiller --recheck) then finds all. There are none: of
# several logs in one block some may be missing, which no bloom shows, but the block's receipts do.
HIDDEN = ()

# Short waits while the node misbehaves, ordinary ones afterwards.
IMPATIENT = {"RPC_TIMEOUT_MS": 150, "BACKFILL_ATTEMPTS": 2, "BACKFILL_BATCH_SIZE": 5, "BACKFILL_BATCH_GROWTH": 1,
             "BACKFILL_CONCURRENCY": 2}
LIVE = {
    "RPC_TIMEOUT_MS": 300, "BACKFILL_BATCH_SIZE": 5, "BACKFILL_BATCH_GROWTH": 1, "PING_SECONDS": 1,
    "HEAD_TIMEOUT_SECONDS": 1, "CUTOFF_TIMEOUT_SECONDS": 1, "RECONNECT_MAX_SECONDS": 1, "TRAIL_SECONDS": 1,
    "HEDGE_RETRY_SECONDS": 0,
}


# A program that waited for such an answer would wait for far longer than a hedge may take.
HANG = LIVE | {"RPC_TIMEOUT_MS": 30_000}
HEDGED_S = 8


@dataclass(frozen=True)
class Strike:
    fault: str
    method: str
    times: float = INFINITE

    def __str__(self) -> str:
        return f"{self.fault}-{self.method}" + ("" if self.times == INFINITE else f"-{self.times}")


@dataclass(frozen=True)
class Case:
    kind: str  # cron, group, hang
    strikes: tuple[Strike, ...]
    seed: int

    @property
    def name(self) -> str:
        text = "+".join(map(str, self.strikes)).replace("*", "all")
        return f"{self.kind}-{text}"

    @property
    def concerns_vaults(self) -> bool:
        return any(strike.method in STATE_METHODS for strike in self.strikes)

    @property
    def hides(self) -> bool:
        return any(strike.fault in HIDDEN for strike in self.strikes)


def http_strikes() -> list[tuple[str, str]]:
    """Every fault against every method to which it can happen."""
    found = [(fault, method) for method in HTTP_METHODS for fault in (*ANYWHERE, *BODY, *WIRE)]
    found += [(fault, "eth_getLogs") for fault in LOG_FAULTS]
    found += [(fault, "eth_getBlockByNumber") for fault in BLOCK_FAULTS]
    found += [("lagging_head", method) for method in ("*", "eth_blockNumber", "eth_getBlockByNumber", "eth_getLogs")]
    found += [("other_chain", "eth_chainId")]
    return found + [(fault, "*") for fault in ("delay", "http_429", "http_502_page", "one_byte_writes", "half_open")]


def state_strikes() -> list[tuple[str, str]]:
    """Every fault of an answer about the state of a fill's block."""
    faults = (*ANYWHERE, *BODY, *WIRE, *STATE_FAULTS, "lagging_head")
    return [(fault, method) for method in STATE_METHODS for fault in faults]


def websocket_strikes() -> list[tuple[str, str]]:
    found = [(fault, "handshake") for fault in (*HANDSHAKE, "close_before", "reset", "delay")]
    found += [(fault, method) for method in WS_METHODS for fault in (*ANYWHERE, *FRAME_BODIES, *WIRE, *FRAME)]
    found += [(fault, method) for method in NOTIFICATIONS for fault in (*FRAME_BODIES, *WIRE, *FRAME)]
    found += [("lagging_head", method) for method in ("*", *NOTIFICATIONS)] + [("other_chain", "eth_chainId")]
    return found + [(fault, "eth_getLogs") for fault in LOG_FAULTS]


def cases(options: Options) -> list[Case]:
    """The short campaign is a part of the long one: the same case has the same name and does the same."""
    every_http, every_websocket = http_strikes(), websocket_strikes()
    both, long = every_http + every_websocket, options.amount == "long"
    rng = {name: random.Random(f"{NAME} {options.seed} {name}") for name in ("cron", "group", "pairs")}
    cron = [(*one, rng["cron"].choice(TIMES)) for one in every_http]
    group = [(*one, rng["group"].choice(TIMES)) for one in every_websocket]
    if long:
        cron = [(*one, times) for one in every_http for times in TIMES]
    else:
        group = rng["group"].sample(group, SHORT_GROUPS)
    found = [("cron", (Strike(*one),)) for one in cron] + [("group", (Strike(*one),)) for one in group]
    for kind in SHORT_STATES:
        found += [(kind, (strike,)) for strike in _state_strikes(options.seed, kind, long)]
    found += [("hang", (Strike(fault, method),)) for fault in HANGING for method in (*STATE_METHODS, "eth_call")]
    for number in range(PAIRS if long else SHORT_PAIRS):
        kind, pool = ("group", both) if number % 5 == 4 else ("cron", every_http + state_strikes())
        pair = tuple(Strike(*rng["pairs"].choice(pool), rng["pairs"].choice(TIMES)) for _ in range(2))
        found.append((kind, pair))
    # The slow ones first, so that they do not come to an end alone.
    found.sort(key=lambda one: one[0] == "cron")
    return list({case.name: case for case in itertools.starmap(_case(options.seed), found)}.values())


def _state_strikes(seed: int, kind: str, long: bool) -> list[Strike]:
    rng = random.Random(f"{NAME} {seed} state {kind}")
    strikes = [Strike(*one, rng.choice(TIMES)) for one in state_strikes()]
    return strikes if long else rng.sample(strikes, SHORT_STATES[kind])


def _case(seed: int):
    def make(kind: str, strikes) -> Case:
        text = f"{NAME} {seed} {kind} {' '.join(map(str, strikes))}"
        return Case(kind, strikes, random.Random(text).getrandbits(63))

    return make


def campaign(options: Options) -> Report:
    chosen = cases(options)
    if options.only:
        chosen = [case for case in cases(replace(options, amount="long")) if case.name == options.only]
    outcomes = scene.run_cases(chosen, options.jobs, LANES, options.folder / NAME, run_case)
    violations = [
        f"{case.name}: {violation}" for case, outcome in zip(chosen, outcomes) for violation in outcome.violations
    ]
    return Report(NAME, len(chosen), violations, _figures(chosen, outcomes))


def _figures(chosen, outcomes) -> dict:
    found = {"faults that struck": sum(outcome.figures.get("struck", 0) for outcome in outcomes)}
    found["lies believed that no bloom shows"] = sum(o.figures.get("believed", 0) for o in outcomes)
    found["cases without a strike"] = sum(not outcome.figures.get("struck") for outcome in outcomes)
    hedged = [outcome.figures["hedged"] for outcome in outcomes if "hedged" in outcome.figures]
    found["seconds until others were hedged while a vault could not be asked, longest"] = round(max(hedged, default=0), 3)
    return found | scene.all_kinds(outcomes) | scene.times(chosen, outcomes)


def run_case(lane: scene.Lane, case: Case, folder) -> scene.Outcome:
    rng = random.Random(case.seed)
    if case.kind == "hang":
        first = _known_tokens(lane)
    else:
        first = _random_blocks(lane, rng, case.concerns_vaults)
    with FaultProxy(lane.anvil.port, rng.getrandbits(32)) as proxy:
        stack, checker = lane.stack(folder, first, HTTP_RPC_URL=proxy.url, WS_RPC_URL=proxy.ws_url), lane.checker(first)
        if case.kind == "hang":
            outcome = _hang(lane, case, proxy, stack, checker)
        else:
            _strike(proxy, case)
            run = _cron if case.kind == "cron" else _group
            outcome = run(lane, rng, proxy, stack, checker, _Watch(case, stack, checker))
        outcome.figures["struck"] = sum(proxy.struck.values())
        outcome.figures["kinds"] = scene.kinds(stack.database)
    return outcome


def _strike(proxy: FaultProxy, case: Case) -> None:
    for strike in case.strikes:
        proxy.add(strike.fault, [strike.method], strike.times)


def _random_blocks(lane: scene.Lane, rng: random.Random, with_wrapped: bool) -> int:
    """The first of them. with_wrapped: a fill in a vault's shares is certainly among theirs."""
    lane.mine(rng, 1)
    first = lane.anvil.head()
    if with_wrapped:
        symbol, market = rng.choice(list(scene.VAULTS)), lane.market
        lane.mine_actions(market.taking_floats(symbol, "SELL", scene.random_float(rng, "1.30"), "250"))
    for _ in range(9 - with_wrapped):
        lane.mine(rng, rng.choices((0, 1, 2), (4, 3, 1))[0])
    return first


class _Watch:
    """Looks whether more is covered than is in the queue, while the fault lasts."""

    def __init__(self, case: Case, stack, checker):
        self.problems: set[str] = set()
        self.believed: set[str] = set()
        self._hides, self._stack, self._checker = case.hides, stack, checker

    def look(self) -> None:
        found = self._checker.granted_too_much(self._stack.database.path)
        (self.believed if self._hides else self.problems).update(f"with the fault: {one}" for one in found)

    def mend(self, problems: list[str]) -> None:
        """What the README says of a node that has lied."""
        if self._hides:
            bounds = ("--from", self._checker.first_block, "--to", self._checker.truth().head)
            code = self._stack.start("backfiller", *bounds, "--recheck").wait(60)
            problems += [f"backfiller --recheck exited {code}"] if code else []


def _cron(lane, rng, proxy, stack, checker, watch) -> scene.Outcome:
    problems: list[str] = []
    for turn in range(2):
        for name in ("backfiller", "processor"):
            scene.once(stack, name, problems, **IMPATIENT)
        watch.look()
        lane.mine(rng, turn)
    proxy.clear()
    problems += sorted(watch.problems)
    watch.mend(problems)
    began = time.monotonic()
    problems = problems or scene.converge_once(stack, checker)
    return scene.Outcome(problems, {"converged": time.monotonic() - began, "believed": len(watch.believed)})


def _group(lane, rng, proxy, stack, checker, watch) -> scene.Outcome:
    stack.config |= {name: str(value) for name, value in LIVE.items()}
    group, problems = scene.Group(stack), []
    group.start()
    try:
        for _ in range(6):
            lane.mine(rng, rng.choice((0, 1, 1, 2)))
            until = time.monotonic() + rng.uniform(0.05, 0.3)
            while time.monotonic() < until:
                watch.look()
                group.tend()
                time.sleep(0.03)
        proxy.clear()
        group.revive()
        lane.mine(rng, 1)
        problems += sorted(watch.problems)
        watch.mend(problems)
        began = time.monotonic()
        problems = problems or group.converge(checker)
        took = time.monotonic() - began
    finally:
        group.stop()
    return scene.Outcome(group.problems + problems, {"converged": took, "believed": len(watch.believed)})


# While a question about a vault hangs

SOLD, BOUGHT, WRAPPED = "NVDAs1", "tTSLA", "wtTSLA"


def _known_tokens(lane: scene.Lane) -> int:
    """The first block: with fills of all that is to be hedged later, none of them for as much as a share."""
    market = lane.market
    lane.mine_actions(market.taking(SOLD, "SELL", "0.25", "45"), market.taking_floats(BOUGHT, "BUY", "0.25", "60"))
    return lane.anvil.head()


def _hang(lane, case, proxy, stack, checker) -> scene.Outcome:
    """Plain shares of the vault's own ticker are among those that do not wait; nor does a program that is told to stop."""
    stack.config |= {name: str(value) for name, value in HANG.items()}
    group, market = scene.Group(stack), lane.market
    group.start()
    try:
        problems = group.converge(checker)
        _strike(proxy, case)
        lane.mine_actions(market.taking_floats(WRAPPED, "SELL", "2.5", "600"))
        problems += _in_time(group, "the question was never asked", lambda: proxy.struck)
        began = time.monotonic()
        lane.mine_actions(market.taking(SOLD, "SELL", "3", "540"))
        lane.mine_actions(market.taking_floats(BOUGHT, "BUY", "2", "480"), market.taking_floats(WRAPPED, "BUY", "1", "240"))
        problems += _in_time(group, "others are not hedged while a vault cannot be asked", lambda: _hedged(stack.database))
        hedged = time.monotonic() - began
        if stack.database.count("event_queue", "processed = 0") != 2:
            problems.append("the fills in the vault's shares do not wait, or others do")
        group.stop()
        group.start()
        proxy.clear()
        proxy.cut()
        began = time.monotonic()
        problems = problems or group.converge(checker)
        took = time.monotonic() - began
    finally:
        group.stop()
    return scene.Outcome(group.problems + problems, {"converged": took, "hedged": hedged})


def _hedged(database) -> bool:
    filled = database.executions()
    wanted = {("NVDA", "BUY", "3"), ("TSLA", "SELL", "2")}
    return wanted == {(one["symbol"], one["direction"], one["filled_shares"]) for one in filled if one["status"] == "FILLED"}


def _in_time(group: scene.Group, otherwise: str, predicate) -> list[str]:
    """Nothing wrong when it comes true in time."""
    deadline = time.monotonic() + HEDGED_S
    while not predicate():
        group.tend()
        if time.monotonic() > deadline:
            return [otherwise]
        time.sleep(0.02)
    return []
