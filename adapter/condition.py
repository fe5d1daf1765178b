"""Prepare the adapted network for integers: rewrites that need to know how far each channel of each map goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import AdaptError
from ..golden.formats import KEEPING
from ..golden.samples import Samples
from ..rewrites.core.rule import ChannelRange, Context, Step
from ..rewrites.core.rules import discover
from ..rewrites.core.run import Applied, run
from .calibrate import Calibration
from .lowering import lowered, origins_of, samples_for, traced
from .prepare import Prepared

_INSIDE = 0.999  # of a channel's values lie within its reach
_ROUNDS = 4  # equalising renames maps, and splitting then looks at them again


def condition(context: Context, seen: Calibration, made: tuple[Step, ...] = ()) -> Applied:
    """Run the rules again, now with ranges, until they are at rest. The model is edited; these steps are given.

    A network that has no integer arithmetic here, or whose target has none, stays as it is. `made` are earlier steps
    that told where their maps come from.
    """
    done = Applied((), ())
    if seen.samples is None or context.target.arithmetic is None:
        return done
    for _ in range(_ROUNDS):
        try:
            samples = samples_for(lowered(context.model), seen.samples, origins_of((*made, *done.steps)))
        except AdaptError:
            break
        if samples is None:
            break
        more = run(replace(context, ranges=channel_ranges(samples)), discover())
        done = Applied((*done.steps, *more.steps), ())
        if not more.steps:
            break
    return done


def merge(context: Context) -> Applied:
    """Merge the convolutions that write the chosen sums with their neighbours. The model is edited."""
    plan = context.activation
    if plan is None or plan.mode != "auto":
        return Applied((), ())
    return run(replace(context, activation=replace(plan, merge=True)), discover())


def with_made_maps(prepared: Prepared, steps: tuple[Step, ...]) -> Prepared:
    """The same with anchors for the maps that these steps made: those of the maps whose channels they hold."""
    origins = origins_of(steps)
    anchors = dict(prepared.anchors)
    for name in origins:
        origin = traced(name, origins)
        if origin is not None and origin.tensor in prepared.anchors:
            anchors[name] = prepared.anchors[origin.tensor]
    return replace(prepared, anchors=anchors)


def channel_ranges(samples: Samples) -> dict[str, ChannelRange]:
    """Reach and deviation of every map that is requantised."""
    found = {}
    for layer in samples.network.layers:
        if isinstance(layer.operator, KEEPING) or len(layer.shape) != 4:
            continue
        values = samples.of(layer.name)
        kept = int(_INSIDE * (values.shape[1] - 1))
        reach = np.partition(np.abs(values), kept, axis=1)[:, kept].astype(np.float64)
        found[layer.name] = ChannelRange(reach, values.std(axis=1, dtype=np.float64))
    return found
