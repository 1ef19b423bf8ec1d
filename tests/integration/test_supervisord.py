"""The process group's file, under a real supervisord: which exit codes are started again, as whom, and with which umask."""

import os
import re
import subprocess

import pytest

from lib.anvil import ROOT
from lib.ballast import PROGRAMS
from lib.process import die_with_parent, tail, wait_until

GROUP = (*PROGRAMS, "monitor")

CONFIG = """[supervisord]
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
[include]
files={group}
"""

# Stands for a program: says how it was started, then leaves with the next of the exit codes that are written for it.
STAND_IN = """#!/bin/sh
echo "$(date +%s.%N) $(id -u) $(umask) $*" >> {folder}/$(basename $0).starts
code=$(sed -n "$(wc -l < {folder}/$(basename $0).starts)p" {folder}/$(basename $0).codes)
[ -n "$code" ] && exit $code
exec sleep 60
"""


class Supervisord:
    def __init__(self, folder, codes: dict[str, list[int]]):
        self.folder = folder
        (folder / "bin").mkdir()
        for name in GROUP:
            program = folder / "bin" / name
            program.write_text(STAND_IN.format(folder=folder))
            program.chmod(0o755)
            (folder / f"{name}.codes").write_text("".join(f"{code}\n" for code in codes.get(name, [])))
        (folder / "supervisord.conf").write_text(
            CONFIG.format(folder=folder, group=ROOT / "scripts/supervisord/ballast.conf"))
        environment = {"BALLAST_BIN": folder / "bin", "BALLAST_CONFIG": "/the/config", "BALLAST_SECRETS": "/the/secrets",
                       "BALLAST_LOG": folder} | {f"BALLAST_USER_{name.upper()}": os.getuid() for name in GROUP}
        self.process = subprocess.Popen(
            ["supervisord", "--nodaemon", "--configuration", folder / "supervisord.conf"], preexec_fn=die_with_parent,
            env=os.environ | {key: str(value) for key, value in environment.items()},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def starts(self, name: str) -> list[list[str]]:
        path = self.folder / f"{name}.starts"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def log(self) -> str:
        return (self.folder / "supervisord.log").read_text()

    def wait(self, predicate, what: str) -> None:
        wait_until(predicate, 20, what, [self.folder / "supervisord.log"])


@pytest.fixture
def supervise(workdir):
    running = []

    def start(codes):
        running.append(Supervisord(workdir, codes))
        return running[-1]

    yield start
    for group in running:
        group.process.terminate()
        assert group.process.wait(20) == 0, tail(workdir / "supervisord.log")


def test_exit_codes_decide_what_is_started_again(supervise):
    """75, 70, 69 and a crash are tried again after a second; 0, 64 and 78 never, also when they come at once."""
    group = supervise({"listener": [75, 70], "backfiller": [78], "processor": [64], "executor": [69], "monitor": [0]})
    group.wait(lambda: len(group.starts("listener")) == 3 and len(group.starts("executor")) == 2, "the restarts")
    group.wait(lambda: len(re.findall(r"(?:exited: \w+ .*; expected)", group.log())) == 3, "the three that stay ended")
    for name in ("backfiller", "processor", "monitor"):
        assert len(group.starts(name)) == 1
    times = [float(start[0]) for start in group.starts("listener")]
    assert all(after - before >= 1 for before, after in zip(times, times[1:]))


def test_each_program_has_its_user_its_files_and_a_umask_for_the_group(supervise):
    group = supervise({})
    group.wait(lambda: all(group.starts(name) for name in GROUP), "all five to start")
    for name in GROUP:
        [[_, user, umask, *arguments]] = group.starts(name)
        assert (user, umask) == (str(os.getuid()), "0007")
        secrets = ["--secrets", "/the/secrets"] if name == "executor" else []
        assert arguments == ["--config", "/the/config", *secrets]
