"""The blocks of docs/python.md run one after the other, on the bundled network; all Python in the pages is tidy."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icraft_adapt.adapter.demonstration import MODEL
from icraft_adapt.cli import summary
from icraft_adapt.tests.docs.pages import ROOT, Page, pages, read

WITH_PROGRAMS = [page for page in pages() if page.blocks("python") and not page.name.startswith("docs/reference/")]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names that the page's blocks leave behind, and what they printed as "said"."""
    names: dict[str, Any] = {}
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.chdir(tmp_path_factory.mktemp("page"))
        shutil.copy(MODEL, "model.onnx")
        for block in read("docs/python.md").blocks("python"):
            exec(compile(block, "python.md", "exec"), names)
    return {**names, "said": said.getvalue()}


def test_every_block_runs_and_prints(ran: dict[str, Any]) -> None:
    for words in ("adapted for icraft-v1.1: silu -> pwl6;", "obj_s8: off by ", "[npu.LeakyRelu.steepest_slope = 2]"):
        assert words in ran["said"]


def test_the_golden_heads_come_out_again(ran: dict[str, Any]) -> None:
    assert len(ran["names"]) == 9
    for name in ran["names"]:
        spread = float(np.ptp(ran["golden"][name]))
        np.testing.assert_allclose(ran["results"][name], ran["golden"][name], atol=1e-4 * spread)


def test_the_summary_that_the_report_page_explains_is_the_one_that_is_printed(ran: dict[str, Any]) -> None:
    block = read("docs/report.md").text.partition("explained:\n")[2].partition("\n| part")[0]
    printed = summary.text(ran["outcome"], None, terminal=io.StringIO())
    assert _words(block) == _words(printed.replace("(noise)", "(16 images)"))


def _words(text: str) -> list[str]:
    """Every line but the verdict and warnings, without figures and their alignment."""
    lines = [re.sub(r"[\d.]+(e[+-]\d+)?%?|\s+", " ", line).split() for line in text.splitlines()]
    kept = [" ".join(words).replace("pwl", "") for words in lines if words and words[0] not in ("adapted", "warning:")]
    return [re.sub(r"^\w+ \(opset", "(opset", line) for line in kept]


def test_a_wrong_file_ends_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").write_text("no model")
    with pytest.raises(SystemExit, match=r"model\.onnx: not an ONNX model"):
        exec(compile(read("docs/python.md").blocks("python")[0], "python.md", "exec"), {})


@pytest.mark.parametrize("page", WITH_PROGRAMS, ids=lambda page: page.name)
def test_python_in_a_page_is_tidy(page: Page) -> None:
    for block in page.blocks("python"):
        ruff = [sys.executable, "-m", "ruff"]
        ignored = ["--ignore", "T20,F821,E402,B018"]  # printing, and parts of files: names that stand elsewhere
        for command in (["check", *ignored, "-"], ["format", "--check", "-"]):
            done = subprocess.run([*ruff, *command], input=block, capture_output=True, text=True, cwd=ROOT, check=False)
            assert done.returncode == 0, f"{page.name}:\n{done.stdout}{done.stderr}"
