"""Seeded schedules of reorganisations on a real node: whatever the chain does, in the end the books say what it says.

A schedule is a list of steps: the chain grows, loses blocks, gets others, gets the old ones back; and between the
steps the programs run, once each as cron would have it ("turns") or all the time ("live", half of these with
removed:true as geth sends it). No step goes below the block that the node calls finalized, but for the few "finalized"
schedules: there trading must halt and no row may be touched.
"""

import random
import time
from dataclasses import dataclass, replace

import scene
from lib.campaign import Options, Report
from proxy import FaultProxy

NAME = "reorg_schedules"
LANES = 3
SHORT, LONG = 140, 2_000
DEEPEST = 40
FINALITY = 60  # anvil's finalized block is 64 below its head
LIVE_SHARE = 0.12
ASKED_BY_NUMBER = 0.3  # of the schedules have a node that makes a call in the state of a number only
FINALIZED_DEPTHS = (1, 2, 3, 4, 6, 9)

TURNS = {"BACKFILL_BATCH_SIZE": 6, "BACKFILL_BATCH_GROWTH": 1, "BACKFILL_CONCURRENCY": 2, "HEDGE_RETRY_SECONDS": 0}
LIVE = TURNS | {
    "PING_SECONDS": 1, "HEAD_TIMEOUT_SECONDS": 1, "CUTOFF_TIMEOUT_SECONDS": 1, "RECONNECT_MAX_SECONDS": 1,
    "TRAIL_SECONDS": 1,
}


@dataclass(frozen=True)
class Case:
    kind: str  # turns, live, finalized
    number: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.number}"


def cases(options: Options) -> list[Case]:
    rng = random.Random(f"{NAME} {options.seed}")
    found = []
    for number in range(LONG if options.amount == "long" else SHORT):
        kind = "live" if rng.random() < LIVE_SHARE else "turns"
        found.append(Case(kind, number, rng.getrandbits(63)))
    found += [Case("finalized", depth, depth) for depth in FINALIZED_DEPTHS]
    return sorted(found, key=lambda case: case.kind != "live")


def campaign(options: Options) -> Report:
    chosen = cases(options)
    if options.only:
        chosen = [case for case in cases(replace(options, amount="long")) if case.name == options.only]
    halting = [case for case in chosen if case.kind == "finalized"]
    ordinary = [case for case in chosen if case.kind != "finalized"]
    outcomes = []
    if ordinary:
        outcomes += scene.run_cases(ordinary, options.jobs, LANES, options.folder / NAME, run_case)
    if halting:
        fast = {"slots_in_an_epoch": 1}
        outcomes += scene.run_cases(halting, options.jobs, 1, options.folder / f"{NAME}-finalized", run_finalized, fast)
    done = ordinary + halting
    violations = [f"{case.name}: {text}" for case, outcome in zip(done, outcomes) for text in outcome.violations]
    return Report(NAME, len(done), violations, _figures(ordinary, outcomes))


def _figures(chosen, outcomes) -> dict:
    found = {"reorganisations": sum(outcome.figures.get("reorganisations", 0) for outcome in outcomes)}
    found["deepest"] = max((outcome.figures.get("deepest", 0) for outcome in outcomes), default=0)
    found["trades reversed"] = sum(outcome.figures.get("reversed", 0) for outcome in outcomes)
    return found | scene.all_kinds(outcomes) | scene.times(chosen, outcomes)


class Chain:
    """What a schedule does to the chain. Transactions that left it can come again, each account's in their order."""

    def __init__(self, lane: scene.Lane, rng: random.Random):
        self.lane = lane
        self.rng = rng
        self.rpc = lane.anvil.rpc
        self.reorganisations = self.deepest = 0
        self.told: list[str] = []
        self.highest = lane.anvil.head()

    def depth(self) -> int:
        """Small ones mostly. Never below what was final at any time."""
        wanted = 1 + int(DEEPEST * self.rng.random() ** 3)
        head = self.lane.anvil.head()
        self.highest = max(self.highest, head)
        lowest = max(self.highest - FINALITY, self.lane.ready_block)
        return max(1, min(wanted, head - lowest))

    def grow(self, blocks: int = 0) -> None:
        for _ in range(blocks or self.rng.randint(1, 3)):
            self.lane.mine(self.rng, self.rng.choice((0, 1, 1, 2)))
        self.highest = max(self.highest, self.lane.anvil.head())
        self._tell("grow", blocks)

    def reorg_empty(self, depth: int) -> None:
        """As many other blocks, without a transaction."""
        self._count("reorg_empty", depth)
        self.lane.anvil.reorg(depth)

    def reorg_again(self, depth: int) -> None:
        """As many other blocks with the same transactions at other places, perhaps without some."""
        again = self._some(self.raw_transactions(depth), complete=self.rng.random() < 0.5)
        self._count("reorg_again", depth)
        places = sorted(self.rng.randrange(depth) for _ in again)
        self.lane.anvil.reorg(depth, list(zip(again, places)))

    def shorter(self, depth: int) -> None:
        """The last blocks are gone, and for now none takes their place."""
        self._count("shorter", depth)
        self.lane.anvil.rollback(depth)

    def revert(self, depth: int) -> None:
        """evm_revert: back to a snapshot taken some blocks before. Nobody is told."""
        blocks = min(depth, 5)
        snapshot = self.lane.anvil.snapshot()
        self.grow(blocks)
        self.middle()
        self._count("revert", blocks)
        self.lane.anvil.revert(snapshot)

    def replaced(self, depth: int) -> None:
        """Other blocks instead: as many, or one less, or some more; with some of the transactions, and new ones."""
        again = self._some(self.raw_transactions(depth))
        self._count("replaced", depth)
        self.lane.anvil.rollback(depth)
        for _ in range(max(1, depth + self.rng.choice((0, 0, 0, -1, 1, 2)))):
            for _ in range(self.rng.randint(0, 2)):
                if again:
                    self.rpc.call("eth_sendRawTransaction", again.pop(0))
            self.rpc.call("evm_mine")
        self.grow(1)

    def flip(self, depth: int) -> None:
        """A, B, A: the very same blocks come back, hashes and all."""
        blocks = self._recorded(depth)
        again = self._some([raw for _, _, raws in blocks for raw in raws])
        self._count("flip", depth)
        self.lane.anvil.rollback(depth)
        for _ in range(depth):
            if again and self.rng.random() < 0.5:
                self.rpc.call("eth_sendRawTransaction", again.pop(0))
            self.rpc.call("evm_mine")
        self.middle()
        self._count("flip back", depth)
        self.lane.anvil.rollback(depth)
        for header, _, raws in blocks:
            for raw in raws:
                self.rpc.call("eth_sendRawTransaction", raw)
            self.rpc.call("evm_setNextBlockTimestamp", int(header["timestamp"], 16))
            self.rpc.call("anvil_setNextBlockBaseFeePerGas", header["baseFeePerGas"])
            self.rpc.call("evm_mine")
            back = self.rpc.call("eth_getBlockByNumber", "latest", False)
            if back["hash"] != header["hash"]:
                other = {name: (header[name], value) for name, value in back.items() if value != header.get(name)}
                raise AssertionError(f"the flip did not bring the same block back: {other} after {self.told}")

    def any_reorg(self) -> None:
        operations = (self.reorg_empty, self.reorg_again, self.shorter, self.revert, self.replaced, self.flip)
        self.rng.choices(operations, (2, 4, 2, 2, 3, 3))[0](self.depth())

    def middle(self) -> None:
        """What happens between the halves of a step; a schedule puts its programs here."""

    def raw_transactions(self, depth: int) -> list[str]:
        return [raw for _, _, raws in self._recorded(depth) for raw in raws]

    def _recorded(self, depth: int) -> list[tuple[dict, list[str], list[str]]]:
        head = self.lane.anvil.head()
        asked = [("eth_getBlockByNumber", hex(number), False) for number in range(head - depth + 1, head + 1)]
        blocks = []
        for header in self.rpc.batch(asked):
            hashes = header["transactions"]
            raws = self.rpc.batch([("eth_getRawTransactionByHash", one) for one in hashes])
            blocks.append((header, hashes, raws))
        return blocks

    def _some(self, raws: list[str], complete: bool = False) -> list[str]:
        """Each account's first ones, mixed anew."""
        accounts: dict[str, list[str]] = {}
        for raw in raws:
            sender = self.rpc.call("eth_getTransactionByHash", _hash_of(self.rpc, raw))["from"]
            accounts.setdefault(sender, []).append(raw)
        kept = [
            list(mine if complete else mine[: self.rng.randint(0, len(mine))]) for mine in accounts.values()
        ]
        mixed = []
        while any(kept):
            mixed.append(self.rng.choice([mine for mine in kept if mine]).pop(0))
        return mixed

    def _count(self, what: str, depth: int) -> None:
        self.reorganisations += 1
        self.deepest = max(self.deepest, depth)
        self.highest = max(self.highest, self.lane.anvil.head())
        self._tell(what, depth)

    def _tell(self, what: str, number: int) -> None:
        self.told.append(f"{what} {number}" if number else what)


def _hash_of(rpc, raw: str) -> str:
    return rpc.call("web3_sha3", raw)


def run_case(lane: scene.Lane, case: Case, folder) -> scene.Outcome:
    rng = random.Random(case.seed)
    if lane.anvil.head() < lane.ready_block + FINALITY:
        lane.anvil.mine(FINALITY)
    chain = Chain(lane, rng)
    first = lane.anvil.head() + 1
    for _ in range(rng.randint(1, 8)):
        chain.grow(1)
        if rng.random() < 0.4:
            lane.anvil.mine(rng.randint(1, 8))
    with FaultProxy(lane.anvil.port, rng.getrandbits(32)) as proxy:
        config = {"HTTP_RPC_URL": proxy.url, "WS_RPC_URL": proxy.ws_url}
        run = _live if case.kind == "live" else _turns
        settings = LIVE if case.kind == "live" else TURNS
        stack, checker = lane.stack(folder, first, **config, **settings), lane.checker(first)
        if rng.random() < ASKED_BY_NUMBER:
            chain.told.append("no calls by a block's hash")
            proxy.add("no_call_by_hash", ["eth_call"])
        problems, took = run(chain, proxy, stack, checker, first)
    figures = {"reorganisations": chain.reorganisations, "deepest": chain.deepest, "converged": took}
    figures["kinds"] = scene.kinds(stack.database)
    figures["reversed"] = stack.database.count("onchain_trades", "reverses_trade_id IS NOT NULL")
    if problems:
        (folder / "schedule.txt").write_text("\n".join(chain.told) + "\n")
    return scene.Outcome(problems, figures)


def _turn(stack, rng: random.Random, problems: list[str], told: list[str]) -> None:
    """Cron, not always as far as to the hedge."""
    names = ("backfiller", "processor", "executor", "processor")[: rng.choice((1, 2, 4, 4))]
    told.append("run " + " ".join(names))
    for name in names:
        scene.once(stack, name, problems, allowed=(0, 75))


def _ends_above(chain: Chain, first: int) -> None:
    """A chain that got shorter is judged when it has grown to its old height again: a node that lags looks the same."""
    while chain.lane.anvil.head() < max(first, chain.highest):
        chain.grow()


def _turns(chain: Chain, proxy, stack, checker, first) -> tuple[list[str], float]:
    rng, problems = chain.rng, []
    chain.middle = lambda: _turn(stack, rng, problems, chain.told)
    chain.middle()
    for _ in range(rng.randint(1, 4)):
        step = rng.random()
        if step < 0.2:
            chain.grow()
        elif step < 0.45:
            _reorg_under_way(chain, proxy, stack, problems)
        else:
            chain.any_reorg()
        if rng.random() < 0.7:
            chain.middle()
    if rng.random() < 0.5:
        chain.grow()
    _ends_above(chain, first)
    began = time.monotonic()
    problems = list(problems) or scene.converge_once(stack, checker)
    return problems, time.monotonic() - began


def _reorg_under_way(chain: Chain, proxy, stack, problems: list[str]) -> None:
    """While the backfiller reads, or the processor asks what shares of a vault were worth in a block: between two of its
    requests, the same two whenever the schedule is run again."""
    rng, happened = chain.rng, []
    method, number = rng.choice(("eth_getLogs", "eth_getBlockByNumber", "eth_blockNumber", "eth_call")), rng.randint(1, 6)
    program = "processor" if method == "eth_call" else "backfiller"
    middle, chain.middle = chain.middle, lambda: None

    def strike() -> None:
        happened.append(True)
        chain.any_reorg()

    chain.grow()
    if program == "processor":
        chain.told.append("run backfiller")
        scene.once(stack, "backfiller", problems, allowed=(0, 75))
    chain.told.append(f"at request {number} of {method}:")
    proxy.when(method, number, strike)
    scene.once(stack, program, problems, allowed=(0, 75), BACKFILL_CONCURRENCY=1)
    proxy.forget_hooks()
    if not happened:
        chain.told.append("which never came, so afterwards:")
        chain.any_reorg()
    chain.middle = middle


def _live(chain: Chain, proxy, stack, checker, first) -> tuple[list[str], float]:
    rng, group = chain.rng, scene.Group(stack)
    if rng.random() < 0.5:
        chain.told.append("gethify")
        proxy.gethify()

    def breathe() -> None:
        time.sleep(rng.choice((0, 0.02, 0.1, 0.3, 0.6)))
        group.tend()

    chain.middle = breathe
    group.start()
    try:
        breathe()
        for _ in range(rng.randint(2, 5)):
            step = rng.random()
            if step < 0.2:
                chain.told.append("down")
                group.stop()
                chain.any_reorg()
                group.start(scene.PROGRAMS)
            elif step < 0.4:
                chain.grow()
            else:
                chain.any_reorg()
            breathe()
        if rng.random() < 0.7:
            chain.grow()
        _ends_above(chain, first)
        began = time.monotonic()
        problems = group.converge(checker)
        took = time.monotonic() - began
    finally:
        group.stop()
    return group.problems + problems, took


# Below the finalized block


def _books(stack) -> tuple:
    events = "SELECT id, tx_hash, log_index, block_hash, removed, processed FROM event_queue ORDER BY id"
    trades = "SELECT id, event_id, amount, direction, reverses_trade_id FROM onchain_trades ORDER BY id"
    return stack.database.rows(events), stack.database.rows(trades)


def run_finalized(lane: scene.Lane, case: Case, folder) -> scene.Outcome:
    """With slots of one block, finalized is two below the head: so much may go, and not a block more."""
    rng, depth = random.Random(case.seed), case.number
    lane.mine(rng, 1)
    first = lane.anvil.head()
    for _ in range(12):
        lane.mine(rng, 1)
    stack, checker = lane.stack(folder, first, **TURNS), lane.checker(first)
    problems: list[str] = []
    for name in ("backfiller", "processor", "executor", "processor"):
        scene.once(stack, name, problems, allowed=(0,))
    before = _books(stack)
    executions = stack.database.count("executions")
    lane.anvil.reorg(depth)
    if depth <= 2:
        return scene.Outcome(problems + scene.converge_once(stack, checker), {"reorganisations": 1})
    for turn in range(2):
        for name in ("backfiller", "processor", "executor"):
            scene.once(stack, name, problems)
        lane.mine(rng, turn)
    halted = stack.database.row("SELECT value, reason FROM controls WHERE name = 'trading_halted'")
    if not halted or halted["value"] != "1" or not halted["reason"]:
        problems.append(f"a reorganisation of {depth} blocks, below the finalized one, did not halt trading: {halted}")
    for name, old, new in zip(("event_queue", "onchain_trades"), before, _books(stack)):
        if new[: len(old)] != old:
            problems.append(f"a reorganisation below the finalized block changed rows of {name}")
    if any(row["removed"] for row in _books(stack)[0]):
        problems.append("a reorganisation below the finalized block removed an event")
    if stack.database.count("executions", "status <> 'PENDING'") > executions:
        problems.append("an order went out though the chain cannot be trusted")
    return scene.Outcome(problems, {"reorganisations": 1, "deepest": depth})
