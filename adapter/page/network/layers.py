"""The adapted network as layers: every node under the anchor that it serves, a convolution with its activation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ....graph.nodes import Node, Tensor, is_constant
from ....graph.walk import node_name
from ...facts import Facts
from ...report.types import Report, Rewrite
from .labels import kernel, label

Status = Literal["kept", "rewritten", "approximated", "changed", "refused", "head"]

_BY_CERTIFICATE: Mapping[str, Status] = {
    "exact": "rewritten",
    "rounding": "rewritten",
    "approximate": "approximated",
    "function-changing": "changed",
}
_WEAKEST: tuple[Status, ...] = ("kept", "rewritten", "approximated", "changed")


@dataclass(frozen=True, slots=True)
class Layer:
    """All nodes under one anchor. `label` names its main operator, `operators` counts all of them, `shape` is the
    output's, `stride` how many input pixels a row of it spans (0: it is no map). `nodes` are the original's.

    `output` is the network's output that it gives, if any; `where` is "npu" or "cpu", for several places both;
    `reason` is the limit's sentence where a node is refused.
    """

    anchor: str
    output: str
    label: str
    operators: str
    shape: tuple[int, ...]
    kernel: str
    stride: int
    macs: int
    nodes: tuple[str, ...]
    rewrites: tuple[Rewrite, ...]
    status: Status
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in computation order, the input first, and who reads whom by their numbers."""

    layers: tuple[Layer, ...]
    edges: tuple[tuple[int, int], ...]


def network_of(facts: Facts, report: Report) -> Network:
    """The whole adapted network."""
    model = facts.prepared.model
    names = _group_names(facts, model.nodes)
    members: dict[str, list[Node]] = {}
    for node in model.nodes:
        members.setdefault(names[node.outputs[0].name], []).append(node)
    # A layer stands where its last node does: so every edge points forward.
    order = {id(node): index for index, node in enumerate(model.nodes)}
    ordered = sorted(members, key=lambda name: order[id(members[name][-1])])
    index = {name: place for place, name in enumerate(ordered, 1)}
    described = _Describing(facts, report, names)
    layers = [_input_layer(facts), *(described.layer(name, members[name]) for name in ordered)]
    edges = set()
    for node in model.nodes:
        here = index[names[node.outputs[0].name]]
        for tensor in node.inputs:
            if tensor.name and not is_constant(tensor):
                edges.add((index[names[tensor.name]] if tensor.inputs else 0, here))
    return Network(tuple(layers), tuple(sorted((a, b) for a, b in edges if a < b)))


def _group_names(facts: Facts, nodes: Sequence[Node]) -> dict[str, str]:
    """The layer of each computed tensor: its anchor without `.act`; a tensor that a rewrite made has its reader's."""
    names: dict[str, str] = {}
    order = {id(node): place for place, node in enumerate(nodes)}
    anchors = facts.prepared.anchors
    for node in reversed(nodes):
        output = node.outputs[0]
        anchor = anchors.get(output.name)
        if anchor is None:
            first = min(output.outputs, key=lambda reader: order.get(id(reader), len(order)), default=None)
            anchor = output.name if first is None else names[first.outputs[0].name]
        for each in node.outputs:
            names[each.name] = anchor.removesuffix(".act")
    return names


def _input_layer(facts: Facts) -> Layer:
    shape = facts.prepared.input_shape
    return Layer(facts.prepared.input_name, "", "Input", "", shape, "", 1, 0, (), (), "kept", "", "")


class _Describing:
    """What the run found out, looked up by layer; `names` gives the layer of each tensor."""

    def __init__(self, facts: Facts, report: Report, names: Mapping[str, str]) -> None:
        self._facts, self._names = facts, names
        self._layers = set(names.values())
        self._height = facts.prepared.input_shape[2]
        self._outputs = {tensor.name for tensor in facts.prepared.model.outputs}
        self._heads = dict(facts.prepared.reading.outputs())
        self._made = {node.name: node.output[0] for node in facts.prepared.original.graph.node}
        self._rewrites: dict[str, list[Rewrite]] = {}
        self._replaced: dict[str, list[str]] = {}
        certified = facts.certified.by_step if facts.certified is not None else ((),) * len(facts.applied.steps)
        for step, sites, rewrite in zip(facts.applied.steps, certified, report.rewrites, strict=True):
            self._attribute(rewrite, (*step.sites, *(site.tensor for site in sites)))

    def _attribute(self, rewrite: Rewrite, tensors: Iterable[str]) -> None:
        """Book a rewrite with the layers of the tensors it computes and of the nodes it replaced."""
        replaced = {name: self._layer_of(self._made.get(name, name)) for name in rewrite.nodes}
        touched = dict.fromkeys(filter(None, (*map(self._layer_of, tensors), *replaced.values())))
        for layer in touched:
            self._rewrites.setdefault(layer, []).append(rewrite)
        only = next(iter(touched)) if len(touched) == 1 else None
        for name, known in replaced.items():
            if (where := known or only) and name in self._made:
                self._replaced.setdefault(where, []).append(name)

    def _layer_of(self, tensor: str) -> str | None:
        """The layer of a tensor of either network, where it has one."""
        name = self._heads.get(tensor, tensor)
        layer = self._names.get(name) or self._facts.prepared.anchors.get(name, "").removesuffix(".act")
        return layer if layer in self._layers else None

    def layer(self, name: str, nodes: Sequence[Node]) -> Layer:
        """Describe one layer by its nodes, in computation order."""
        anchors = self._facts.prepared.anchors
        main = next((node for node in nodes if anchors.get(node.outputs[0].name) == name), nodes[-1])
        shape = self._shape(name, nodes)
        located = [self._facts.located[node.outputs[0].name] for node in nodes]
        refused = [each for each in located if each.where == "refused"]
        rewrites = tuple(self._rewrites.get(name, ()))
        output = next((node.outputs[0].name for node in nodes if node.outputs[0].name in self._outputs), "")
        kept = (node_name(node) for node in nodes if node.name in self._made)
        counted = Counter(node.op for node in nodes).most_common()
        return Layer(
            name,
            output,
            label(main),
            ", ".join(f"{count} {op}" if count > 1 else op for op, count in counted),
            shape,
            kernel(main),
            self._height // shape[2] if len(shape) == 4 and shape[2] and not self._height % shape[2] else 0,
            sum(self._facts.macs.get(node.outputs[0].name, 0) for node in nodes),
            tuple(dict.fromkeys((*self._replaced.get(name, ()), *kept))),
            rewrites,
            "refused" if refused else "head" if output else _status(rewrites),
            ", ".join(sorted({each.where for each in located})),
            refused[0].reason if refused else "",
        )

    def _shape(self, name: str, nodes: Sequence[Node]) -> tuple[int, ...]:
        """The output's; of several maps of one size that leave the layer, their channels add up."""
        leaving = [node.outputs[0] for node in nodes if self._leaves(name, node.outputs[0])] or [nodes[-1].outputs[0]]
        shapes = [tuple(tensor.shape or ()) for tensor in leaving]
        if len({(shape[:1], shape[2:]) for shape in shapes}) > 1 or len(shapes[0]) != 4:
            return shapes[-1]
        return (shapes[0][0], sum(shape[1] for shape in shapes), *shapes[0][2:])

    def _leaves(self, name: str, tensor: Tensor) -> bool:
        return tensor.name in self._outputs or any(self._names[r.outputs[0].name] != name for r in tensor.outputs)


def _status(rewrites: Iterable[Rewrite]) -> Status:
    """The weakest promise that any of them makes."""
    return max((_BY_CERTIFICATE[rewrite.certificate] for rewrite in rewrites), key=_WEAKEST.index, default="kept")
