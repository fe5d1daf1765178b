"""What a rule, a limit or a family sees of the graph: nodes and tensors, typed.

The objects are onnx-graphsurgeon's. They compare by content and are unhashable: compare them with `is`, key them by
`id()` or, for tensors, by name (the facade keeps tensor names unique).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableSequence
from typing import Any, Protocol

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray
from onnx import numpy_helper


class Tensor(Protocol):
    """An edge of the graph. `inputs` holds its one producer (none: graph input or constant), `outputs` its readers."""

    name: str
    inputs: MutableSequence[Node]
    outputs: MutableSequence[Node]

    @property
    def shape(self) -> list[int] | None:
        """The dimensions in order (NCHW for feature maps), None where unknown."""

    @property
    def dtype(self) -> Any:  # noqa: ANN401  (a numpy dtype, or ONNX's number for one that numpy lacks)
        """The numpy dtype, None where unknown."""


class Node(Protocol):
    """One operator: `op` is the ONNX operator type, `attrs` its attributes as Python values."""

    op: str
    name: str
    domain: str | None
    attrs: dict[str, Any]
    inputs: MutableSequence[Tensor]
    outputs: MutableSequence[Tensor]


def is_constant(tensor: Tensor) -> bool:
    """True where the tensor's values are stored in the model (an initialiser)."""
    return isinstance(tensor, gs.Constant)


def constant_values(tensor: Tensor) -> NDArray[Any] | None:
    """The stored values of a constant, None for a tensor that is computed."""
    return np.asarray(tensor.values) if isinstance(tensor, gs.Constant) else None


def distinct(names: Iterable[str]) -> list[str]:
    """The names in order, each made unique; the empty name stays."""
    taken: set[str] = set()
    found = []
    for stem in names:
        name, count = stem, 0
        while name in taken:
            count += 1
            name = f"{stem}.{count}"
        found.append(name)
        taken.update({name} - {""})
    return found


def proto_attributes(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """A node's attributes as onnx.helper takes them: a stored tensor becomes a TensorProto."""
    return {
        name: numpy_helper.from_array(np.asarray(value.values)) if isinstance(value, gs.Constant) else value
        for name, value in attrs.items()
    }
