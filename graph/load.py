"""From a file on disk to a static, self-contained float32 ModelProto, or one clear line that says why not."""

from __future__ import annotations

import hashlib
from pathlib import Path

from onnx import ModelProto

from ..errors import AdaptError
from .normalise import constants_to_initialisers, inline_functions, name_apart, pin_input_shape, widen_half
from .opset import convert_opset
from .read import read_proto
from .refuse import refuse_misfits, refuse_unsupported
from .settle import settle_shapes
from .versions import opset_of

# Older opsets spell up-sampling, clipping and padding in ways that no rule reads.
_OLDEST_OPSET = 11
_BLOCK = 1 << 23  # bytes: a thread that hashes is rarely back for the interpreter's lock


def file_digest(path: Path) -> str:
    """SHA-256 of the file, in hex, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def load_static(path: Path, input_shape: tuple[int, ...] | None = None) -> ModelProto:
    """The model as everything later sees it: one opset-typed graph, static shapes, batch 1, float32, no Constant nodes.

    Raises AdaptError: exit 2 where the file is wrong or a shape is missing, exit 3 where the graph holds what is
    not supported (control flow, quantised operators, NMS, batch > 1).
    """
    proto = read_proto(path)
    try:
        inline_functions(proto)
        refuse_unsupported(proto)
        name_apart(proto)
        pin_input_shape(proto, input_shape)
        constants_to_initialisers(proto)
        widen_half(proto)
        settle_shapes(proto)
        refuse_misfits(proto.graph)
        if opset_of(proto) < _OLDEST_OPSET:
            proto = convert_opset(proto, _OLDEST_OPSET, proto.ir_version)
    except AdaptError as error:
        error.where = error.where or str(path)
        raise
    return proto
