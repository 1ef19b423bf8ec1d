"""What the documents name exists, what they show runs: commands, options, settings, files, tables, queries, links."""

import contextlib
import functools
import json
import re
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

from lib.anvil import ROOT
from lib.ballast import PROGRAMS, binary
from lib.database import Database, statements
from lib.documents import Document, commands, read

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "ARCHITECTURE.md", *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*/README.md")])
TOOLS = (*PROGRAMS, "monitor")
COMMON = {"--config", "--once", "--check", "--help", "--version", "--secrets"}
# Words of commands that stand for anything, and where they come from.
PLACEHOLDER = re.compile(r"[A-Z][A-Z_-]*$|\.\.\.|…")
# Folders of a running system, and addresses: not ours to prove.
OUTSIDE = re.compile(r"^(/|~|https?:|wss?:|mailto:|\$|%)")
FILE_NAME = re.compile(r"^[\w./*{},-]+\.(c|h|py|md|sql|sh|conf|example|mjs|js|json|html|css|mk|ts)$")
# Files of a ledger and of an installation, which a clone does not have.
MADE = re.compile(r"^(ballast\.db|ballast\.conf$|environment\.conf$|supervisord\.conf$|build/|share/|FILE)")
IDENTIFIER = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")
SETTING = re.compile(r"^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(=.*)?$")
COLUMN = re.compile(r"^([a-z_]+)\.([a-z_]+)$")


def problems_of(document: Document) -> list[str]:
    """Every sentence names the line."""
    found: list[str] = []
    where = document.path.relative_to(ROOT) if document.path.is_relative_to(ROOT) else document.path.name

    def tell(line: int, problem: str | None) -> None:
        if problem:
            found.append(f"{where}:{line}: {problem}")

    for line, link in document.links():
        tell(line, wrong_link(document, link))
    for line, span in document.spans():
        tell(line, wrong_span(document, span))
    for block in document.blocks:
        for problem in wrong_block(block):
            tell(block.line, problem)
    return found


# Links


def wrong_link(document: Document, link: str) -> str | None:
    if OUTSIDE.match(link):
        return None
    name, _, anchor = link.partition("#")
    target = (document.path.parent / name).resolve() if name else document.path
    if not target.exists():
        return f"no such file: {link}"
    if anchor and anchor not in read(target).anchors():
        return f"no such heading: {link}"
    return None


# Code in a sentence


def wrong_span(document: Document, span: str) -> str | None:
    words = span.split()
    if words[0] in TOOLS and len(words) > 1 and any(span in path.read_text() for path in ROOT.glob("*/*.c")):
        return None  # a line of the log
    if words[0].removeprefix("./").split("/")[-1] in (*TOOLS, "make") and (len(words) > 1 or words[0] == "make"):
        return next(filter(None, map(wrong_command, commands(span))), None)
    if span in TOOLS:
        return None
    if setting := SETTING.match(span):
        return None if in_source(setting[1]) else f"no such setting: {setting[1]}"
    if (column := COLUMN.match(span)) and not FILE_NAME.match(span):
        return wrong_column(column[1], column[2])
    if IDENTIFIER.match(span):
        return None if span in names_of_schema() or in_source(span) else f"nothing is called {span}"
    if span.startswith("--") and len(words) == 1:
        return None if span in COMMON or any(span in options_of(tool) for tool in TOOLS) or in_source(span) else f"no such option: {span}"
    return wrong_file(document, span)


def wrong_column(table: str, column: str) -> str | None:
    if table in ("controls", "ledger") and in_source(column):
        return None  # a row by its name
    if table in schema():
        return None if column in schema()[table] else f"table {table} has no column {column}"
    # A file of the system or a call, as in process.group; or something of another program.
    return None if in_source(column) else f"no such table: {table}"


def wrong_file(document: Document, span: str) -> str | None:
    name = span.split("#")[0]
    if OUTSIDE.match(name) or MADE.match(name) or PLACEHOLDER.fullmatch(name.split("/")[-1]):
        return None
    if "/" in name and re.fullmatch(r"[\w.*{},/-]+", name) and name.split("/")[0] in top_folders():
        return None if exists(document, name) else f"no such file or folder: {name}"
    if FILE_NAME.match(name):
        return None if exists(document, name) or in_source(name) else f"no such file: {name}"
    return None


def exists(document: Document, name: str) -> bool:
    for one in braces(name):
        beside, below = document.path.parent.glob(one), ROOT.glob(one)
        if not any(beside) and not any(below) and not any(path.name == one or path.stem == Path(one).name for path in tracked()):
            return False
    return True


def braces(name: str) -> list[str]:
    if not (found := re.search(r"\{([^}]*)\}", name)):
        return [name]
    return [one for word in found[1].split(",") for one in braces(name.replace(found[0], word, 1))]


# Blocks


def wrong_block(block) -> list[str]:
    if block.language == "json":
        return wrong_parse(json.loads, block.text)
    if block.language in ("yaml", "yml"):
        return wrong_parse(yaml.safe_load, block.text) or wrong_scraping(block.text)
    if block.language == "sql":
        return [problem for statement in statements(block.text) if (problem := wrong_query(statement))]
    if block.language in ("", "sh"):
        return [problem for command in commands(block.text) if (problem := wrong_command(command))]
    return []


def wrong_parse(parse, text: str) -> list[str]:
    try:
        parse(text)
    except Exception as error:
        return [f"cannot be parsed: {error}"]
    return []


def wrong_scraping(text: str) -> list[str]:
    """Prometheus' own judgement of a configuration of it, where its tool is installed."""
    if "scrape_configs:" not in text or not shutil.which("promtool"):
        return []
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(["promtool", "check", "config", file.name], capture_output=True, text=True, check=False, timeout=30)
    return [] if done.returncode == 0 else [f"promtool: {' '.join((done.stdout + done.stderr).split())}"]


def wrong_query(statement: str) -> str | None:
    with contextlib.closing(example()) as database:
        try:
            database.execute(statement).fetchall()
        except sqlite3.Error as error:
            return f"{error}: {' '.join(statement.split())[:100]}"
    return None


def wrong_command(words: list[str]) -> str | None:
    """words[0] may be anything: what is not ours is not judged."""
    words = [word for word in words if word not in ("do", "then", "sudo", "export", "for", "break", "done")]
    while words and re.match(r"[A-Z_]+=", words[0]):
        if not in_source(words[0].partition("=")[0]):
            return f"no such setting: {words[0]}"
        words = words[1:]
    name = words[0].split("/")[-1] if words else ""
    if name == "make":
        return wrong_make(words[1:])
    if name in TOOLS and words[0] in (name, f"build/bin/{name}"):
        return wrong_arguments(name, words[1:])
    if name == "sqlite3":
        return next(filter(None, (wrong_query(word) for word in words[2:] if " " in word)), None)
    if words and words[0].split("/")[0] in ("scripts", "tests"):
        return None if (ROOT / words[0]).exists() else f"no such file: {words[0]}"
    return None


def wrong_make(words: list[str]) -> str | None:
    for word in words:
        variable = re.match(r"([A-Z_]+)=", word)
        if variable and not re.search(rf"\b{variable[1]}\b", makefile()):
            return f"make knows no {variable[1]}"
        if not variable and re.fullmatch(r"[a-z][\w-]*", word) and word not in targets():
            return f"no such target: make {word}"
    return None


def wrong_arguments(tool: str, words: list[str]) -> str | None:
    """Options and commands are those of --help."""
    takes, following, bare = options_of(tool), False, []
    for word in words:
        if following:
            following = False
        elif word.startswith("--"):
            option = word.split("=")[0].rstrip(".,;:")
            if option not in takes:
                return f"{tool} has no option {option}"
            following = takes[option]
        elif word.startswith("#"):
            break
        else:
            bare.append(word)
    if bare and not PLACEHOLDER.match(bare[0]) and re.fullmatch(r"[a-z]+", bare[0]):
        command = " ".join(bare[:2]) if bare[0] == "report" and len(bare) > 1 else bare[0]
        if not any(one == command or one.startswith(f"{command} ") for one in commands_of(tool)):
            return f"{tool} has no command {command}"
    return None


# What there is


@functools.cache
def help_of(tool: str) -> str:
    done = subprocess.run([binary(tool), "--help"], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout


@functools.cache
def options_of(tool: str) -> dict[str, bool]:
    """Each option, and whether a value follows."""
    lines = re.findall(r"^  (--[\w-]+(?:, --[\w-]+)*)( [A-Z_]+)?", help_of(tool), re.MULTILINE)
    return {name: bool(value) for names, value in lines for name in names.split(", ")}


@functools.cache
def commands_of(tool: str) -> list[str]:
    """What --help lists under Commands: the words before two blanks, without what they take."""
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", help_of(tool), re.MULTILINE)
    heads = re.findall(r"^  (\S.*?)(?:  .*)?$", listed[1], re.MULTILINE) if listed else []
    return [" ".join(re.findall(r"[a-z]+(?= |$)", one)) for head in heads for one in head.split(", ")]


@functools.cache
def makefile() -> str:
    return "\n".join(path.read_text() for path in [ROOT / "Makefile", *ROOT.glob("tests/*/*.mk")])


@functools.cache
def targets() -> set[str]:
    return {word for line in re.findall(r"^([\w -]+):(?!=)", makefile(), re.MULTILINE) for word in line.split()}


@functools.cache
def tracked() -> list[Path]:
    """What a clone has, and what is new and not ignored."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return [path for name in done.stdout.splitlines() if (path := ROOT / name).is_file()]


@functools.cache
def top_folders() -> set[str]:
    return {path.name for path in ROOT.iterdir() if path.is_dir()} - {"build", "node_modules"}


@functools.cache
def source() -> frozenset[str]:
    """Every word of every file that is no document, and no test of documents."""
    words: set[str] = set()
    for path in tracked():
        if path.suffix in (".md",) or path.name in ("test_docs.py", "documents.py") or "corpus" in path.parts:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        words |= set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)) | set(re.findall(r"[\w-]+(?:[./][\w-]+)+", text))
        words |= set(re.findall(r"--[a-z][a-z-]+", text)) | set(re.findall(r"ENV_([A-Z_]+)", text))
    return frozenset(words)


def in_source(word: str) -> bool:
    return word in source()


@functools.cache
def ready_made() -> bytes:
    """docs/schema.md's example, as SQL ran it."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        for path in [*sorted(ROOT.glob("schema/*.sql")), ROOT / "tests/integration/lib/ledger.sql"]:
            database.executescript(path.read_text())
        return database.serialize()


def example() -> sqlite3.Connection:
    """Opened as Database opens one, with the exact functions."""
    scratch = sqlite3.connect(":memory:")
    scratch.deserialize(ready_made())
    return Database.with_functions(scratch)


@functools.cache
def schema() -> dict[str, list[str]]:
    with contextlib.closing(example()) as database:
        tables = [row[0] for row in database.execute(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        )]
        return {table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")] for table in tables}


@functools.cache
def names_of_schema() -> set[str]:
    return {name for table, columns in schema().items() for name in (table, *columns)}


# The tests


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(path):
    assert problems_of(read(path)) == []


def test_every_block_that_a_test_runs_is_run():
    tests = "".join(path.read_text() for path in ROOT.glob("tests/integration/test_*.py"))
    names = [block.run for path in DOCUMENTS for block in read(path).blocks if block.run]
    assert len(names) >= 8 and len(set(names)) == len(names)
    assert [name for name in names if not re.search(rf'as_written\(\w+, "{name}"\)', tests)] == []


def test_the_page_of_the_schema_is_the_schema():
    """Every table a heading, every column in its first column, nothing else there."""
    told, table = {}, None
    for _, line in read(ROOT / "docs/schema.md").prose:
        if line.startswith("#"):
            table = line[4:].strip() if line.startswith("### ") else None
            if table:
                told[table] = []
        elif table and line.startswith("| ") and not line.startswith("| column"):
            told[table] += line.split("|")[1].replace(",", " ").split()
    assert {name: sorted(columns) for name, columns in told.items()} == {
        name: sorted(columns) for name, columns in schema().items()
    }


def test_the_queries_of_the_schema_answer_what_they_show():
    blocks = read(ROOT / "docs/schema.md").blocks
    shown = [(query, answer) for query, answer in zip(blocks, blocks[1:]) if query.language == "sql"]
    assert len(shown) >= 10
    with contextlib.closing(example()) as database:
        for query, answer in shown:
            assert answer.language == "result", f"docs/schema.md:{query.line}: shows no result"
            rows = database.execute(query.text).fetchall()
            found = ["|".join("" if value is None else str(value) for value in row) for row in rows]
            assert found == answer.text.splitlines(), f"docs/schema.md:{query.line}"


def test_the_example_obeys_the_laws(workdir):
    (workdir / "ballast.db").write_bytes(ready_made())
    # What conftest.py asks of every test's database.


WRONG = {
    "See [there](nowhere.md).": "no such file: nowhere.md",
    "See [there](README.md#no-such-part).": "no such heading",
    "Run `make tset`.": "no such target: make tset",
    "Run `make faults FAULTZ=1`.": "make knows no FAULTZ",
    "Run `executor halted`.": "executor has no command halted",
    "Run `monitor report losses`.": "monitor has no command report losses",
    "Run `processor --archive-all 3`.": "processor has no option --archive-all",
    "Set `RETENTION_WEEKS=3`.": "no such setting: RETENTION_WEEKS",
    "Look at `event_queue.gone_at`.": "table event_queue has no column gone_at",
    "Look at `archived_till`.": "nothing is called archived_till",
    "See `processor/archive_mover.c`.": "no such file or folder: processor/archive_mover.c",
    "See `archive_mover.c`.": "no such file: archive_mover.c",
    "Give `--no-such-thing`.": "no such option: --no-such-thing",
    "```\nbackfiller --verifiy --config x\n```": "backfiller has no option --verifiy",
    "```sh\nscripts/no-such --config x\n```": "no such file: scripts/no-such",
    "```sh\nsqlite3 -readonly ballast.db \"SELECT shares FROM event_queue\"\n```": "no such column: shares",
    "```sql\nSELECT nobody FROM executions;\n```": "no such column: nobody",
    "```json\n{\"a\": }\n```": "cannot be parsed",
    "```yaml\na: [1\n```": "cannot be parsed",
    "```yaml\nscrape_configs:\n  - jobname: x\n```": "promtool" if shutil.which("promtool") else None,
}


@pytest.mark.parametrize("text", [text for text, words in WRONG.items() if words])
def test_a_document_that_is_wrong_is_noticed(workdir, text):
    path = workdir / "wrong.md"
    shutil.copy(ROOT / "README.md", workdir / "README.md")
    path.write_text(f"# A page\n\nIt is right so far: `executor status`, `event_queue.id`, [here](#a-page).\n\n{text}\n")
    [problem] = problems_of(read(path))
    assert WRONG[text] in problem
