"""The zoo: small networks of many kinds, each as one ONNX file for 64 x 96 pixels. Weights are seeded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import cast

import torch
from torch import nn

from .bystanders import ResidualClassifier, Segmenter, VisionTransformer
from .config import Activation
from .export import Network, export, exported
from .yolov5 import YoloV5
from .yolov8 import YoloV8
from .yolox import OutputForm, YoloxConfig

_DECODED = OutputForm(True, "concat")
_OPSET_OF_OTHERS = 17


def _small(activation: Activation) -> YoloxConfig:
    return YoloxConfig("s", classes=2, width=0.0625, activation=activation)


# What is read, all with the same tail: only the network differs.
YOLOXES: Mapping[str, YoloxConfig] = MappingProxyType(
    {
        "YOLOX, SiLU": _small("silu"),
        "YOLOX, LeakyReLU": _small("leaky"),
        "YOLOX, ReLU": _small("relu"),
        "YOLOX, ReLU6": _small("relu6"),
        "YOLOX, HardSwish": _small("hardswish"),
        "YOLOX, depthwise (nano)": YoloxConfig("nano", classes=2, width=0.0625),
        "YOLOX, 6x6 convolution for the Focus": YoloxConfig("s", classes=2, width=0.0625, focus="conv"),
        "YOLOX, 5 key points": YoloxConfig("s", classes=1, width=0.0625, keypoints=5),
    }
)

OTHERS: Mapping[str, Callable[[], Network]] = MappingProxyType(
    {
        "YOLOv5-like": partial(YoloV5, classes=2),
        "YOLOv5-like, anchors raw": partial(YoloV5, classes=2, tail="anchors"),
        "YOLOv5-like, maps raw": partial(YoloV5, classes=2, tail="maps"),
        "YOLOv8-like": partial(YoloV8, classes=2),
        "YOLOv8-like, one class": partial(YoloV8, classes=1),
        "YOLOv8-like, maps raw": partial(YoloV8, classes=2, tail="maps"),
        "residual classifier": partial(ResidualClassifier, classes=10),
        "vision transformer": partial(VisionTransformer, classes=10),
        "segmentation": partial(Segmenter, classes=3),
    }
)


def zoo_file(name: str, opset: int | None = None) -> bytes:
    """The network of this name as a serialised model; the opset is 11 for a YOLOX and 17 for the others, if None."""
    if name in YOLOXES:
        return exported(YOLOXES[name], _DECODED, opset=opset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = cast(nn.Module, OTHERS[name]())
    return bytes(export(net.eval(), opset=opset or _OPSET_OF_OTHERS).SerializeToString(deterministic=True))
