"""One model that runs the original, the adapted regions beside it, and measures how far they differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, shape_inference

from ...graph.shapes import skeleton
from .difference import Difference, equal_values
from .rows import ROWS, cut, is_elementwise

MEASURES = ("largest", "square", "low", "high", "mean", "mean_square")
_MARK, _MEASURED, _ROWS_OF = "adapted::", "measured::", "rows::"


@dataclass(frozen=True, slots=True)
class Branches:
    """The model to run, its weights beside it; `mismatched` are sites whose shape is not the original's, or not known.

    `pairs` names two further outputs of elementwise sites: what the region reads, and what it gives.
    """

    model: ModelProto
    weights: tuple[TensorProto, ...]
    mismatched: frozenset[str]
    pairs: Mapping[str, tuple[str, str]]

    @staticmethod
    def result(site: str, measure: str) -> str:
        """The output that holds a measure of a site."""
        return f"{_MEASURED}{measure}::{site}"


def measure_branches(
    original: ModelProto, adapted: ModelProto, difference: Difference, taps: Sequence[str], shown: Collection[str]
) -> Branches:
    """The original with one side branch a site. Its outputs are the taps and, per site, the measures as scalars:
    largest |a - b|, mean (a - b)^2; the smallest, largest, mean and mean square of the original's values; for the
    sites `shown` also the pair, where the region is an elementwise function of one tensor.
    """
    builder = _Builder(original, adapted, difference)
    for site in difference.sites:
        builder.add(site, site in shown)
    return Branches(builder.build(taps), builder.weights(), frozenset(builder.mismatched), builder.pairs)


class _Builder:
    def __init__(self, original: ModelProto, adapted: ModelProto, difference: Difference) -> None:
        self._original, self._difference = original, difference
        self._makers = {name: node for node in adapted.graph.node for name in node.output}
        self._weights = {tensor.name: tensor for tensor in adapted.graph.initializer}
        self._stored = {tensor.name: tensor for tensor in original.graph.initializer}
        self._types = _types(original)
        self._new_types = {difference.original_name(name): value for name, value in _types(adapted).items()}
        self._nodes: list[NodeProto] = []
        self._initialisers: dict[str, TensorProto] = {}
        self._outputs: list[ValueInfoProto] = []
        self._read: set[str] = set()
        self.mismatched: set[str] = set()
        self.pairs: dict[str, tuple[str, str]] = {}

    def add(self, site: str, shown: bool) -> None:
        """Hang the region that ends at a site onto the original, and measure it."""
        dims = _dims(self._types.get(site))
        if dims is None or dims != _dims(self._new_types.get(site)):
            self.mismatched.add(site)
            return
        region = self._region(self._difference.sites[site])
        outer = self._outer(region)
        plain = is_elementwise(region, self._weights) and all(_dims(self._types.get(n)) == dims for n in outer)
        sampled = self._sample_rows(site, {*outer, site}, dims) if plain else {}
        for node in region:
            copy = NodeProto()
            copy.CopyFrom(node)
            copy.ClearField("name")  # the runtime refuses two nodes of one name
            copy.input[:] = [self._source(name, site, sampled) for name in node.input]
            copy.output[:] = [_inner(site, name) for name in node.output]
            self._nodes.append(copy)
        mine = _inner(site, self._adapted_name(site))
        if shown and plain and len(outer) == 1 and self._is_float(site):
            self.pairs[site] = (sampled.get(outer[0], outer[0]), mine)
        self._measure(site, mine, sampled.get(site, site))

    def _adapted_name(self, site: str) -> str:
        names = map(str, self._difference.sites[site].output)
        return next(name for name in names if self._difference.original_name(name) == site)

    def _region(self, last: NodeProto) -> list[NodeProto]:
        """The adapted nodes between tensors that the original has too, in computation order."""
        found: dict[str, NodeProto] = {}
        self._visit(last, found)
        return list(found.values())

    def _visit(self, node: NodeProto, found: dict[str, NodeProto]) -> None:
        if node.output[0] in found:
            return
        for name in node.input:
            maker = self._makers.get(name)
            if maker is not None and self._difference.original_name(name) not in self._difference.common:
                self._visit(maker, found)
        found[node.output[0]] = node

    def _source(self, name: str, site: str, sampled: Mapping[str, str]) -> str:
        """Where a region's node reads: a constant, the original's tensor (or its sample), or the region itself.

        A constant whose name stands for something else in the original gets another name: the original keeps its own.
        """
        if not name:
            return name
        if name in self._weights:
            return self._store(self._weights[name])
        theirs = self._difference.original_name(name)
        if theirs in self._difference.common or name not in self._makers:
            return sampled.get(theirs, theirs)
        return _inner(site, name)

    def _store(self, weight: TensorProto) -> str:
        name = str(weight.name)
        if name in self._stored and equal_values(self._stored[name], weight):
            return name
        if name in self._stored or name in self._types:
            copy = TensorProto()
            copy.CopyFrom(weight)
            copy.name = name = _MARK + name
            weight = copy
        self._initialisers[name] = weight
        return name

    def _sample_rows(self, site: str, names: Collection[str], dims: Sequence[int]) -> dict[str, str]:
        """Maps of these dims, each cut to a few rows; nothing where they are no feature maps or small."""
        if len(dims) != 4 or dims[2] <= ROWS:
            return {}
        sampled = {name: f"{_ROWS_OF}{site}::{name}" for name in sorted(names)}
        for name, result in sampled.items():
            node, stored = cut(name, result, dims[2], _ROWS_OF)
            self._nodes.append(node)
            self._initialisers |= {tensor.name: tensor for tensor in stored}
        return sampled

    def _outer(self, region: Sequence[NodeProto]) -> list[str]:
        """The original's tensors that a region reads."""
        inside = {name for node in region for name in node.output}
        read = (n for node in region for n in node.input if n and n not in self._weights and n not in inside)
        return list(dict.fromkeys(self._difference.original_name(name) for name in read))

    def _is_float(self, name: str) -> bool:
        return bool(self._types[name].type.tensor_type.elem_type == TensorProto.FLOAT)

    def _measure(self, site: str, mine: str, reference: str) -> None:
        delta = f"{_MEASURED}delta::{site}"
        if not self._is_float(site):
            for name, cast in ((mine, f"{delta}::mine"), (reference, f"{delta}::theirs")):
                self._nodes.append(helper.make_node("Cast", [name], [cast], to=TensorProto.FLOAT))
            mine, reference = f"{delta}::mine", f"{delta}::theirs"
        results = {measure: Branches.result(site, measure) for measure in MEASURES}
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
        ]
        for op, inputs, output in chain:
            node = helper.make_node(op, inputs, [output])
            if op.startswith("Reduce"):
                node.attribute.append(helper.make_attribute("keepdims", 0))
            self._nodes.append(node)
        self._outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in results.values()]

    def build(self, taps: Sequence[str]) -> ModelProto:
        """The original's nodes that are needed, each branch right behind the last of them that it reads: a map that
        only the original and its branch read is then freed early.
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
        self._read = {name for node in nodes for name in node.input}
        shown = dict.fromkeys(name for pair in self.pairs.values() for name in pair)
        wanted = [*(self._types[name] for name in taps), *(_untyped(n) for n in shown if n not in taps)]
        built = helper.make_graph(nodes, "certify", list(graph.input), [*wanted, *self._outputs])
        return helper.make_model(
            built, opset_imports=self._original.opset_import, ir_version=max(self._original.ir_version, 4)
        )

    def weights(self) -> tuple[TensorProto, ...]:
        """The initialisers that the built model reads."""
        theirs = (tensor for tensor in self._original.graph.initializer if tensor.name in self._read)
        return (*theirs, *self._initialisers.values())


def _interleaved(main: Sequence[NodeProto], side: Sequence[NodeProto]) -> list[NodeProto]:
    """All nodes, each side node as early as what it reads allows; both lists are in computation order."""
    ready = {name: index for index, node in enumerate(main) for name in node.output}
    slots: list[list[NodeProto]] = [[node] for node in main] or [[]]
    for node in side:
        place = max((ready.get(name, 0) for name in node.input), default=0)
        slots[place].append(node)
        ready |= dict.fromkeys(node.output, place)
    return [node for slot in slots for node in slot]


def _inner(site: str, name: str) -> str:
    """A region's own tensor: regions may share nodes, each site then computes them for itself."""
    return f"{_MARK}{site}::{name}" if name else name


def _untyped(name: str) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


def _types(model: ModelProto) -> dict[str, ValueInfoProto]:
    """Types and shapes as they follow from the nodes: what the file says of them is not believed."""
    bones = skeleton(model)
    for value in bones.graph.output:
        value.type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(bones, data_prop=True).graph
    return {value.name: value for value in [*inferred.value_info, *inferred.input, *inferred.output]}


def _dims(value: ValueInfoProto | None) -> tuple[int, ...] | None:
    """The static shape, None where any of it is unknown."""
    if value is None or not value.type.tensor_type.HasField("shape"):
        return None
    dims = value.type.tensor_type.shape.dim
    return tuple(d.dim_value for d in dims) if all(d.HasField("dim_value") for d in dims) else None
