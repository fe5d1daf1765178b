"""Where two networks differ: the tensors that both have and that they compute in different ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onnx import ModelProto, NodeProto, TensorProto


@dataclass(frozen=True, slots=True)
class Difference:
    """`sites`: the original's name of each tensor computed another way, with the adapted node that now computes it.

    `common` holds the original's names of all computed tensors that the adapted model has too. `renamed` maps the
    adapted model's names to the original's where they differ.
    """

    sites: Mapping[str, NodeProto]
    common: frozenset[str]
    renamed: Mapping[str, str]

    def original_name(self, adapted_name: str) -> str:
        """The original's name of an adapted tensor."""
        return self.renamed.get(adapted_name, adapted_name)


def differing_sites(original: ModelProto, adapted: ModelProto, renamed: Mapping[str, str]) -> Difference:
    """Compare producer by producer: operator, attributes, inputs, and the values of constants."""
    makers = {name: node for node in original.graph.node for name in node.output}
    weights = {tensor.name: tensor for tensor in original.graph.initializer}
    new_weights = {tensor.name: tensor for tensor in adapted.graph.initializer}
    known = {*makers, *(value.name for value in original.graph.input)}
    sites: dict[str, NodeProto] = {}
    common: set[str] = set()
    same_weight: dict[str, bool] = {}

    def is_same_input(mine: str, theirs: str) -> bool:
        if mine in new_weights:
            if mine not in same_weight:
                same_weight[mine] = mine == theirs and mine in weights and _equal(weights[mine], new_weights[mine])
            return same_weight[mine]
        return renamed.get(mine, mine) == theirs

    for node in adapted.graph.node:
        for output in node.output:
            name = renamed.get(output, output)
            if name not in known:
                continue
            common.add(name)
            maker = makers.get(name)
            same = (
                maker is not None
                and (maker.op_type, maker.domain, len(maker.input)) == (node.op_type, node.domain, len(node.input))
                and _attributes(maker) == _attributes(node)
                and all(map(is_same_input, node.input, maker.input))
            )
            if not same:
                sites[name] = node
    return Difference(sites, frozenset(common), dict(renamed))


def _attributes(node: NodeProto) -> list[bytes]:
    return sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)


def _equal(a: TensorProto, b: TensorProto) -> bool:
    if a.data_type == b.data_type and list(a.dims) == list(b.dims) and a.raw_data and b.raw_data:
        return bool(a.raw_data == b.raw_data)
    return bool(a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True))
