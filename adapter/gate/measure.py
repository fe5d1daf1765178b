"""A program run on one input: every layer's fingerprint, under its anchor."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ...golden.engine.fast import FastEngine
from ...golden.engine.protocol import Result
from ...golden.fingerprint import SAMPLED, fingerprint
from ...golden.fixed import Codes
from ...golden.program import Program
from ...golden.storage import digest_of
from .baseline import LayerRecord, Runs

HEAD_SAMPLED = 1024  # codes kept of an output


def measure(program: Program, codes: Codes, anchors: Mapping[str, str]) -> tuple[LayerRecord, ...]:
    """Every layer in order, from the input's codes int64 [1, c, h, w]; `anchors` names every layer."""
    return records(program, run(program, codes), anchors)


def run(program: Program, codes: Codes) -> Result:
    """All maps of the program."""
    return FastEngine(program).run(codes, keep=[layer.name for layer in program.layers])


def records(program: Program, result: Result, anchors: Mapping[str, str]) -> tuple[LayerRecord, ...]:
    """What is kept of a run."""
    outputs = frozenset(program.outputs)
    return tuple(
        LayerRecord(
            anchors[layer.name],
            layer.source,
            layer.name if layer.name in outputs else None,
            layer.format.bits,
            runs_of(layer.format.normratios),
            digest_of(layer.operator),
            fingerprint(result.maps[layer.name], HEAD_SAMPLED if layer.name in outputs else SAMPLED),
            result.counts[layer.name],
        )
        for layer in program.layers
    )


def runs_of(normratios: NDArray[np.float64]) -> Runs:
    """Equal neighbours together."""
    return tuple((len(list(group)), value) for value, group in groupby(normratios.tolist()))
