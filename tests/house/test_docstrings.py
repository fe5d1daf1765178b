"""Every module and everything public in it has a docstring; only the command line prints."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from icraft_adapt.tests.house.sources import Source, package_sources, parsed

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def undocumented(source: Source) -> list[str]:
    """Modules, public classes, and their public functions without a docstring; an empty file needs none."""
    tree = source.tree
    found = [f"{source.path}: the module"] if tree.body and not ast.get_docstring(tree) else []
    return found + [f"{source.at(n.lineno)}: {n.name}" for n in _public(tree) if not ast.get_docstring(n)]


def _public(scope: ast.Module | ast.ClassDef) -> Iterator[Documented]:
    """Public definitions, those of public classes too; what stands inside a function is private."""
    for node in scope.body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def printing(source: Source) -> list[str]:
    """Calls of print."""
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    return [source.at(c.lineno) for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]


def test_all_that_is_public_is_documented() -> None:
    assert not [line for source in package_sources() for line in undocumented(source)]


def test_only_the_command_line_prints() -> None:
    assert not [line for source in package_sources() if source.folder != "cli" for line in printing(source)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("x = 1", ["a.py: the module"]),
        ('"""Of a."""\ndef f(): ...', ["a.py:2: f"]),
        ('"""Of a."""\nclass C:\n    """Of C."""\n    def f(self): ...', ["a.py:4: f"]),
        ('"""Of a."""\ndef _f(): ...\nclass _C:\n    def f(self): ...', []),
        ('"""Of a."""\nclass C:\n    """Of C."""\n    def __init__(self): ...', []),
    ],
)
def test_finds_what_is_undocumented(text: str, found: list[str]) -> None:
    assert undocumented(parsed("a.py", text)) == found


def test_finds_a_print_and_takes_a_printing_method() -> None:
    assert printing(parsed("a.py", "def f():\n    print(1)\n    page.print(2)")) == ["a.py:2"]
