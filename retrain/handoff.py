"""For those who can train on: recovered weights under the names that the training code knows.

An exported network has lost most of those names, and folded its batch normalisations. Here the names are found again by
the numbers: a convolution of the checkpoint, folded with its normalisation, is the one of the original ONNX that holds
the same weights. Its place in the recovered ONNX then says what it has become. Normalisations become the identity, so
that the convolution alone carries weight and bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from torch import Tensor

_EQUAL = 1e-4  # of the largest weight: an exporter folds in float32
_EPSILON = 1e-3  # of the public YOLOX's normalisations

_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HandOff:
    """`state` is the checkpoint's dictionary with recovered values; `slopes` those of the LeakyReLUs behind the named
    convolutions. `missing` are convolutions of the checkpoint that no weights of the original equal: they stay.
    """

    state: dict[str, Tensor]
    slopes: dict[str, float]
    missing: tuple[str, ...]


def hand_off(
    checkpoint: Mapping[str, Tensor], original: ModelProto, recovered: ModelProto, epsilon: float = _EPSILON
) -> HandOff:
    """The checkpoint's state_dict with the recovered weights; both ONNX files have their tensors' names in common.

    `checkpoint` holds `x.conv.weight` with `x.bn.*` (or `x.0` with `x.1`), or plain `x.weight` and `x.bias`.
    """
    state = {name: value.clone() for name, value in checkpoint.items()}
    before, after, leaky = dict(_convolutions(original)), dict(_convolutions(recovered)), _slopes(recovered)
    slopes: dict[str, float] = {}
    missing = []
    for name, value in checkpoint.items():
        if value.ndim != 4 or not name.endswith(".weight"):
            continue
        norm = _norm_of(name, checkpoint)
        place = _place(_folded(value, norm, checkpoint, epsilon), before)
        if place is None or place not in after or after[place][0].shape != value.shape:
            missing.append(name)
            continue
        weight, bias = after[place]
        state[name] = torch.from_numpy(weight.copy())
        if norm is not None:
            _make_identity(state, norm, bias, epsilon)
        elif (own := f"{name.removesuffix('.weight')}.bias") in state and bias is not None:
            state[own] = torch.from_numpy(bias.copy())
        if place in leaky:
            slopes[name.removesuffix(".weight")] = leaky[place]
    return HandOff(state, slopes, tuple(missing))


def _convolutions(proto: ModelProto) -> Iterator[tuple[str, tuple[_Array, _Array | None]]]:
    """Weight and bias of each convolution by its output."""
    stored = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type == "Conv" and node.input[1] in stored:
            values = [numpy_helper.to_array(stored[name]) for name in node.input[1:] if name in stored]
            yield node.output[0], (values[0], values[1] if len(values) > 1 else None)


def _slopes(proto: ModelProto) -> dict[str, float]:
    """The slope of the LeakyReLU that reads each map."""
    leaky = (node for node in proto.graph.node if node.op_type == "LeakyRelu")
    return {node.input[0]: next((a.f for a in node.attribute if a.name == "alpha"), 0.01) for node in leaky}


def _norm_of(name: str, checkpoint: Mapping[str, Tensor]) -> str | None:
    """The normalisation behind a convolution: `x.bn` of `x.conv`, as in the public code, or `x.1` of `x.0`."""
    for own, its in ((".conv.weight", ".bn"), (".0.weight", ".1")):
        norm = f"{name.removesuffix(own)}{its}"
        if name.endswith(own) and f"{norm}.running_var" in checkpoint:
            return norm
    return None


def _folded(weight: Tensor, norm: str | None, checkpoint: Mapping[str, Tensor], epsilon: float) -> _Array:
    """The weight as an exporter stores it."""
    if norm is None:
        return np.asarray(weight.float().numpy())
    gain = checkpoint[f"{norm}.weight"] / (checkpoint[f"{norm}.running_var"] + epsilon).sqrt()
    return np.asarray((weight * gain[:, None, None, None]).float().numpy())


def _place(weight: _Array, convolutions: Mapping[str, tuple[_Array, _Array | None]]) -> str | None:
    """The one convolution that holds these weights; None where there is none, or several."""
    bound = _EQUAL * float(np.abs(weight).max())
    found = [
        place
        for place, (theirs, _) in convolutions.items()
        if theirs.shape == weight.shape and float(np.abs(theirs - weight).max()) <= bound
    ]
    return found[0] if len(found) == 1 else None


def _make_identity(state: dict[str, Tensor], norm: str, bias: _Array | None, epsilon: float) -> None:
    """Let the normalisation add the bias and nothing else."""
    state[f"{norm}.running_mean"] = torch.zeros_like(state[f"{norm}.running_mean"])
    state[f"{norm}.running_var"] = torch.full_like(state[f"{norm}.running_var"], 1 - epsilon)
    state[f"{norm}.weight"] = torch.ones_like(state[f"{norm}.weight"])
    shift = torch.zeros_like(state[f"{norm}.bias"])
    state[f"{norm}.bias"] = shift if bias is None else torch.from_numpy(bias.copy())
