"""A network as the bytes of an ONNX file, which protobuf lets grow to 2 GiB."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

from google.protobuf.message import Message
from onnx import GraphProto, ModelProto, TensorProto, helper

from ..errors import AdaptError, Exit

MOST_BYTES = (1 << 31) - 1
_HALF = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
_GRAPH, _INITIALISER = (
    ModelProto.DESCRIPTOR.fields_by_name["graph"].number,
    GraphProto.DESCRIPTOR.fields_by_name["initializer"].number,
)


def onnx_bytes(proto: ModelProto) -> bytes:
    """The same as `proto.SerializeToString(deterministic=True)`, which needs the memory of two more networks, not one.

    Raises AdaptError (exit 3) above 2 GiB.
    """
    graph = proto.graph
    front, back = (_part(graph, keep) for keep in (_INITIALISER.__gt__, _INITIALISER.__lt__))
    sizes = [tensor.ByteSize() for tensor in graph.initializer]
    heads = [_head(_INITIALISER, size) for size in sizes]
    length = len(front) + len(back) + sum(sizes) + sum(map(len, heads))
    if length > MOST_BYTES:
        raise _too_large(length)
    whole = io.BytesIO()
    whole.write(_part(proto, _GRAPH.__gt__) + _head(_GRAPH, length) + front)
    for head, tensor in zip(heads, graph.initializer, strict=True):
        whole.write(head)
        whole.write(tensor.SerializeToString(deterministic=True))
    whole.write(back + _part(proto, _GRAPH.__lt__))
    return whole.getvalue()


def refuse_giant(proto: ModelProto) -> None:
    """Raise AdaptError (exit 3) for weights that in float32 no ONNX file holds; to be asked before they are read."""
    stored = sum(math.prod(tensor.dims) * _width(tensor.data_type) for tensor in proto.graph.initializer)
    if stored > MOST_BYTES:
        raise _too_large(stored)


def _too_large(size: int) -> AdaptError:
    what = f"the adapted network would have {size / (1 << 30):.1f} GiB, and an ONNX file ends at 2 GiB"
    return AdaptError(what, hint="a smaller network", code=Exit.UNSUPPORTED)


def _width(kind: int) -> int:
    """Bytes of a value; halves are widened."""
    if kind in _HALF or kind not in helper.get_all_tensor_dtypes():
        return 4
    return int(helper.tensor_dtype_to_np_dtype(kind).itemsize)


def _part(message: Message, keep: Callable[[int], bool]) -> bytes:
    """The fields of these numbers. Protobuf writes fields in the order of their numbers."""
    part = type(message)()
    for field, value in message.ListFields():
        if not keep(field.number):
            continue
        if field.is_repeated:
            getattr(part, field.name).extend(value)
        elif isinstance(value, Message):
            getattr(part, field.name).CopyFrom(value)
        else:
            setattr(part, field.name, value)
    data: bytes = part.SerializeToString(deterministic=True)
    return data


def _head(field: int, length: int) -> bytes:
    """What stands before a message in a message: field number, wire type 2 and length, as varints (protobuf.dev)."""
    return _varint(field << 3 | 2) + _varint(length)


def _varint(number: int) -> bytes:
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])
