"""A file has at most 300 lines, a function at most 40 (its decorators aside)."""

from __future__ import annotations

import ast

from icraft_adapt.tests.house.sources import Source, all_sources, parsed, sources_of_tests

MOST_FILE_LINES = 300
MOST_FUNCTION_LINES = 40


def oversized(source: Source) -> list[str]:
    """What is too long in the file."""
    lines = len(source.text.splitlines())
    found = [f"{source.path}: {lines} lines"] if lines > MOST_FILE_LINES else []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MOST_FUNCTION_LINES:
                found.append(f"{source.at(node.lineno)}: {node.name} has {length} lines")
    return found


def test_files_and_functions_are_short() -> None:
    assert not [line for source in (*all_sources(), *sources_of_tests()) for line in oversized(source)]


def test_the_limits_themselves_pass_and_one_more_line_does_not() -> None:
    def of(function: int, file: int) -> list[str]:
        text = "class C:\n    @staticmethod\n    def f():\n" + "        pass\n" * (function - 1)
        return oversized(parsed("graph/f.py", text + "\n" * (file - len(text.splitlines()))))

    assert of(MOST_FUNCTION_LINES, MOST_FILE_LINES) == []
    assert of(MOST_FUNCTION_LINES + 1, MOST_FILE_LINES) == ["graph/f.py:3: f has 41 lines"]
    assert of(MOST_FUNCTION_LINES, MOST_FILE_LINES + 1) == ["graph/f.py: 301 lines"]
