"""Every network of the zoo is adapted, with torch's own heads, or declined in one line that says what it is."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import onnx
import pytest

from icraft_adapt.adapter.heads import damage_by_role
from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.request import Request
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.models.export import DEFAULT_SHAPE
from icraft_adapt.models.matrix import Subject
from icraft_adapt.models.zoo import OTHERS, YOLOXES, zoo_file
from icraft_adapt.tests.exporters.judging import APPROXIMATED, KEPT, head_error

NPU_V1 = {"Conv", "LeakyRelu", "Relu", "MaxPool", "Add", "Concat", "Resize"}
HEAD = r"\(YOLOX and ByteTrack heads are read, .* or add a family: docs/add-a-family\.md\)"
NO_DETECTOR = r"\(detectors are adapted: YOLOX and ByteTrack, .*\)"
ANCHORS = rf"an anchor-based head as in YOLOv5: 3 maps of 21 channels = 3 anchors x \(5 \+ 2\) {HEAD}"
BINS = rf"a head without objectness, as in YOLOv8: 3 levels of 64 \+ 2 channels, 64 = 4 distances x 16 bins {HEAD}"
DECLINED = {
    "YOLOv5-like": ANCHORS,
    "YOLOv5-like, anchors raw": ANCHORS,
    "YOLOv5-like, maps raw": rf"probably {ANCHORS}",
    "YOLOv8-like": BINS,
    "YOLOv8-like, one class": BINS.replace(r"\+ 2", r"\+ 1"),
    "YOLOv8-like, maps raw": BINS,
    "residual classifier": rf"no detector: the output \[1, 10\] speaks of the whole image, .* {NO_DETECTOR}",
    "vision transformer": rf"no detector: the output \[1, 10\] speaks of the whole image, .* {NO_DETECTOR}",
    "segmentation": rf"no detector: the output \[1, 3, 64, 96\] speaks of each pixel, as in segmentation {NO_DETECTOR}",
}


@pytest.mark.parametrize(("name", "opset"), [*((name, 11) for name in YOLOXES), ("YOLOX, HardSwish", 17)])
def test_what_is_read_is_adapted(tmp_path: Path, name: str, opset: int) -> None:
    config, file = YOLOXES[name], tmp_path / "net.onnx"
    file.write_bytes(zoo_file(name, opset))
    bare = partial(Request, file, golden=False, postproc=False, html=False)
    kept, approximated = (adapt(bare(target=target)) for target in (KEPT, APPROXIMATED))
    for outcome in (kept, approximated):
        assert (outcome.exit_code, outcome.failures) == (Exit.FINE, ())
        assert any("3 further head maps" in warning for warning in outcome.warnings) is (config.keypoints > 0)
    subject = Subject(name, config, DEFAULT_SHAPE)
    assert head_error(subject, kept) <= 1e-4
    proto = onnx.load_from_string(approximated.artifacts[0].data)
    assert {node.op_type for node in proto.graph.node} <= NPU_V1
    roles = ["obj", "reg", "cls", *(["extra"] if config.keypoints else [])]
    assert [value.name for value in proto.graph.output] == [f"{role}_s{s}" for s in (8, 16, 32) for role in roles]
    fits = {(fit.source, fit.to) for fit in approximated.report.activations}
    assert fits == {(config.activation, config.activation if config.activation in ("leaky", "relu") else "pwl4")}
    verify = approximated.report.verify
    assert verify is not None
    if config.activation in ("leaky", "relu", "relu6"):  # sums of LeakyReLUs themselves
        assert max(damage_by_role(verify).values()) <= 1e-4
        assert head_error(subject, approximated) <= 1e-4
    else:
        assert 1e-3 < max(damage_by_role(verify).values()) < 1


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(zoo_file(name))
    with pytest.raises(AdaptError) as caught:
        adapt(Request(file, target=KEPT))
    assert caught.value.code == Exit.UNSUPPORTED
    assert "\n" not in str(caught.value)
    assert re.fullmatch(f"net: {DECLINED[name]}", str(caught.value))


def test_the_command_says_so_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(zoo_file("YOLOv5-like"))
    call = [sys.executable, "-m", "icraft_adapt", str(file), "--out", str(tmp_path / "out")]
    result = subprocess.run(call, capture_output=True, text=True, timeout=600, check=False)
    assert (result.returncode, result.stdout) == (Exit.UNSUPPORTED, "")
    assert re.fullmatch(rf"icraft-adapt: net: {ANCHORS}\n", result.stderr)
    assert not (tmp_path / "out").exists()
