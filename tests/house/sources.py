"""The package's own Python files, each read and parsed once, and what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
PACKAGE = "icraft_adapt"
BESIDE_THE_PACKAGE = frozenset({"tests", "benchmarks", "docs", "build", "dist"})


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file; `path` is relative to the repository root."""

    path: PurePosixPath
    text: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        """The top-level folder, or the module's own name where the file stands at the root."""
        return self.path.parts[0] if len(self.path.parts) > 1 else self.path.stem

    def at(self, line: int) -> str:
        """path:line, as an editor takes it."""
        return f"{self.path}:{line}"


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module: its dotted name from the package root where `own`, else its absolute name."""

    line: int
    name: str
    own: bool

    @property
    def top(self) -> str:
        """The first word: a folder or a root module of ours, or a library."""
        return self.name.partition(".")[0]


def parsed(path: str, text: str) -> Source:
    """A file of this path and text."""
    return Source(PurePosixPath(path), text, ast.parse(text, path))


@cache
def package_sources() -> tuple[Source, ...]:
    """Every Python file of the package."""
    folders = sorted(f for f in ROOT.iterdir() if f.is_dir() and f.name not in BESIDE_THE_PACKAGE)
    inside = (file for f in folders if f.name.isidentifier() for file in sorted(f.rglob("*.py")))
    return tuple(_read(file) for file in (*sorted(ROOT.glob("*.py")), *inside))


@cache
def all_sources() -> tuple[Source, ...]:
    """The package's files and those of benchmarks/ and docs/."""
    beside = (file for name in ("benchmarks", "docs") for file in sorted((ROOT / name).rglob("*.py")))
    return (*package_sources(), *(_read(file) for file in beside))


@cache
def sources_of_tests() -> tuple[Source, ...]:
    """The files of tests/."""
    return tuple(_read(file) for file in sorted((ROOT / "tests").rglob("*.py")))


def imports(source: Source) -> Iterator[Import]:
    """Every import of the file, those inside functions and under TYPE_CHECKING too."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name, own=False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield Import(node.lineno, node.module or "", own=False)
        elif isinstance(node, ast.ImportFrom):
            parents = source.path.parts[:-1]
            base = ".".join((*parents[: len(parents) - node.level + 1], *filter(None, [node.module])))
            names = [base] if base else [alias.name for alias in node.names]
            yield from (Import(node.lineno, name, own=True) for name in names)


def _read(file: Path) -> Source:
    return parsed(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
