"""Certificates site by site, and original against adapted at the heads, on the user's images or on the probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ..graph.session import Session
from ..rewrites.core.certify import certify
from .facts import Facts
from .heads import Heads, compare_heads
from .probe import probe_input
from .progress import Progress


@dataclass(frozen=True, slots=True)
class Golden:
    """One input (float32 NCHW, by input name) with both networks' raw heads, by the adapted model's output names."""

    inputs: Mapping[str, NDArray[np.float32]]
    original: Heads
    adapted: Heads


def compare(facts: Facts, adapted: ModelProto, progress: Progress) -> tuple[Facts, Golden]:
    """Certify `adapted` (the network in the original's opset) and run the final one; the facts with both results."""
    prepared, seen = facts.prepared, facts.calibration
    probe = probe_input(prepared.input_shape, facts.request.preprocess)
    outputs = prepared.reading.outputs()
    taps = [tensor for tensor, _ in outputs] if seen is None else []
    renamed = {output: tensor for tensor, output in outputs}
    progress.stage("certifying")
    certified = certify(prepared.original, adapted, renamed, facts.applied.steps, {prepared.input_name: probe}, taps)
    if seen is None:
        inputs = [probe]
        truths: list[Heads] = [{output: certified.taps[tensor] for tensor, output in outputs}]
        told = "noise"
    else:
        inputs, truths = list(seen.inputs), list(seen.heads)
        told = f"{len(inputs)} images" if len(inputs) > 1 else "1 image"
    progress.stage("comparing the heads", len(inputs))
    session = Session(facts.final)
    results = []
    for tensor in inputs:
        results.append(session.run({prepared.input_name: tensor}))
        progress.advance()
    verification = compare_heads(prepared.reading, list(zip(truths, results, strict=True)), told)
    golden = Golden({prepared.input_name: inputs[0]}, truths[0], results[0])
    return replace(facts, certified=certified, verification=verification), golden
