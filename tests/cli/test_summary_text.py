"""The summary's lines stay whole away from a terminal and keep a model's names from acting on one."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from icraft_adapt.adapter.report.types import (
    ActivationFit,
    Head,
    InputInfo,
    ModelInfo,
    Placement,
    Refused,
    Report,
    Rewrite,
    TargetInfo,
)
from icraft_adapt.cli import screen, summary
from icraft_adapt.cli.screen import Bar, Screen
from icraft_adapt.errors import Exit

MODEL = ModelInfo("net", "0" * 64, 11, (InputInfo("images", (1, 3, 416, 416)),), "pytorch")
PLAIN = Report(MODEL, TargetInfo("icraft-v1.1", ()), (), ())


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def render(report: Report, stream: io.StringIO | None = None) -> str:
    outcome: Any = SimpleNamespace(
        report=report,
        artifacts=(),
        verdict="fine",
        warnings=(),
        exit_code=Exit.FINE,
        failures=(),
        durations={},
    )
    return summary.text(outcome, None, terminal=stream or io.StringIO())


def test_rewrites_are_grouped_with_the_worst_figure() -> None:
    steps = [Rewrite("fold_batchnorm", "rounding", f"c{i}", (), None, error) for i, error in enumerate((1e-7, 3e-6))]
    steps.append(Rewrite("drop_identity", "exact", "c9", (), None, None))
    lines = [line.split() for line in render(replace(PLAIN, rewrites=tuple(steps))).splitlines()]
    assert ["fold_batchnorm", "2", "rounding", "3.0e-06"] in lines
    assert ["drop_identity", "1", "exact", "-"] in lines


def test_kept_and_replaced_activations() -> None:
    fits = (ActivationFit("a", "silu", "silu", (), 0.0), ActivationFit("b", "hardswish", "pwl4", (), 0.01))
    page = render(replace(PLAIN, activations=fits))
    assert "silu kept" in page
    assert "hardswish -> pwl4" in page


def test_long_lines_stay_whole_without_a_terminal() -> None:
    name = "/backbone/" + "deep/" * 60 + "Conv [bold]"
    reason = "the sentence of the limit " * 10 + "ends here"
    report = replace(
        PLAIN,
        placement=Placement(1, 0, (Refused(name, "Conv", reason),)),
        heads=(Head(8, (52, 52), 80, name, "reg", "cls"),),
    )
    page = render(report)
    assert f"refused Conv {name}: {reason}" in page
    assert f"{name}, reg, cls" in page
    assert "\x1b" not in page


def test_names_cannot_drive_the_terminal() -> None:
    hostile = replace(PLAIN, model=replace(MODEL, name="net\x1b[2J\x07"))
    assert "net\\x1b[2J\\x07" in render(hostile, Terminal())


def test_no_figure_that_json_lacks() -> None:
    outcome: Any = SimpleNamespace(
        report=replace(PLAIN, rewrites=(Rewrite("r", "exact", "a", (), float("nan"), None),)),
        artifacts=(), verdict="", warnings=(), exit_code=Exit.FAILED, failures=("r at a",), durations={},
    )  # fmt: skip
    said = json.loads(json.dumps(summary.fields(outcome, None), allow_nan=False))
    assert said["rewrites"] == [{"rule": "r", "certificate": "exact", "anchor": "a", "nodes": [], "max_abs": None}]


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_bar_appears_only_for_a_slow_stage_on_a_terminal(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> None:
    monkeypatch.setattr(screen, "PATIENCE", 0.05)
    told: list[str] = []
    with Bar(Screen(io.StringIO(), stream, told.append)) as bar:
        bar.stage("quick", 2)
        bar.stage("slow", 2)
        bar.advance()
        time.sleep(0.4)
        bar.advance()
    assert told == ["quick", "slow"]
    assert ("slow" in stream.getvalue()) == stream.isatty()
    assert "quick" not in stream.getvalue()
