"""The model in hand: a facade over onnx-graphsurgeon, whose traps it closes.

onnx-graphsurgeon drops the metadata of the model and of its nodes, compares nodes by content, exports duplicate names
silently and renames initialisers inside the caller's proto. Here names are unique from the start, nodes are compared
with `is`, nodes are kept in one canonical order, and metadata comes back on export.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx_graphsurgeon as gs
from onnx import ModelProto
from onnx_graphsurgeon.logger import G_LOGGER

from .nodes import Node, Tensor, distinct, is_constant

G_LOGGER.severity = G_LOGGER.CRITICAL  # it logs to stdout, which belongs to the command's results


class Model:
    """A network in hand. `inputs` and `outputs` are its interface; `nodes` stand in computation order.

    The order is canonical: depth first from the outputs, inputs left to right, so that it depends on the network
    alone, never on the exporter's listing, and what the first output needs is computed first.
    """

    def __init__(self, graph: gs.Graph, name: str, source: ModelProto) -> None:
        self.name = name
        self._graph = graph
        self._source = source
        self._notes = {node.output[0]: node for node in source.graph.node if node.output}
        self._names = {tensor.name for tensor in self._all_tensors()}
        self._name_nodes()
        self.prune()

    @classmethod
    def from_proto(cls, proto: ModelProto, name: str) -> Model:
        """Take a proto in hand; the proto itself is read, never changed, and must outlive the model."""
        return cls(gs.import_onnx(proto), name, proto)

    @property
    def opset(self) -> int:
        """The default domain's opset version."""
        return int(self._graph.opset)

    @property
    def nodes(self) -> list[Node]:
        """All nodes in computation order; those edited away since the last `prune` have no outputs."""
        return self._graph.nodes  # type: ignore[no-any-return]

    @property
    def inputs(self) -> list[Tensor]:
        """The graph inputs."""
        return self._graph.inputs  # type: ignore[no-any-return]

    @property
    def outputs(self) -> list[Tensor]:
        """The graph outputs, in order."""
        return self._graph.outputs  # type: ignore[no-any-return]

    def expose(self, tensors: Iterable[Tensor]) -> None:
        """Make these the graph outputs, in this order."""
        self._graph.outputs = list(tensors)

    def is_output(self, tensor: Tensor) -> bool:
        """True for a graph output."""
        return any(tensor is output for output in self.outputs)

    def is_input(self, tensor: Tensor) -> bool:
        """True for a graph input."""
        return any(tensor is value for value in self.inputs)

    def tensors(self) -> dict[str, Tensor]:
        """Every living tensor by name: inputs, constants and computed ones."""
        return {tensor.name: tensor for tensor in self._all_tensors()}

    def unique(self, stem: str) -> str:
        """A tensor name that is not taken, near to `stem`; it is taken from now on."""
        name, count = stem, 0
        while name in self._names:
            count += 1
            name = f"{stem}.{count}"
        self._names.add(name)
        return name

    def rename(self, tensor: Tensor, name: str) -> None:
        """Give the tensor exactly this name; another tensor that bears it gives way."""
        holder = self.tensors().get(name)
        if holder is not None and holder is not tensor:
            if isinstance(holder, gs.Constant):
                holder.values = holder.values  # a copy: the export would rename the source's own initialiser
            holder.name = self.unique(name)
        self._names.add(name)
        tensor.name = name

    def prune(self) -> None:
        """Drop what no output needs and put the nodes into their canonical order."""
        ordered: list[Node] = []
        seen: set[int] = set()
        for output in self.outputs:
            _visit(output, seen, ordered)
        for node in self.nodes:
            if id(node) not in seen:
                node.inputs.clear()
                node.outputs.clear()
        self._graph.nodes = ordered

    def to_proto(self) -> ModelProto:
        """The model as a proto of its own; what the facade keeps (metadata, node documentation) is put back."""
        self._name_nodes()
        proto: ModelProto = gs.export_onnx(self._graph)
        proto.ir_version = self._source.ir_version
        proto.metadata_props.extend(self._source.metadata_props)
        proto.domain, proto.model_version = self._source.domain, self._source.model_version
        proto.doc_string = self._source.doc_string
        for node in proto.graph.node:
            note = self._notes.get(node.output[0])
            if note is not None and note.op_type == node.op_type:
                if note.doc_string:
                    node.doc_string = note.doc_string
                node.metadata_props.extend(note.metadata_props)
        alive = {name for node in proto.graph.node for name in [*node.input, *node.output]}
        for annotation in self._source.graph.quantization_annotation:
            if annotation.tensor_name in alive:
                proto.graph.quantization_annotation.append(annotation)
        return proto

    def _name_nodes(self) -> None:
        """Give each node a name of its own, as the runtime demands: the exporter's, or its first output's."""
        stems = (node.name or next((tensor.name for tensor in node.outputs), "") for node in self.nodes)
        for node, name in zip(self.nodes, distinct(stems), strict=True):
            node.name = name

    def _all_tensors(self) -> Iterator[Tensor]:
        yield from self.inputs
        for node in self.nodes:
            yield from (tensor for tensor in node.inputs if is_constant(tensor))
            yield from (tensor for tensor in node.outputs if tensor.name)


def _visit(start: Tensor, seen: set[int], ordered: list[Node]) -> None:
    """Append the producers of `start` to `ordered`, each after its own producers (iterative post-order)."""
    stack: list[tuple[Node, int]] = [(node, 0) for node in start.inputs if id(node) not in seen]
    seen.update(id(node) for node, _ in stack)
    while stack:
        node, position = stack.pop()
        if position == len(node.inputs):
            ordered.append(node)
            continue
        stack.append((node, position + 1))
        for producer in node.inputs[position].inputs:
            if id(producer) not in seen:
                seen.add(id(producer))
                stack.append((producer, 0))


__all__ = ["Model"]
