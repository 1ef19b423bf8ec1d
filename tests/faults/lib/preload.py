"""The libraries of tests/faults/preload, compiled when they are older than their sources."""

import os
import subprocess
from pathlib import Path

from .anvil import ROOT

SOURCES = ROOT / "tests/faults/preload"
BUILT = ROOT / "build/faults"


def library(name: str) -> Path:
    source, target = SOURCES / f"{name}.c", BUILT / f"{name}.so"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        BUILT.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(f".{os.getpid()}")
        command = ["gcc", "-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run([*command, "-o", fresh, source, "-ldl"], check=True)
        fresh.replace(target)
    return target
