"""The exporter that captures an FX graph: opset 18 and up, torch's default since 2.9."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

import onnx
import onnxscript.ir
import torch
from onnxscript.optimizer import optimize
from onnxscript.version_converter import convert_version
from torch import Tensor, nn

DEFAULT_OPSET = 18


def to_onnx(
    net: nn.Module,
    example: Tensor,
    names: list[str],
    opset: int,
    *,
    dynamic_batch: bool,
    keep_batchnorm: bool,
) -> onnx.ModelProto:
    """Capture `net` on `example` [N, 3, H, W]; `keep_batchnorm` leaves out the exporter's optimiser."""
    if dynamic_batch and example.shape[0] == 1:
        example = example.repeat(2, 1, 1, 1)  # a size of 1 would be taken for a constant
    with quiet():
        program = torch.onnx.export(
            net,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=opset,
            input_names=["images"],
            output_names=names,
            dynamic_shapes=({0: torch.export.Dim("batch")},) if dynamic_batch else None,
            optimize=not keep_batchnorm,
        )
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:  # stack traces hold the absolute paths of whoever exported
        kept = [entry for entry in node.metadata_props if not entry.key.endswith("stack_trace")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    return model


def at_opset(captured: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The exporter's last steps by themselves: convert to `opset` what `to_onnx` gives at opset 18 with
    `keep_batchnorm`, and optimise it. To capture takes most of an export's time and does not depend on the opset.
    """
    model = onnxscript.ir.from_proto(captured)
    with quiet():
        convert_version(model, opset, fallback=True)
        optimize(model)
    proto: onnx.ModelProto = onnxscript.ir.to_proto(model)
    return proto


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the exporter's warning about its own pytrees, its log of an absent torchvision and of how it converts."""
    logs = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*treespec, LeafSpec.* is deprecated", FutureWarning)
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
