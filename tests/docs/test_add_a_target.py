"""The worked examples of docs/add-a-target.md: a target that loads and takes a network, a limit that refuses a node."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from icraft_adapt.adapter.demonstration import MODEL
from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.request import Request
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.model import Model
from icraft_adapt.targets import limits
from icraft_adapt.targets.loader import load_target
from icraft_adapt.targets.manual import describe
from icraft_adapt.targets.types import Target
from icraft_adapt.tests.docs.pages import read
from icraft_adapt.tests.rewrites.harness import one_op, weights

PAGE = read("docs/add-a-target.md")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The page's YAML as mine.yaml."""
    (text,) = PAGE.blocks("yaml")
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_the_target_loads_and_its_manual_says_what_it_assumes(file: Path) -> None:
    target = load_target(str(file))
    assert (target.name, target.onnx.opset, target.focus) == ("mine", 13, "fused6x6")
    manual = describe(target)
    assert "- A dilated kernel may cover 1024 cells. [npu.Conv.dilated_kernel_area = 1024]" in manual


def test_the_demo_network_is_adapted_for_it(file: Path) -> None:
    outcome = adapt(Request(MODEL, target=str(file), golden=False))
    assert (outcome.exit_code, outcome.failures) == (Exit.FINE, ())
    assert outcome.report.placement is not None
    assert outcome.report.placement.npu > 200
    assert {fit.to for fit in outcome.report.activations} == {"silu"}


def test_every_key_is_explained_and_every_key_explained_is_known(file: Path) -> None:
    rows = [line.split(" | ")[0] for line in PAGE.text.splitlines() if line.startswith("| `")]
    told = {name.strip("`") for row in rows for name in row.removeprefix("| ").split(", ")}
    assert told == set(Target.__annotations__) - {"name"}
    assert set(yaml.safe_load(file.read_text())) == told - {"arithmetic"}, "all but what may be left out"


def test_the_mistake_is_named_as_shown(file: Path) -> None:
    file.write_text(file.read_text().replace("one_group_or_depthwise", "exact_strid"))
    with pytest.raises(AdaptError) as caught:
        load_target(str(file))
    assert f"    {caught.value}\n" in PAGE.text


def test_the_limit_refuses_what_the_page_says(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = PAGE.blocks("python")
    monkeypatch.setitem(limits.LIMITS, "kernel_side", None)
    exec(compile(text, "add-a-target.md", "exec"), dict(vars(limits)))
    file.write_text(file.read_text().replace("one_group_or_depthwise: true", "kernel_side: 5"))
    target = load_target(str(file))
    model = Model.from_proto(one_op("Conv", (1, 3, 16, 16), weights(8, 3, 7, 7)), "net")
    assert target.refuses(model.nodes[0]) == "Each side of a kernel is at most 5 cells: 7"
    assert "`Each side of a kernel is at most 5 cells: 7`" in PAGE.text
