"""A local EVM node: anvil, on a free port of the loopback, gone when the test is over."""

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from .process import die_with_parent, tail, wait_until
from .rpc import Rpc

ROOT = Path(__file__).resolve().parents[3]
BINARY = ROOT / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
ACCOUNTS = 12


class Anvil:
    """One node. Use as a context manager, or start() and stop().

    mining: "auto" (a block for each transaction), "manual" (mine() only) or "interval" (a block every
    block_time seconds, fractions allowed). arguments: further options of anvil.
    """

    def __init__(
        self,
        folder: Path,
        *,
        mining: str = "auto",
        block_time: float = 1,
        chain_id: int = 8453,
        slots_in_an_epoch: int | None = None,
        arguments=(),
    ):
        self.log = Path(folder) / "anvil.log"
        self.mining = mining
        self.block_time = block_time
        self.chain_id = chain_id
        self.port = 0
        self.rpc: Rpc | None = None
        self.accounts: list[str] = []
        self._starts = 0
        self._slots = slots_in_an_epoch
        self._arguments = list(arguments)
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Anvil":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> "Anvil":
        """Starts the node, returns when it answers. Started again: the same port and a NEW chain."""
        command = [BINARY, "--host", "127.0.0.1", "--port", self.port, "--chain-id", self.chain_id]
        command += ["--accounts", ACCOUNTS, "--order", "fifo", "--hardfork", "cancun"]
        command += ["--gas-limit", 10**12, "--disable-code-size-limit", "--no-request-size-limit"]
        # Another time makes another genesis block, also when it is started twice in a second.
        command += ["--timestamp", int(time.time()) + self._starts]
        self._starts += 1
        if self._slots is not None:
            command += ["--slots-in-an-epoch", self._slots]
        if self.mining == "manual":
            command += ["--no-mining"]
        if self.mining == "interval":
            command += ["--block-time", self.block_time]
        with open(self.log, "ab") as log:
            seen = log.tell()
            self._process = subprocess.Popen(
                list(map(str, command + self._arguments)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
        try:
            self.port = wait_until(lambda: self._announced_port(seen), what="anvil to listen")
            self.rpc = Rpc(self.url)
            self.accounts = self.rpc.call("eth_accounts")
        except Exception:
            self.kill9()
            raise
        return self

    def stop(self) -> None:
        """Ends the node; harmless when it has ended."""
        if self.running:
            self.resume()
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        self.kill9()

    def kill9(self) -> None:
        """Ends the node without a goodbye: connections are cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self.rpc is not None:
            self.rpc.close()

    def pause(self) -> None:
        """The node hangs: connections stay and are accepted, nothing is answered."""
        os.kill(self._process.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{self._process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", what="anvil to stand still")

    def resume(self) -> None:
        """The node answers again, also what it was asked while it hung."""
        os.kill(self._process.pid, signal.SIGCONT)

    def head(self) -> int:
        """The number of the latest block."""
        return self.rpc.integer("eth_blockNumber")

    def mine(self, blocks: int = 1) -> int:
        """Mines blocks and returns the new head."""
        self.rpc.call("anvil_mine", hex(blocks))
        return self.head()

    def set_mining(self, mining: str, seconds: int = 1) -> None:
        """Changes how blocks come, from now on. An interval is whole seconds here."""
        self.mining = mining
        self.rpc.call("evm_setIntervalMining", 0)
        self.rpc.call("evm_setAutomine", mining == "auto")
        if mining == "interval":
            self.rpc.call("evm_setIntervalMining", seconds)

    @contextlib.contextmanager
    def one_block(self):
        """The transactions sent inside share one block, mined at the end. In "interval" mode blocks go on
        coming by themselves, so there it does nothing."""
        if self.mining == "auto":
            self.rpc.call("evm_setAutomine", False)
        try:
            yield
            if self.mining != "interval":
                self.mine()
        finally:
            if self.mining == "auto":
                self.rpc.call("evm_setAutomine", True)

    def snapshot(self) -> str:
        """Remembers the chain as it is, for revert(), once."""
        return self.rpc.call("evm_snapshot")

    def revert(self, snapshot: str) -> None:
        """Takes the chain back. Subscribers are told nothing."""
        if not self.rpc.call("evm_revert", snapshot):
            raise AssertionError(f"no snapshot {snapshot}")

    def reorg(self, depth: int, transactions=()) -> None:
        """Replaces the last depth blocks by as many others.

        transactions: pairs of (transaction object or raw hex, index of the new block it goes into, from
        0). The transactions of the old blocks are gone otherwise. Subscribers hear of the new blocks and
        their logs; anvil never says removed:true.
        """
        self.rpc.call("anvil_reorg", depth, [list(pair) for pair in transactions])

    def rollback(self, depth: int) -> None:
        """Drops the last depth blocks: the chain is shorter. Subscribers hear nothing."""
        self.rpc.call("anvil_rollback", depth)

    def _announced_port(self, seen: int) -> int:
        if not self.running:
            raise AssertionError(f"anvil ended\n{tail(self.log)}")
        with open(self.log, "rb") as log:
            log.seek(seen)
            found = re.search(rb"Listening on 127\.0\.0\.1:(\d+)\n", log.read())
        return int(found[1]) if found else 0
