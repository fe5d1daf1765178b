"""What the program can say: every text in its source that is no docstring, with `...` for what it fills in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache

from icraft_adapt.tests.house.sources import package_sources

_HOLE = "..."


@cache
def templates() -> frozenset[str]:
    """Texts of the package, and every part of them up to a bracketed hint."""
    return frozenset(text for source in package_sources() for text in texts(source.tree))


def texts(tree: ast.Module) -> Iterator[str]:
    """Every constant text and f-string; a module's own constants are filled in, all else is a hole."""
    known = dict(_constants(tree.body))
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield plain("".join(_filled(part, known) for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield plain(node.value)


def plain(text: str) -> str:
    """The text in one form: one space between words, no quotes around a hole, no two holes in a row."""
    text = re.sub(r"'(\.\.\.)'", _HOLE, " ".join(text.split()))
    return re.sub(r"(\.\.\.[\s']*)+\.\.\.", _HOLE, text).strip("; ")


def said(message: str, among: Iterable[str]) -> bool:
    """Whether a text is this message: equal, or with words of the message where the text has a hole."""
    message = plain(message)
    return any(re.fullmatch(_pattern(text), message) for text in among)


def _pattern(template: str) -> str:
    """Holes take anything; at least one whole word must be the template's own."""
    if not re.search(r"\w{3}", template.replace(_HOLE, "")):
        return r"(?!)"
    return ".+".join(map(re.escape, template.split(_HOLE)))


def _filled(part: ast.expr, known: dict[str, str]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    value = part.value if isinstance(part, ast.FormattedValue) else part
    return known.get(value.id, _HOLE) if isinstance(value, ast.Name) else _HOLE


def _constants(body: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from ((target.id, node.value.value) for target in node.targets if isinstance(target, ast.Name))
