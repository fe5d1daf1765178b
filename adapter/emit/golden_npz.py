"""golden/*.npz: arrays in numpy's own container, with the same bytes on every run and every system."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..artifact import Artifact

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can hold: the clock stays out
_UNIX = 3


def golden_npz(path: str, arrays: Mapping[str, NDArray[Any]]) -> Artifact:
    """The arrays under their names, in their order, C-contiguous and stored uncompressed.

    Raises ValueError for an array of Python objects.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
            archive.writestr(entry, content.getvalue())
    return Artifact(path, buffer.getvalue())
