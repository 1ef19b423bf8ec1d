"""What needs a person, told by a command: once for each cause, again while it lasts, and when it is gone."""

import datetime
import json
import re
import subprocess
import urllib.error
import urllib.request

import pytest

from lib.anvil import ROOT
from lib.ballast import Program, binary
from lib.ledger import Ledger
from lib.process import wait_until
from test_pipeline import wait_session

HOOK = """#!/usr/bin/python3 -SEs
import json, os, sys, time
with open({journal!r}, "a") as journal:
    journal.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
behaviour = os.environ.get("BALLAST_TEST_BEHAVIOUR")
if behaviour == "hang" and sys.argv[1] == "trading_halted":
    time.sleep(1000)
if behaviour == "fail":
    sys.exit(3)
if behaviour == "shout":
    os.write(1, b"\\x1b[31mred\\xff\\n2026-01-01T00:00:00.000Z error monitor: forged\\n" + b"x" * 100000)
"""
# What a person who looks at /proc would call a secret.
SECRETS = {"ALPACA_API_SECRET": "secret", "ENCRYPTION_KEY": "0" * 64, "SECRET_OF_ANOTHER": "x"}
HOSTILE = """'; $(touch /tmp/x) "`id`" --help * \\ %s\n\x1b[31m"""


def ago(**delta) -> str:
    time = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**delta)
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Call:
    def __init__(self, line: str):
        self.arguments, self.environment = json.loads(line)
        self.state = self.environment["BALLAST_ALERT_STATE"]
        self.name, self.text = self.arguments
        self.cause = self.name, self.environment["BALLAST_ALERT_SUBJECT"]


class Watch:
    """A ledger in which nothing is wrong, and a monitor that watches it and calls a command that keeps a journal."""

    def __init__(self, ledger: Ledger, folder):
        self.ledger, self.folder = ledger, folder
        self.journal = folder / "journal"
        self.hook = folder / "hook"
        self.hook.write_text(HOOK.format(journal=str(self.journal)))
        self.hook.chmod(0o755)
        ledger.write("INSERT INTO block_coverage VALUES (0, 100)")
        self.config = {"DATABASE_PATH": str(ledger.path), "MONITOR_LISTEN": "127.0.0.1:0", "MONITOR_PROGRAMS": "cron",
                       "MONITOR_STALE_SECONDS": "1", "MONITOR_DISK_LOW_MB": "0", "ALERT_COMMAND": str(self.hook),
                       "ALERT_AFTER_SECONDS": "0"}
        self.runs = []

    def start(self, **config) -> Program:
        program = Program("monitor", self.config | config, self.folder, run=len(self.runs) + 1)
        self.runs.append(program)
        self.url = program.wait_log(r"ready url=(\S+)/ ").group(1)
        return program

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def run(self, *arguments, **config) -> subprocess.CompletedProcess:
        return subprocess.run([binary("monitor"), *arguments], env=self.config | config, capture_output=True, text=True)

    @property
    def calls(self) -> list[Call]:
        return [Call(line) for line in self.journal.read_text().splitlines()] if self.journal.exists() else []

    def wait_calls(self, predicate, what: str, timeout: float = 15) -> list[Call]:
        wait_until(lambda: predicate(self.calls), timeout, what, [run.log for run in self.runs])
        return self.calls

    def wait_called(self, name: str, state: str = "firing", timeout: float = 15) -> Call:
        found = lambda calls: [call for call in calls if (call.name, call.state) == (name, state)]
        return found(self.wait_calls(found, f"{name} to be {state}", timeout))[0]

    def halt(self, reason: str = "looked odd") -> None:
        self.ledger.write("UPDATE controls SET value = '1', reason = ?", reason)

    def resume(self) -> None:
        self.ledger.write("UPDATE controls SET value = '0'")


@pytest.fixture
def watch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch")
    watch = Watch(Ledger(folder), folder)
    yield watch
    for program in watch.runs:
        if program.running:
            assert program.stop() == 0
        assert not program.crashed, program.text()


# By name and subject: what makes it so, and what ends it.
EXECUTION = ("INSERT INTO executions (id, symbol, shares, direction, broker, status, client_order_id, filled_shares, error,"
             " created_at, executed_at) VALUES ")
CAUSES = {
    ("trading_halted", ""): ("UPDATE controls SET value = '1', reason = 'looked odd'", "UPDATE controls SET value = '0'"),
    ("execution_held", "1"): (EXECUTION + "(1, 'A', '1', 'BUY', 'schwab', 'HELD', 'c1', '0', 'several could be it', :now, NULL)",
                              "UPDATE executions SET status = 'FAILED', executed_at = :now WHERE id = 1"),
    ("limit_reached", "B"): (EXECUTION + "(2, 'B', '1', 'BUY', NULL, 'PENDING', NULL, '0', 'MAX_DAILY_ORDERS: used up', :now, NULL)",
                             "DELETE FROM executions WHERE id = 2"),
    ("hedge_failing", "C"): (EXECUTION + ",".join(
        f"({i}, 'C', '1', 'BUY', 'alpaca', 'FAILED', 'c{i}', '0', 'not tradable', :now, :now)" for i in (3, 4, 5)),
        "UPDATE trade_accumulators SET net_position = '0', accumulated_long = '0'"),
    ("order_waiting", "6"): (EXECUTION + "(6, 'D', '1', 'BUY', NULL, 'PENDING', NULL, '0', 'no connection', :old, NULL)",
                             "UPDATE executions SET error = 'the market is closed' WHERE id = 6"),
    ("login_ending", "schwab"): ("INSERT INTO broker_tokens VALUES ('schwab', :login, '', '', 1, '')", "DELETE FROM broker_tokens"),
    ("coverage_gap", ""): ("INSERT INTO block_coverage VALUES (110, 120)", "DELETE FROM block_coverage WHERE first_block = 110"),
}


def change(ledger: Ledger, statements) -> None:
    values = {"now": ago(seconds=0), "old": ago(hours=1), "login": ago(days=6)}
    with ledger.transaction() as connection:
        for statement in statements:
            connection.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})


def test_each_cause_is_told_once_and_once_when_it_is_gone(watch):
    ledger = watch.ledger
    ledger.write("INSERT INTO trade_accumulators (symbol, net_position, accumulated_long) VALUES ('C', '5', '5')")
    ledger.event(1)
    ledger.event(2)
    watch.start()
    # An order that waits while trading is halted is not told for itself.
    later = {cause: CAUSES[cause] for cause in (("trading_halted", ""),)}
    first = {cause: causes for cause, causes in CAUSES.items() if cause not in later}
    change(ledger, [begin for begin, _ in first.values()])
    ledger.write("UPDATE event_queue SET outcome = 'quarantined', error = 'a symbol that is none' WHERE id = 1")
    ledger.write("UPDATE event_queue SET outcome = NULL, processed = 0, processed_at = NULL WHERE id = 2")
    expected = {*first, ("event_quarantined", "1"), ("event_waiting", "")}
    calls = watch.wait_calls(lambda calls: {call.cause for call in calls} >= expected, "all to be told")
    assert sorted(call.cause for call in calls) == sorted(expected)
    assert {call.state for call in calls} == {"firing"}
    texts = {call.name: call.text for call in calls}
    for name, words in {"execution_held": "several could be it", "limit_reached": "MAX_DAILY_ORDERS: used up",
                        "hedge_failing": "not tradable", "order_waiting": "no connection", "login_ending": "executor auth",
                        "coverage_gap": "blocks 101 to 109", "event_quarantined": "a symbol that is none",
                        "event_waiting": "has waited since"}.items():
        assert words in texts[name]

    change(ledger, [end for _, end in first.values()])
    ledger.write("UPDATE event_queue SET removed = 1")
    change(ledger, [later["trading_halted", ""][0]])
    watch.wait_called("trading_halted")
    change(ledger, [later["trading_halted", ""][1]])
    expected.add(("trading_halted", ""))
    gone = lambda calls: {call.cause for call in calls if call.state == "resolved"}
    calls = watch.wait_calls(lambda calls: gone(calls) == expected, "all to be gone")
    assert sorted((call.cause, call.state) for call in calls) == sorted(
        (cause, state) for cause in expected for state in ("firing", "resolved"))
    assert all(call.text == "resolved: " + texts[call.name] for call in calls
               if call.state == "resolved" and call.name in texts)


def test_all_places_tell_alike(watch):
    watch.halt()
    watch.ledger.execution(1, "BUY", "1", None, "HELD", error="several could be it")
    watch.start()
    calls = watch.wait_calls(lambda calls: len(calls) == 2, "both to be told")
    told = [(call.name, call.text) for call in calls]
    assert [name for name, _ in told] == ["trading_halted", "execution_held"]
    status = watch.run("status")
    assert status.returncode == 1
    assert [line[2:] for line in status.stdout.splitlines() if line.startswith("! ")] == [text for _, text in told]
    problems = json.loads(watch.get("/api/state")[1])["problems"]
    assert [(problem["name"], problem["text"]) for problem in problems] == told
    assert [problem["subject"] for problem in problems] == ["", "1"]
    code, text = watch.get("/readyz")
    assert code == 503 and text == "".join(f"{name}: {words}\n" for name, words in told)
    metrics = watch.get("/metrics")[1]
    assert re.findall(r'^ballast_condition\{name="(\w+)"\} 1$', metrics, re.MULTILINE) == [name for name, _ in told]
    # The hook's own word comes before its end, which is what is counted.
    wait_until(lambda: "\nballast_alert_calls_total 2\n" in watch.get("/metrics")[1], 10, "both calls to be counted")
    watch.resume()
    watch.ledger.write("UPDATE executions SET status = 'FAILED', executed_at = created_at")
    wait_until(lambda: watch.get("/readyz") == (200, "ready\n"), 10, "the monitor to be ready")


def test_what_lasts_is_told_again_and_after_a_restart_of_the_monitor(watch):
    watch.halt()
    program = watch.start(ALERT_REPEAT_SECONDS="1")
    watch.wait_calls(lambda calls: len(calls) >= 3, "to be told three times")
    assert program.stop() == 0
    known = len(watch.calls)
    watch.start()
    calls = watch.wait_calls(lambda calls: len(calls) > known, "to be told anew")
    assert {call.cause for call in calls} == {("trading_halted", "")}
    assert {call.state for call in calls} == {"firing"}


def test_a_command_that_hangs_is_killed_and_holds_up_nothing(watch):
    watch.halt()
    watch.ledger.execution(1, "BUY", "1", None, "HELD")
    program = watch.start(ALERT_TIMEOUT_SECONDS="1", BALLAST_TEST_BEHAVIOUR="hang")
    watch.wait_called("trading_halted")
    assert watch.get("/healthz") == (200, "ok\n")
    assert len(watch.calls) == 1
    watch.wait_called("execution_held")
    assert "did not end within ALERT_TIMEOUT_SECONDS and was killed" in program.text()
    assert "\nballast_alert_failures_total 1\n" in watch.get("/metrics")[1]


def test_the_monitor_ends_with_a_command_that_hangs(watch):
    watch.halt()
    program = watch.start(BALLAST_TEST_BEHAVIOUR="hang")
    watch.wait_called("trading_halted")
    assert program.stop() == 0


def test_a_command_that_fails_is_tried_again(watch):
    watch.halt()
    program = watch.start(BALLAST_TEST_BEHAVIOUR="fail")
    watch.wait_calls(lambda calls: len(calls) == 2, "the second attempt")
    assert program.text().count("ALERT_COMMAND failed exit_code=3") >= 1
    assert program.text().count("a person is needed name=trading_halted") == 1


def test_what_a_command_says_cannot_forge_the_log(watch):
    watch.halt()
    program = watch.start(BALLAST_TEST_BEHAVIOUR="shout")
    program.wait_log(r"ALERT_COMMAND says more, which is left out")
    text = program.text()
    assert "\x1b" not in text and r"ALERT_COMMAND says: \x1b[31mred\xff" in text
    assert not re.search(r"^2026-01-01", text, re.MULTILINE)
    assert len(text) < 20000


def test_a_hostile_text_stays_one_argument(watch):
    watch.halt(HOSTILE)
    watch.start()
    call = watch.wait_called("trading_halted")
    assert len(call.arguments) == 2
    assert r"""'; $(touch /tmp/x) "`id`" --help * \ %s\x0a\x1b[31m""" in call.text


def test_alert_test_proves_the_way_and_hands_on_no_secret(watch):
    run = watch.run("alert-test", BALLAST_CHANNEL="night", **SECRETS)
    assert run.returncode == 0 and "left with 0" in run.stdout
    (call,) = watch.calls
    assert (call.name, call.state) == ("test", "test")
    assert call.environment["BALLAST_CHANNEL"] == "night"
    assert {name for name in call.environment if not name.startswith("BALLAST_")} <= {"PATH", "HOME", "LC_CTYPE"}
    failing = watch.run("alert-test", BALLAST_TEST_BEHAVIOUR="fail")
    assert failing.returncode == 69 and "exit_code=3" in failing.stderr
    assert watch.run("alert-test", ALERT_COMMAND="").returncode == 78


@pytest.mark.parametrize("command", ["mail root", "/nowhere/alert", "/tmp"])
def test_a_command_that_cannot_be_run_is_refused_at_start(watch, command):
    run = watch.run("--check", ALERT_COMMAND=command)
    assert run.returncode == 78 and "ALERT_COMMAND: must be the absolute path" in run.stderr


def test_a_listener_that_hears_nothing_and_a_disk_that_fills_are_told(watch):
    watch.ledger.write("INSERT INTO listener_sessions VALUES (1, 100, 'block_number', 100, ?, NULL, NULL)", ago(minutes=5))
    watch.ledger.at_work(1)
    watch.start(MONITOR_DISK_LOW_MB="1000000000", MONITOR_PROGRAMS="resident", MONITOR_STALE_SECONDS="60")
    assert "no block above 100 for 30" in watch.wait_called("listener_silent").text
    assert "MiB are left" in watch.wait_called("disk_low").text
    assert len(watch.calls) == 2


def test_a_program_that_dies_is_told_and_its_return(stack, tmp_path_factory):
    """With the four programs themselves."""
    programs = stack.start_all()
    wait_session(stack)
    watch = Watch(Ledger(tmp_path_factory.mktemp("other")), stack.folder)
    monitor = stack.start("monitor", **watch.config | {"DATABASE_PATH": str(stack.database.path), "MONITOR_PROGRAMS": "resident",
                                                       "MONITOR_STALE_SECONDS": "60"})
    watch.runs.append(monitor)
    watch.url = monitor.wait_log(r"ready url=(\S+)/ ").group(1)
    stack.wait_until(lambda: watch.get("/readyz")[0] == 200, what="all to be well")
    known = len(watch.calls)  # what was not covered yet when the monitor looked for the first time
    programs["listener"].kill9()
    call = watch.wait_called("listener_absent")
    assert "no listener has an open session" in call.text
    stack.start("listener")
    watch.wait_called("listener_absent", "resolved")
    assert {call.name for call in watch.calls[known:] if call.state == "firing"} == {"listener_absent"}
    programs["executor"].kill9()
    assert "nothing is hedged" in watch.wait_called("executor_absent").text


def promtool(*arguments, text: str | None = None) -> None:
    run = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == "", (arguments, run.stdout, run.stderr)


def test_prometheus_takes_the_metrics_and_the_rules(watch):
    ledger = watch.ledger
    ledger.trade(1, "BUY", "1.25", "100", "125")
    ledger.execution(2, "SELL", "1", "101.5")
    ledger.write("INSERT INTO trade_execution_links VALUES (1, 1, '1')")
    ledger.write("INSERT INTO trade_accumulators (symbol, net_position, accumulated_long) VALUES ('AAPL', '0.25', '0.25')")
    ledger.write("INSERT INTO broker_tokens VALUES ('schwab', ?, '', '', 1, '')", ago(days=1))
    ledger.write("INSERT INTO listener_sessions VALUES (1, 100, 'block_number', 100, ?, NULL, NULL)", ago(seconds=1))
    ledger.at_work(1)
    watch.start()
    profit = 'ballast_realised_profit_dollars{symbol="AAPL"} 1.5\n'
    wait_until(lambda: profit in watch.get("/metrics")[1], 10, "the profit")
    page = watch.get("/metrics")[1]
    promtool("check", "metrics", text=page)
    for line in ('ballast_position_shares{symbol="AAPL"} 0.25', 'ballast_fills_total{symbol="AAPL",direction="BUY"} 1',
                 'ballast_hedged_shares_total{symbol="AAPL",direction="SELL"} 1', "ballast_listener_session_open 1",
                 "ballast_coverage_contiguous_block 100", 'ballast_fill_to_order_seconds_bucket{le="60.0"} 1'):
        assert f"\n{line}\n" in page
    interface = (ROOT / "docs/monitor-api.md").read_text()
    families = re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE)
    assert len(families) > 30
    assert [family for family in families if not re.search(rf"`{family}[{{`]", interface)] == []
    promtool("check", "rules", str(ROOT / "docs/prometheus-rules.yml"))


def test_every_condition_is_explained_and_has_a_rule(watch):
    watch.start()
    names = re.findall(r'^ballast_condition\{name="(\w+)"\}', watch.get("/metrics")[1], re.MULTILINE)
    assert len(names) > 15
    explained = (ROOT / "docs/alarms.md").read_text()
    rules = (ROOT / "docs/prometheus-rules.yml").read_text()
    patterns = re.findall(r'name=~?"([^"]+)"', rules)
    for name in names:
        assert f"**{name}**" in explained, name
        assert name == "database_unreadable" or any(re.fullmatch(pattern, name) for pattern in patterns), name
    for metric in re.findall(r"\bballast_\w+", rules):
        family = re.sub(r"_bucket$", "", metric)
        assert re.search(rf"^# TYPE {family} ", watch.get("/metrics")[1], re.MULTILINE), metric
