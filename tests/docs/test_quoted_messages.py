"""Every message that docs/troubleshooting.md quotes is one that the program can say."""

from __future__ import annotations

import ast
import re

import pytest

from icraft_adapt.tests.docs.messages import said, templates, texts
from icraft_adapt.tests.docs.pages import Page, read

PAGE = "docs/troubleshooting.md"
_SPAN = re.compile(r"`([^`]+)`")
# What is code, and no message: commands, options, file names, settings.
_CODE = re.compile(r"icraft-adapt .*|--[\w-]+( [\w,.]+)*|[\w./*<>-]+|[\w.]+ = \S+|\[\w+\]")


def quoted(page: Page) -> list[str]:
    """All messages that the page quotes: spans of words, and all that stands first in a table of messages."""
    found = []
    in_table = False
    for paragraph in re.sub(r"\n(?=[^|\n#-])", " ", page.prose).split("\n"):
        if paragraph.startswith("| message") or not paragraph.startswith("|"):
            in_table = paragraph.startswith("| message")
        first = paragraph.split(" | ")[0] if paragraph.startswith("|") else ""
        for span in map(" ".join, map(str.split, _SPAN.findall(paragraph))):
            if (in_table and f"`{span}`" in first) or not _CODE.fullmatch(span):
                found.append(span)
    return found


@pytest.mark.parametrize("message", quoted(read(PAGE)))
def test_the_program_says_it(message: str) -> None:
    assert said(message, templates()), "no text in the source is this message"


def test_the_page_quotes_many() -> None:
    assert len(quoted(read(PAGE))) > 50


def test_what_is_quoted() -> None:
    text = (
        "# T\n\n`a b` in `--pad 3` of\n`x.toml`\n\n| message | what |\n|---|---|\n| `exists` | `--force` and `c d` |\n"
    )
    assert quoted(Page("a.md", text)) == ["a b", "exists", "c d"]


@pytest.mark.parametrize(
    ("message", "known"),
    [
        ("no file model.json of 3", True),
        ("no file model.json of ...", True),
        ("no file x.json of ...", False),
        ("no file model.json", False),
        ("'...' is gone", True),
        ("either is gone", True),
        ("a docstring", False),
        ("this or that", True),
    ],
)
def test_a_message_and_its_source(message: str, known: bool) -> None:
    source = '''
"""a docstring"""
MARK = "model.json"
def f(x, y):
    """a docstring"""
    say(f"no file {MARK} of {x}")
    say(f"{x!r} is gone")
    say("this "
        "or that" if y else f"{x}{y}")
'''
    assert said(message, set(texts(ast.parse(source)))) is known
