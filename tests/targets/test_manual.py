"""The manual says every operator, every limit's sentence with its bound, and every assumption."""

from __future__ import annotations

import pytest

from icraft_adapt.targets.loader import load_target, target_names
from icraft_adapt.targets.manual import describe, overview


@pytest.mark.parametrize("name", target_names())
def test_describe(name: str) -> None:
    target = load_target(name)
    text = "\n".join(describe(target))
    for op, limits in target.npu.items():
        assert f"- {op}\n" in text
        assert all(limit.sentence in text for limit in limits)
    assert all(assumption in text for assumption in target.assumptions)
    assert "at most 65535" in text
    assert "{bound}" not in text


def test_overview_has_one_line_a_target() -> None:
    assert [line.split()[0] for line in overview()] == list(target_names())
