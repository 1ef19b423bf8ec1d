"""Ballast's programs as child processes, and the whole group on one database."""

import os
import re
import signal
import subprocess
from pathlib import Path

from .anvil import ROOT
from .database import Database
from .orderbook import Market
from .process import die_with_parent, tail, wait_until

PROGRAMS = ("listener", "backfiller", "processor", "executor")
INHERITED = re.compile(r"(ASAN|UBSAN|LSAN)_OPTIONS|LLVM_PROFILE_FILE|GCOV_.*|PATH|TMPDIR")

# Waits that are long in production and would only slow a test down.
FAST_SETTINGS = {
    "CUTOFF_TIMEOUT_SECONDS": "1",
    "PING_SECONDS": "1",
    "RECONNECT_MAX_SECONDS": "1",
    "RPC_TIMEOUT_MS": "3000",
    "TRAIL_SECONDS": "1",
}


def binary(name: str) -> Path:
    """The program under test: of build/bin, or of the folder BALLAST_BIN. A path stands for itself."""
    return Path(os.environ.get("BALLAST_BIN") or ROOT / "build/bin") / name


class Program:
    """One run of one program, behind the words of before. Its environment is config and nothing else that could
    configure it."""

    def __init__(self, name: str, config: dict, folder: Path, arguments=(), run: int = 1, before=()):
        self.name = Path(name).name
        self.log = Path(folder) / f"{self.name}.{run}.log"
        inherited = {key: value for key, value in os.environ.items() if INHERITED.fullmatch(key)}
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                [*map(str, before), binary(name), *map(str, arguments)],
                cwd=folder,
                env=inherited | {key: str(value) for key, value in config.items()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
        self.pid = self._process.pid
        self.killed = False
        self.expected: int | None = None  # an exit code that would else be a crash

    @property
    def returncode(self) -> int | None:
        """The exit code, -N after signal N; None while it runs."""
        return self._process.poll()

    @property
    def running(self) -> bool:
        return self.returncode is None

    @property
    def crashed(self) -> bool:
        """It ended by a signal that was not ours, a sanitizer's report (1) or a broken invariant (70)."""
        code = self.returncode
        if code is None or self.killed or code in (-signal.SIGTERM, self.expected):
            return False
        return code < 0 or code in (1, 70)

    def text(self) -> str:
        """All that it logged."""
        return self.log.read_text(errors="replace")

    def wait(self, timeout: float = 30) -> int:
        """Waits for its own end and returns the exit code."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end in {timeout} s\n{tail(self.log)}") from None

    def wait_log(self, regex: str, timeout: float = 10) -> re.Match:
        """Waits for a line; fails at once when the program ends without it."""

        def found():
            ended = not self.running
            match = re.search(regex, self.text(), re.MULTILINE)
            return match or ended

        match = wait_until(found, timeout, f"{self.name} to log /{regex}/", [self.log])
        if match is True:
            raise AssertionError(
                f"{self.name} ended ({self.returncode}) without /{regex}/\n{tail(self.log)}"
            )
        return match

    def stop(self, timeout: float = 5) -> int:
        """Asks it to stop and returns the exit code; what does not stop is a failure, and killed."""
        if self.running:
            self.resume()
            self._process.terminate()
        try:
            return self.wait(timeout)
        except AssertionError:
            self.kill9()
            raise

    def kill9(self) -> None:
        """Ends it in the middle of whatever it does."""
        self.killed = True
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Stack:
    """The programs of one test, on one database, pointed at one market.

    config: the environment of every program; change it before starting one. A program may be started again
    as often as wanted: runs are numbered in the log's name.
    """

    def __init__(self, market: Market, folder: Path):
        self.folder = Path(folder)
        self.database = Database(self.folder / "ballast.db")
        self.programs: list[Program] = []
        self.config = {
            "DATABASE_PATH": str(self.database.path),
            "WS_RPC_URL": market.anvil.ws_url,
            "HTTP_RPC_URL": market.anvil.url,
            "CHAIN_ID": str(market.anvil.chain_id),
            "ORDERBOOK": market.orderbook,
            "ORDER_OWNER": market.owner,
            "DEPLOYMENT_BLOCK": str(market.deployment_block),
            "BROKER": "dry-run",
            "LOG_LEVEL": "debug",
            **FAST_SETTINGS,
        }

    def start(self, name: str, *arguments, **changes) -> Program:
        """Starts one program; changes: configuration keys for this run alone."""
        run = 1 + sum(program.name == name for program in self.programs)
        program = Program(name, self.config | changes, self.folder, arguments, run)
        self.programs.append(program)
        return program

    def start_all(self) -> dict[str, Program]:
        """Starts the four, by name."""
        return {name: self.start(name) for name in PROGRAMS}

    def run(self, name: str, *arguments, expect: int = 0, timeout: float = 30, **changes) -> Program:
        """Runs one program to its own end: run("backfiller", "--once")."""
        program = self.start(name, *arguments, **changes)
        program.expected = expect
        code = program.wait(timeout)
        if code != expect:
            raise AssertionError(f"{name} exited {code}, not {expect}\n{tail(program.log)}")
        return program

    def wait_until(self, predicate, timeout: float = 10, what: str = ""):
        """process.wait_until with the logs of what runs."""
        logs = [program.log for program in self.programs if program.running]
        return wait_until(predicate, timeout, what, logs or [p.log for p in self.programs[-4:]])

    def stop(self) -> None:
        """Stops what runs, all asked before one is waited for. What did wrong, now or before, is told."""
        running = [program for program in self.programs if program.running]
        for program in running:
            program.resume()
            program._process.terminate()
        problems = []
        for program in running:
            try:
                if program.stop() != 0 and not program.crashed:
                    problems.append(f"{program.name} exited {program.returncode} on SIGTERM")
            except AssertionError as problem:
                problems.append(str(problem))
        for program in self.programs:
            if program.crashed:
                problems.append(
                    f"{program.name} crashed with {program.returncode}\n{tail(program.log)}"
                )
        if problems:
            raise AssertionError("\n".join(problems))
