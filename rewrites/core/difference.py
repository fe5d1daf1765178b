"""Where two networks differ: the tensors that both have and that they compute in different ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper


@dataclass(frozen=True, slots=True)
class Difference:
    """`sites`: the original's name of each tensor computed another way, with the adapted node that now computes it.

    `common` holds the original's names of all computed tensors that the adapted model has too. `renamed` maps the
    adapted model's names to the original's where they differ. `broken` names what no comparison of values could
    judge: outputs that are absent, superfluous, out of order or not computed, inputs that the original lacks, and
    tensors that stand for one that another node computes already.
    """

    sites: Mapping[str, NodeProto]
    common: frozenset[str]
    renamed: Mapping[str, str]
    broken: tuple[str, ...] = ()

    def original_name(self, adapted_name: str) -> str:
        """The original's name of an adapted tensor."""
        return self.renamed.get(adapted_name, adapted_name)


def differing_sites(original: ModelProto, adapted: ModelProto, renamed: Mapping[str, str]) -> Difference:
    """Compare producer by producer: operator, attributes, inputs, place among the outputs, values of constants.

    `renamed` lists the adapted outputs in order, with the original's tensors; empty where the outputs stayed.
    """
    makers = {name: node for node in original.graph.node for name in node.output if name}
    inputs = _inputs(original)
    same = _SameInput(original, adapted, renamed, makers.keys() | inputs.keys())
    sites: dict[str, NodeProto] = {}
    common: set[str] = set()
    broken: list[str] = []
    for node in adapted.graph.node:
        for place, output in enumerate(node.output):
            name = renamed.get(output, output)
            if name not in makers and name not in inputs:
                continue
            if name in common:
                broken.append(output)
            common.add(name)
            maker = makers.get(name)
            if maker is None or not _is_same_node(maker, node, name, place) or not same.all(node.input, maker.input):
                sites[name] = node
    broken += _foreign_inputs(inputs, adapted) + _broken_outputs(original, adapted, renamed, common | inputs.keys())
    return Difference(sites, frozenset(common), dict(renamed), tuple(dict.fromkeys(broken)))


class _SameInput:
    """Tells whether two inputs are the same tensor, or constants of one name and the same values."""

    def __init__(self, original: ModelProto, adapted: ModelProto, renamed: Mapping[str, str], known: set[str]) -> None:
        self._weights = {tensor.name: tensor for tensor in original.graph.initializer}
        self._new_weights = {tensor.name: tensor for tensor in adapted.graph.initializer}
        self._renamed, self._known = renamed, known
        self._equal: dict[str, bool] = {}

    def all(self, mine: Sequence[str], theirs: Sequence[str]) -> bool:
        """True where all inputs of a node are the same."""
        return all(map(self._is_same, mine, theirs))

    def _is_same(self, mine: str, theirs: str) -> bool:
        if mine not in self._new_weights:
            return self._renamed.get(mine, mine) == theirs and (not theirs or theirs in self._known)
        if mine != theirs or mine not in self._weights:
            return False
        if mine not in self._equal:
            self._equal[mine] = equal_values(self._weights[mine], self._new_weights[mine])
        return self._equal[mine]


def equal_values(a: TensorProto, b: TensorProto) -> bool:
    """Equal type, shape and values, bit for bit, in whichever field they are stored."""
    if a.data_type != b.data_type or list(a.dims) != list(b.dims):
        return False
    mine, theirs = a.raw_data, b.raw_data  # each look at the field copies it
    if mine and theirs:
        return bool(mine == theirs)
    return np.asarray(numpy_helper.to_array(a)).tobytes() == np.asarray(numpy_helper.to_array(b)).tobytes()


def _is_same_node(maker: NodeProto, node: NodeProto, name: str, place: int) -> bool:
    return (
        (maker.op_type, maker.domain, len(maker.input)) == (node.op_type, node.domain, len(node.input))
        and list(maker.output).index(name) == place
        and _attributes(maker) == _attributes(node)
    )


def _attributes(node: NodeProto) -> list[bytes]:
    return sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)


def _inputs(model: ModelProto) -> dict[str, ValueInfoProto]:
    """The inputs that a caller feeds, by name."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return {value.name: value for value in model.graph.input if value.name not in stored}


def _foreign_inputs(inputs: Mapping[str, ValueInfoProto], adapted: ModelProto) -> list[str]:
    """Adapted inputs that are not the original's in name, type and shape."""
    mine = _inputs(adapted).items()
    return [name for name, value in mine if name not in inputs or _kind(inputs[name]) != _kind(value)]


def _kind(value: ValueInfoProto) -> tuple[int, list[int]]:
    """Element type and shape; what the file says besides (denotations) changes no value."""
    tensor = value.type.tensor_type
    return tensor.elem_type, [dim.dim_value for dim in tensor.shape.dim]


def _broken_outputs(
    original: ModelProto, adapted: ModelProto, renamed: Mapping[str, str], known: set[str]
) -> list[str]:
    """Adapted outputs that are not those wanted, in their order, and those that no node computes."""
    wanted = list(renamed) or [value.name for value in original.graph.output]
    given = [value.name for value in adapted.graph.output]
    misplaced = [want or gave for want, gave in zip_longest(wanted, given, fillvalue="") if want != gave]
    return misplaced + [name for name in given if renamed.get(name, name) not in known]
