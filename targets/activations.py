"""The activations' canonical names, and the ONNX operators (opset 17) that each of them is made of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ACTIVATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "elu": ("Elu",),
        "hardsigmoid": ("HardSigmoid",),
        "hardswish": ("HardSwish",),
        "leaky": ("LeakyRelu",),
        "prelu": ("PRelu",),
        "relu": ("Relu",),
        "relu6": ("Clip",),
        "sigmoid": ("Sigmoid",),
        "silu": ("Sigmoid", "Mul"),
        "softplus": ("Softplus",),
        "tanh": ("Tanh",),
    }
)
