"""Recovered weights in a checkpoint: placed by the numbers, and the network that loads them computes the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import ModelProto, numpy_helper

from icraft_adapt.adapter.prepare import prepare
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.adapter.rewritten import rewrite_activations
from icraft_adapt.graph.session import Session
from icraft_adapt.models.yolox import OutputForm, Yolox, YoloxConfig, build
from icraft_adapt.retrain.handoff import hand_off
from icraft_adapt.rewrites.core.rule import ActivationPlan
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.adapter.networks import NANO, V1, network_file

RAW = OutputForm(False, None, "raw")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelProto, ModelProto]:
    """The original, and one whose every weight and bias was moved a little."""
    file: Path = network_file(tmp_path_factory.mktemp("net"), NANO, RAW)
    prepared = prepare(Request(file), load_target(V1), Silent())
    moved = rewrite_activations(prepared, load_target(V1), ActivationPlan("leaky")).whole
    random = np.random.default_rng(4)
    read = {
        name for node in moved.graph.node if node.op_type == "Conv" for name in node.input[1:] if len(node.input) > 2
    }
    for tensor in moved.graph.initializer:
        if tensor.name in read:
            values = numpy_helper.to_array(tensor)
            shifted = values * random.uniform(0.95, 1.05, values.shape).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(shifted, tensor.name))
    return ModelProto.FromString(file.read_bytes()), moved


def test_the_checkpoint_loads_and_computes_what_the_recovered_network_does(pair: tuple[ModelProto, ModelProto]) -> None:
    original, recovered = pair
    checkpoint = build(NANO, RAW).state_dict()
    handed = hand_off(checkpoint, original, recovered)
    assert handed.missing == ()
    assert set(handed.state) == set(checkpoint)
    assert set(handed.slopes.values()) == {float(np.float32(0.1))}
    net = Yolox(YoloxConfig(classes=3, width=0.125, activation="leaky"), RAW, (64, 96)).eval()
    net.load_state_dict(handed.state)
    images = 255 * np.random.default_rng(0).random((1, 3, 64, 96), dtype=np.float32)
    truth = Session(recovered).run({"images": images})
    with torch.no_grad():
        found = net(torch.from_numpy(images))
    for name, values in zip(net.output_names, found, strict=True):
        spread = float(np.ptp(truth[name]))
        assert float(np.abs(values.numpy() - truth[name]).max()) < 1e-3 * spread, name


def test_what_the_original_does_not_hold_is_named_and_stays(pair: tuple[ModelProto, ModelProto]) -> None:
    checkpoint = build(NANO, RAW).state_dict()
    name = next(name for name, value in checkpoint.items() if value.ndim == 4)
    checkpoint[name] = checkpoint[name] + 1
    handed = hand_off(checkpoint, *pair)
    assert handed.missing == (name,)
    assert torch.equal(handed.state[name], checkpoint[name])
