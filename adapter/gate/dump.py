"""Maps dumped by a board or a runtime: npy, npz, or raw binary with a small JSON beside it (docs/dump.schema.json)."""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import AdaptError
from ...golden.layouts import stored_shape
from ..emit.schema import SCHEMAS, validate

PATH = SCHEMAS / "dump.schema.json"
_SUFFIXES = frozenset({".npy", ".npz", ".bin", ".raw", ".dat"})


@dataclass(frozen=True, slots=True)
class DumpedMap:
    """One map: its name as given, its numbers as stored, its layout where one was told."""

    name: str
    values: NDArray[Any]
    layout: str | None

    @property
    def key(self) -> str:
        """The name as file systems and dumping tools leave it: letters and figures only."""
        return plain(self.name)


def plain(name: str) -> str:
    """A name reduced to what every file system takes, for matching."""
    return re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")


def is_dump(path: Path) -> bool:
    """Whether it is a file of maps, or a folder that holds some."""
    if path.is_dir():
        return any(each.suffix.lower() in _SUFFIXES for each in path.iterdir())
    return path.suffix.lower() in _SUFFIXES or _description(path) is not None


def read_dump(path: Path) -> tuple[DumpedMap, ...]:
    """All maps of a file, or of the files of a folder in the order of their names. Raises AdaptError (exit 2)."""
    files = [path]
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix.lower() in _SUFFIXES)
    found = [dumped for file in files for dumped in _read(file)]
    if not found:
        what = "holds no maps"
        raise AdaptError(what, where=str(path), hint="expected .npy, .npz, or .bin with a .json beside it")
    twice = sorted({each.key for each in found if sum(other.key == each.key for other in found) > 1})
    if twice:
        raise AdaptError(f"{twice[0]} is there twice", where=str(path), hint="one file a map")
    return tuple(found)


def _read(file: Path) -> Iterator[DumpedMap]:
    try:
        if file.suffix.lower() == ".npy":
            yield _mapped(file.stem, np.load(file, allow_pickle=False), None, file)
        elif file.suffix.lower() == ".npz":
            with np.load(file, allow_pickle=False) as archive:
                for name in archive.files:
                    yield _mapped(name, archive[name], None, file)
        else:
            yield _raw(file)
    except OSError as error:
        raise AdaptError(f"cannot be read: {error.strerror or error}", where=str(file)) from error
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise AdaptError("no array of numbers", where=str(file), hint="damaged or truncated?") from error


def _mapped(name: str, values: NDArray[Any], layout: str | None, file: Path) -> DumpedMap:
    if values.dtype.kind not in "iuf" or not values.size:
        raise AdaptError(
            f"{name} holds {values.size} values of {values.dtype}", where=str(file), hint="expected numbers"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise AdaptError(f"{name} holds values that are not finite", where=str(file))
    return DumpedMap(name, values, layout)


def _description(file: Path) -> Path | None:
    """The JSON beside a raw file: `map.bin.json` or `map.json`."""
    beside = (file.with_name(f"{file.name}.json"), file.with_suffix(".json"))
    return next((each for each in beside if each.is_file() and each != file), None)


def _raw(file: Path) -> DumpedMap:
    beside = _description(file)
    if beside is None:
        hint = f"{file.stem}.json says its dtype, shape and layout"
        raise AdaptError("raw numbers without a description", where=str(file), hint=hint)
    try:
        told = json.loads(beside.read_bytes())
    except ValueError as error:
        raise AdaptError("not a dump's description: no JSON", where=str(beside)) from error
    validate(told, PATH, "dump's description", str(beside))
    layout, shape = told.get("layout"), tuple(told["shape"])
    if layout is not None and len(shape) == 4:
        n, c, h, w = (shape[0], shape[3], shape[1], shape[2]) if layout == "NHWC" else shape
        shape = stored_shape((n, c, h, w), layout)
    data, kind = file.read_bytes(), np.dtype(told["dtype"]).newbyteorder("<")
    if len(data) != math.prod(shape) * kind.itemsize:
        wanted = f"{'x'.join(map(str, shape))} of {told['dtype']}"
        raise AdaptError(f"has {len(data)} bytes, not those of {wanted}", where=str(file), hint=str(beside))
    values = np.frombuffer(data, kind).reshape(shape)
    return _mapped(told.get("name", file.stem), values, layout, file)
