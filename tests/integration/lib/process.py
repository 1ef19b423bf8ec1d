"""Child processes that never outlive the tests, and waiting for what they do."""

import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.005

# Loaded once: nothing may be imported or looked up between fork and exec.
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def die_with_parent() -> None:
    """For Popen's preexec_fn: the kernel kills the child when the thread that started it ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Makes this process the parent of its descendants' orphans, so that children() sees them."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> dict[int, str]:
    """The living children of this process, by id: their command lines. Reaps orphans that ended."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            if int(parent) != os.getpid():
                continue
            pid = int(status.parent.name)
            if state == "Z":
                os.waitpid(pid, os.WNOHANG)
                continue
            found[pid] = (status.parent / "cmdline").read_text().replace("\0", " ").strip()
        except (FileNotFoundError, ProcessLookupError, ChildProcessError):
            continue
    return found


def tail(path: Path, lines: int = 15) -> str:
    """The end of a log file, for a message to a person."""
    if not path.exists():
        return f"--- {path}: not there"
    text = path.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"--- {path}, last {len(text)} lines", *text])


def wait_until(predicate, timeout: float = 10, what: str = "", logs=()):
    """Polls predicate() until it is true and returns what it returned.

    An exception of the predicate counts as "not yet": the database may not exist, the row not be there.
    logs: files whose ends go into the AssertionError when the time is over.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            last = predicate()
            if last:
                return last
        except Exception as error:  # told below, when it stays
            last = error
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_S)
    name = what or getattr(predicate, "__name__", "condition")
    raise AssertionError(
        "\n".join([f"waited {timeout} s for: {name}", f"last state: {last!r}", *map(tail, logs)])
    )
