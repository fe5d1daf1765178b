"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; a bar inside a cell is escaped."""
    lines = [list(titles), ["---"] * len(titles), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]


def code(text: str) -> str:
    """Text as code within a line; nothing stays nothing."""
    return f"`{text}`" if text else ""


def block(text: str, language: str = "text") -> list[str]:
    """The lines of a code block."""
    return [f"```{language}", *text.splitlines(), "```"]


def slug(heading: str) -> str:
    """The anchor of a heading, as git forges make it."""
    kept = (c for c in heading.strip().lower() if c.isalnum() or c in "-_ ")
    return "".join(kept).replace(" ", "-")


def link(text: str, page: str, heading: str = "") -> str:
    """A link to a page, or to one of its headings."""
    return f"[{text}]({page}{'#' + slug(heading) if heading else ''})"


def document(title: str, source: str, *parts: Iterable[str]) -> str:
    """A page: its title, where it comes from, its parts with a blank line between them."""
    note = f"Generated from {source} by `make docs`; do not edit."
    blocks = [f"# {title}", note, *("\n".join(part) for part in parts)]
    return "\n\n".join(text.rstrip() for text in blocks if text.strip()) + "\n"
