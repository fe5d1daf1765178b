"""A nested value as paths and scalars, so that two of them can be compared and their differences named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass


def flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, value in words) of every scalar: fields and keys are joined by dots, numbers written by repr."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from flat(getattr(value, field.name), _join(path, field.name))
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from flat(value[key], _join(path, str(key)))
    elif isinstance(value, tuple | list):
        for index, each in enumerate(value):
            yield from flat(each, f"{path}[{index}]")
    else:
        yield path, value if isinstance(value, str) else repr(value)


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    """(path, before, after) of all that differs, in the order of `before`, then of `after`; None where it is absent."""
    for path in dict.fromkeys((*before, *after)):
        if before.get(path) != after.get(path):
            yield path, before.get(path), after.get(path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
