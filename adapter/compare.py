"""Certificates site by site, and original against adapted at the heads, on the user's images or on the probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ..graph.session import Session
from ..rewrites.core.certify import Certified, certify
from ..rewrites.core.run import Applied
from .facts import Facts
from .heads import Heads, compare_heads
from .prepare import Prepared
from .probe import probe_input
from .progress import Progress
from .request import Request


@dataclass(frozen=True, slots=True)
class Golden:
    """One input (float32 NCHW, by input name) with both networks' raw heads, by the adapted model's output names.

    `pairs` holds (original, adapted) heads of every input that was compared, the one above first.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    original: Heads
    adapted: Heads
    pairs: tuple[tuple[Heads, Heads], ...]


def certify_on_probe(
    request: Request, prepared: Prepared, applied: Applied, adapted: ModelProto, progress: Progress
) -> Certified:
    """Certify `adapted`, the network in the original's opset. The raw heads of the original are its taps."""
    outputs = prepared.reading.outputs()
    progress.stage("certifying")
    return certify(
        prepared.original,
        adapted,
        {output: tensor for tensor, output in outputs},
        applied.steps,
        {prepared.input_name: probe_input(prepared.input_shape, request.preprocess)},
        [tensor for tensor, _ in outputs] if request.calibration is None else [],
    )


def certify_conditioning(
    request: Request, prepared: Prepared, more: Applied, before: ModelProto, after: ModelProto
) -> Certified:
    """Certify steps that followed on others: on the network that those left, whose maps they give new names."""
    probe = {prepared.input_name: probe_input(prepared.input_shape, request.preprocess)}
    return certify(before, after, {}, more.steps, probe, [])


def compare(facts: Facts, progress: Progress) -> tuple[Facts, Golden]:
    """Run the final network where the original ran: on the images, else on the probe. The facts with the result."""
    prepared, seen, certified = facts.prepared, facts.calibration, facts.certified
    if seen is None:
        taps = certified.taps if certified is not None else {}
        inputs = [probe_input(prepared.input_shape, facts.request.preprocess)]
        truths: list[Heads] = [{output: taps[tensor] for tensor, output in prepared.reading.outputs()}]
        told = "noise"
    else:
        inputs, truths = list(seen.inputs), list(seen.heads)
        told = f"{len(inputs)} images" if len(inputs) > 1 else "1 image"
    progress.stage("comparing the heads", len(inputs))
    session = Session(facts.final)
    results: list[Heads] = []
    for tensor in inputs:
        results.append(session.run({prepared.input_name: tensor}))
        progress.advance()
    pairs = tuple(zip(truths, results, strict=True))
    verification = compare_heads(prepared.reading, pairs, told)
    golden = Golden({prepared.input_name: inputs[0]}, *pairs[0], pairs)
    return replace(facts, verification=verification), golden
