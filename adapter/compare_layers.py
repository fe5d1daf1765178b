"""Layer by layer in three columns: original float, adapted float, integer; each layer under its structural name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..golden.engine.protocol import Engine
from ..golden.layers import LayerComparison, LayerFigures
from ..golden.network import FloatLayer, Network
from ..golden.program import Program
from ..golden.samples import roots
from ..graph.edit import Origin
from ..graph.session import Session, with_outputs
from .facts import Facts
from .lowering import origins_of, traced
from .progress import Progress

_AT_ONCE = 1 << 23  # values of maps in each network

Values = NDArray[np.float32]
Sources = Mapping[str, tuple[str, Origin | None]]


def compare_layers(
    facts: Facts, images: Sequence[Values], program: Program, engine: Engine, network: Network, progress: Progress
) -> tuple[LayerFigures, ...]:
    """All layers in order, on these images; the original's maps where the rewrites kept or traced them.

    The networks are run once more for each group of layers, so that few maps are in memory at once.
    """
    groups = _groups(network)
    progress.stage("comparing layers", len(images) * len(groups))
    sources = _sources(facts, network)
    made = {name for node in facts.final.graph.node for name in node.output}
    comparison = LayerComparison(program, engine)
    for group in groups:
        origin = {layer.name: sources[layer.name] for layer in group if layer.name in sources}
        original = Session(with_outputs(facts.prepared.original, sorted({tensor for tensor, _ in origin.values()})))
        needed = dict.fromkeys(name for layer in group for name in _around(layer, network))
        adapted = Session(with_outputs(facts.final, [name for name in needed if name in made]))
        names = [layer.name for layer in group]
        for tensor in images:
            floats = _with_cells(network, adapted.run({network.input: tensor}), names)
            comparison.add(tensor, floats, _before(origin, original.run({network.input: tensor})), names)
            progress.advance()
    return comparison.figures()


def _groups(network: Network) -> list[list[FloatLayer]]:
    """The layers in order, in groups whose maps hold about _AT_ONCE values."""
    groups: list[list[FloatLayer]] = []
    held = _AT_ONCE
    for layer in network.layers:
        if held >= _AT_ONCE:
            groups.append([])
            held = 0
        groups[-1].append(layer)
        held += prod(layer.shape)
    return groups


def _around(layer: FloatLayer, network: Network) -> list[str]:
    """A layer's map, its inputs, and the maps that tell those of them that the graph has no tensor for."""
    near = [layer.name, *layer.inputs]
    known = [found for name in near if (found := network.layer(name)) is not None]
    readers = [reader.name for each in known for reader in network.readers()[each.name][:1]]
    return [*near, *(name for each in known for name in each.inputs[:1]), *readers]


def layer_anchors(facts: Facts, network: Network) -> dict[str, str]:
    """A name for each layer that survives a re-export; no two are equal.

    A layer that a rewrite made inside another bears the name of that one's map and a number: `s8.conv3.act.term1`.
    Layers that share a map's channels are counted: `s8.conv3[0]`.
    """
    named, root = facts.prepared.anchors, roots(network)
    outer = {name: _outer(name, network, root, named) for name in root}
    terms: Counter[str] = Counter()
    found: dict[str, str] = {}
    for layer in network.layers:
        anchor = named.get(layer.name)
        if anchor is None:
            terms[outer[layer.name]] += 1
            anchor = f"{outer[layer.name]}.term{terms[outer[layer.name]]}"
        found[layer.name] = anchor
    shared, seen = Counter(found.values()), Counter[str]()
    for name, anchor in found.items():
        if shared[anchor] > 1:
            found[name] = f"{anchor}[{seen[anchor]}]"
            seen[anchor] += 1
    return found


def _outer(name: str, network: Network, root: Mapping[str, str], named: Mapping[str, str]) -> str:
    """The first named map behind a nameless one that still belongs to the same unit; the unit's own name else."""
    waiting, reached = [name], {name}
    while waiting:
        here = waiting.pop(0)
        if here in named:
            return named[here]
        for reader in network.readers()[here]:
            if root[reader.name] == root[name] and reader.name not in reached:
                reached.add(reader.name)
                waiting.append(reader.name)
    return named.get(root[name], "layer")


def _sources(facts: Facts, network: Network) -> Sources:
    """For each layer that the original has: the original's tensor, and how the layer's channels come from it."""
    origins = origins_of(facts.applied.steps)
    computed = {name for node in facts.prepared.original.graph.node for name in node.output}
    found = {}
    for layer in network.layers:
        origin = traced(layer.name, origins)
        tensor = layer.name if origin is None else origin.tensor
        if tensor in computed:
            found[layer.name] = (tensor, origin)
    return found


def _before(sources: Sources, truth: Mapping[str, Values]) -> dict[str, Values]:
    """The original's maps by the adapted network's names, in its channels and scales."""
    before = {}
    for name, (tensor, origin) in sources.items():
        if origin is None:
            before[name] = truth[tensor]
        else:
            before[name] = origin.values(truth[tensor][0])[np.newaxis]
    return before


def _with_cells(network: Network, floats: Mapping[str, Values], names: Collection[str]) -> Mapping[str, Values]:
    """The float maps with those that a fully connected layer passes through and the graph has no tensor for."""
    found = dict(floats)
    wanted = {*names, *(each for name in names for each in _inputs(network, name))}
    for layer in network.layers:
        if layer.name in wanted and layer.name not in found:
            source = layer.inputs[0] if layer.inputs[0] in found and layer.macs == 0 else None
            reader = network.readers()[layer.name][0].name if source is None else source
            found[layer.name] = floats[reader].reshape(layer.shape)
    return found


def _inputs(network: Network, name: str) -> tuple[str, ...]:
    layer = network.layer(name)
    return () if layer is None else layer.inputs
