"""A network in torch to an ONNX model, in the spellings that exporters and simplifiers leave behind."""

from __future__ import annotations

import copy
import functools
import pkgutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, TypedDict, Unpack, cast

import onnx
import torch
from torch import nn

from ..errors import AdaptError
from . import exporters
from .yolox import OutputForm, YoloxConfig, build, check_size

Shape = tuple[int, int, int, int]
Simplifier = Literal["onnxslim", "onnxsim"]
Dtype = Literal["float32", "float16"]

EXPORTERS = sorted(module.name for module in pkgutil.iter_modules(exporters.__path__))
DEFAULT_SHAPE: Shape = (1, 3, 64, 96)


class Network(Protocol):
    """What can be exported: a torch module that names its outputs."""

    @property
    def output_names(self) -> Sequence[str]:
        """The names of the outputs, in their order."""


class Spelling(TypedDict, total=False):
    """The keywords of `export`."""

    exporter: str
    opset: int | None
    shape: Shape
    dynamic_batch: bool
    simplify: Simplifier | None
    keep_batchnorm: bool
    dtype: Dtype


def export(
    net: Network,
    path: Path | None = None,
    *,
    exporter: str = "torchscript",
    opset: int | None = None,
    shape: Shape = DEFAULT_SHAPE,
    dynamic_batch: bool = False,
    simplify: Simplifier | None = None,
    keep_batchnorm: bool = False,
    dtype: Dtype = "float32",
) -> onnx.ModelProto:
    """`net` as ONNX, also written to `path` where given; input "images", outputs as `net.output_names`.

    `opset` None is the exporter's usual one (torchscript 11, dynamo 18). `keep_batchnorm` leaves
    BatchNormalization nodes, and with them what else an exporter would fold. float16 holds weights, input and
    outputs in halves; `net` itself stays as it is. H and W must be those `net` was built for where its form
    stores something per anchor. Raises AdaptError for an unknown exporter or a bad size.
    """
    if exporter not in EXPORTERS:
        raise AdaptError(f"unknown exporter {exporter!r}", hint=f"one of {', '.join(EXPORTERS)}")
    check_size(shape[2:])
    backend = import_module(f"{exporters.__name__}.{exporter}")
    kind = getattr(torch, dtype)
    model: onnx.ModelProto = backend.to_onnx(
        cast(nn.Module, copy.deepcopy(net)).to(kind),
        torch.zeros(shape, dtype=kind),
        list(net.output_names),
        opset or backend.DEFAULT_OPSET,
        dynamic_batch=dynamic_batch,
        keep_batchnorm=keep_batchnorm,
    )
    if simplify is not None:
        model = simplified(model, simplify)
    if path is not None:
        path.write_bytes(model.SerializeToString(deterministic=True))
    return model


@functools.lru_cache(maxsize=64)
def exported(
    config: YoloxConfig,
    form: OutputForm = OutputForm(),  # noqa: B008  (frozen)
    seed: int = 0,
    **spelling: Unpack[Spelling],
) -> bytes:
    """`build` for the spelling's size, then `export`: the serialised model, remembered."""
    net = build(config, form, seed, size=spelling.get("shape", DEFAULT_SHAPE)[2:])
    data: bytes = export(net, **spelling).SerializeToString(deterministic=True)
    return data


def simplified(model: onnx.ModelProto, simplifier: Simplifier) -> onnx.ModelProto:
    """`model` as the named simplifier leaves it; both fold constants and shapes, onnxslim also renames."""
    smaller: onnx.ModelProto
    if simplifier == "onnxslim":
        import onnxslim

        smaller = onnxslim.slim(model)
    else:
        import onnxsim

        smaller, _ = onnxsim.simplify(model)
    return smaller
