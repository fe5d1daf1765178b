"""A small network made as large as one likes, its weights in a second file: what a wide one costs, untrained."""

from __future__ import annotations

import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto

BLOCK = 1 << 22  # random numbers, used again and again


def inflate(model: bytes, folder: Path, factor: int) -> Path:
    """Write net.onnx and net.data to `folder`: every map but the heads has `factor` times the channels.

    The convolutions have no groups; their weights are scaled so that the values keep their size from layer to layer.
    """
    proto = ModelProto.FromString(model)
    weights = {tensor.name: tensor for tensor in proto.graph.initializer}
    noise = np.random.default_rng(1).standard_normal(BLOCK, np.float32)
    with open(folder / "net.data", "wb") as data:
        for node in proto.graph.node:
            if node.op_type != "Conv":
                continue
            kernel, *bias = (weights[name] for name in node.input[1:])
            _widen(kernel, node, proto, factor)
            _write(kernel, noise * math.sqrt(2 / math.prod(kernel.dims[1:])), data.tell(), data)
            for tensor in bias:
                tensor.dims[:] = kernel.dims[:1]
                _write(tensor, noise, data.tell(), data)
    del proto.graph.value_info[:]
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def _widen(kernel: TensorProto, node: NodeProto, proto: ModelProto, factor: int) -> None:
    readers = [other for other in proto.graph.node if node.output[0] in other.input]
    is_head = not any(reader.op_type in ("LeakyRelu", "Relu", "Mul") for reader in readers)
    is_stem = kernel.dims[1] == 12
    kernel.dims[0] *= 1 if is_head else factor
    kernel.dims[1] *= 1 if is_stem else factor


def _write(tensor: TensorProto, values: np.ndarray, offset: int, data: BinaryIO) -> None:
    count = math.prod(tensor.dims)
    for start in range(0, count, BLOCK):
        data.write(values[: min(BLOCK, count - start)].tobytes())
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "net.data"), ("offset", offset), ("length", 4 * count)):
        tensor.external_data.add(key=key, value=str(value))
