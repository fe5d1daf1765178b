"""Check a report.json against its JSON Schema, docs/report.schema.json."""

from __future__ import annotations

from .json_bytes import Json
from .schema import SCHEMAS, validate

PATH = SCHEMAS / "report.schema.json"


def validate_report(document: Json, where: str = "report.json") -> None:
    """Raise AdaptError (exit 2) with the JSON path of the worst mistake, where `document` is no report."""
    validate(document, PATH, "report", where)
