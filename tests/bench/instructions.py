"""Instructions by callgrind: of decoding one event of each kind, and of applying one. No clock, so a regression shows."""

import re
import subprocess
import sys
from pathlib import Path

from lib import samples
from lib.programs import BUILT, binary, configuration, folder, run
from lib.report import Report

TIMES = 200


def count(path: Path, command: list, environment: dict | None = None) -> int:
    out = path / "callgrind.out"
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    run([*tool, *command], environment)
    return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE).group(1))


def per_run(path: Path, command, environment=None) -> float:
    """command(times) is run twice: what starting costs is in both, and falls out."""
    few, many = (count(path, command(times), environment and environment(times)) for times in (TIMES, 3 * TIMES))
    return (many - few) / (2 * TIMES)


def decoding(path: Path, name: str, logs: list[bytes]) -> float:
    texts = ["0x" + data.hex() for data in logs]
    return per_run(path, lambda times: [BUILT / "floor-decode", times, name, *texts])


def applying(path: Path) -> float:
    def database(times: int) -> Path:
        made = path / f"{times}.db"
        run([BUILT / "floor-queue", made, times, samples.write_queue(path / "samples.txt")])
        return made

    return per_run(
        path, lambda times: [binary("processor"), "--once"],
        lambda times: configuration(database(times), "http://127.0.0.1:1", LOG_LEVEL="info"),
    )


def measure(short: bool) -> Report:
    report = Report("instructions", "by callgrind, for one event; compare with the table in README.md")
    if subprocess.run(["which", "valgrind"], capture_output=True, check=False).returncode != 0:
        report.row("valgrind is not installed: scripts/setup bench", "")
        return report
    token = samples.equity(0)
    with folder() as path:
        take = samples.take(samples.OWNER, token, "SELL", 1)
        report.row(f"decode a TakeOrderV2 ({len(take):,} bytes)", decoding(path, "take", [take]))
        if not short:
            clear = samples.clear(samples.OWNER, token, 864)
            report.row(f"decode a ClearV2 and its AfterClear ({sum(map(len, clear)):,} bytes)", decoding(path, "clear", list(clear)))
        report.row("apply one event (833 bytes): all of the processor", applying(path))
    return report


if __name__ == "__main__":
    measure("--short" in sys.argv).print()
