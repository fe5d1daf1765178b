"""A Program as bytes and back: its structure as JSON, its numbers as arrays, in an npz of the same bytes every time."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AdaptError
from ..targets import arithmetic
from . import program
from .program import Program

_VERSION = "icraft-adapt/program/1"
_STRUCTURE = "structure.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_KINDS: Mapping[str, type] = {
    kind.__name__: kind
    for module in (program, arithmetic)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind)
}


def program_bytes(source: Program) -> bytes:
    """The program; equal programs give equal bytes."""
    arrays: list[NDArray[Any]] = []
    document = {"schema": _VERSION, "program": _encoded(source, arrays)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        _write(archive, _STRUCTURE, json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
        for index, values in enumerate(arrays):
            held = io.BytesIO()
            np.lib.format.write_array(held, np.ascontiguousarray(_narrow(values)), allow_pickle=False)
            _write(archive, f"{index}.npy", held.getvalue())
    return packed.getvalue()


def read_program(data: bytes, where: str = "program.npz") -> Program:
    """The program of these bytes. Raises AdaptError (exit 2) for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            document = json.loads(archive.read(_STRUCTURE))
            if document["schema"] != _VERSION:
                raise AdaptError(f"is of the schema {document['schema']}", where=where, hint="run the main job again")
            found = _decoded(document["program"], archive)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        raise AdaptError("is no stored integer program", where=where, hint="run the main job again") from error
    if not isinstance(found, Program):
        raise AdaptError("is no stored integer program", where=where, hint="run the main job again")
    return found


def digest_of(value: Any) -> str:  # noqa: ANN401  (any part of a program)
    """The SHA-256 of a value of `program`, e.g. of a layer's operator: equal values have equal digests."""
    arrays: list[NDArray[Any]] = []
    found = sha256(json.dumps(_encoded(value, arrays), sort_keys=True).encode())
    for each in arrays:
        found.update(f"{each.shape}".encode())
        found.update(np.ascontiguousarray(each, each.dtype.newbyteorder("<")).tobytes())
    return found.hexdigest()


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Integers in the narrowest type that holds them; they are int64 again when read."""
    if values.dtype != np.int64:
        return values
    low, high = (int(values.min(initial=0)), int(values.max(initial=0)))
    return values.astype(np.min_scalar_type(min(low, -high - 1 if high > 0 else low)))


def _encoded(value: Any, arrays: list[NDArray[Any]]) -> Any:  # noqa: ANN401  (a tree of plain values)
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if is_dataclass(value) and not isinstance(value, type):
        inside = {field.name: _encoded(getattr(value, field.name), arrays) for field in fields(value)}
        return {"kind": type(value).__name__, "fields": inside}
    if isinstance(value, tuple):
        return {"tuple": [_encoded(each, arrays) for each in value]}
    if isinstance(value, Mapping):
        return {"map": [[key, _encoded(each, arrays)] for key, each in sorted(value.items())]}
    return value


def _decoded(value: Any, archive: zipfile.ZipFile) -> Any:  # noqa: ANN401
    if not isinstance(value, dict):
        return value
    if "array" in value:
        values = np.lib.format.read_array(io.BytesIO(archive.read(f"{value['array']}.npy")), allow_pickle=False)
        return values.astype(np.int64) if values.dtype.kind in "iu" else values
    if "tuple" in value:
        return tuple(_decoded(each, archive) for each in value["tuple"])
    if "map" in value:
        return {key: _decoded(each, archive) for key, each in value["map"]}
    kind = _KINDS[value["kind"]]
    return kind(**{name: _decoded(each, archive) for name, each in value["fields"].items()})
