"""A sum of LeakyReLUs as operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...graph.edit import Editor
from ...graph.nodes import Tensor

Operator = tuple[str, list[Tensor], dict[str, float]]


def write_sum(edit: Editor, y: Tensor, slopes: Sequence[float], scaled: Callable[[int, str], Tensor]) -> None:
    """y = sum over k of LeakyRelu_k(scaled(k, stem)); the last operator computes `y` itself.

    `scaled` writes what is before term k, its tensors named from `stem`. A term of slope 1 has no operator of its own.
    """
    total: Tensor | None = None
    for index, slope in enumerate(slopes):
        stem, last = f"{y.name}.h{index}", index == len(slopes) - 1
        before = scaled(index, stem)
        op, inputs, attrs = leaky(before, slope)
        if total is None and last:
            edit.supersede(y, op, inputs, attrs)
            return
        part = before if slope == 1 else edit.compute(op, inputs, attrs, f"{stem}.act")
        if total is None:
            total = part
        elif last:
            edit.supersede(y, "Add", [total, part], {})
        else:
            total = edit.compute("Add", [total, part], {}, f"{y.name}.sum{index}")


def leaky(x: Tensor, slope: float) -> Operator:
    """The LeakyReLU of this slope on `x`, a ReLU where it is 0: operator, inputs, attributes."""
    return ("Relu", [x], {}) if slope == 0 else ("LeakyRelu", [x], {"alpha": slope})
