"""From a file on disk to a static, self-contained float32 ModelProto, or one clear line that says why not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto

from ..errors import AdaptError
from .normalise import constants_to_initialisers, inline_functions, pin_input_shape, widen_half
from .opset import convert_opset, opset_of
from .refuse import refuse_unsupported
from .shapes import infer_shapes

# Older opsets spell up-sampling, clipping and padding in ways that no rule reads.
_OLDEST_OPSET = 11


def read_proto(path: Path) -> ModelProto:
    """Parse the file and bring its external data in. Raises AdaptError for anything that is no whole ONNX model."""
    if path.is_dir():
        raise AdaptError("is a folder, not an ONNX file", where=str(path))
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise AdaptError("no such file", where=str(path), hint="check the path") from None
    except OSError as error:
        raise AdaptError(f"cannot be read: {error.strerror}", where=str(path)) from error
    try:
        proto: ModelProto = ModelProto.FromString(data)
    except DecodeError:
        started = data[:1] == b"\x08"  # every ONNX file begins with the tag of ir_version
        what = "a truncated or damaged ONNX model" if started else "not an ONNX model"
        raise AdaptError(what, where=str(path), hint="export or copy it again") from None
    if not proto.ir_version or not proto.HasField("graph") or not proto.graph.node:
        raise AdaptError("not an ONNX model, or one without a graph", where=str(path), hint="export it again")
    if not proto.opset_import:
        raise AdaptError("a truncated ONNX model: it names no opset", where=str(path), hint="copy it again")
    _load_external_data(proto, path)
    return proto


def file_digest(path: Path) -> str:
    """SHA-256 of the file, in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_static(path: Path, input_shape: tuple[int, ...] | None = None) -> ModelProto:
    """The model as everything later sees it: one opset-typed graph, static shapes, batch 1, float32, no Constant nodes.

    Raises AdaptError: exit 2 where the file is wrong or a shape is missing, exit 3 where the graph holds what is
    not supported (control flow, quantised operators, NMS, batch > 1).
    """
    proto = read_proto(path)
    try:
        inline_functions(proto)
        refuse_unsupported(proto)
        pin_input_shape(proto, input_shape)
        constants_to_initialisers(proto)
        widen_half(proto)
        infer_shapes(proto, check=True)
        if opset_of(proto) < _OLDEST_OPSET:
            proto = convert_opset(proto, _OLDEST_OPSET, proto.ir_version)
    except AdaptError as error:
        error.where = error.where or str(path)
        raise
    return proto


def _load_external_data(proto: ModelProto, path: Path) -> None:
    """Read weights kept beside the model; they must lie inside the model's own folder and be whole."""
    folder = path.resolve().parent
    external = [t for t in _all_tensors(proto) if t.data_location == TensorProto.EXTERNAL]
    for tensor in external:
        entry = {item.key: item.value for item in tensor.external_data}
        location = entry.get("location", "")
        file = (folder / location).resolve()
        where = f"{path}: external data of {tensor.name!r}"
        if not location or not file.is_relative_to(folder):
            raise AdaptError(
                f"{location!r} leads outside the model's folder", where=where, hint="move it beside the model"
            )
        if not file.is_file():
            raise AdaptError(f"{location!r} is missing", where=where, hint="copy it beside the model")
        try:
            offset, length = int(entry.get("offset", 0)), int(entry.get("length", 0))
        except ValueError:
            raise AdaptError("offset or length is no number", where=where) from None
        if offset < 0 or length < 0 or offset + length > file.stat().st_size:
            raise AdaptError(f"{location!r} is shorter than the model says", where=where, hint="copy it again")
    if not external:
        return
    try:
        onnx.load_external_data_for_model(proto, str(folder))
    except (ValueError, OSError, onnx.checker.ValidationError) as error:
        raise AdaptError(f"external data cannot be read: {first_line(error)}", where=str(path)) from error


def _all_tensors(proto: ModelProto) -> list[TensorProto]:
    attributes = (a for node in proto.graph.node for a in node.attribute)
    return [*proto.graph.initializer, *(a.t for a in attributes if a.type == onnx.AttributeProto.TENSOR)]


def first_line(error: BaseException) -> str:
    """The first line of a library's message, without its trace."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
