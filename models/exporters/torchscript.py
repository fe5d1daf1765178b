"""The exporter that traces: opsets 11 to 17 here, in every YOLOX that is older than 2025."""

from __future__ import annotations

import io
import warnings

import onnx
import torch
from torch import Tensor, nn

DEFAULT_OPSET = 11


def to_onnx(
    net: nn.Module,
    example: Tensor,
    names: list[str],
    opset: int,
    *,
    dynamic_batch: bool,
    keep_batchnorm: bool,
) -> onnx.ModelProto:
    """Trace `net` on `example` [N, 3, H, W]; `keep_batchnorm` keeps constants unfolded with them."""
    training = torch.onnx.TrainingMode.PRESERVE if keep_batchnorm else torch.onnx.TrainingMode.EVAL
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using the legacy TorchScript", DeprecationWarning)
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning, "torch.onnx")
        torch.onnx.export(
            net,
            (example,),
            buffer,
            dynamo=False,
            opset_version=opset,
            input_names=["images"],
            output_names=names,
            dynamic_axes={name: {0: "batch"} for name in ("images", *names)} if dynamic_batch else None,
            training=training,
            do_constant_folding=not keep_batchnorm,
        )
    return onnx.load_from_string(buffer.getvalue())
