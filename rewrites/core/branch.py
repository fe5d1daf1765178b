"""One model that runs the original, the adapted regions beside it, and measures how far they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from ...graph.opset import opset_of
from .difference import Difference

MEASURES = ("largest", "square", "low", "high", "mean", "mean_square", "input_low", "input_high")
_MARK = "adapted::"
# An elementwise region is judged on this many rows of the map: more show nothing new.
_ROWS = 8
_POINTWISE = frozenset({"Add", "LeakyRelu", "Relu", "Mul", "Sigmoid", "Clip", "HardSwish"})


@dataclass(frozen=True, slots=True)
class Branches:
    """The model to run; `mismatched` are sites whose shape is no longer the original's."""

    model: ModelProto
    mismatched: frozenset[str]

    @staticmethod
    def result(site: str, measure: str) -> str:
        """The output that holds a measure of a site."""
        return f"{_MARK}{measure}::{site}"


def measure_branches(
    original: ModelProto, adapted: ModelProto, difference: Difference, taps: Sequence[str]
) -> Branches:
    """The original with one side branch a site. Its outputs are the taps and, per site, the measures as scalars:
    largest |a - b|, mean (a - b)^2; the smallest, largest, mean and mean square of the original's values; the smallest
    and largest value that the region reads.
    """
    builder = _Builder(original, adapted, difference)
    for site in difference.sites:
        builder.add(site)
    return Branches(builder.build(taps), frozenset(builder.mismatched))


class _Builder:
    def __init__(self, original: ModelProto, adapted: ModelProto, difference: Difference) -> None:
        self._original, self._adapted, self._difference = original, adapted, difference
        self._makers = {name: node for node in adapted.graph.node for name in node.output}
        self._weights = {tensor.name: tensor for tensor in adapted.graph.initializer}
        self._types = {v.name: v for m in (original, adapted) for v in _values(m)}
        self._new_types = {difference.original_name(v.name): v for v in _values(adapted)}
        self._nodes: list[NodeProto] = []
        self._initialisers: dict[str, TensorProto] = {}
        self._outputs: list[str] = []
        self.mismatched: set[str] = set()

    def add(self, site: str) -> None:
        """Hang the region that ends at a site onto the original, and measure it."""
        if _dims(self._types.get(site)) != _dims(self._new_types.get(site)):
            self.mismatched.add(site)
            return
        region = self._region(self._difference.sites[site])
        sampled = self._sample_rows(site, region)
        for node in region:
            copy = NodeProto()
            copy.CopyFrom(node)
            copy.input[:] = [self._source(name, sampled) for name in node.input]
            copy.output[:] = [_MARK + self._difference.original_name(name) for name in node.output]
            self._nodes.append(copy)
        outer = next((n for n in self._outer(region) if self._is_float(n)), site)
        self._measure(site, sampled.get(site, site), sampled.get(outer, outer))

    def _region(self, last: NodeProto) -> list[NodeProto]:
        """The adapted nodes between tensors that the original has too, in computation order."""
        found: dict[str, NodeProto] = {}

        def visit(node: NodeProto) -> None:
            if node.output[0] in found:
                return
            for name in node.input:
                maker = self._makers.get(name)
                if maker is not None and self._difference.original_name(name) not in self._difference.common:
                    visit(maker)
            found[node.output[0]] = node

        visit(last)
        return list(found.values())

    def _source(self, name: str, sampled: Mapping[str, str]) -> str:
        """Where a region's node reads: a constant, the original's tensor (or its sample), or the region itself."""
        if name in self._weights:
            self._initialisers[name] = self._weights[name]
            return name
        theirs = self._difference.original_name(name)
        if theirs in self._difference.common or name not in self._makers:
            return sampled.get(theirs, theirs)
        return _MARK + theirs

    def _sample_rows(self, site: str, region: Sequence[NodeProto]) -> dict[str, str]:
        """For an elementwise region: its outer tensors and the site, each cut to a few rows; else nothing."""
        if not all(node.op_type in _POINTWISE or _is_depthwise_1x1(node) for node in region):
            return {}
        outer = {*self._outer(region), site}
        shapes = {tuple(_dims(self._types.get(name)) or ()) for name in outer}
        shape = next(iter(shapes))
        if len(shapes) != 1 or len(shape) != 4 or shape[2] <= _ROWS or self._opset() < 10:
            return {}
        for name, values in (("from", [0]), ("to", [_ROWS]), ("axis", [2])):
            self._initialisers[_MARK + name] = numpy_helper.from_array(np.array(values, np.int64), _MARK + name)
        sampled = {name: f"{_MARK}rows::{site}::{name}" for name in sorted(outer)}
        window = [_MARK + "from", _MARK + "to", _MARK + "axis"]
        self._nodes += [helper.make_node("Slice", [name, *window], [cut]) for name, cut in sampled.items()]
        return sampled

    def _outer(self, region: Sequence[NodeProto]) -> list[str]:
        """The original's tensors that a region reads."""
        inside = {name for node in region for name in node.output}
        read = (n for node in region for n in node.input if n and n not in self._weights and n not in inside)
        return list(dict.fromkeys(self._difference.original_name(name) for name in read))

    def _is_float(self, name: str) -> bool:
        typed = self._types.get(name)
        return typed is not None and typed.type.tensor_type.elem_type == TensorProto.FLOAT

    def _opset(self) -> int:
        return opset_of(self._original)

    def _measure(self, site: str, reference: str, source: str) -> None:
        mine = _MARK + site
        if not self._is_float(site):
            for name in (mine, reference):
                self._nodes.append(helper.make_node("Cast", [name], [f"{name}::{site}::float"], to=TensorProto.FLOAT))
            mine, reference = f"{mine}::{site}::float", f"{reference}::{site}::float"
            source = reference
        results = {measure: Branches.result(site, measure) for measure in MEASURES}
        delta = f"{_MARK}delta::{site}"
        chain = [
            ("Sub", [mine, reference], delta),
            ("Abs", [delta], delta + "::abs"),
            ("ReduceMax", [delta + "::abs"], results["largest"]),
            ("Mul", [delta, delta], delta + "::squared"),
            ("ReduceMean", [delta + "::squared"], results["square"]),
            ("ReduceMin", [reference], results["low"]),
            ("ReduceMax", [reference], results["high"]),
            ("ReduceMean", [reference], results["mean"]),
            ("Mul", [reference, reference], delta + "::reference"),
            ("ReduceMean", [delta + "::reference"], results["mean_square"]),
            ("ReduceMin", [source], results["input_low"]),
            ("ReduceMax", [source], results["input_high"]),
        ]
        for op, inputs, output in chain:
            node = helper.make_node(op, inputs, [output])
            if op.startswith("Reduce"):
                node.attribute.append(helper.make_attribute("keepdims", 0))
            self._nodes.append(node)
        self._outputs += results.values()

    def build(self, taps: Sequence[str]) -> ModelProto:
        """The original's nodes that are needed, each branch right behind the last of them that it reads: a map that only
        the original and its branch read is then freed early.
        """
        graph = self._original.graph
        makers = {name: node for node in graph.node for name in node.output}
        needed: set[str] = set()
        stack = [*taps, *(name for node in self._nodes for name in node.input)]
        while stack:
            node = makers.get(stack.pop())
            if node is not None and node.output[0] not in needed:
                needed.add(node.output[0])
                stack.extend(node.input)
        nodes = _interleaved([node for node in graph.node if node.output[0] in needed], self._nodes)
        read = {name for node in nodes for name in node.input}
        weights = {t.name: t for t in graph.initializer if t.name in read} | self._initialisers
        floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in self._outputs]
        built = helper.make_graph(
            nodes,
            "certify",
            list(graph.input),
            [*(self._types[n] for n in taps), *floats],
            list(weights.values()),
        )
        return helper.make_model(
            built, opset_imports=self._original.opset_import, ir_version=max(self._original.ir_version, 4)
        )


def _interleaved(main: Sequence[NodeProto], side: Sequence[NodeProto]) -> list[NodeProto]:
    """All nodes, each side node as early as what it reads allows; both lists are in computation order."""
    ready = {name: index for index, node in enumerate(main) for name in node.output}
    slots: list[list[NodeProto]] = [[node] for node in main] or [[]]
    for node in side:
        place = max((ready.get(name, 0) for name in node.input), default=0)
        slots[place].append(node)
        ready |= dict.fromkeys(node.output, place)
    return [node for slot in slots for node in slot]


def _values(model: ModelProto) -> list[ValueInfoProto]:
    return [*model.graph.value_info, *model.graph.input, *model.graph.output]


def _dims(value: ValueInfoProto | None) -> list[int] | None:
    return None if value is None else [dim.dim_value for dim in value.type.tensor_type.shape.dim]


def _is_depthwise_1x1(node: NodeProto) -> bool:
    """A scale and shift per channel, written as a convolution."""
    attrs = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return (
        node.op_type == "Conv"
        and attrs.get("group", 1) > 1
        and set(attrs.get("kernel_shape", [0])) == {1}
        and set(attrs.get("strides", [1])) == {1}
        and not any(attrs.get("pads", []))
    )
