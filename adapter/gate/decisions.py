"""What a run decided, read from its report.json and manifest.json: without the figures that it only measured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..output_folder import OutputFolder
from .flat import flat


@dataclass(frozen=True, slots=True)
class Decisions:
    """`plain` holds single values by their path, `rewrites` counts (rule, anchor) pairs, `activations` says by anchor
    what became of each, `assumptions` are the target's.
    """

    plain: Mapping[str, str]
    assumptions: tuple[str, ...]
    rewrites: Counter[tuple[str, str]]
    activations: Mapping[str, str]


def decisions_of(folder: OutputFolder) -> Decisions:
    """From the folder's own files, which `read_folder` has checked."""
    report: dict[str, Any] = json.loads((folder.path / "report.json").read_bytes())
    manifest = folder.manifest
    plain = {
        **_under("options", flat(manifest.options)),
        **_under("preprocess", flat(manifest.preprocess)),
        "target": manifest.target,
        "input": str(report["model"]["inputs"][0]["shape"]) if report["model"]["inputs"] else "none",
        **_under(
            "reading", flat({key: report["reading"][key] for key in ("family", "sigmoid_inside", "decoded_inside")})
        ),
        **_under("heads", flat(report["heads"])),
        **_under("placement", flat(report.get("placement", {}))),
        **_under("cost", flat(report.get("cost", {}))),
        **_under("integers", flat(_chosen(report.get("integers", {})))),
    }
    return Decisions(
        plain,
        tuple(report["target"]["assumptions"]),
        Counter((each["rule"], each["anchor"]) for each in report["rewrites"]),
        {each["anchor"]: _fit(each) for each in report["activations"]},
    )


def _chosen(integers: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: integers[key] for key in ("bits", "per", "wider") if key in integers}


def _fit(activation: Mapping[str, Any]) -> str:
    numbers = " ".join(f"{value:.4g}" for value in activation["parameters"])
    return f"{activation['from']} -> {activation['to']}" + (f" ({numbers})" if numbers else "")


def _under(name: str, values: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {f"{name}{path}" if path.startswith("[") else f"{name}.{path}": value for path, value in values}
