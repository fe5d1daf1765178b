"""From a file on disk to a whole, self-contained ModelProto, or one clear line that says why not."""

from __future__ import annotations

import math
import stat
from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, helper

from ..errors import AdaptError
from .onnx_bytes import MOST_BYTES, refuse_giant


def read_proto(path: Path) -> ModelProto:
    """Parse the file and bring its external data in. Raises AdaptError for anything that is no whole ONNX model."""
    proto = _parse(path)
    if not proto.ir_version or not proto.HasField("graph") or not proto.graph.node:
        raise AdaptError("not an ONNX model, or one without a graph", where=str(path), hint="export it again")
    if not proto.graph.output:
        raise AdaptError("an ONNX model whose graph has no output", where=str(path), hint="export it again")
    if not any(entry.domain in ("", "ai.onnx") and entry.version > 0 for entry in proto.opset_import):
        raise AdaptError("a truncated ONNX model: it names no opset", where=str(path), hint="copy it again")
    if any(isinstance(text, bytes) for text in _texts(proto)):  # what protobuf cannot decode, it gives as bytes
        raise AdaptError("a damaged ONNX model: a name is no UTF-8", where=str(path), hint="copy it again")
    try:
        refuse_giant(proto)
    except AdaptError as error:
        error.where = str(path)
        raise
    _load_external_data(proto, path)
    for tensor in _tensors(proto):
        if not _is_whole(tensor):
            where = f"{path}: tensor {tensor.name!r}"
            raise AdaptError("damaged: its values do not fill its shape", where=where, hint="copy it again")
    return proto


def _parse(path: Path) -> ModelProto:
    if path.is_dir():
        raise AdaptError("is a folder, not an ONNX file", where=str(path))
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # it is read twice, and a pipe may never end
            raise AdaptError("is a pipe or a device, not an ONNX file", where=str(path), hint="save it as a file")
        if found.st_size > MOST_BYTES:
            what = "has 2 GiB or more, which no ONNX file has"
            raise AdaptError(what, where=str(path), hint="export with external data, so that the weights lie beside it")
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
    return proto


def _load_external_data(proto: ModelProto, path: Path) -> None:
    """Read weights kept beside the model; they must lie inside the model's own folder and be whole."""
    folder = path.resolve().parent
    external = [tensor for tensor in _tensors(proto) if tensor.data_location == TensorProto.EXTERNAL]
    for tensor in external:
        _check_external(tensor, folder, f"{path}: external data of {tensor.name!r}")
    if not external:
        return
    try:
        onnx.load_external_data_for_model(proto, str(folder))
    except (ValueError, OSError, onnx.checker.ValidationError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise AdaptError(f"external data cannot be read: {reason}", where=str(path)) from error


def _check_external(tensor: TensorProto, folder: Path, where: str) -> None:
    entry = {item.key: item.value for item in tensor.external_data}
    location = entry.get("location", "")
    try:
        file = (folder / location).resolve()
        inside, size = file.is_relative_to(folder), file.stat().st_size if file.is_file() else None
    except (ValueError, OSError):  # no file can have this name
        inside, size = True, None
    if not location or not inside:
        raise AdaptError(f"{location!r} leads outside the model's folder", where=where, hint="move it beside the model")
    if size is None:
        raise AdaptError(f"{location!r} is missing", where=where, hint="copy it beside the model")
    try:
        offset, length = int(entry.get("offset", 0)), int(entry.get("length", 0))
    except ValueError:
        raise AdaptError("offset or length is no number", where=where) from None
    if offset < 0 or length < 0 or offset + length > size:
        raise AdaptError(f"{location!r} is shorter than the model says", where=where, hint="copy it again")


def _tensors(proto: ModelProto) -> list[TensorProto]:
    attributes = (a for node in proto.graph.node for a in node.attribute)
    return [*proto.graph.initializer, *(a.t for a in attributes if a.type == onnx.AttributeProto.TENSOR)]


def _is_whole(tensor: TensorProto) -> bool:
    """True where there are as many values as the shape asks for, stored as raw bytes or as a list of numbers."""
    if tensor.data_type not in helper.get_all_tensor_dtypes() or tensor.HasField("segment"):
        return False
    elements, kind = math.prod(tensor.dims), helper.tensor_dtype_to_np_dtype(tensor.data_type)
    packed = 2 if kind.name.endswith("int4") else 1
    if tensor.HasField("raw_data"):
        return len(tensor.raw_data) * packed in (elements * kind.itemsize, elements * kind.itemsize + packed - 1)
    stored = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
    return bool(stored == (2 * elements if kind.kind == "c" else -(-elements // packed)))


def _texts(proto: ModelProto) -> Iterator[str | bytes]:
    """What the model calls itself and its parts, as far as anything reads it."""
    graph = proto.graph
    yield from (proto.domain, proto.producer_name, proto.producer_version, proto.doc_string)
    yield from (graph.name, graph.doc_string)
    yield from (entry.domain for entry in proto.opset_import)
    yield from (tensor.name for tensor in graph.initializer)
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.name
        yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, node.doc_string, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
