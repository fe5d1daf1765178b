"""Activations in every spelling, seen as one: a region of elementwise nodes that is a scalar function of one tensor.

Exporters write SiLU as Sigmoid and Mul, HardSwish as Add, Clip, Div and Mul, and so on. No spelling is matched here:
the largest region with one varying input and scalar constants is run on a grid and compared with the known functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import erf
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.model import Model
from ...graph.nodes import Node, Tensor, constant_values, is_constant
from ...graph.region import outer_inputs, run_region

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]

ELEMENTWISE = frozenset(
    "Sigmoid Tanh Relu LeakyRelu PRelu Clip HardSigmoid HardSwish Swish Mish Gelu Elu Selu Celu Softplus Softsign "
    "ThresholdedRelu QuickGelu Exp Log Erf Abs Neg Reciprocal Sqrt Pow Add Sub Mul Div Min Max Identity".split()
)

# What may end an activation that some target lacks: every target runs a Relu and a LeakyRelu as they are.
LAST_OPERATORS = ELEMENTWISE - {"Relu", "LeakyRelu"}

UNKNOWN = "elementwise"

_GRID = np.linspace(-16.0, 16.0, 2049)
_TOLERANCE = 2e-5


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-np.logaddexp(0.0, -x))


def _softplus(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.logaddexp(0.0, x)


KNOWN: Mapping[str, Curve] = MappingProxyType(
    {
        "identity": lambda x: x,
        "relu": lambda x: np.maximum(x, 0),
        "relu6": lambda x: np.clip(x, 0, 6),
        "silu": lambda x: x * _sigmoid(x),
        "sigmoid": _sigmoid,
        "tanh": np.tanh,
        "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
        "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
        "mish": lambda x: x * np.tanh(_softplus(x)),
        "softplus": _softplus,
        "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        "gelu": lambda x: x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2,
        "quick_gelu": lambda x: x * _sigmoid(1.702 * x),
        "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    }
)


@dataclass(frozen=True, slots=True)
class Activation:
    """`output` = f(`input`), elementwise; `name` is the canonical one: in KNOWN, "leaky", or UNKNOWN."""

    name: str
    input: Tensor
    output: Tensor
    nodes: tuple[Node, ...]

    @property
    def is_known(self) -> bool:
        """True where `curve` can be asked."""
        return self.name in KNOWN

    def curve(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The activation's value at x, float64 [n]; the operators were found to agree with it to 2e-5."""
        return KNOWN[self.name](x)


def activation_at(node: Node, model: Model) -> Activation | None:
    """The activation whose last node this is; None where the node is none, or a larger activation contains it.

    A function that is no known activation hides none: in 2 * SiLU(x) the SiLU stands by itself.
    """
    region = _region(node, model)
    if region is None:
        return None
    name = _name(*region, model.opset)
    around = [_name(*larger, model.opset) for larger in _regions_around(node, model)]
    if any(larger != UNKNOWN for larger in around) or (around and name == UNKNOWN):
        return None
    return Activation(name, region[0], node.outputs[0], region[1])


def _regions_around(node: Node, model: Model) -> Iterator[tuple[Tensor, tuple[Node, ...]]]:
    """The regions that contain this node and end further down."""
    waiting, seen = [node], {id(node)}
    while waiting:
        for reader in waiting.pop().outputs[0].outputs:
            region = None if id(reader) in seen else _region(reader, model)
            seen.add(id(reader))
            if region is not None and any(member is node for member in region[1]):
                yield region
                waiting.append(reader)


def _region(node: Node, model: Model) -> tuple[Tensor, tuple[Node, ...]] | None:
    """The largest elementwise region that ends here and varies with one tensor alone: (that tensor, its nodes)."""
    if not _is_scalar_function(node):
        return None
    members = {id(node): node}
    best: tuple[Tensor, tuple[Node, ...]] | None = None
    while True:
        outer = outer_inputs(members)
        if len(outer) == 1:
            best = (outer[0], tuple(members.values()))
        absorbed = next((t.inputs[0] for t in outer if _is_absorbable(t, members, model)), None)
        if absorbed is None:
            return best
        members[id(absorbed)] = absorbed


def _is_absorbable(tensor: Tensor, members: Mapping[int, Node], model: Model) -> bool:
    return (
        bool(tensor.inputs)
        and _is_scalar_function(tensor.inputs[0])
        and not model.is_output(tensor)
        and all(id(reader) in members for reader in tensor.outputs)
    )


def _is_scalar_function(node: Node) -> bool:
    if node.op not in ELEMENTWISE or len(node.outputs) != 1 or node.outputs[0].dtype != np.float32:
        return False
    return all(np.asarray(constant_values(t)).size == 1 for t in node.inputs if is_constant(t))


_names: dict[object, str] = {}


def _name(source: Tensor, nodes: tuple[Node, ...], opset: int) -> str:
    """The canonical name, found by running the region (its last node first) on a grid once per spelling."""
    spelling = _spelling(source, nodes, opset)
    if spelling not in _names:
        _names[spelling] = _recognise(_sample(nodes, source, nodes[0].outputs[0], opset, _GRID))
    return _names[spelling]


def _recognise(values: NDArray[np.float64]) -> str:
    if not np.isfinite(values).all():
        return UNKNOWN
    for name, known in _on_grid().items():
        if np.allclose(values, known, rtol=_TOLERANCE, atol=_TOLERANCE):
            return name
    slope = float(values[0] / _GRID[0])
    leaky = np.where(_GRID > 0, _GRID, slope * _GRID)
    return "leaky" if np.allclose(values, leaky, rtol=_TOLERANCE, atol=_TOLERANCE) else UNKNOWN


@cache
def _on_grid() -> Mapping[str, NDArray[np.float64]]:
    """The known functions at the points where regions are run."""
    return {name: curve(_GRID) for name, curve in KNOWN.items()}


def _spelling(source: Tensor, nodes: tuple[Node, ...], opset: int) -> object:
    """What tells one spelling from another: operators, attributes, constants and wiring, but no names."""
    index = {node.outputs[0].name: i for i, node in enumerate(nodes)} | {source.name: -1}

    def wire(tensor: Tensor) -> Any:  # noqa: ANN401
        values = constant_values(tensor)
        return index.get(tensor.name) if values is None else float(np.ravel(values)[0])

    parts = (
        (n.op, n.domain, tuple(sorted((k, str(v)) for k, v in n.attrs.items())), tuple(map(wire, n.inputs)))
        for n in nodes
    )
    return opset, tuple(parts)


def _sample(
    nodes: tuple[Node, ...], source: Tensor, output: Tensor, opset: int, x: NDArray[np.float64]
) -> NDArray[np.float64]:
    feed = {source.name: x.astype(np.float32).reshape(1, 1, 1, -1)}
    return np.ravel(run_region(nodes, feed, [output], opset)[output.name]).astype(np.float64)
