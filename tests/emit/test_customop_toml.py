"""The hard operators' options."""

from __future__ import annotations

import tomllib

import pytest

from icraft_adapt.adapter.emit.customop_toml import customop_toml, filter_refuses
from icraft_adapt.adapter.report.types import Head
from icraft_adapt.errors import AdaptError
from icraft_adapt.targets.loader import load_target

TARGET = load_target("icraft-v1.1")


def head(stride: int = 8, grid: tuple[int, int] = (52, 52), classes: int = 80, extra: tuple[str, ...] = ()) -> Head:
    return Head(stride, grid, classes, f"obj_s{stride}", f"reg_s{stride}", f"cls_s{stride}", extra)


@pytest.mark.parametrize("levels", [1, 3, 4])
def test_detpost_counts_the_levels(levels: int) -> None:
    artifact = customop_toml(TARGET, [head(8 << level) for level in range(levels)], 0.1)
    toml = tomllib.loads(artifact.data.decode())
    assert artifact.path == "icraft/customop.toml"
    assert toml["DetPost"] == {"groups": levels, "anchor_num": 1, "position": 1, "thr_f": 0.1, "cmp_en": 1}
    assert toml["ImageMake"] == {}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (head(classes=2048), None),
        (head(classes=2049), "at most 2048 classes: 2049"),
        (head(grid=(52, 4095)), None),
        (head(grid=(52, 4096)), "a map's side is at most 4095: 4096"),
        (head(extra=("kpt_s8",)), "a head has at most 3 parts: 4"),
    ],
)
def test_the_filter_takes_what_fits(made: Head, reason: str | None) -> None:
    assert filter_refuses(TARGET, [head(), made]) == reason
    toml = tomllib.loads(customop_toml(TARGET, [head(), made], 0.1).data.decode())
    assert ("DetPost" in toml) == (reason is None)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.1, float("nan")])
def test_a_threshold_has_a_logit(threshold: float) -> None:
    with pytest.raises(AdaptError, match="has no logit"):
        customop_toml(TARGET, [head()], threshold)
