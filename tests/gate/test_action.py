"""action.yml and the example workflow: what they run can be typed, and every input arrives."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from icraft_adapt.tests.docs.test_shown_commands import wrong_with

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / "docs" / "examples" / "workflow.yml").read_text())
SAY = '#!/usr/bin/env bash\nprintf "%s\\n" "$@" > "$SAID"\nexit 3\n'


def ran(tmp_path: Path, step: str, **inputs: str) -> list[str]:
    """The arguments that a step calls the command with; its exit code is the step's."""
    (found,) = (each for each in ACTION["runs"]["steps"] if each.get("name") == step)
    given = {name: each.get("default", "") for name, each in ACTION["inputs"].items()} | inputs
    variables = {name: given[value[len("${{ inputs.") : -len(" }}")]] for name, value in found["env"].items()}
    binary = tmp_path / "icraft-adapt" / "bin" / "icraft-adapt"
    binary.parent.mkdir(parents=True, exist_ok=True)
    binary.write_text(SAY)
    binary.chmod(0o755)
    environment = {**os.environ, **variables, "RUNNER_TEMP": str(tmp_path), "SAID": str(tmp_path / "said")}
    call = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]]
    done = subprocess.run(call, env=environment, check=False)
    assert done.returncode == 3, "the step must end as the command does"
    return (tmp_path / "said").read_text().splitlines()


def test_check_by_default(tmp_path: Path) -> None:
    assert ran(tmp_path, "Check") == [
        "check", "build/model.icraft", "--github", "--self-test", "--junit", "icraft-adapt.xml",
    ]  # fmt: skip


def test_check_as_told(tmp_path: Path) -> None:
    told = {"folder": "a b.icraft", "baseline": "base line.json", "self-test": "false", "junit": ""}
    said = ran(tmp_path, "Check", **told)
    assert said == ["check", "a b.icraft", "--github", "--baseline", "base line.json"]


def test_adapt(tmp_path: Path) -> None:
    said = ran(tmp_path, "Adapt", model="a b.onnx", calib="calib/", options="--bits 16  --target icraft-v3-buyi")
    written = ["a b.onnx", "--calib", "calib/", "--out", "build/model.icraft", "--force"]
    assert said == [*written, "--bits", "16", "--target", "icraft-v3-buyi"]
    assert ran(tmp_path, "Adapt", model="m.onnx", calib="c")[-1] == "--force"


@pytest.mark.parametrize("line", ["check out.icraft --github --self-test --junit a.xml --baseline b.json"])
def test_what_it_calls_exists(line: str) -> None:
    assert wrong_with(line) == ""


def test_no_input_is_pasted_into_a_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), "an input could run commands"


def test_the_example_gives_only_inputs_that_there_are() -> None:
    (job,) = WORKFLOW["jobs"].values()
    (step,) = (each for each in job["steps"] if "icraft-adapt@" in each.get("uses", ""))
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert WORKFLOW[True]["pull_request"]["paths"]  # YAML 1.1 reads `on` as true
