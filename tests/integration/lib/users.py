"""Ballast's five users as production has them: four that write the database as one group, one that may only read it.

The ids need no entry in /etc/passwd. Only root can become them.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .ballast import Program, Stack, binary

WRITERS = 61000  # the group
READER = 61010
USERS = {"listener": 61001, "backfiller": 61002, "processor": 61003, "executor": 61004, "monitor": READER}
STRANGER = 61020


def why_not() -> str | None:
    """Root can become other users, unless it is root of a container that knows none; and /tmp may know no ACLs."""
    if os.geteuid() != 0:
        return "only root can start programs as other users"
    if subprocess.run(["setpriv", "--reuid", str(STRANGER), "--regid", str(STRANGER), "--clear-groups", "true"],
                      capture_output=True).returncode != 0:
        return "this root cannot become other users"
    with tempfile.TemporaryDirectory() as folder:
        if not shutil.which("setfacl") or subprocess.run(["setfacl", "-m", f"g:{READER}:rx", folder], capture_output=True).returncode != 0:
            return "no ACLs: the monitor's right to read is one"
    return None


need_root = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


def become(user: int, umask: str = "0007") -> list[str]:
    """The words before a command that is to run as that user and nothing more."""
    group = WRITERS if user in USERS.values() and user != READER else user
    return ["sh", "-c", f'umask {umask} && exec "$@"', "sh", "setpriv", "--reuid", str(user), "--regid", str(group),
            "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--pdeathsig", "KILL"]


def attempt(user: int, *command, **environment) -> subprocess.CompletedProcess:
    """Runs a command as that user to its end."""
    return subprocess.run([*become(user), *map(str, command)], capture_output=True, text=True, timeout=30,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} | environment, cwd="/")


class SeparateUsers(Stack):
    """A Stack whose programs run as their own users, in a folder as the package makes it. A folder of pytest's is for
    its own user alone, so this one stands beside it."""

    def __init__(self, market, folder: Path):
        super().__init__(market, folder)
        self.home = Path(tempfile.mkdtemp(prefix="ballast-users-"))
        self.home.chmod(0o755)
        self.bin = self.home / "bin"
        self.bin.mkdir()
        for name in USERS:
            shutil.copy(binary(name), self.bin / name)
        self.data = self.home / "data"
        self.data.mkdir()
        os.chown(self.data, 0, WRITERS)
        self.data.chmod(0o2770)
        self.database.path = self.data / "ballast.db"
        self.config["DATABASE_PATH"] = str(self.database.path)
        self.umask = "0007"

    def let_monitor_read(self) -> None:
        """As scripts/tmpfiles.d/ballast.conf does it."""
        subprocess.run(["setfacl", "-m", f"g:{READER}:rx,d:g:{READER}:rx", self.data], check=True)

    def start(self, name: str, *arguments, **changes) -> Program:
        run = 1 + sum(program.name == name for program in self.programs)
        program = Program(self.bin / name, self.config | changes, self.folder, arguments, run,
                          become(USERS[name], self.umask))
        self.programs.append(program)
        return program

    def attempt(self, user: int, *command, **environment) -> subprocess.CompletedProcess:
        return attempt(user, *command, DATABASE_PATH=str(self.database.path), **environment)

    def stop_programs(self) -> None:
        super().stop()

    def stop(self) -> None:
        self.stop_programs()
        shutil.rmtree(self.home)
