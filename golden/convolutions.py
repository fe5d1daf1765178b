"""One convolution in integers, in the midst of its network: what it reads, what it is held in, what it loses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from ..targets.arithmetic import Arithmetic
from .elementwise import addition
from .fixed import to_codes
from .formats import KEEPING
from .network import Bilinear, FloatLayer, Linear, Mean, Network, Product, Reals, Sum
from .normratio import Values
from .program import Concatenation, Convolution, MapFormat
from .samples import Samples
from .scales import Sizes, biased, fix
from .settings import Settings

_ROOM = 1.1  # over the reach seen in the sample


class Options(TypedDict):
    """The keywords of `fix`."""

    bits: int
    slope: float
    two_cuts: bool
    per_tensor: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that the convolutions of one network share; `formats` of every map, `shift` [c] what the image lacks."""

    network: Network
    samples: Samples
    arithmetic: Arithmetic
    settings: Settings
    formats: Mapping[str, MapFormat]
    shift: Reals


def convolution(layer: FloatLayer, operator: Linear, around: Surroundings) -> Convolution:
    """The integer form; what rounding takes away on average, of weights, inputs and sums, stands in the bias."""
    real, held = _input_codes(layer.inputs[0], around)
    weight, bias, sizes = _in_output_codes(layer, operator, around, held)
    options = _options(layer, operator, around)
    fixed = fix(weight, bias, sizes, around.arithmetic, **options)
    drift = _drift(weight, fixed.weight * fixed.step[:, None, None, None], real, held)
    fixed = biased(fixed, bias + drift, around.arithmetic, options["bits"])
    return Convolution(fixed.weight, operator.stride, operator.pads, operator.dilation, operator.groups, fixed.epilogue)


def relative_error(layer: FloatLayer, around: Surroundings) -> float:
    """The mean square error that a convolution's or a sum's integers cause, over the output's variance, all channels.

    Weights or factors, cuts and the rounding of the input codes count; the clipping of the output does not.
    """
    if isinstance(layer.operator, Linear):
        _, codes = _input_codes(layer.inputs[0], around)
        weight, bias, sizes = _in_output_codes(layer, layer.operator, around, codes)
        fixed = fix(weight, bias, sizes, around.arithmetic, **_options(layer, layer.operator, around))
        held = fixed.weight * fixed.step[:, None, None, None]
        error = fixed.error + np.square(held).reshape(len(weight), -1).sum(axis=1) / 12
    else:
        error = _sum_error(layer, around)
    codes = around.samples.of(layer.name) / around.formats[layer.name].normratios[:, None]
    variance = codes.var(axis=1, dtype=np.float64)
    return float((error / np.maximum(variance, 1e-3 * variance.mean() + 1e-30)).sum())


def _sum_error(layer: FloatLayer, around: Surroundings) -> Reals:
    """What the integer factors of a sum get wrong, and the rounding of its inputs; mean square output codes [c]."""
    made = addition(layer, around.formats, around.arithmetic)
    step = np.ldexp(made.epilogue.multiplier.astype(np.float64), -made.epilogue.shift)
    error: Reals = np.zeros_like(step)
    for name, factor in zip(layer.inputs, (made.left, made.right), strict=True):
        ratio = around.formats[name].normratios / around.formats[layer.name].normratios
        _, held = _input_codes(name, around)
        error = error + np.square(factor * step - ratio) * np.square(held).mean(axis=1) + np.square(ratio) / 12
    return error


def _options(layer: FloatLayer, operator: Linear, around: Surroundings) -> Options:
    return {
        "bits": around.formats[layer.name].bits,
        "slope": operator.slope,
        "two_cuts": operator.two_cuts,
        "per_tensor": around.settings.per == "tensor",
    }


def _in_output_codes(
    layer: FloatLayer, operator: Linear, around: Surroundings, held: Reals
) -> tuple[Reals, Reals, Sizes]:
    """w' = w * Nin / Nout and b' = b / Nout; the image's shift is added to the bias it belongs in. `held` [c, s] are
    the codes of what is read.
    """
    source = layer.inputs[0]
    into, out = around.formats[source].normratios, around.formats[layer.name].normratios
    moments, bias = np.square(held).mean(axis=1), operator.bias
    depthwise = operator.groups > 1
    if source == around.network.input:
        sums = operator.weight.sum(axis=(2, 3))
        bias = bias + (sums[:, 0] * _each(around.shift, sums) if depthwise else sums @ around.shift)
    if depthwise:
        weight = operator.weight * (_each(into, operator.weight) / out)[:, None, None, None]
        moments = _each(moments, operator.weight)
    else:
        weight = operator.weight * into[None, :, None, None] / out[:, None, None, None]
    return weight, bias / out, Sizes(moments, _reach(layer, operator, around))


def _each(channels: Reals, weight: Reals) -> Reals:
    """Input channels' values, one for each output channel of a depthwise convolution."""
    return np.repeat(channels, len(weight) // len(channels), axis=0)


def _reach(layer: FloatLayer, operator: Linear, around: Surroundings) -> Reals:
    """How far each channel goes before its activation, in codes; no further than the code range can show."""
    form = around.formats[layer.name]
    code_max = around.arithmetic.widths[form.bits].code_max
    codes = around.samples.of(layer.name).astype(np.float64) / form.normratios[:, None]
    above = np.clip(codes.max(axis=1), 1, code_max)
    below = np.clip(-codes.min(axis=1), 0, code_max)
    reach = np.maximum(above, below / operator.slope) if operator.slope > 0 else above
    return np.asarray(_ROOM * reach, np.float64)


def _input_codes(name: str, around: Surroundings) -> tuple[Reals, Reals]:
    """What a map's samples [c, s] are in codes: before rounding, and as the chip holds them on average."""
    form = around.formats[name]
    values = _values(name, around).astype(np.float64)
    if name == around.network.input:
        values = values - around.shift[:, None]
    normratios = form.normratios[:, None]
    held = to_codes(values, normratios, around.arithmetic.widths[form.bits].code_max)
    return values / normratios, np.asarray(held - _lost(name, around), np.float64)


def _values(name: str, around: Surroundings) -> Values:
    """Samples of any map without the extremes; those of a concat are its parts' side by side, of whatever cells."""
    layer = around.network.layer(name)
    if layer is not None and isinstance(layer.operator, Concatenation) and layer.operator.axis == 1:
        parts = [_values(each, around) for each in layer.inputs]
        cells = min(part.shape[1] for part in parts)
        return np.concatenate([part[:, :cells] for part in parts])
    return around.samples.of(name)[:, :-2]


def _lost(name: str, around: Surroundings) -> float:
    """What a map's codes lack on average: half a code where its cut floors and no bias makes up for it."""
    layer = around.network.layer(name)
    while layer is not None and isinstance(layer.operator, KEEPING) and not isinstance(layer.operator, Bilinear):
        layer = around.network.layer(layer.inputs[0])
    floors = layer is not None and isinstance(layer.operator, Sum | Product | Mean | Bilinear)
    return 0.5 if floors and around.arithmetic.cut_rounding == "floor" else 0.0


def _drift(weight: Reals, held_weight: Reals, real: Reals, held: Reals) -> Reals:
    """The mean of weight * real - held_weight * held in each output channel, borders aside."""
    kernel, held_kernel = weight.sum(axis=(2, 3)), held_weight.sum(axis=(2, 3))
    mean, held_mean = real.mean(axis=1), held.mean(axis=1)
    if kernel.shape[1] == len(mean):
        drift = kernel @ mean - held_kernel @ held_mean
    else:
        drift = kernel[:, 0] * _each(mean, kernel) - held_kernel[:, 0] * _each(held_mean, kernel)
    return np.asarray(drift, np.float64)
