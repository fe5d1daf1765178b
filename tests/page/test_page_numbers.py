"""Numbers and names as the page writes them."""

from __future__ import annotations

import math

import pytest

from icraft_adapt.adapter.page import words

SHORT: dict[float | None, str] = {
    0.0: "0",
    0.0123456: "0.0123",
    1.19: "1.19",
    1.2e-7: "1.2e-7",
    -3e-5: "-3.0e-5",
    123456.0: "1.2e5",
}
SHORT |= {9.995e-4: "1.0e-3", None: "–", math.nan: "nan", math.inf: "inf"}
LARGE: dict[float, str] = {0: "0", 999: "999", 1234: "1.23 k", 562_123_000: "562 M", 1.5e9: "1.5 G", 2e12: "2 T"}


@pytest.mark.parametrize(("value", "told"), SHORT.items())
def test_short(value: float | None, told: str) -> None:
    assert words.short(value) == told


@pytest.mark.parametrize(("value", "told"), LARGE.items())
def test_large(value: float, told: str) -> None:
    assert words.large(value) == told


def test_shares_counts_and_sizes() -> None:
    assert words.share(0.0535) == "5.35%"
    assert words.share(0.0) == "0%"
    assert words.count(1234567) == "1,234,567"
    assert words.size(999) == "1.0 kB"
    assert words.size(2_345_678) == "2.35 MB"


@pytest.mark.parametrize(
    ("name", "told"), [("Conv_1", "Conv_1"), ("网络", "网络"), ("a\nb", "a\\nb"), ("\x00\u202e", "\\x00\\u202e")]
)
def test_visible(name: str, told: str) -> None:
    assert words.visible(name) == told
