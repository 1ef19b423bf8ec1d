"""make install and make uninstall, the units, the users and the folders that come with it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lib.anvil import ROOT

SERVICES = ("listener", "backfiller", "processor", "executor", "monitor", "backup")

need_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="package systemd is not installed")


def make(target: str, root: Path, **variables) -> None:
    subprocess.run(["make", "-s", "-C", ROOT, target, f"DESTDIR={root}", *(f"{key}={value}" for key, value in variables.items())],
                   check=True, capture_output=True, text=True)


def tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """As a package has it."""
    root = tmp_path_factory.mktemp("root")
    make("install", root, PREFIX="/usr", UNITDIR="/lib/systemd/system")
    return root


@pytest.mark.parametrize("prefix", ["/usr/local", "/opt/a b"])
def test_uninstalling_leaves_what_was_there_before(workdir, prefix):
    root = workdir / "root"
    (root / prefix[1:] / "bin").mkdir(parents=True)
    (root / prefix[1:] / "bin/other").write_text("somebody's")
    before = tree(root)
    if " " in prefix:
        with pytest.raises(subprocess.CalledProcessError):
            make("install", root, PREFIX=prefix)
        assert tree(root) == before
        return
    make("install", root, PREFIX=prefix)
    make("install", root, PREFIX=prefix)
    assert "usr/local/share/man/man8/listener.8" in tree(root)
    make("uninstall", root, PREFIX=prefix)
    assert tree(root) == before


def test_what_is_installed_names_the_place_where_it_is(installed, workdir):
    other = workdir / "other"
    make("install", other, PREFIX="/opt/ballast")
    for name in SERVICES:
        program = "ballast-backup" if name == "backup" else name
        unit = f"ballast-{name}.service"
        assert f"\nExecStart=/usr/bin/{program} " in (installed / "lib/systemd/system" / unit).read_text()
        assert f"\nExecStart=/opt/ballast/bin/{program} " in (other / "opt/ballast/lib/systemd/system" / unit).read_text()
    environment = other / "opt/ballast/share/ballast/supervisord/environment.conf"
    assert "\nEnvironment=BALLAST_BIN=/opt/ballast/bin\n" in environment.read_text()
    for name in ("listener", "backfiller", "processor", "executor", "monitor", "ballast-backup"):
        assert os.access(installed / "usr/bin" / name, os.X_OK)


@need_systemd
def test_systemd_finds_nothing_wrong_with_the_units(installed):
    for target in Path("/lib/systemd/system").glob("*.target"):
        if not (installed / f"lib/systemd/system/{target.name}").exists():
            shutil.copy(target, installed / "lib/systemd/system")
    units = [installed / f"lib/systemd/system/ballast-{name}.service" for name in SERVICES]
    units += [installed / "lib/systemd/system/ballast.target", installed / "lib/systemd/system/ballast-backup.timer"]
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", *(f"--root={installed}",), *(unit.name for unit in units)],
                              capture_output=True, text=True)
    complaints = [line for line in verified.stderr.splitlines() if "ballast" in line]
    assert (verified.returncode, complaints) == (0, []), verified.stderr


@need_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_gives_its_program_little_room(installed, name):
    """systemd's own figure: 0 is all shut, 10 all open. The network and writing the database are what is left."""
    judged = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", f"--root={installed}",
                             f"ballast-{name}.service"], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout
    unit = (installed / f"lib/systemd/system/ballast-{name}.service").read_text()
    assert f"\nUser=ballast-{name}\n" in unit and "\nLimitCORE=0\n" in unit
    assert ("LoadCredential=" in unit) == (name == "executor")
    if name != "backup":
        assert re.search("^RestartPreventExitStatus=64 78$", unit, re.MULTILINE)
