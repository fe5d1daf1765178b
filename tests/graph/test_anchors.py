"""One network, many spellings, the same anchors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from icraft_adapt.adapter.prepare import Prepared, prepare
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.models.config import OutputForm, YoloxConfig
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.exports import exported

ASSETS = Path(os.environ.get("ICRAFT_ADAPT_ASSETS", Path(__file__).parents[2] / ".." / "shared" / "assets"))
SMALL = YoloxConfig(classes=1, width=0.125)
PLAIN = OutputForm()


def convolutions(prepared: Prepared) -> list[str]:
    """The convolutions' anchors in computation order."""
    return [prepared.anchors[node.outputs[0].name] for node in prepared.model.nodes if node.op == "Conv"]


def prepared(path: Path) -> Prepared:
    return prepare(Request(path), load_target("icraft-v3-buyi"), Silent())


def of_spelling(folder: Path, config: YoloxConfig = SMALL, form: OutputForm = PLAIN, **spelling: object) -> Prepared:
    path = folder / "net.onnx"
    path.write_bytes(exported(config, form, **spelling))
    return prepared(path)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return of_spelling(tmp_path_factory.mktemp("reference"))


@pytest.mark.parametrize(
    "spelling",
    [
        {"opset": 17},
        {"simplify": "onnxslim"},
        {"keep_batchnorm": True},
        {"exporter": "dynamo"},
        {"form": OutputForm(decode="scatter")},
    ],
    ids=str,
)
def test_same_anchors_in_every_spelling(tmp_path: Path, reference: Prepared, spelling: dict[str, object]) -> None:
    assert convolutions(of_spelling(tmp_path, **spelling)) == convolutions(reference)


def test_network_without_focus_has_the_same_anchors_but_that(tmp_path: Path, reference: Prepared) -> None:
    found = of_spelling(tmp_path, YoloxConfig(classes=1, width=0.125, focus="conv"))
    assert convolutions(found) == convolutions(reference)[1:]


def test_convolutions_are_told_apart(reference: Prepared) -> None:
    found = convolutions(reference)
    assert found[0] == "stem.focus"
    assert len(set(found)) == len(found)
    heads = [f"head[s{stride}].{role}" for stride in (8, 16, 32) for role in ("obj", "reg", "cls")]
    assert [name for name in found if name.startswith("head")] == heads
    assert all(name.split(".")[0] in ("stem", "s2", "s4", "s8", "s16", "s32") or "head" in name for name in found)


def test_activation_is_named_after_its_convolution(reference: Prepared) -> None:
    anchored = {reference.anchors[name] for name in reference.activations}
    assert anchored <= set(convolutions(reference))
    outputs = {reference.anchors[each.output.name] for each in reference.activations.values()}
    assert outputs == {f"{name}.act" for name in anchored}


@pytest.mark.skipif(not ASSETS.is_dir(), reason="the assets are not here (ICRAFT_ADAPT_ASSETS)")
def test_same_anchors_in_every_export_of_the_real_model() -> None:
    files = sorted((ASSETS / "models").glob("yolox_nano_416*.onnx"))
    assert len(files) == 4
    first, *others = [convolutions(prepared(path)) for path in files]
    assert len(set(first)) == len(first)
    for path, found in zip(files[1:], others, strict=True):
        assert found == first, path.name
