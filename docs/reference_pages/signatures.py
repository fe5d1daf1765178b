"""Signatures as they stand in the source: annotations unquoted, defaults short."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from types import FunctionType
from typing import Any, Protocol

from icraft_adapt.docs.reference_pages.markdown import code, table

_WIDTH = 100


def signature(each: type | FunctionType) -> str:
    """`def name(...) -> kind`; of a class `class Name(Base)`, for its fields have a table."""
    if isinstance(each, type):
        bases = ", ".join(base.__name__ for base in each.__bases__ if base is not object)
        return f"class {each.__name__}({bases})" if bases else f"class {each.__name__}"
    return _call(each.__name__, each)


def fields_table(kind: type) -> list[str]:
    """The fields of a dataclass, the attributes of a Protocol, or the members of an Enum; nothing for other classes."""
    if issubclass(kind, Enum):
        return table(("member", "value"), [(code(each.name), code(repr(each.value))) for each in kind])
    if Protocol in kind.__bases__ and (own := vars(kind).get("__annotations__")):
        return table(("field", "type"), [(code(name), code(str(of))) for name, of in own.items()])
    if not is_dataclass(kind):
        return []
    rows = [(code(f.name), code(str(f.type)), code(_default(f))) for f in fields(kind) if not f.name.startswith("_")]
    return table(("field", "type", "default"), rows)


def members(kind: type) -> Iterator[tuple[str, str, str]]:
    """(name, signature, docstring) of the class's own public methods and properties."""
    for name, value in vars(kind).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if name.startswith("_") or not isinstance(function, FunctionType) or not function.__doc__:
            continue
        told = _property(name, function) if isinstance(value, property) else _call(name, function)
        yield name, told, inspect.cleandoc(function.__doc__)


def _property(name: str, function: FunctionType) -> str:
    return f"{name}: {inspect.signature(function).return_annotation}"


def _call(name: str, function: Callable[..., Any]) -> str:
    """The call on one line, or one line for each parameter where that is too long."""
    told = inspect.signature(function)
    shown = [_parameter(each) for each in told.parameters.values() if each.name not in ("self", "cls")]
    star = next((i for i, each in enumerate(told.parameters.values()) if each.kind is each.KEYWORD_ONLY), None)
    if star is not None and not any(each.kind is each.VAR_POSITIONAL for each in told.parameters.values()):
        shown.insert(star - ("self" in told.parameters), "*")
    line = f"{name}({', '.join(shown)}) -> {told.return_annotation}"
    if len(line) <= _WIDTH:
        return line
    rows = "".join(f"    {each},\n" for each in shown)
    return f"{name}(\n{rows}) -> {told.return_annotation}"


def _parameter(each: inspect.Parameter) -> str:
    stars = "*" * (each.kind is each.VAR_POSITIONAL) + "**" * (each.kind is each.VAR_KEYWORD)
    told = f"{stars}{each.name}: {each.annotation}" if each.annotation is not each.empty else f"{stars}{each.name}"
    return told if each.default is each.empty else f"{told} = {_value(each.default)}"


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return _value(field.default)
    if field.default_factory is not MISSING:
        return f"{getattr(field.default_factory, '__name__', '...')}()"
    return ""


def _value(value: object) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)
