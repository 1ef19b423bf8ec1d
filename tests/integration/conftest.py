"""What every integration test gets, and what is checked after each.

Run with Debian's Python: /usr/bin/python3 -m pytest tests/integration -k NAME
"""

import subprocess
from pathlib import Path

import pytest

from lib.anvil import ROOT, Anvil
from lib.ballast import Stack
from lib.database import Database
from lib.orderbook import Market
from lib.process import adopt_orphans, children, tail

INVARIANTS = ROOT / "tests/invariants.sql"


def pytest_configure(config):
    config.addinivalue_line("markers", "anvil(**options): how the node of the test runs, see Anvil")
    config.addinivalue_line("markers", "tokens(**decimals): further tokens of the market, by symbol")
    config.addinivalue_line("markers", "no_invariants: the database is broken on purpose")
    adopt_orphans()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure says where its logs and its database are, and shows the ends of the logs."""
    report = (yield).get_result()
    folder = item.funcargs.get("workdir") if hasattr(item, "funcargs") else None
    if report.failed and folder:
        logs = [tail(log) for log in sorted(folder.glob("*.log")) if log.name != "anvil.log"]
        report.sections.append(("logs and database", "\n".join([f"in {folder}", *logs])))


def options_of(request, name: str) -> dict:
    marker = request.node.get_closest_marker(name)
    return dict(marker.kwargs) if marker else {}


@pytest.fixture(scope="session")
def contracts():
    """The compiled contracts; nothing to do when they are newer than their sources."""
    subprocess.run(["node", ROOT / "tests/contracts/compile.js"], check=True)
    return ROOT / "build/contracts"


@pytest.fixture
def workdir(tmp_path) -> Path:
    """The test's own folder: logs, database."""
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_left_wrong(request, workdir):
    """Set up first, so checked last: no child process is left, and the database obeys its laws."""
    before = children()
    yield
    left = {pid: name for pid, name in children().items() if pid not in before}
    for pid in left:
        subprocess.run(["kill", "-KILL", str(pid)], check=False)
    database = Database(workdir / "ballast.db")
    broken = []
    if INVARIANTS.exists() and database.path.exists():
        if not request.node.get_closest_marker("no_invariants"):
            broken = database.broken_laws(INVARIANTS.read_text())
    assert not left, f"processes left behind: {left}"
    assert not broken, f"{database.path} breaks its laws:\n" + "\n\n".join(broken)


@pytest.fixture
def anvil(request, workdir):
    """A node of the test's own. Options: @pytest.mark.anvil(mining="manual", slots_in_an_epoch=1)."""
    with Anvil(workdir, **options_of(request, "anvil")) as node:
        yield node


@pytest.fixture
def market(request, anvil, contracts) -> Market:
    """A market with full vaults. More tokens: @pytest.mark.tokens(GME0x=18)."""
    return Market(anvil, contracts).deploy(options_of(request, "tokens"))


@pytest.fixture
def stack(market, workdir):
    """The programs, not yet started, on the test's market and database. Stopped at the end."""
    group = Stack(market, workdir)
    yield group
    group.stop()
