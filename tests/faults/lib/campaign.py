"""What a campaign is: many named cases, each of which can be replayed alone.

A case is its name: it says everything that is not random, and what is random comes from the seed, the campaign and the
name alone.
"""

import multiprocessing
import os
import queue
import random
import shutil
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 120
MOST_TOLD, LONGEST_TOLD = 3, 700


@dataclass
class Options:
    seed: int
    amount: str  # "short" or "long"
    folder: Path
    only: str | None  # exactly one case, by its name
    jobs: int


@dataclass
class Report:
    name: str
    cases: int
    violations: list[str]
    figures: dict[str, str]


@dataclass
class Outcome:
    """What one case found: what is wrong, and what is to be counted."""

    problems: list[str] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)


def rng_of(options: Options, campaign: str, case: str) -> random.Random:
    return random.Random(f"{options.seed}/{campaign}/{case}")


def replay(options: Options, campaign: str, case: str) -> str:
    return f"tests/faults/run --seed {options.seed} --only {campaign}:{case}"


def chosen(options: Options, campaign: str, cases: list[str], count: int, group: str = "") -> list[str]:
    """All of them in a long campaign. In a short one so many, one of each of as many equal stretches of the list."""
    if options.amount == "long" or len(cases) <= count:
        return cases
    rng, width = rng_of(options, campaign, f"choice {group}"), len(cases) / count
    return [cases[int((number + rng.random()) * width)] for number in range(count)]


def run_cases(options: Options, campaign: str, cases: list[str], open_world, run_case) -> Report:
    """run_case(world, name, folder, rng) -> Outcome for each case, in options.jobs processes.

    open_world(folder): a context manager that gives what the cases of one process share.
    """
    if options.only:
        cases = [options.only]
    cases = list(dict.fromkeys(cases))
    home = Path(options.folder) / campaign
    context = multiprocessing.get_context("fork")
    following, results = context.Value("i", 0), context.Queue()
    workers = [
        context.Process(
            target=_work, args=(options, campaign, cases, following, results, home / f"worker{number}", open_world, run_case)
        )
        for number in range(max(1, min(options.jobs, len(cases))))
    ]
    for worker in workers:
        worker.start()
    report, counts, told, silent = Report(campaign, len(cases), [], {}), Counter(), set(), 0
    try:
        while len(told) < len(cases) and silent < PATIENCE_S:
            try:
                place, outcome = results.get(timeout=1)
            except queue.Empty:
                silent = silent + 1 if any(worker.is_alive() for worker in workers) else PATIENCE_S
                continue
            silent = 0
            told.add(place)
            counts += outcome.counts
            name = cases[place]
            report.violations += [
                f"{name}: {problem}\n  {replay(options, campaign, name)}" for problem in outcome.problems
            ]
    finally:
        for worker in workers:
            worker.join(10 if len(told) == len(cases) else 0)
            if worker.is_alive():
                worker.terminate()
                worker.join()
    report.violations += [
        f"{name}: the case never came to its end\n  {replay(options, campaign, name)}"
        for place, name in enumerate(cases)
        if place not in told
    ]
    report.figures = {name: str(count) for name, count in sorted(counts.items())}
    if not report.violations:
        shutil.rmtree(home, ignore_errors=True)
    return report


def _work(options, campaign, cases, following, results, folder, open_world, run_case) -> None:
    def next_place() -> int:
        with following.get_lock():
            following.value += 1
            return following.value - 1

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place, broken = next_place(), 0
    while place < len(cases):
        # A world that broke is replaced; the case in which it broke is told.
        try:
            with open_world(folder) as world:
                while place < len(cases):
                    results.put((place, _one(options, campaign, cases[place], folder, world, run_case)))
                    place, broken = next_place(), 0
        except Exception:
            results.put((place, Outcome([f"the harness failed: {traceback.format_exc(limit=-4)}"])))
            place, broken = next_place(), broken + 1
            if broken > 3:
                break
    results.close()
    results.join_thread()


def _one(options, campaign, name, folder, world, run_case) -> Outcome:
    own = Path(folder) / name
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    try:
        outcome = run_case(world, name, own, rng_of(options, campaign, name))
    except AssertionError as problem:
        outcome = Outcome([str(problem)])
    if outcome.problems:
        outcome.problems = [f"{_told(outcome.problems)}\n  in {own}"]
    else:
        shutil.rmtree(own, ignore_errors=True)
    return outcome


def _told(problems: list[str]) -> str:
    """One violation a case: the first things that are wrong with it."""
    told = [f"{problem[:LONGEST_TOLD]}..." if len(problem) > LONGEST_TOLD else problem for problem in problems[:MOST_TOLD]]
    more = len(problems) - len(told)
    return "\n  ".join(told + ([f"and {more} more"] if more > 0 else []))


def own_cores() -> int:
    return len(os.sched_getaffinity(0))
