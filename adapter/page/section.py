"""What a section of the page is, and all there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from . import sections
from .story import Story


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page, in the order of `place`. `build` gives what the template `sections/<name>.j2` calls `it`,
    a frozen value, or None where the run has nothing to tell there.
    """

    place: int
    name: str
    title: str
    build: Callable[[Story], object | None]


@cache
def all_sections() -> tuple[Section, ...]:
    """Every module of sections/ holds one SECTION named like the module; by their places.

    Raises whatever an import raises, TypeError for a module without a section, ValueError for two at one place.
    """
    found: dict[int, Section] = {}
    for info in sorted(iter_modules(sections.__path__), key=lambda info: info.name):
        section = getattr(import_module(f"{sections.__name__}.{info.name}"), "SECTION", None)
        if not isinstance(section, Section) or section.name != info.name:
            raise TypeError(f"page/sections/{info.name}.py must define SECTION, a Section of the name {info.name!r}")
        if section.place in found:
            raise ValueError(f"the sections {section.name} and {found[section.place].name} have the same place")
        found[section.place] = section
    return tuple(found[place] for place in sorted(found))
