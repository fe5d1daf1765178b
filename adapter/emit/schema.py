"""A JSON document against the JSON Schema (draft 2020-12) that ships in docs/."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from ...errors import AdaptError
from .json_bytes import Json

SCHEMAS = Path(__file__).parents[2] / "docs"


def validate(document: Json, schema: Path, what: str, where: str) -> None:
    """Raise AdaptError (exit 2) with the JSON path of the worst mistake, where `document` is none of the schema's."""
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is not None:
        raise AdaptError(f"not a {what}: {error.message}", where=f"{where}{error.json_path[1:]}")
