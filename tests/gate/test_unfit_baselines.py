"""Baselines that cannot show a fault, and damaged ones: neither passes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.tests.gate.checking import checked, edited


def drop_a_layer(document: dict[str, Any]) -> None:
    del document["layers"][3]


def another_schema(document: dict[str, Any]) -> None:
    document["schema"] = "icraft-adapt/baseline/2"


def no_schema(document: dict[str, Any]) -> None:
    del document["schema"]


def constant_input(document: dict[str, Any]) -> None:
    document["input"]["levels"], document["input"]["cells"] = _one_grey(document["input"]["shape"])


def constant_head(document: dict[str, Any]) -> None:
    layer = next(each for each in document["layers"] if each.get("output") == "cls_s8")
    layer["least"] = layer["largest"] = 3


def _one_grey(shape: list[int]) -> tuple[str, str]:
    from icraft_adapt.adapter.gate.packed import packed_picture

    return packed_picture(np.zeros(shape, np.int64))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (drop_a_layer, "the coverage is incomplete: it holds 15 of 16 layers and 9 of 9 heads"),
        (another_schema, "a baseline of another schema: icraft-adapt/baseline/2"),
        (no_schema, "a baseline of another schema: None"),
        (constant_input, "its input is constant"),
        (constant_head, "the head cls_s8 is constant"),
    ],
)
def test_what_cannot_show_a_fault_does_not_pass(
    place: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None], message: str
) -> None:
    with pytest.raises(AdaptError, match=re.escape(message)) as raised:
        checked(place / "net.icraft", edited(place, tmp_path, edit))
    assert raised.value.code == Exit.UNSUPPORTED


def test_no_baseline_does_not_pass(place: Path, tmp_path: Path) -> None:
    with pytest.raises(AdaptError, match="there is no baseline") as raised:
        checked(place / "net.icraft", tmp_path / "none.json")
    assert raised.value.code == Exit.UNSUPPORTED


def no_json(document: dict[str, Any]) -> None:
    document["layers"] = "all"


def damaged_codes(document: dict[str, Any]) -> None:
    document["layers"][2]["sample"] = "AAAA"


def too_few_samples(document: dict[str, Any]) -> None:
    document["layers"][2]["sample"] = document["layers"][5]["sample"]


def too_few_shifts(document: dict[str, Any]) -> None:
    del document["input"]["shift"][0]


def no_number(document: dict[str, Any]) -> None:
    document["tolerances"]["normratio"] = float("nan")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (no_json, "not a baseline"),
        (no_number, "not a baseline"),
        (damaged_codes, "a damaged baseline"),
        (too_few_samples, "a damaged baseline"),
        (too_few_shifts, "a damaged baseline"),
    ],
)
def test_a_damaged_baseline_is_the_users_to_mend(
    place: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None], message: str
) -> None:
    with pytest.raises(AdaptError, match=message) as raised:
        checked(place / "net.icraft", edited(place, tmp_path, edit))
    assert raised.value.code == Exit.BAD_INPUT
