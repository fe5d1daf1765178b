"""The repository's Markdown pages, read: code blocks, links, headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from icraft_adapt.docs.reference_pages.markdown import slug

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^|\n\n)((?: {4}.*\n?|\n(?= {4}))+)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`[^`\n]+`")


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file; `name` is its path from the repository root."""

    name: str
    text: str

    @property
    def prose(self) -> str:
        """The text without its fenced code blocks."""
        return _FENCE.sub("", self.text)

    @property
    def headings(self) -> set[str]:
        """The anchors of its headings; a repeated one is numbered, as forges do."""
        titles = re.findall(r"^#{1,6} +(.+?) *#*$", self.prose, re.MULTILINE)
        counts: Counter[str] = Counter()
        anchors = set()
        for anchor in map(slug, titles):
            anchors.add(f"{anchor}-{counts[anchor]}" if counts[anchor] else anchor)
            counts[anchor] += 1
        return anchors

    @property
    def links(self) -> list[str]:
        """What its links lead to, in order; code is no link."""
        return _LINK.findall(_CODE_SPAN.sub("", self.prose))

    def blocks(self, language: str) -> list[str]:
        """The fenced code blocks of this language, without their indentation."""
        found = _FENCE.findall(self.text)
        return [
            "\n".join(line[len(pad) :] for line in code.split("\n")) for pad, name, code in found if name == language
        ]

    @property
    def code_lines(self) -> Iterator[str]:
        """Every line of code: of fenced and indented blocks, and spans within the prose; continued lines are joined."""
        fenced = [code for _, _, code in _FENCE.findall(self.text)]
        for block in (*fenced, *_INDENTED.findall(self.prose)):
            yield from (line.strip() for line in block.replace("\\\n", " ").splitlines())
        yield from (span.strip("`") for span in _CODE_SPAN.findall(self.prose.replace("\n", " ")))


@cache
def pages() -> tuple[Page, ...]:
    """All pages of the repository: at its root, and under docs/ and the package's folders."""
    files = sorted(file.relative_to(ROOT) for file in ROOT.rglob("*.md"))
    return tuple(read(file.as_posix()) for file in files if not any(map(_is_made_here, file.parent.parts)))


def _is_made_here(folder: str) -> bool:
    """Tools' own folders, and output folders of the main job."""
    return folder == "build" or folder.startswith(".") or "icraft" in folder


def read(name: str) -> Page:
    """The page of this path."""
    return Page(name, (ROOT / name).read_text(encoding="utf-8"))
