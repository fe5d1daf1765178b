"""Sums of LeakyReLUs for the tests of the rules that write and merge them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import ModelProto

from icraft_adapt.graph.model import Model
from icraft_adapt.rewrites import activation_to_channel_sum, merge_into_producer, merge_into_readers
from icraft_adapt.rewrites.core.channel_sum import ChannelSum
from icraft_adapt.rewrites.core.rule import ActivationPlan, Context
from icraft_adapt.rewrites.core.run import Applied, run
from icraft_adapt.targets.loader import load_target

RULES = [activation_to_channel_sum.RULE, merge_into_producer.RULE, merge_into_readers.RULE]


def plain(channels: int, *slopes: float, seed: int = 0) -> ChannelSum:
    """Random terms that are added as they are."""
    rng = np.random.default_rng(seed)
    scale, shift = rng.uniform(0.3, 1, (2, len(slopes), channels))
    return ChannelSum(scale, shift, np.ones_like(scale), slopes, np.zeros(channels), 0.1)


def shared(channels: int, hinges: int, slope: float = 0.1, seed: int = 0) -> ChannelSum:
    """Random terms of one slope, with factors and a constant."""
    rng = np.random.default_rng(seed)
    scale, shift = rng.uniform(0.3, 1, (2, hinges, channels))
    factor = np.where(rng.random((hinges, channels)) < 0.5, -1.0, 1.0)
    return ChannelSum(scale, shift, factor, (slope,) * hinges, rng.uniform(-1, 1, channels), 0.1)


def written(proto: ModelProto, sums: Mapping[str, ChannelSum]) -> tuple[Applied, ModelProto]:
    """The network after activation_to_channel_sum alone, for icraft-v1.1."""
    return _applied(proto, ActivationPlan("auto", sums=sums))


def merged(proto: ModelProto) -> tuple[Applied, ModelProto]:
    """The network after the two rules that merge."""
    return _applied(proto, ActivationPlan("auto", merge=True))


def _applied(proto: ModelProto, plan: ActivationPlan) -> tuple[Applied, ModelProto]:
    context = Context(Model.from_proto(proto, "model"), load_target("icraft-v1.1"), plan)
    applied = run(context, RULES)
    return applied, context.model.to_proto()
