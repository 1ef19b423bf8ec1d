"""The chain's truth, recomputed by viem in a node process (truth.mjs), without a line of Ballast's decoder.

    with TruthTeller() as teller: teller.ask(anvil.url, market.orderbook, [market.owner], market.deployment_block)
"""

import json
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


class TruthError(Exception):
    """The node could not be asked, or the chain holds what the truth cannot read."""


@dataclass(frozen=True)
class Truth:
    """events and fills: of the canonical chain, in its order; hashes: of the blocks from the first to the head.

    conversions: what the fills' shares of vaults were worth in their blocks; vaults: those.
    """

    head: int
    head_hash: str
    hashes: dict[int, str]
    events: list[dict]
    fills: list[dict]
    conversions: list[dict]
    vaults: list[dict]


class TruthTeller:
    """One long-lived process; questions of several threads take turns."""

    def __init__(self):
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "TruthTeller":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def ask(self, url: str, orderbook: str, owners, first_block: int) -> Truth:
        question = {"url": url, "orderbook": orderbook, "owners": list(owners), "first_block": first_block}
        with self._lock:
            answer = self._exchange(question)
        if "error" in answer:
            raise TruthError(answer["error"])
        return Truth(
            head=answer["head"]["number"],
            head_hash=answer["head"]["hash"],
            hashes={int(number): value for number, value in answer["hashes"].items()},
            events=answer["events"],
            fills=answer["fills"],
            conversions=answer["conversions"],
            vaults=answer["vaults"],
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()
            self._process = None

    def _exchange(self, question: dict) -> dict:
        if self._process is None:
            # Not bound to the thread that asks first: it ends when its standard input does.
            self._process = subprocess.Popen(
                ["node", HERE / "truth.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise TruthError(f"truth.mjs ended with {self._process.wait()}")
        return json.loads(line)
