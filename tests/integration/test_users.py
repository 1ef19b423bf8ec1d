"""The programs as separate users: who can write, who can only read, and who cannot even do that."""

import hashlib
import subprocess

import pytest

from conftest import INVARIANTS
from lib.process import wait_until
from lib.users import STRANGER, USERS, SeparateUsers, attempt, need_root
from test_pipeline import wait_booked, wait_session

pytestmark = need_root
FILES = ("", "-wal", "-shm", ".lock")
OTHERS = {name: user for name, user in USERS.items() if name != "executor"} | {"stranger": STRANGER}


@pytest.fixture
def users(market, workdir):
    group = SeparateUsers(market, workdir)
    yield group
    group.stop_programs()
    broken = group.database.broken_laws(INVARIANTS.read_text())
    group.stop()
    assert not broken, "\n".join(broken)


def files_of(users) -> list:
    return [users.database.path.with_name(users.database.path.name + suffix) for suffix in FILES]


def contents(users) -> list[str]:
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files_of(users)]


@pytest.mark.parametrize("first", ["listener", "executor"])
def test_four_users_share_one_database_whoever_makes_it(market, users, first):
    users.let_monitor_read()
    users.start(first).wait_log("ready|subscribed")
    for name in ("processor", "backfiller", "listener", "executor"):
        if name != first:
            users.start(name)
    wait_session(users)
    fills = market.take("AAPL0x", "SELL", "1.5", usdc="345")
    fills += market.clear("tTSLA", "BUY", "2", usdc="500", bounty_bought="0.002")
    wait_booked(users, fills)
    assert users.database.path.stat().st_uid == USERS[first]
    assert {oct(file.stat().st_mode & 0o777) for file in files_of(users)} == {"0o660"}
    assert {program.pid: program.running for program in users.programs} == {p.pid: True for p in users.programs}


def test_the_monitor_reads_and_can_write_nothing(market, users):
    users.let_monitor_read()
    users.start_all()
    wait_session(users)
    wait_booked(users, market.take("AAPL0x", "SELL", "1.5", usdc="345"))
    monitor = USERS["monitor"]
    wait_until(lambda: users.attempt(monitor, users.bin / "monitor", "status").returncode == 0, 20, "the monitor to be content")
    executions = users.attempt(monitor, users.bin / "monitor", "report", "executions", "--csv")
    assert "AAPL" in executions.stdout and executions.returncode == 0
    users.stop_programs()
    before = contents(users)
    after_the_group = users.attempt(monitor, users.bin / "monitor", "report", "executions", "--csv")
    assert after_the_group.stdout == executions.stdout
    halt = users.attempt(monitor, users.bin / "executor", "halt", "by the monitor")
    assert (halt.returncode, "no permission" in halt.stderr) == (78, True), halt.stderr
    for file in files_of(users):
        assert users.attempt(monitor, "sh", "-c", f": >> {file}").returncode != 0
        assert users.attempt(monitor, "rm", "-f", file).returncode != 0
    assert users.attempt(monitor, "touch", users.data / "new").returncode != 0
    assert contents(users) == before
    assert sorted(users.data.iterdir()) == sorted(files_of(users))


def test_others_cannot_read_and_the_secrets_are_the_executors(market, users):
    secrets, key = users.home / "secrets", users.home / "encryption-key"
    secrets.write_text("ALPACA_API_KEY=PK1\nALPACA_API_SECRET=hidden\n")
    key.write_text("11" * 32)
    for file in (secrets, key):
        file.chmod(0o600)
        subprocess.run(["chown", str(USERS["executor"]), file], check=True)
    users.run("backfiller", "--once")
    users.run("executor", "--once", "--secrets", secrets)
    for file in files_of(users):
        assert users.attempt(USERS["executor"], "wc", "-c", file).returncode == 0
        assert users.attempt(STRANGER, "wc", "-c", file).returncode != 0
    refused = users.attempt(STRANGER, users.bin / "monitor", "status")
    assert refused.returncode == 78, refused.stderr
    for name, user in OTHERS.items():
        assert attempt(user, "cat", secrets).returncode != 0, name
        assert attempt(user, "cat", key).returncode != 0, name
        read = users.attempt(user, users.bin / "executor", "--once", "--secrets", secrets)
        assert (read.returncode, "Permission denied" in read.stderr) == (78, True), name


def test_the_usual_umask_keeps_other_users_of_the_group_from_writing(market, users):
    """Without UMask=0007 the file is its maker's alone; the next program says what is wrong, and waits for a person."""
    users.umask = "0022"
    users.run("backfiller", "--once")
    assert {oct(file.stat().st_mode & 0o777) for file in files_of(users) if file.exists()} == {"0o640"}
    refused = users.run("processor", "--once", expect=78)
    assert "the file may not be written: no permission" in refused.text()


def test_a_credential_of_systemd_is_a_file_of_secrets(market, users):
    """Where its folder knows ACLs, systemd makes it root's and lets the service read by one: mode 0440 for who looks."""
    folder = users.home / "credentials"
    folder.mkdir()
    secrets = folder / "secrets"
    secrets.write_text("ALPACA_API_KEY=PK1\n")
    secrets.chmod(0o400)
    folder.chmod(0o500)
    user = USERS["executor"]
    subprocess.run(["setfacl", "-m", f"u:{user}:r", secrets], check=True)
    subprocess.run(["setfacl", "-m", f"u:{user}:rx", folder], check=True)
    assert secrets.stat().st_mode & 0o777 == 0o440
    users.run("executor", "--once", "--secrets", secrets, CREDENTIALS_DIRECTORY=folder)
    # Without the word of systemd it is a file that some group may read.
    assert "others may read" in users.run("executor", "--once", "--secrets", secrets, expect=78).text()
    elsewhere = users.home / "secrets"
    elsewhere.write_text("ALPACA_API_KEY=PK1\n")
    elsewhere.chmod(0o440)
    subprocess.run(["setfacl", "-m", f"u:{user}:r", elsewhere], check=True)
    for path in (elsewhere, folder / "../secrets"):
        users.run("executor", "--once", "--secrets", path, CREDENTIALS_DIRECTORY=folder, expect=78)
    folder.chmod(0o555)
    users.run("executor", "--once", "--secrets", secrets, CREDENTIALS_DIRECTORY=folder, expect=78)
    assert attempt(USERS["monitor"], "cat", elsewhere).returncode != 0
