"""report.md: every field of report.json, with its type."""

from __future__ import annotations

import json

from icraft_adapt.adapter.emit.report_schema import PATH
from icraft_adapt.docs.reference_pages.markdown import document
from icraft_adapt.docs.reference_pages.schema import section


def pages() -> dict[str, str]:
    """The page, by its name."""
    schema = json.loads(PATH.read_text(encoding="utf-8"))
    intro = [
        f"{schema['description']} The contract is [report.schema.json](../report.schema.json); how to read a report:"
        " [report.md](../report.md)."
    ]
    required = schema["required"]
    sections = [section(name, field, name in required) for name, field in schema["properties"].items()]
    return {"report.md": document("report.json", "`docs/report.schema.json`", intro, *sections)}
