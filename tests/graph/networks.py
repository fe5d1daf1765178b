"""Small networks in ONNX's text form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from onnx import ModelProto, numpy_helper, parser

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.load import load_static

BODY = """
    axes = Constant <value = int64[1] {1}> ()
    c = Conv <kernel_shape=[1,1]> (x, w, b)
    s = Sigmoid(c)
    m = Mul(c, s)
    y = Unsqueeze(m, axes)
"""
CONV = {"w": np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3, 1, 1), "b": np.arange(4, dtype=np.float32)}


def network(
    body: str = BODY,
    inputs: str = "float[1,3,8,8] x",
    outputs: str = "float[1,1,4,8,8] y",
    *,
    opset: int = 13,
    header: str = "",
    functions: str = "",
    **constants: ArrayLike,
) -> ModelProto:
    """A model as it might lie in a file: nothing is inferred, nothing checked.

    `constants` become initialisers; the standard body's weights are there where `w` is read and not given.
    """
    text = f'<ir_version: 8, opset_import: ["": {opset}{header}]> g ({inputs}) => ({outputs}) {{ {body} }} {functions}'
    proto: ModelProto = parser.parse_model(text)
    read = {name for node in proto.graph.node for name in node.input}
    stored = {**{name: values for name, values in CONV.items() if name in read}, **constants}
    for name, values in stored.items():
        array = np.asarray(values)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        proto.graph.initializer.append(numpy_helper.from_array(array, name))
    return proto


def operators(proto: ModelProto) -> list[str]:
    """The operators in listing order."""
    return [node.op_type for node in proto.graph.node]


def stored(proto: ModelProto, name: str) -> np.ndarray:
    """The values of an initialiser."""
    (tensor,) = (tensor for tensor in proto.graph.initializer if tensor.name == name)
    return numpy_helper.to_array(tensor)


def loaded(folder: Path, proto: ModelProto, shape: tuple[int, ...] | None = None) -> ModelProto:
    """The model as it comes from a file."""
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return load_static(path, shape)


def refused(folder: Path, proto: ModelProto, said: str, code: Exit, shape: tuple[int, ...] | None = None) -> None:
    """Loading ends with this sentence, a place, a hint and this exit code."""
    with pytest.raises(AdaptError) as caught:
        loaded(folder, proto, shape)
    assert said in str(caught.value)
    assert caught.value.where
    assert caught.value.hint
    assert caught.value.code == code


def shape_of(proto: ModelProto, name: str) -> list[int]:
    """The recorded shape of a tensor."""
    values = [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]
    (value,) = (value for value in values if value.name == name)
    return [dim.dim_value for dim in value.type.tensor_type.shape.dim]
