"""Check a report.json against its JSON Schema, docs/report.schema.json (draft 2020-12)."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from ...errors import AdaptError
from .json_bytes import Json

PATH = Path(__file__).parents[2] / "docs" / "report.schema.json"


def validate_report(document: Json, where: str = "report.json") -> None:
    """Raise AdaptError (exit 2) with the JSON path of the worst mistake, where `document` is no report."""
    schema = json.loads(PATH.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is not None:
        raise AdaptError(f"not a report: {error.message}", where=f"{where}{error.json_path[1:]}")
