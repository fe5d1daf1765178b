"""Which layers deserve 16 bits: what each one costs in 8, measured at the heads, and the best ones within a budget.

A unit is a convolution with the activation behind it. The heads are one unit, since the threshold filter reads maps of
one width; so are all sums of LeakyReLUs that stand for activations, which cancel one another's large terms and are of
little use in 8 bits. From a network wholly in 16 bits one unit at a time is put into 8: near a clean network errors
hardly mask one another, so that what the heads lose is the unit's own doing. (From 8 bits upwards the first clean layer
buys nothing as long as the next one spoils it.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from .engine.protocol import Engine, decode_map, encode_image
from .formats import KEEPING
from .heads import relative_error
from .network import FloatOperator, Network, Sum
from .normratio import Values
from .program import Program
from .quantise import Quantiser
from .samples import roots
from .settings import Settings

EngineFor = Callable[[Program], Engine]


@dataclass(frozen=True, slots=True)
class Unit:
    """`name` is the first layer's, `layers` all of the unit, `macs` its share of the network's in 0..1.

    `loss` is the mean square error that it causes at the heads in 8 bits, over their variance, heads averaged.
    """

    name: str
    layers: tuple[str, ...]
    macs: float
    loss: float


def rank(
    quantiser: Quantiser,
    engine_for: EngineFor,
    pictures: Sequence[tuple[Values, Mapping[str, Values]]],
    settings: Settings,
    advance: Callable[[], None] = lambda: None,
) -> tuple[Unit, ...]:
    """All units, the costliest in 8 bits first; `pictures` are inputs with the float network's heads."""
    network = quantiser.network
    wide = {layer.name: 16 for layer in network.layers}
    floor = head_error(quantiser.program(replace(settings, mixed=wide)), engine_for, pictures)
    total = max(sum(layer.macs for layer in network.layers), 1)
    found = []
    for name, members in units(quantiser).items():
        mixed = {**wide, **dict.fromkeys(members, 8)}
        loss = head_error(quantiser.program(replace(settings, mixed=mixed)), engine_for, pictures) - floor
        share = sum(layer.macs for layer in network.layers if layer.name in set(members)) / total
        found.append(Unit(name, members, share, max(loss, 0.0)))
        advance()
    return tuple(sorted(found, key=lambda unit: (-unit.loss, unit.name)))


def units(quantiser: Quantiser) -> dict[str, tuple[str, ...]]:
    """Layers that change their width together, by the first one's name, in order."""
    network = quantiser.network
    heads = {_maker(network, name) for name in network.outputs}
    found: dict[str, tuple[str, ...]] = {}
    joined: dict[str, tuple[str, ...]] = {"heads": (), "sums": ()}
    for members in _families(network):
        if heads.intersection(members):
            joined["heads"] += members
        elif any(isinstance(_operator(network, name), Sum) for name in members[1:]):
            found[members[0]] = members[:1]
            joined["sums"] += members[1:]
        else:
            found[members[0]] = members
    return found | {members[0]: members for members in joined.values() if members}


def _families(network: Network) -> list[tuple[str, ...]]:
    """Maps with a width of their own, by the recorded map that they come from cell by cell."""
    found: dict[str, tuple[str, ...]] = {}
    for name, root in roots(network).items():
        if root != network.input and not isinstance(_operator(network, name), KEEPING):
            found[root] = (*found.get(root, ()), name)
    return list(found.values())


def _maker(network: Network, name: str) -> str:
    """The map whose codes this one holds."""
    layer = network.layer(name)
    while layer is not None and isinstance(layer.operator, KEEPING):
        layer = network.layer(layer.inputs[0])
    return name if layer is None else layer.name


def _operator(network: Network, name: str) -> FloatOperator | None:
    layer = network.layer(name)
    return None if layer is None else layer.operator


def head_error(
    program: Program, engine_for: EngineFor, pictures: Sequence[tuple[Values, Mapping[str, Values]]]
) -> float:
    """Mean square error of each head over its variance, averaged over heads and pictures."""
    engine = engine_for(program)
    formats, source = program.formats(), program.input
    found = []
    for picture, _ in pictures:
        maps = engine.run(encode_image(picture, source, program.code_max(source.format.bits))).maps
        found.append({name: decode_map(maps[name], formats[name].normratios) for name in program.outputs})
    return relative_error(found, [truth for _, truth in pictures])


def pick(ranked: Sequence[Unit], most_macs: float) -> dict[str, int]:
    """Layers in 16 bits: units by loss over MACs, as long as they fit into `most_macs` (a share, 0..1)."""
    mixed: dict[str, int] = {}
    spent = 0.0
    for unit in sorted(ranked, key=lambda each: (-each.loss / max(each.macs, 1e-6), each.name)):
        if unit.loss > 0 and spent + unit.macs <= most_macs:
            spent += unit.macs
            mixed |= dict.fromkeys(unit.layers, 16)
    return mixed
