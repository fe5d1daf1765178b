"""How each map of a network is held: its width, and where its values are clipped."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..targets.arithmetic import Arithmetic
from .network import Bilinear, Border, FloatLayer, Linear, Network, Reals
from .normratio import Values, aware_threshold, ems_threshold, kld_threshold, largest
from .program import (
    Concatenation,
    InputFormat,
    MapFormat,
    MaxPool,
    NearestUpsample,
    Rectify,
    Reshape,
    Slice,
    Transpose,
)
from .samples import Samples
from .settings import Image, Settings

# What leaves codes as they are, so that its output is held as its input is.
KEEPING = (Concatenation, Slice, Reshape, Transpose, MaxPool, NearestUpsample, Rectify, Border, Bilinear)

_JUDGED = 384  # cells of a sample that a threshold is chosen by
_LEAST = 1e-12


def input_format(
    network: Network, samples: Samples, arithmetic: Arithmetic, settings: Settings, image: Image | None
) -> InputFormat:
    """The image's own format. It is shifted where that is exact: where no reader pads it with zeros."""
    bits = 8 if settings.mixed else settings.bits
    code_max = arithmetic.widths[bits].code_max
    shift = np.zeros(network.shape[1])
    reach: Reals = np.abs(samples.recorded[network.input]).max(axis=1).astype(np.float64)
    if image is not None:
        readers = network.readers()[network.input]
        unpadded = all(isinstance(reader.operator, Linear) and not any(reader.operator.pads) for reader in readers)
        level = arithmetic.image_shift if unpadded else 0
        if unpadded:
            shift = (level - image.mean) / image.scale
        ends = [(pixel - level) / image.scale if unpadded else (pixel - image.mean) / image.scale for pixel in (0, 255)]
        reach = np.maximum(np.abs(ends[0]), np.abs(ends[1]))
    denominator = arithmetic.image_ratio_denominator
    inverse = max(round(denominator * code_max / max(float(reach.max()), _LEAST)), 1)
    form = MapFormat(bits, np.full(network.shape[1], denominator / inverse))
    return InputFormat(network.input, network.shape, shift, form)


def moved(layer: FloatLayer, formats: Mapping[str, MapFormat]) -> MapFormat:
    """The format of a layer that keeps codes, from those of its inputs."""
    parts = [formats[name] for name in layer.inputs]
    operator, channels = layer.operator, parts[0].normratios
    if isinstance(operator, Concatenation):
        bits = max(part.bits for part in parts)
        return MapFormat(bits, np.concatenate([part.normratios for part in parts]) if operator.axis == 1 else channels)
    if isinstance(operator, Slice) and len(operator.starts) > 1:
        channels = channels[operator.starts[1] : operator.ends[1] : operator.steps[1]]
    elif len(layer.shape) > 1 and layer.shape[1] != len(channels):
        channels = np.full(layer.shape[1], channels[0])
    return MapFormat(parts[0].bits, channels)


def chosen(layer: FloatLayer, samples: Samples, arithmetic: Arithmetic, settings: Settings) -> MapFormat:
    """The format of a map that is requantised, clipped as the settings say."""
    bits = settings.bits_of(layer.name)
    code_max = arithmetic.widths[bits].code_max
    values = samples.of(layer.name)
    if settings.saturation == "null":
        top = largest(values)
    elif settings.saturation == "kld":
        top = kld_threshold(values, arithmetic.calibration)
    elif settings.saturation == "ems":
        top = ems_threshold(values, code_max)
    else:
        top = _aware(layer.name, values, samples, settings, code_max)
    return MapFormat(bits, np.full(layer.shape[1], max(top, _LEAST) / code_max))


def _aware(name: str, values: Values, samples: Samples, settings: Settings, code_max: int) -> float:
    """Judged where the values end up, on a part of the sample; the whole range where clipping gains nothing."""
    columns = slice(None, None, max(values.shape[1] // _JUDGED, 1))
    last = samples.offspring(name)
    effect = settings.effects.get(last)

    def ends_up(x: Values) -> Values:
        there = x if last == name else samples.of(last, {name: x}, columns)
        return there if effect is None else effect(there)

    part = values[:, columns]
    threshold = aware_threshold(part, code_max, ends_up)
    return largest(values) if threshold >= largest(part) else threshold
