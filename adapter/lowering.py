"""The network in hand as the chip groups its operators: activations are recognised here and handed to golden/."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from ..errors import AdaptError, Exit
from ..golden.lower import Activation, lower
from ..golden.network import Curve, Network
from ..golden.samples import Samples, Values, roots
from ..graph.edit import Origin
from ..graph.model import Model
from ..rewrites.core.activation import activation_at
from ..rewrites.core.rule import Step

_FUSABLE = ("Relu", "LeakyRelu")  # these golden/ knows, fused behind a convolution or not


def lowered(model: Model) -> Network:
    """Raises AdaptError (exit 3) for an operator or an activation that has no integer arithmetic here."""
    tables = []
    for node in model.nodes:
        found = activation_at(node, model)
        if found is None or found.name == "identity" or (len(found.nodes) == 1 and node.op in _FUSABLE):
            continue
        if not found.is_known:
            raise AdaptError(
                "an elementwise function, but no known activation: it cannot be simulated in integers",
                where=node.name,
                hint="--no-golden adapts without the simulation",
                code=Exit.UNSUPPORTED,
            )
        tables.append(Activation(found.input.name, found.output.name, Curve(found.name, found.curve)))
    return lower(model, tables)


def origins_of(steps: tuple[Step, ...]) -> Mapping[str, Origin]:
    """Every map that a rewrite made from another's channels, by its name; one step of the way back each."""
    return dict(chain.from_iterable(step.origins.items() for step in steps))


def traced(name: str, origins: Mapping[str, Origin]) -> Origin | None:
    """The map that a made one goes back to in the end, with all channels and scales composed; None for any other."""
    origin = origins.get(name)
    while origin is not None and (before := origins.get(origin.tensor)) is not None:
        origin = origin.through(before)
    return origin


def samples_for(network: Network, seen: Samples, origins: Mapping[str, Origin]) -> Samples | None:
    """Samples for a network that rewrites made from the one that was seen; None where a map cannot be traced."""
    needed = roots(network)
    found: dict[str, Values] = {}
    for name in dict.fromkeys(needed.values()):
        origin = traced(name, origins)
        source = name if origin is None else origin.tensor
        if source not in seen.roots:
            return None
        values = seen.of(source)
        found[name] = values if origin is None else origin.values(values)
    return Samples(network, found, needed)
