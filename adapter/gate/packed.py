"""Many integers as one short text: deflated, in base64."""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np
from numpy.typing import NDArray

from ...golden.fixed import Codes

_LEVEL = 6
_WIDTHS = (1, 2, 4, 8)


def packed(values: Codes) -> str:
    """Integers of any shape, in C order, as narrow as they all are: the width, then all lowest bytes, all second ..."""
    flat = np.ascontiguousarray(values, np.int64).ravel()
    folded = ((flat << 1) ^ (flat >> 63)).astype("<u8")  # small where the value is near 0, on either side
    most = int(folded.max(initial=0))
    width = next(each for each in _WIDTHS if most < 256**each)
    return _text(bytes([width]) + folded.view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes())


def unpacked(text: str) -> Codes:
    """What `packed` took, flat. Raises ValueError for other text."""
    data = _data(text)
    width, planes = data[0] if data else 0, np.frombuffer(data[1:], np.uint8)
    if width not in _WIDTHS or len(planes) % width:
        raise ValueError("not packed integers")
    folded = np.zeros((len(planes) // width, 8), np.uint8)
    folded[:, :width] = planes.reshape(width, -1).T
    wide = folded.view("<u8").ravel().astype(np.uint64)
    return ((wide >> np.uint64(1)).astype(np.int64)) ^ -(wide & np.uint64(1)).astype(np.int64)


def packed_picture(codes: Codes) -> tuple[str, str]:
    """Codes [1, c, h, w] as the values that occur, and which of them each cell has, as a step from the cell before it.

    A picture has 256 values at most, and neighbours are alike: so it takes a third of its size.
    """
    levels, which = np.unique(codes, return_inverse=True)
    kind: type[np.unsignedinteger] = np.uint8 if len(levels) <= 256 else np.uint16
    index = which.reshape(codes.shape).astype(kind)
    steps = np.diff(index, axis=-1, prepend=kind(0))  # modulo the kind's range
    return packed(levels), _text(steps.astype(steps.dtype.newbyteorder("<")).tobytes())


def unpacked_picture(levels: str, cells: str, shape: tuple[int, ...]) -> Codes:
    """What `packed_picture` took. Raises ValueError where the texts are no picture of this shape."""
    values = unpacked(levels)
    steps = np.frombuffer(_data(cells), "<u1" if len(values) <= 256 else "<u2").reshape(shape)
    index = np.cumsum(steps, axis=-1, dtype=steps.dtype)
    if index.max(initial=0) >= len(values):
        raise ValueError("a cell has no value")
    found: NDArray[np.int64] = values[index]
    return found


def _text(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, _LEVEL)).decode("ascii")


def _data(text: str) -> bytes:
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except (binascii.Error, zlib.error) as error:
        raise ValueError("not packed integers") from error
