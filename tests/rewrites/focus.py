"""Focus in ONNX's text form, and what is asked of the rule on it."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any, Literal

import numpy as np
import onnx
from onnx import ModelProto

from icraft_adapt.graph.model import Model
from icraft_adapt.rewrites.core.rule import Context
from icraft_adapt.rewrites.core.run import Applied, run
from icraft_adapt.rewrites.focus_to_conv import RULE
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.rewrites.harness import assert_same_numbers, network, operators, weights

Form = Literal["onehot2x2", "fused6x6"]
PHASES = ((0, 0), (1, 0), (0, 1), (1, 1))  # YOLOX's order: top left, bottom left, top right, bottom right
CONV = "y = Conv<pads = [1, 1, 1, 1]>(z, w, b)"
EVERY_ORDER = list(permutations(PHASES))


def focused(proto: ModelProto, form: Form = "onehot2x2") -> tuple[Applied, ModelProto]:
    """What the rule does, and the model after it."""
    context = Context(Model.from_proto(proto, "model"), replace(load_target("icraft-v3-buyi"), focus=form))
    applied = run(context, [RULE])
    adapted = context.model.to_proto()
    onnx.checker.check_model(adapted, full_check=True)
    return applied, adapted


def assert_becomes_conv(proto: ModelProto, form: Form) -> ModelProto:
    applied, adapted = focused(proto, form)
    assert len(applied.steps) == 1, applied
    assert operators(adapted) == ["Conv"] * (1 if form == "fused6x6" else 2)
    for seed in (0, 1):
        assert_same_numbers(proto, adapted, RULE.rtol, seed)
    assert not focused(adapted, form)[0].steps
    return adapted


def assert_declined(proto: ModelProto, reason: str, node: str = "") -> None:
    applied, _ = focused(proto)
    assert not applied.steps
    (miss,) = applied.near_misses
    assert reason in miss.reason
    assert not node or miss.node == node


def stem(
    body: str,
    channels: int = 3,
    size: tuple[int, int] = (12, 16),
    block: int = 2,
    **constants: Any,  # noqa: ANN401
) -> ModelProto:
    """image x, `body` computing z, then a 3x3 convolution to y."""
    kernel, bias = weights(5, channels * block * block, 3, 3), weights(5, seed=1)
    return network(f"float[1,{channels},{size[0]},{size[1]}] x", "y", f"{body} {CONV}", w=kernel, b=bias, **constants)


def int64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


BOUNDS: dict[str, Any] = {f"i{n}": int64(n) for n in (0, 1, 2, 3)} | {"far": int64(np.iinfo(np.int64).max)}


def eight_slices(order: tuple[tuple[int, int], ...], *, columns_first: bool = False) -> str:
    axes = ("i3", "i2") if columns_first else ("i2", "i3")
    lines = []
    for k, (row, column) in enumerate(order):
        first, second = (column, row) if columns_first else (row, column)
        lines.append(f"h{k} = Slice(x, i{first}, far, {axes[0]}, i2) p{k} = Slice(h{k}, i{second}, far, {axes[1]}, i2)")
    return f"{' '.join(lines)} z = Concat<axis = 1>(p0, p1, p2, p3)"


SIX_SLICES = (
    "even = Slice(x, i0, far, i2, i2) odd = Slice(x, i1, far, i2, i2) "
    "p0 = Slice(even, i0, far, i3, i2) p1 = Slice(odd, i0, far, i3, i2) "
    "p2 = Slice(even, i1, far, i3, i2) p3 = Slice(odd, i1, far, i3, i2) z = Concat<axis = 1>(p0, p1, p2, p3)"
)
BOTH_AXES = (
    " ".join(f"p{k} = Slice(x, from{k}, ends, axes, twice)" for k in range(4)) + " z = Concat<axis = 1>(p0, p1, p2, p3)"
)
