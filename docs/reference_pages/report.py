"""report.md: every field of report.json, with its type."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from icraft_adapt.adapter.emit.report_schema import PATH
from icraft_adapt.docs.reference_pages.markdown import code, document, table

Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """The page, by its name."""
    schema = json.loads(PATH.read_text(encoding="utf-8"))
    intro = [
        f"{schema['description']} The contract is [report.schema.json](../report.schema.json); how to read a report:"
        " [report.md](../report.md)."
    ]
    required = schema["required"]
    sections = [_section(name, field, name in required) for name, field in schema["properties"].items()]
    return {"report.md": document("report.json", "`docs/report.schema.json`", intro, *sections)}


def _section(name: str, field: Schema, always: bool) -> list[str]:
    rows = [(code(path), kind_of(each), there, each["description"]) for path, each, there in _fields(name, field)]
    there = "always there" if always else "there if its stage ran"
    lines = [f"## {name}", "", f"{_sentence(field['description'])} Type: {kind_of(field)}; {there}."]
    return [*lines, "", *table(("field", "type", "there", "meaning"), rows)] if rows else lines


def _fields(path: str, schema: Schema) -> Iterator[tuple[str, Schema, str]]:
    """(path, schema, whether it is always there) of all fields inside, depth first."""
    if "items" in schema:
        yield from _fields(f"{path}[]", schema["items"])
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field, "always" if name in required else "where it applies"
        yield from _fields(f"{path}.{name}", field)


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
