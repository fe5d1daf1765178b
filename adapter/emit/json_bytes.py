"""Values to JSON, the same bytes for the same values: fields in order, floats by repr, ASCII, no NaN."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def json_object(value: object) -> dict[str, Json]:
    """A dataclass as a JSON object: a field that is None is left out. Raises TypeError as `as_json`."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"not a dataclass: {type(value).__name__}")
    named = ((field.name, getattr(value, field.name)) for field in fields(value))
    return {name: as_json(item) for name, item in named if item is not None}


def as_json(value: object) -> Json:
    """A dataclass, tuple or scalar as JSON values. Raises TypeError for what JSON has no word for."""
    if is_dataclass(value):
        return json_object(value)
    if isinstance(value, (tuple, list)):
        return [as_json(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def json_bytes(value: Json) -> bytes:
    """The JSON text, indented by two, with a final newline. Raises ValueError for NaN and infinity."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode("ascii")
