"""The lines of scripts/cron.example, word for word as cron hands them to sh; only the places are those of the test."""

import os
import re
import subprocess

from lib.anvil import ROOT
from lib.ballast import binary

LINE = re.compile(r"^(\*/\d+|\d+) (\*|\d+) \* \* \* (\S+) (.*)$")


def run_lines(stack) -> dict[str, subprocess.CompletedProcess]:
    """What each line's user runs: what it printed is what cron would send."""
    text = (ROOT / "scripts/cron.example").read_text()
    places = {"/var/lib/ballast": stack.folder, "/var/log/ballast": stack.folder, "/var/backups/ballast": stack.folder / "backups",
              "/etc/ballast": stack.folder}
    programs = stack.folder / "bin"
    if not programs.exists():
        programs.mkdir()
        for name in ("backfiller", "processor", "executor", "monitor"):
            (programs / name).symlink_to(binary(name))
        (programs / "ballast-backup").symlink_to(ROOT / "scripts/backup")
    for place, instead in places.items():
        text = text.replace(place, str(instead))
    variables = dict(re.findall(r"^([A-Z]+)=(.*)$", text, re.MULTILINE))
    variables["PATH"] = f"{programs}:{os.environ['PATH']}"
    variables["BALLAST_BIN"] = str(programs)
    found = {}
    for line in text.splitlines():
        if match := LINE.match(line):
            assert "%" not in match[4], "cron takes % for a new line"
            found[match[3]] = subprocess.run(["sh", "-c", match[4]], env=variables, capture_output=True, text=True, timeout=60)
    return found


def test_the_lines_of_cron_hedge_back_up_and_speak_only_when_something_is_wrong(market, stack):
    (stack.folder / "ballast.conf").write_text("".join(f"{key}={value}\n" for key, value in stack.config.items()))
    secrets = stack.folder / "secrets"
    secrets.touch(mode=0o600)
    (stack.folder / "backups").mkdir()
    market.take("AAPL0x", "SELL", "1.5", usdc="345")
    runs = run_lines(stack)
    assert set(runs) == {"ballast-executor", "ballast-backup", "ballast-monitor"}
    for user, run in runs.items():
        assert (run.returncode, run.stdout + run.stderr) == (0, ""), user
    [execution] = stack.database.executions()
    assert execution["status"] == "FILLED"
    assert stack.database.position("AAPL") == "-0.5"
    assert len(list((stack.folder / "backups").iterdir())) == 1
    stack.run("executor", "halt", "looking into it")
    for backup in (stack.folder / "backups").iterdir():
        backup.unlink()
    (stack.folder / "backups").rmdir()
    runs = run_lines(stack)
    assert "looking into it" in runs["ballast-monitor"].stdout
    assert "not a folder that can be written" in runs["ballast-backup"].stdout
