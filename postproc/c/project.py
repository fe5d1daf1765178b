"""What the generators give, put together: one library, its programs and self-tests, its build files and its manual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .render import comment, render

SUBJECT = "project"
MANUAL = "MANUAL.md"  # a subject's template of this name is its section of the README


@dataclass(frozen=True, slots=True)
class Component:
    """One generator's part. `files` are (name, text); the names in the other fields are among them.

    `headers` are installed, `units` make the library; each of `programs` and `checks` is one C file with a main, and a
    check ends with 0 where the library does what was expected of it. `manual` is a section of the README.
    """

    files: tuple[tuple[str, str], ...]
    headers: tuple[str, ...]
    units: tuple[str, ...]
    programs: tuple[str, ...]
    checks: tuple[str, ...]
    manual: str


def component(rendered: Iterable[tuple[str, str]], headers: Sequence[str]) -> Component:
    """From what a subject's templates give: a file `..._main.c` is a program, `..._selftest.c` a check, every other
    C file belongs to the library. Files without text are left out.
    """
    files = {name: text for name, text in rendered if text.strip()}
    manual = files.pop(MANUAL).strip()
    sources = [name for name in files if name.endswith(".c")]
    programs = tuple(name for name in sources if name.endswith("_main.c"))
    checks = tuple(name for name in sources if name.endswith("_selftest.c"))
    units = tuple(name for name in sources if name not in (*programs, *checks))
    return Component(tuple(files.items()), tuple(headers), units, programs, checks, manual)


def project(
    name: str, prefix: str, provenance: Sequence[str], components: Sequence[Component]
) -> Iterator[tuple[str, str]]:
    """(file name, text) of all components, sorted, and of Makefile, CMakeLists.txt and README.md for all of them.

    Raises ValueError for a file that two components have.
    """
    files = [file for each in components for file in each.files]
    if len(dict(files)) < len(files):
        raise ValueError(f"two components have a file of one name among {', '.join(sorted(n for n, _ in files))}")
    values = {
        "name": comment(name),
        "provenance": [comment(line) for line in provenance],
        "components": components,
        "all_headers": sorted(n for n, _ in files if n.endswith(".h")),
        **{kind: _all(components, kind) for kind in ("headers", "units", "programs", "checks")},
    }
    return iter(sorted((*files, *render(SUBJECT, prefix, values))))


def library(component: Component) -> dict[str, str]:
    """The text of a component's headers and units, by file name: what a program needs of it."""
    return {name: text for name, text in component.files if name.endswith(".h") or name in component.units}


def _all(components: Sequence[Component], kind: str) -> list[str]:
    return [name for each in components for name in getattr(each, kind)]
