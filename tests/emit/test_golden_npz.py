"""Golden arrays: numpy reads them back, and the bytes depend on the arrays alone."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.adapter.emit.golden_npz import golden_npz

ARRAYS: dict[str, NDArray[Any]] = {
    "obj_s8": np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4),
    "codes": np.arange(6, dtype=np.int8).reshape(2, 3).T,
    "scale": np.asarray(0.5),
    "a/b": np.zeros((0, 3), np.int16),
}


def test_numpy_reads_it_back() -> None:
    artifact = golden_npz("golden/x.npz", ARRAYS)
    assert artifact.path == "golden/x.npz"
    with np.load(io.BytesIO(artifact.data), allow_pickle=False) as loaded:
        assert loaded.files == list(ARRAYS)
        for name, array in ARRAYS.items():
            assert loaded[name].dtype == array.dtype
            np.testing.assert_array_equal(loaded[name], array)


def test_the_clock_and_the_memory_layout_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    before = golden_npz("x", ARRAYS).data
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr(time, "localtime", lambda *_: time.struct_time((2033, 5, 18, 3, 33, 20, 2, 138, 0)))
    assert golden_npz("x", {name: array.copy() for name, array in ARRAYS.items()}).data == before


def test_it_is_stored_uncompressed() -> None:
    with zipfile.ZipFile(io.BytesIO(golden_npz("x", ARRAYS).data)) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_objects_are_refused() -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        golden_npz("x", {"o": np.asarray([{}], dtype=object)})
