"""The reference YOLOX: shapes, weights that are fit for proofs, and ONNX files that compute the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from icraft_adapt.errors import AdaptError
from icraft_adapt.models.export import Spelling, export
from icraft_adapt.models.yolox import STRIDES, OutputForm, Yolox, YoloxConfig, build
from icraft_adapt.tests.exports import exported

SIZE = (64, 96)
ANCHORS = sum(SIZE[0] // s * (SIZE[1] // s) for s in STRIDES)
NANO = YoloxConfig(width=0.125, classes=4)
PLAIN = replace(NANO, variant="s")
RAW = OutputForm(sigmoid=False, layout="raw")


@cache
def built(config: YoloxConfig, form: OutputForm = OutputForm(), size: tuple[int, int] = SIZE) -> Yolox:  # noqa: B008
    """`build`, once for all tests that only look at what the network computes."""
    return build(config, form, size=size)


def noise(size: tuple[int, int] = SIZE, count: int = 1, seed: int = 1) -> torch.Tensor:
    """Images [count, 3, H, W], uniform over 0..255."""
    return 255 * torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed))


def in_torch(net: Yolox, images: torch.Tensor) -> list[np.ndarray]:
    """The network's outputs."""
    with torch.no_grad():
        outputs = net(images)
    return [y.numpy() for y in (outputs if isinstance(outputs, tuple) else (outputs,))]


def in_ort(model: bytes, images: np.ndarray) -> list[np.ndarray]:
    """The file's outputs."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return list(ort.InferenceSession(model, options).run(None, {"images": images}))


def operators(model: bytes) -> Counter[str]:
    """How often each operator occurs."""
    return Counter(node.op_type for node in onnx.load_from_string(model).graph.node)


def assert_same(found: Sequence[np.ndarray], expected: Sequence[np.ndarray], tolerance: float) -> None:
    """Equal shapes, and equal values to `tolerance` of each output's own spread."""
    assert [y.shape for y in found] == [y.shape for y in expected]
    for y, reference in zip(found, expected, strict=True):
        assert np.abs(y - reference).max() < tolerance * reference.std()


@pytest.mark.parametrize(("classes", "keypoints"), [(1, 0), (4, 5), (80, 0)])
@pytest.mark.parametrize("variant", ["nano", "tiny", "s"])
def test_flat_output_has_a_row_per_anchor(variant: str, classes: int, keypoints: int) -> None:
    net = built(YoloxConfig(variant=variant, width=0.125, classes=classes, keypoints=keypoints))  # type: ignore[arg-type]
    (y,) = in_torch(net, noise())
    assert y.shape == (1, ANCHORS, 5 + classes + 2 * keypoints)


def test_maps_of_a_rectangular_input() -> None:
    config = replace(NANO, keypoints=2)
    maps = in_torch(built(config, OutputForm(layout="maps"), (96, 32)), noise((96, 32)))
    raw = in_torch(built(config, RAW, (96, 32)), noise((96, 32)))
    assert [y.shape for y in maps] == [(1, 13, 96 // s, 32 // s) for s in STRIDES]
    assert [y.shape for y in raw] == [(1, c, 96 // s, 32 // s) for s in STRIDES for c in (4, 1, 4, 4)]


def test_forms_are_views_of_the_same_raw_maps() -> None:
    raw = in_torch(built(NANO, RAW), noise())
    levels = [np.concatenate(raw[i : i + 3], 1) for i in (0, 3, 6)]
    flat = np.concatenate([y.reshape(1, 9, -1) for y in levels], 2).transpose(0, 2, 1)
    transposed = np.concatenate([y.swapaxes(2, 3).reshape(1, 9, -1) for y in levels], 2).transpose(0, 2, 1)
    (y,) = in_torch(built(NANO, OutputForm(sigmoid=False)), noise())
    np.testing.assert_array_equal(y, flat)
    (y,) = in_torch(built(NANO, OutputForm(sigmoid=False, layout="transposed")), noise())
    np.testing.assert_array_equal(y, transposed)
    (y,) = in_torch(built(NANO, OutputForm(sigmoid=False, layout="scrambled")), noise())
    assert not np.array_equal(y, flat)
    np.testing.assert_array_equal(np.sort(y, 1), np.sort(flat, 1))
    (y,) = in_torch(built(NANO), noise())
    np.testing.assert_array_equal(y[..., :4], flat[..., :4])
    np.testing.assert_allclose(y[..., 4:], 1 / (1 + np.exp(-flat[..., 4:])), rtol=1e-5)


@pytest.mark.parametrize("decode", ["scatter", "concat", "constant"])
def test_decode_gives_boxes_in_pixels(decode: str) -> None:
    (plain,) = in_torch(built(NANO), noise())
    (boxes,) = in_torch(built(NANO, OutputForm(decode=decode)), noise())  # type: ignore[arg-type]
    row = 0
    for stride in STRIDES:
        for y in range(SIZE[0] // stride):
            for x in range(SIZE[1] // stride):
                dx, dy, w, h = plain[0, row, :4]
                expected = [dx + x, dy + y, np.exp(w), np.exp(h)]
                np.testing.assert_allclose(boxes[0, row, :4], np.multiply(expected, stride), rtol=1e-4)
                row += 1
    np.testing.assert_array_equal(boxes[..., 4:], plain[..., 4:])


@pytest.mark.parametrize("activation", ["silu", "leaky", "relu", "relu6", "hardswish"])
def test_every_channel_of_every_role_varies_over_space(activation: str) -> None:
    size = (128, 160)
    net = built(replace(NANO, activation=activation), RAW, size)  # type: ignore[arg-type]
    for name, y in zip(net.output_names, in_torch(net, noise(size, count=4)), strict=True):
        target = 0.5 if name.startswith("reg") else 1.5
        assert y.std((2, 3)).min() > 0.2 * target, name
        assert 0.7 * target < y.std() < 1.4 * target, name
        assert abs(y.mean() - (0 if name.startswith("reg") else -2)) < target, name


def test_features_keep_unit_scale() -> None:
    net = build(NANO)
    spreads: list[float] = []
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda _module, _inputs, y: spreads.append(float(y.std())))
    in_torch(net, noise(count=8))
    assert len(spreads) > 80
    assert 0.5 < min(spreads) < max(spreads) < 2


def test_rounding_is_not_amplified() -> None:
    net = build(YoloxConfig(), RAW)
    single = in_torch(net, noise())
    assert_same(single, in_torch(net.double(), noise().double()), 1e-4)


def test_weights_follow_from_the_seed_and_leave_torch_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert exported(PLAIN, seed=3) == export(build(PLAIN, seed=3)).SerializeToString(deterministic=True)
    assert torch.equal(torch.rand(3), expected)
    assert exported(PLAIN, seed=3) != exported(PLAIN, seed=4)


CELLS: list[tuple[YoloxConfig, OutputForm, Spelling]] = [
    (NANO, OutputForm(), {}),
    (NANO, OutputForm(decode="scatter"), {"opset": 17}),
    (PLAIN, OutputForm(decode="concat", sigmoid=False), {"opset": 13}),
    (PLAIN, OutputForm(decode="constant"), {"shape": (1, 3, 96, 64)}),
    (replace(NANO, focus="conv", keypoints=3), RAW, {}),
    (replace(NANO, activation="hardswish"), OutputForm(layout="scrambled"), {"opset": 14}),
    (replace(PLAIN, activation="relu6"), OutputForm(layout="transposed"), {}),
    (PLAIN, OutputForm(decode="scatter"), {"simplify": "onnxslim"}),
    (PLAIN, OutputForm(layout="maps"), {"simplify": "onnxsim"}),
    (replace(PLAIN, classes=3), OutputForm(True, "concat"), {"shape": (1, 3, 64, 32), "exporter": "dynamo"}),
]


@pytest.mark.parametrize(("config", "form", "spelling"), CELLS)
def test_file_computes_what_the_network_does(config: YoloxConfig, form: OutputForm, spelling: Spelling) -> None:
    size = spelling.get("shape", (1, 3, *SIZE))[2:]
    model = exported(config, form, **spelling)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    images = noise(size)
    assert_same(in_ort(model, images.numpy()), in_torch(built(config, form, size), images), 1e-4)
    found = onnx.load_from_string(model)
    expected = 18 if spelling.get("exporter") == "dynamo" else spelling.get("opset", 11)
    assert found.opset_import[0].version == expected
    assert b".py" not in model


def test_batchnorm_stays_when_asked_for() -> None:
    kept = exported(NANO, keep_batchnorm=True)
    assert operators(kept)["BatchNormalization"] > 80
    assert operators(exported(NANO))["BatchNormalization"] == 0
    assert_same(in_ort(kept, noise().numpy()), in_torch(built(NANO), noise()), 1e-4)


def test_focus_as_slices_and_as_one_convolution() -> None:
    slices, conv = exported(NANO), exported(replace(NANO, focus="conv"))
    assert operators(slices)["Slice"] >= operators(conv)["Slice"] + 6


def test_batch_may_stay_open() -> None:
    model = exported(PLAIN, OutputForm(decode="scatter"), dynamic_batch=True)
    images = noise(count=3)
    assert_same(in_ort(model, images.numpy()), in_torch(built(PLAIN, OutputForm(decode="scatter")), images), 1e-4)


def test_halves_compute_nearly_the_same() -> None:
    model = exported(NANO, OutputForm(sigmoid=False), dtype="float16")
    (y,) = in_ort(model, noise().half().numpy())
    assert y.dtype == np.float16
    (reference,) = in_torch(built(NANO, OutputForm(sigmoid=False)), noise())
    assert np.abs(y - reference).max() < 0.05 * reference.std()


def test_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "nano.onnx"
    model = export(build(NANO), path)
    assert onnx.load(path) == model


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(AdaptError, match="multiples of 32"):
        build(NANO, size=(64, 100))
    with pytest.raises(AdaptError, match="multiples of 32"):
        export(build(NANO), shape=(1, 3, 0, 32))
    with pytest.raises(AdaptError, match="unknown exporter 'tracer'"):
        export(build(NANO), exporter="tracer")
    with pytest.raises(AdaptError, match="no anchors"):
        OutputForm(decode="concat", layout="raw")
    with pytest.raises(AdaptError, match="0 classes"):
        YoloxConfig(classes=0)
    with pytest.raises(AdaptError, match="unknown variant 'xl'"):
        YoloxConfig(variant="xl")  # type: ignore[arg-type]
