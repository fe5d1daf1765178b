"""The editing verbs: with these alone, unique names, single assignment and the interface hold by construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray

from .model import Model
from .nodes import Node, Tensor


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a new map comes from: its channel i is channel `channels[i]` of `tensor` times `scale[i]`; arrays [c].

    Where there is a `shift`, it is added, and `slope` is that of a LeakyReLU behind.
    """

    tensor: str
    channels: NDArray[np.int64]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64] | None = None
    slope: float = 1.0

    def values(self, source: NDArray[np.float32]) -> NDArray[np.float32]:
        """The new map's values, from those of `tensor`; both float32 [c, ...]."""
        along = (-1, *[1] * (source.ndim - 1))
        made = source[self.channels] * self.scale.astype(np.float32).reshape(along)
        if self.shift is not None:
            made += self.shift.astype(np.float32).reshape(along)
        return made if self.slope == 1 else np.where(made > 0, made, made * np.float32(self.slope))

    def through(self, before: Origin) -> Origin:
        """The same, traced through the origin of `tensor`. This one scales by positive numbers and does no more."""
        shift = None if before.shift is None else before.shift[self.channels] * self.scale
        scale = before.scale[self.channels] * self.scale
        return Origin(before.tensor, before.channels[self.channels], scale, shift, before.slope)


class Editor:
    """One rule's hand on the model. It notes which tensors were superseded and which nodes died of it.

    `origins` tells, by its name, which map's channels a new one holds.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.sites: list[str] = []
        self.replaced: list[str] = []
        self.origins: dict[str, Origin] = {}
        self.added = 0

    def constant(self, values: NDArray[Any], stem: str) -> Tensor:
        """A new constant; `stem` becomes its name, made unique."""
        tensor: Tensor = gs.Constant(self.model.unique(stem), np.asarray(values, order="C"))
        return tensor

    def absent(self) -> Tensor:
        """The empty input that stands for an optional one left out."""
        tensor: Tensor = gs.Variable.empty()
        return tensor

    def compute(
        self,
        op: str,
        inputs: Sequence[Tensor],
        attrs: Mapping[str, Any],
        stem: str,
        shape: Sequence[int] | None = None,
    ) -> Tensor:
        """A new tensor, computed by a new node; its type is the first input's, its shape too unless given."""
        like = inputs[0]
        dims = list(shape) if shape is not None else like.shape
        tensor = gs.Variable(self.model.unique(stem), dtype=like.dtype, shape=dims)
        self._add_node(op, inputs, attrs, tensor)
        return tensor  # type: ignore[no-any-return]

    def supersede(self, tensor: Tensor, op: str, inputs: Sequence[Tensor], attrs: Mapping[str, Any]) -> None:
        """Compute an existing tensor another way; its name, shape, type and readers stay."""
        old = tensor.inputs[0]
        self.sites.append(tensor.name)
        self._release_output(old, tensor)
        self._add_node(op, inputs, attrs, tensor)
        self._bury(old)

    def freeze(self, tensor: Tensor, values: NDArray[Any]) -> None:
        """Let the readers of a computed tensor read a constant of these values instead."""
        self.forward(tensor, self.constant(values, tensor.name))

    def forward(self, old: Tensor, new: Tensor) -> None:
        """Let the readers of `old` read `new`. A graph output keeps its name: then `new`'s producer computes it.

        Where that cannot be, since `new` is an output itself or nothing computes it, an Identity computes `old`.
        """
        if self.model.is_output(old) and (self.model.is_output(new) or not new.inputs):
            self.supersede(old, "Identity", [new], {})
            return
        self.sites.append(old.name)
        producer = old.inputs[0]
        if self.model.is_output(old):
            maker = new.inputs[0]
            self._release_output(producer, old)
            _delete(new.inputs, maker)
            place = next(index for index, tensor in enumerate(maker.outputs) if tensor is new)
            list.__setitem__(maker.outputs, place, old)  # type: ignore[call-overload]
            list.append(old.inputs, maker)  # type: ignore[arg-type]
            old, new = new, old
        for reader in _distinct(old.outputs):
            for index, tensor in enumerate(reader.inputs):
                if tensor is old:
                    self._swap_input(reader, index, new)
        self._bury(producer)

    def expose(self, outputs: Sequence[tuple[Tensor, str]]) -> None:
        """Make these tensors the graph outputs under these names: the one verb that changes the interface."""
        self.sites += [tensor.name for tensor, _ in outputs]
        for tensor, name in outputs:
            self.model.rename(tensor, name)
        old = list(self.model.outputs)
        self.model.expose(tensor for tensor, _ in outputs)
        for tensor in old:
            for node in list(tensor.inputs):
                self._bury(node)

    def _add_node(self, op: str, inputs: Sequence[Tensor], attrs: Mapping[str, Any], output: Tensor) -> None:
        node = gs.Node(op=op, name=output.name, attrs=dict(attrs), inputs=list(inputs), outputs=[output])
        self.model.nodes.append(node)
        self.added += 1

    def _bury(self, node: Node) -> None:
        """Take a node out of the graph if nothing reads it, and then its producers likewise."""
        doomed = [node]
        while doomed:
            node = doomed.pop()
            if any(tensor.outputs or self.model.is_output(tensor) for tensor in node.outputs):
                continue
            self.replaced.append(node.name or (node.outputs[0].name if node.outputs else node.op))
            sources = list(node.inputs)
            while node.inputs:
                self._drop_input(node, 0)
            while node.outputs:
                _delete(node.outputs[0].inputs, node)
                list.__delitem__(node.outputs, 0)  # type: ignore[arg-type]
            doomed += [tensor.inputs[0] for tensor in reversed(sources) if tensor.inputs and not tensor.outputs]

    # onnx-graphsurgeon's lists remove by equality and might take an equal, other node: these go by identity.

    def _release_output(self, node: Node, tensor: Tensor) -> None:
        """Part a node from an output. Among several an unread one takes its place: outputs go by their position."""
        _delete(tensor.inputs, node)
        if len(node.outputs) == 1:
            _delete(node.outputs, tensor)
            return
        place = next(index for index, output in enumerate(node.outputs) if output is tensor)
        spare = gs.Variable(self.model.unique(f"{tensor.name}.unread"), dtype=tensor.dtype, shape=tensor.shape)
        list.__setitem__(node.outputs, place, spare)  # type: ignore[call-overload]
        list.append(spare.inputs, node)

    @staticmethod
    def _drop_input(node: Node, index: int) -> None:
        tensor = node.inputs[index]
        list.__delitem__(node.inputs, index)  # type: ignore[arg-type]
        _delete(tensor.outputs, node)

    @staticmethod
    def _swap_input(node: Node, index: int, new: Tensor) -> None:
        _delete(node.inputs[index].outputs, node)
        list.__setitem__(node.inputs, index, new)  # type: ignore[call-overload]
        list.append(new.outputs, node)  # type: ignore[arg-type]


def _delete(items: Any, item: object) -> None:  # noqa: ANN401  (a synchronised list)
    for index, other in enumerate(items):
        if other is item:
            list.__delitem__(items, index)
            return


def _distinct(nodes: Sequence[Node]) -> list[Node]:
    return list({id(node): node for node in nodes}.values())
