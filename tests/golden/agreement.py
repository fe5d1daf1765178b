"""Where an engine differs from the oracle on a random program: "" for nowhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.engine.protocol import Engine, Result
from icraft_adapt.golden.program import Program
from icraft_adapt.tests.golden.random_programs import many_layers, one_layer

Make = Callable[[Program], Engine]


def layer_difference(seed: int, kind: str, make: Make) -> str:
    """One layer of that kind."""
    program, inputs = one_layer(seed, kind)
    name = program.layers[-1].name
    (codes, counts), (expected, as_expected) = (e.run_layer(name, inputs) for e in (make(program), Oracle(program)))
    if not np.array_equal(codes, expected):
        return f"{kind} {seed}: maps of {expected.shape} differ in {np.count_nonzero(codes != expected)} codes"
    return "" if counts == as_expected else f"{kind} {seed}: {counts}, not {as_expected}"


def program_difference(seed: int, make: Make) -> str:
    """A whole program: every map, then the outputs alone, of two images one after the other."""
    program, image = many_layers(seed)
    every = [layer.name for layer in program.layers]
    engine, oracle = make(program), Oracle(program)
    for codes, keep in ((image, every), (image, None), (-image, None)):
        found = difference(program, engine.run(codes, keep), oracle.run(codes, keep))
        if found:
            return f"program {seed}: {found}"
    return ""


def difference(program: Program, found: Result, expected: Result) -> str:
    """The first layer whose map or counts differ."""
    for layer in program.layers:
        name = layer.name
        if name in expected.maps and not np.array_equal(found.maps[name], expected.maps[name]):
            return f"{name} ({layer.source}): maps differ"
        if found.counts[name] != expected.counts[name]:
            return f"{name} ({layer.source}): {found.counts[name]}, not {expected.counts[name]}"
    return "" if found.maps.keys() == expected.maps.keys() else "other maps"
