"""Torch's ways to ONNX, one module each.

A module named after its exporter has `DEFAULT_OPSET` and `to_onnx(net, example, names, opset, *,
dynamic_batch, keep_batchnorm) -> ModelProto`: `example` is the input to trace with, `names` the outputs'.
"""
