"""What the documents say, piece by piece, for tests that hold them to it."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from .anvil import ROOT

FENCE = re.compile(r"^( *)```(\w*) *$")
RUN = re.compile(r"<!-- run: ([\w-]+) -->")
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *#*$")


@dataclass
class Block:
    language: str
    line: int
    text: str
    run: str = ""  # its name, when a test runs it


@dataclass
class Document:
    path: Path
    blocks: list[Block] = field(default_factory=list)
    prose: list[tuple[int, str]] = field(default_factory=list)  # the lines outside of blocks

    def spans(self) -> list[tuple[int, str]]:
        return [(number, span) for number, line in self.prose for span in SPAN.findall(line)]

    def links(self) -> list[tuple[int, str]]:
        return [(number, link) for number, line in self.prose for link in LINK.findall(SPAN.sub("", line))]

    def anchors(self) -> set[str]:
        """As GitHub makes them of headings."""
        found: dict[str, int] = {}
        for _, line in self.prose:
            if heading := HEADING.match(line):
                slug = re.sub(r"[^\w\- ]", "", heading[1].replace("`", "").lower()).replace(" ", "-")
                found[slug] = found.get(slug, -1) + 1
                if found[slug]:
                    found[f"{slug}-{found[slug]}"] = 0
        return set(found)


def read(path: Path) -> Document:
    document, block, indent, run = Document(Path(path)), None, "", ""
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if block is None and fence:
            block, indent, run = Block(fence[2], number + 1, "", run), fence[1], ""
        elif block is not None and fence:
            document.blocks.append(block)
            block = None
        elif block is not None:
            block.text += line.removeprefix(indent) + "\n"
        else:
            run = found[1] if (found := RUN.search(line)) else run if not line.strip() else ""
            document.prose.append((number, line))
    if block is not None:
        raise AssertionError(f"{path}:{block.line}: a block has no end")
    return document


def commands(text: str) -> list[list[str]]:
    """The commands of a shell block as words, without comments, prompts and what follows an operator."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:
            continue  # prose, or an answer with an apostrophe
        command: list[str] = []
        for word in [*words, ";"]:
            if word and set(word) <= set("|&;<>()"):
                if command:
                    found.append(command)
                command = []
            else:
                command.append(word)
    return found


def block_of(name: str, document: str) -> list[list[str]]:
    """The commands of the block that a test runs by this name."""
    [block] = [block for block in read(ROOT / document).blocks if block.run == name]
    return commands(block.text)
