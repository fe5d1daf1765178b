"""Read plain YAML values into frozen dataclasses; whatever does not fit is named with its YAML path."""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ..errors import AdaptError

T = TypeVar("T")
Readers = Mapping[object, Callable[[object, str], object]]
_SCALARS: Mapping[object, str] = {int: "an integer", str: "a text", bool: "true or false"}


def read(kind: type[T], value: object, where: str, readers: Readers) -> T:
    """Read `value` as `kind`: dataclass, mapping, tuple, frozenset, Literal, optional or scalar, nested.

    `where` is the YAML path that errors name; `readers` overrides single types. Raises AdaptError.
    """
    return cast(T, _read(kind, value, where, readers))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint for a misspelt word: the closest known one, else all of them where they are few."""
    names = sorted(known)
    if close := difflib.get_close_matches(word.lower(), [name.lower() for name in names], n=1):
        return f"did you mean {next(name for name in names if name.lower() == close[0])}?"
    return f"one of: {', '.join(names)}" if len(names) <= 30 else ""


def mapping(value: object, where: str) -> dict[str, object]:
    """`value` as a mapping with text keys. Raises AdaptError."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _wrong("a mapping with text keys", value, where)
    return value


def items(value: object, where: str) -> list[object]:
    """`value` as a list. Raises AdaptError."""
    if not isinstance(value, list):
        raise _wrong("a list", value, where)
    return value


def _read(kind: object, value: object, where: str, readers: Readers) -> object:
    if kind in readers:
        return readers[kind](value, where)
    if isinstance(kind, type) and is_dataclass(kind):
        return _read_dataclass(kind, mapping(value, where), where, readers)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _read_literal(arguments, value, where)
    if origin in (Union, types.UnionType):  # X | None: an absent key never comes here
        return _read(arguments[0], value, where, readers)
    if origin in (tuple, frozenset):
        listed = enumerate(items(value, where))
        made = (_read(arguments[0], item, f"{where}[{i}]", readers) for i, item in listed)
        return tuple(made) if origin is tuple else frozenset(made)
    if origin is Mapping:
        return _read_mapping(arguments, value, where, readers)
    if type(value) is not kind:  # exact: true is no integer here
        raise _wrong(_SCALARS[kind], value, where)
    return value


def _read_dataclass(kind: type[Any], value: dict[str, object], where: str, readers: Readers) -> object:
    hints = get_type_hints(kind)
    for key in value:
        if key not in hints:
            raise AdaptError(f"unknown key {key}", where=where, hint=did_you_mean(key, hints))
    for field in fields(kind):
        if field.name not in value and field.default is MISSING:
            raise AdaptError(f"the key {field.name} is missing", where=where)
    return kind(**{key: _read(hints[key], item, f"{where}.{key}", readers) for key, item in value.items()})


def _read_mapping(
    arguments: tuple[object, ...], value: object, where: str, readers: Readers
) -> Mapping[object, object]:
    if not isinstance(value, dict):
        raise _wrong("a mapping", value, where)
    key_kind, item_kind = arguments
    return types.MappingProxyType(
        {
            _read(key_kind, key, f"{where} (a key)", readers): _read(item_kind, item, f"{where}.{key}", readers)
            for key, item in value.items()
        }
    )


def _read_literal(choices: tuple[object, ...], value: object, where: str) -> object:
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        hint = did_you_mean(str(value), map(str, choices))
        raise AdaptError(f"unknown value {value!r}", where=where, hint=hint)
    return value


def _wrong(expected: str, value: object, where: str) -> AdaptError:
    return AdaptError(f"expected {expected}, found {value!r}", where=where)
