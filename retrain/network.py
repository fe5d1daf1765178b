"""An ONNX graph as a torch network, and back: the same graph with new constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper
from torch import Tensor

from ..errors import AdaptError, Exit
from ..graph.session import Session
from .operators import OPERATORS, Inputs

# Largest difference from ONNX Runtime over the output's spread: float rounding, made larger by a hundred layers.
EQUAL = 1e-4


@dataclass(frozen=True, slots=True)
class Operation:
    """One node: operator, attributes as Python values, the names of its inputs ("" where left out), its output."""

    op: str
    attrs: Mapping[str, Any]
    inputs: tuple[str, ...]
    output: str


# What may change a value right after it was computed: (operation, its first input, its value) to the value to go on
# with.
Revise = Callable[[Operation, Tensor, Tensor], Tensor]


class Network:
    """A graph of batch 1 that runs on any number of pictures of any size that its strides divide.

    `operations` stand in computation order; `constants` holds all stored values by name, the floating ones float32;
    `slopes` those of the LeakyReLUs by their outputs.
    """

    def __init__(self, proto: ModelProto) -> None:
        self.operations = tuple(_operations(proto))
        self.constants = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in proto.graph.initializer}
        leaky = (each for each in self.operations if each.op == "LeakyRelu")
        self.slopes: dict[str, float] = {each.output: each.attrs.get("alpha", 0.01) for each in leaky}
        stored = set(self.constants)
        (self.input,) = (value.name for value in proto.graph.input if value.name not in stored)
        self.outputs = tuple(value.name for value in proto.graph.output)

    @property
    def convolutions(self) -> tuple[Operation, ...]:
        """The convolutions with stored weights, in order."""
        return tuple(each for each in self.operations if each.op == "Conv" and each.inputs[1] in self.constants)

    def run(
        self,
        images: Tensor,
        taps: Iterable[str] = (),
        constants: Mapping[str, Tensor] | None = None,
        revise: Revise | None = None,
    ) -> dict[str, Tensor]:
        """The outputs and the tapped tensors by name, for images float32 [n, c, h, w].

        `constants` take the place of the network's own where given; `revise` sees every value.
        """
        held = constants if constants is not None else self.constants
        wanted = {*self.outputs, *taps}
        values = {self.input: images}
        for operation, done in zip(self.operations, self.spent(wanted), strict=True):
            inputs = inputs_of(operation, values, held)
            value = self.compute(operation, inputs)
            if revise is not None and inputs[0] is not None:
                value = revise(operation, inputs[0], value)
            values[operation.output] = value
            for name in done:
                del values[name]
        return {name: values[name] for name in wanted}

    def compute(self, operation: Operation, inputs: Inputs) -> Tensor:
        """The value of one operation on these inputs, None where one is left out."""
        slope = self.slopes.get(operation.output)
        return OPERATORS[operation.op](operation.attrs if slope is None else {"alpha": slope}, inputs)

    def spent(self, wanted: Container[str]) -> list[list[str]]:
        """For each operation, the values that nothing needs after it."""
        last = {}
        for place, operation in enumerate(self.operations):
            last.update(dict.fromkeys((*operation.inputs, operation.output), place))
        spent: list[list[str]] = [[] for _ in self.operations]
        for name, place in last.items():
            if name and name not in wanted and name not in self.constants:
                spent[place].append(name)
        return spent


def inputs_of(
    operation: Operation, values: Mapping[str, Tensor], constants: Mapping[str, Tensor]
) -> list[Tensor | None]:
    """The operation's inputs out of computed values and constants, None where one is left out."""
    return [(values[name] if name in values else constants[name]) if name else None for name in operation.inputs]


def _operations(proto: ModelProto) -> Iterator[Operation]:
    for node in proto.graph.node:
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            raise AdaptError(
                f"{node.op_type} cannot be trained: it has no counterpart in torch here",
                where=node.name or node.output[0],
                code=Exit.UNSUPPORTED,
            )
        attrs = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        plain = {name: value.decode() if isinstance(value, bytes) else value for name, value in attrs.items()}
        yield Operation(node.op_type, plain, tuple(node.input), node.output[0])


def network_of(proto: ModelProto, probe: NDArray[np.float32]) -> Network:
    """The graph in torch, compared with ONNX Runtime on `probe`, one input [1, c, h, w] of the network's real range.

    Raises AdaptError (exit 3) for an operator that torch lacks here, and where the two differ.
    """
    network = Network(proto)
    off = difference(network, proto, probe)
    if not off <= EQUAL:
        raise AdaptError(
            f"torch computes another network than ONNX Runtime: off by {off:.3g} of an output's spread",
            code=Exit.UNSUPPORTED,
        )
    return network


def difference(network: Network, proto: ModelProto, probe: NDArray[np.float32]) -> float:
    """The largest difference between torch and ONNX Runtime over any output's spread; infinite for other shapes."""
    truth = Session(proto).run({network.input: probe})
    with torch.no_grad():
        found = network.run(torch.from_numpy(probe))
    worst = 0.0
    for name, expected in truth.items():
        if found[name].shape != expected.shape:
            return math.inf
        spread = max(float(np.ptp(expected)), 1e-12)
        worst = max(worst, float(np.abs(found[name].numpy() - expected).max()) / spread)
    return worst


def renewed(proto: ModelProto, network: Network, names: Iterable[str]) -> ModelProto:
    """The same graph with the network's values for the initialisers `names`, and its slopes; shapes and types stay.

    `proto` may hold more than the network does, such as a tail. Raises KeyError for a name that either does not
    store, ValueError for another shape.
    """
    made = ModelProto()
    made.CopyFrom(proto)
    places = {tensor.name: place for place, tensor in enumerate(made.graph.initializer)}
    for name in names:
        old = made.graph.initializer[places[name]]
        values: NDArray[Any] = network.constants[name].detach().cpu().contiguous().numpy()
        if list(values.shape) != list(old.dims):
            raise ValueError(f"{name}: {list(values.shape)} instead of {list(old.dims)}")
        kind = helper.tensor_dtype_to_np_dtype(old.data_type)
        made.graph.initializer[places[name]].CopyFrom(numpy_helper.from_array(values.astype(kind), name))
    for node in made.graph.node:
        if node.op_type == "LeakyRelu" and node.output[0] in network.slopes:
            del node.attribute[:]
            node.attribute.append(helper.make_attribute("alpha", network.slopes[node.output[0]]))
    return made
