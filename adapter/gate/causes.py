"""The usual causes why a board computes other codes than the simulation, each as a simulation of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.preprocess import Preprocess
from ...golden.alternatives import alternatives
from ...golden.engine.protocol import encode_image
from ...golden.fixed import Codes, to_codes
from ...golden.program import Program
from ...graph.model import Model
from .golden_folder import GoldenFolder

Values = NDArray[np.float32]

# What exporters and boards like to apply by default: ImageNet's, in the order of RGB.
_IMAGENET_MEAN, _IMAGENET_SCALE = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_PIXEL = 255.0


@dataclass(frozen=True, slots=True)
class Cause:
    """What may be different on the board, in words, and what it would compute then."""

    words: str
    program: Program
    codes: Codes


def causes(golden: GoldenFolder) -> Iterator[Cause]:
    """All of them, the likeliest first; what makes no difference to this network is left out."""
    program, right = golden.program, golden.codes
    for words, codes in _inputs(golden):
        if codes.shape == right.shape and not np.array_equal(codes, right):
            yield Cause(words, program, codes)
    for words, other in alternatives(program, slopes_of(golden)):
        yield Cause(words, other, right)


def slopes_of(golden: GoldenFolder) -> Mapping[str, float]:
    """The slope of every LeakyReLU by the tensor that it computes."""
    model = Model.from_proto(golden.folder.adapted, "adapted")
    return {
        node.outputs[0].name: float(node.attrs.get("alpha", 0.01)) for node in model.nodes if node.op == "LeakyRelu"
    }


def _inputs(golden: GoldenFolder) -> Iterator[tuple[str, Codes]]:
    """The picture as a board might take it."""
    told, image, picture = golden.folder.manifest.preprocess, golden.program.input, golden.picture
    code_max = golden.program.code_max(image.format.bits)
    pixels = _pixels(picture, told)
    for words, values in (*_colours(pixels, told), *_scales(pixels, told), *_layouts(picture)):
        if values.shape == picture.shape:
            yield words, encode_image(values.astype(np.float32), image, code_max)
    if image.shift.any():
        normratios = image.format.normratios.reshape(1, -1, 1, 1)
        yield "the shift of the image is missing", to_codes(picture, normratios, code_max)


def _colours(pixels: Values, told: Preprocess) -> Iterator[tuple[str, Values]]:
    other = "RGB" if told.channels == "bgr" else "BGR"
    if pixels.shape[1] == 3:
        yield f"the picture comes as {other}, not as {told.channels.upper()}", _normalised(pixels[:, ::-1], told)


def _scales(pixels: Values, told: Preprocess) -> Iterator[tuple[str, Values]]:
    right = _normalised(pixels, told)
    yield "mean and scale are not applied", pixels
    yield "mean and scale are applied twice", _normalised(right, told)
    yield "the mean is not applied", pixels / _column(told.scale)
    yield "the scale is not applied", pixels - _column(told.mean)
    yield "the pixels are divided by 255", _normalised(pixels / _PIXEL, told)
    mean, scale = _IMAGENET_MEAN, _IMAGENET_SCALE
    if told.channels == "bgr":
        mean, scale = (mean[2], mean[1], mean[0]), (scale[2], scale[1], scale[0])
    yield "ImageNet's mean and scale are applied", (pixels - _column(mean)) / _column(scale)


def _layouts(picture: Values) -> Iterator[tuple[str, Values]]:
    n, c, h, w = picture.shape
    yield "the picture's H and W are transposed", np.ascontiguousarray(picture.transpose(0, 1, 3, 2))
    yield "the picture's NCHW bytes are read as NHWC", picture.reshape(n, h, w, c).transpose(0, 3, 1, 2)
    yield "the picture's NHWC bytes are read as NCHW", picture.transpose(0, 2, 3, 1).reshape(n, c, h, w)


def _pixels(picture: Values, told: Preprocess) -> Values:
    """The picture before mean and scale."""
    return np.asarray(np.rint(picture * _column(told.scale) + _column(told.mean)), np.float32)


def _normalised(pixels: Values, told: Preprocess) -> Values:
    """As `letterbox` does it."""
    return (pixels - _column(told.mean)) / _column(told.scale)


def _column(channels: tuple[float, ...]) -> Values:
    return np.array(channels, np.float32).reshape(1, -1, 1, 1)
