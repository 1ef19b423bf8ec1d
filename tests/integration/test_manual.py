"""The manual pages against the programs: every key with its default and its readers, every option, every table and column."""

import re
import sqlite3
import subprocess

import pytest

from lib.anvil import ROOT
from lib.ballast import PROGRAMS, binary

MANUAL = ROOT / "docs/man"
PAGES = sorted(MANUAL.glob("*.[58]"))
ALL = (*PROGRAMS, "monitor")
KEY = re.compile(r"^  ([A-Z][A-Z_]+) +(.*)$", re.MULTILINE)
# In parentheses, but no default: what an empty value means.
NO_DEFAULT = ("derived from", "live: needed", "empty:", "fill, refuse")


def help_of(program: str) -> str:
    return subprocess.run([binary(program), "--help"], capture_output=True, text=True, check=True).stdout


def default_in(text: str) -> str | None:
    """What stands in parentheses at the end: a default, "required", or a remark."""
    found = re.search(r"\(([^()]*)\)$", text)
    if not found or found[1].startswith(NO_DEFAULT):
        return None
    choices = re.search(r"\[([^\]]*)\] \(", text)
    return "" if found[1] == "required" and not (choices and "required" in choices[1].split("|")) else found[1]


def keys_of_programs() -> dict[str, dict[str, str | None]]:
    """By key, for each program that reads it: its default, "" when it must be given, None when it has none."""
    keys = {}
    for program in ALL:
        for name, text in KEY.findall(help_of(program).split("\nConfiguration")[1]):
            keys.setdefault(name, {})[program] = default_in(text)
    return keys


def keys_of_manual() -> dict[str, dict[str, str | None]]:
    """The same, as ballast.conf(5) tells it."""
    keys = {}
    text = (MANUAL / "ballast.conf.5").read_text().split(".Sh KEYS")[1].split(".Sh THE FILE OF SECRETS")[0]
    for entry in text.split("\n.It Ic ")[1:]:
        name, _, body = entry.partition("\n")
        told, _, readers = body.partition("\nRead by\n")
        default = re.search(r"^Default:\n\.Li (.*) \.$", told, re.MULTILINE)
        value = default[1] if default else "" if "\nRequired." in told else None
        special = dict(re.findall(r"^Default for the (\w+):\n\.Li (.*) \.$", told, re.MULTILINE))
        unset = re.findall(r"^No default for the (\w+)\.$", told, re.MULTILINE)
        keys[name] = {reader: None if reader in unset else special.get(reader, value)
                      for reader in re.findall(r"^\.Xr (\w+) 8", readers, re.MULTILINE)}
    return keys


def test_every_key_stands_in_the_manual_with_its_default_and_its_readers():
    programs, manual = keys_of_programs(), keys_of_manual()
    assert len(programs) > 50
    assert sorted(manual) == sorted(programs)
    assert manual == programs


@pytest.mark.parametrize("program", ALL)
def test_every_option_and_command_of_a_program_stands_on_its_page(program):
    text = help_of(program)
    page = (MANUAL / f"{program}.8").read_text()
    options = text.split("\nOptions:\n")[1].split("\nConfiguration")[0]
    named = set(re.findall(r"^  --([a-z-]+)", options, re.MULTILINE)) | {"help", "version"}
    items = "\n".join(re.findall(r"^\.It Fl .*$", page, re.MULTILINE))
    assert set(re.findall(r"-([a-z][a-z-]+)", items)) == named
    commands = text.split("\nCommands:\n")[1].split("\nOptions:")[0] if "\nCommands:\n" in text else ""
    for command in re.findall(r"^  ([a-z]+) ", commands, re.MULTILINE):
        assert re.search(rf"^\.It Cm {command}\b", page, re.MULTILINE), command
    codes = re.findall(r"^\.It (\d+)$", page.split(".Sh EXIT STATUS")[1], re.MULTILINE)
    assert {"0", "64", "69", "70", "75", "78"} <= set(codes)


def test_every_table_and_column_stands_in_the_manual(workdir):
    path = workdir / "made.db"
    subprocess.run([binary("executor"), "resume"], env={"DATABASE_PATH": str(path)}, check=True, capture_output=True)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    made = {table: [(row[1], row[2]) for row in connection.execute(f"PRAGMA table_info({table})")] for table in tables}
    connection.close()
    text = (MANUAL / "ballast-database.5").read_text().split(".Sh TABLES")[1].split(".Sh LAWS")[0]
    told = {}
    for entry in text.split("\n.Ss ")[1:]:
        table, _, body = entry.partition("\n")
        columns = body.partition("\n.Bl ")[2].split("\n.It Va ")[1:]
        told[table] = [(column.partition("\n")[0], re.findall(r"^(TEXT|INTEGER)\.$", column, re.MULTILINE)[-1]) for column in columns]
    assert told == made


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_are_well_formed(page):
    mandoc = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    assert (mandoc.returncode, mandoc.stdout) == (0, ""), mandoc.stdout


def test_every_page_that_is_referred_to_is_there_or_is_debians():
    debian = {"cron 8", "gzip 1", "systemd 1"}
    own = {page.name.replace(page.suffix, f" {page.suffix[1:]}") for page in PAGES}
    for page in PAGES:
        for name in re.findall(r"^\.(?:Pq see )?Xr ([\w.-]+ \d)", page.read_text(), re.MULTILINE):
            assert name in own | debian, (page.name, name)
