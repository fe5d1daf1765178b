"""report.json: the report in the schema that docs/report.schema.json states."""

from __future__ import annotations

from ..artifact import Artifact
from ..report.types import ActivationFit, Head, Report
from .json_bytes import Json, as_json, json_bytes, json_object

SCHEMA = "icraft-adapt/report/1"


def report_document(report: Report) -> dict[str, Json]:
    """The report as JSON values, in the schema's order. Fields of a stage that did not run are absent."""
    document: dict[str, Json] = {
        "schema": SCHEMA,
        "model": as_json(report.model),
        "target": as_json(report.target),
        "rewrites": as_json(report.rewrites),
        "declined": as_json(report.declined),
        "placement": as_json(report.placement),
        "activations": [_activation(fit) for fit in report.activations],
        "heads": None if report.heads is None else [_head(head) for head in report.heads],
        "reading": as_json(report.reading),
        "verify": None if report.verify is None else {"original_vs_adapted": as_json(report.verify)},
        "integers": as_json(report.integers),
        "layers": as_json(report.layers),
        "head_metrics": as_json(report.head_metrics),
        "detections": as_json(report.detections),
        "mixture": as_json(report.mixture),
        "recovery": as_json(report.recovery),
        "cost": as_json(report.cost),
        "artifacts": as_json(report.artifacts),
    }
    return {name: value for name, value in document.items() if value is not None}


def report_json(report: Report) -> Artifact:
    """report.json. Raises ValueError where a number is not finite."""
    return Artifact("report.json", json_bytes(report_document(report)))


def _activation(fit: ActivationFit) -> Json:
    return {
        "anchor": fit.anchor,
        "from": fit.source,
        "to": fit.to,
        "parameters": list(fit.parameters),
        "error": fit.error,
    }


def _head(head: Head) -> Json:
    """Extra roles are named only where there are any."""
    return {name: value for name, value in json_object(head).items() if name != "extra" or head.extra}
