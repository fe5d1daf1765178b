"""A JSON Schema as Markdown: a section for each property, a row for each field inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from icraft_adapt.docs.reference_pages.markdown import code, table

Schema = Mapping[str, Any]


def section(name: str, field: Schema, always: bool) -> list[str]:
    """The section of one property: what it is, and all fields inside."""
    inside = rows(name, field)
    there = "always there" if always else "there if its stage ran"
    lines = [f"## {name}", "", f"{_sentence(field['description'])} Type: {kind_of(field)}; {there}."]
    return [*lines, "", *table(("field", "type", "there", "meaning"), inside)] if inside else lines


def rows(path: str, schema: Schema) -> list[tuple[str, str, str, str]]:
    """A row for each field inside: its path, its type, whether it is always there, what it means."""
    return [(code(each), kind_of(field), there, field["description"]) for each, field, there in _fields(path, schema)]


def _fields(path: str, schema: Schema) -> Iterator[tuple[str, Schema, str]]:
    """(path, schema, whether it is always there) of all fields inside, depth first."""
    if "items" in schema:
        yield from _fields(f"{path}[]", schema["items"])
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        yield inner, field, "always" if name in required else "where it applies"
        yield from _fields(inner, field)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def kind_of(schema: Schema) -> str:
    """The type and what narrows it, in words."""
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    kind = str(schema["type"])
    if kind == "array":
        return f"list of {_plural(kind_of(schema['items']))}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_plural(kind_of(schema['additionalProperties']))}"
    return f"{kind} ≥ {schema['minimum']}" if "minimum" in schema else kind


def _plural(kind: str) -> str:
    word, _, rest = kind.partition(" ")
    return f"{word}s {rest}".strip()
