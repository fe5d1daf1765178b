"""Mutants: damaged models, each from a seed that gives the same damage every time."""

from __future__ import annotations

from numpy.random import Generator
from onnx import ModelProto

from icraft_adapt.tests.robustness.damage import change_field
from icraft_adapt.tests.robustness.lies import LIES, forget_shapes


def mutant(model: bytes, random: Generator) -> tuple[bytes, str]:
    """A damaged file, and in words what was done to it."""
    if random.random() < 0.08:
        return _damaged_file(model, random)
    proto = ModelProto.FromString(model)
    told = [forget_shapes(proto, random)] if random.random() < 0.3 else []
    for _ in range(1 if random.random() < 0.7 else int(random.integers(2, 5))):
        if not proto.graph.node or not proto.graph.initializer:
            break
        change = LIES[random.integers(len(LIES))] if random.random() < 0.6 else change_field
        told.append(change(proto, random))
    return proto.SerializeToString(), "; ".join(told)


def _damaged_file(model: bytes, random: Generator) -> tuple[bytes, str]:
    """The file cut short, or a few bytes of it changed; never inside the raw weights."""
    if random.random() < 0.4:
        length = int(random.integers(len(model)))
        return model[:length], f"cut after {length} bytes"
    damaged, told = bytearray(model), []
    allowed = _outside_weights(model)
    for _ in range(int(random.integers(1, 6))):
        place = allowed[random.integers(len(allowed))]
        damaged[place] = random.integers(256)
        told.append(f"{place}={damaged[place]:#x}")
    return bytes(damaged), "bytes " + " ".join(told)


def _outside_weights(model: bytes) -> list[int]:
    found: list[int] = []
    start = 0
    for tensor in ModelProto.FromString(model).graph.initializer:
        if len(tensor.raw_data) > 64:
            begin = model.index(tensor.raw_data, start)
            found += range(start, begin)
            start = begin + len(tensor.raw_data)
    return [*found, *range(start, len(model))]
