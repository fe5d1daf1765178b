"""The codes that the simulator would give a network in hand, for a training that is to live with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, numpy_helper

from ..data.preprocess import Preprocess
from ..errors import AdaptError, Exit
from ..golden.program import Convolution, Program
from ..golden.quantise import quantise
from ..golden.samples import collect
from ..golden.settings import Image, Settings
from ..graph.model import Model
from ..targets.types import Target
from .lowering import lowered

Codes = tuple[NDArray[np.float64], int]


def codes_of(
    network: ModelProto, target: Target, inputs: Sequence[NDArray[np.float32]], preprocess: Preprocess, bits: int
) -> tuple[dict[str, Codes], dict[str, Codes]]:
    """(step float64 [c], largest code) of each map by name, and of the weights by the convolution's output.

    `inputs` float32 [1, c, h, w] are what the ranges are chosen on. Raises AdaptError (exit 3) where the target or the
    network has no integer arithmetic here.
    """
    if target.arithmetic is None:
        raise AdaptError(f"{target.name} has no integer arithmetic here yet", hint="no --bits", code=Exit.UNSUPPORTED)
    layers = lowered(Model.from_proto(network, "recovered"))
    samples = collect(network, layers, inputs, len(inputs))
    image = Image(np.asarray(preprocess.mean, np.float64), np.asarray(preprocess.scale, np.float64))
    program = quantise(layers, samples, target.arithmetic, Settings(bits), image)
    maps = {layer.name: (layer.format.normratios, program.code_max(layer.format.bits)) for layer in program.layers}
    return maps, _weights(network, program)


def _weights(network: ModelProto, program: Program) -> dict[str, Codes]:
    """A weight's step is what its largest value is over its largest code."""
    stored = {tensor.name: tensor for tensor in network.graph.initializer}
    fused = {node.input[0]: node.output[0] for node in network.graph.node if node.op_type in ("Relu", "LeakyRelu")}
    layers = {layer.name: layer for layer in program.layers}
    found: dict[str, Codes] = {}
    for node in network.graph.node:
        name = node.output[0]
        layer = layers.get(name) or layers.get(fused.get(name, ""))
        if node.op_type != "Conv" or layer is None or not isinstance(layer.operator, Convolution):
            continue
        values = np.abs(_values(stored, node.input[1])).reshape(len(layer.operator.weight), -1).max(axis=1)
        codes = np.abs(layer.operator.weight).reshape(len(values), -1).max(axis=1)
        found[name] = (values / np.maximum(codes, 1), program.code_max(layer.format.bits))
    return found


def _values(stored: Mapping[str, TensorProto], name: str) -> NDArray[np.float64]:
    return numpy_helper.to_array(stored[name]).astype(np.float64)
