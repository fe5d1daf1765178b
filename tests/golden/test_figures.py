"""Figures of maps, layers and heads: each must be able to say that something is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.figures import FigureBuilder
from icraft_adapt.golden.heads import box_resolution, by_role, score_resolution
from icraft_adapt.golden.layers import LayerComparison
from icraft_adapt.golden.quantise import quantise
from icraft_adapt.golden.settings import Settings
from icraft_adapt.graph.session import Session, with_outputs
from icraft_adapt.tests.golden.test_quantise import arithmetic, images, prepared, residual_network

RNG = np.random.default_rng(0)


def test_figures_are_those_of_all_images_together() -> None:
    truth = [RNG.normal(size=(1, 4, 5, 6)).astype(np.float32) for _ in range(3)]
    found = [each + RNG.normal(size=each.shape).astype(np.float32) * 0.1 for each in truth]
    figures = by_role(list(zip(truth, found, strict=True)))
    a, b = np.concatenate(truth), np.concatenate(found)
    assert figures.cosine == pytest.approx(float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())), rel=1e-5)
    signal = a.var(axis=(0, 2, 3)).sum()
    noise = np.square(a - b).mean(axis=(0, 2, 3)).sum()
    assert figures.sqnr_db == pytest.approx(10 * np.log10(signal / noise), rel=1e-4)
    assert figures.max_abs == pytest.approx(np.abs(a - b).max(), rel=1e-6)


def test_a_dead_channel_hides_in_the_cosine_and_not_in_the_worst_channel() -> None:
    truth = np.concatenate([np.full((1, 3, 8, 8), 50.0), RNG.normal(size=(1, 1, 8, 8))], axis=1).astype(np.float32)
    truth[:, :3] += RNG.normal(size=(1, 3, 8, 8)) * 5
    found = truth.copy()
    found[:, 3] = 0
    builder = FigureBuilder()
    builder.add(truth, found)
    figures = builder.figures()
    assert figures.cosine > 0.9999
    assert figures.worst_channel_db is not None
    assert figures.worst_channel_db < 1


def test_equal_maps_have_no_noise_and_nothing_compared_is_an_error() -> None:
    truth = RNG.normal(size=(1, 2, 3, 3)).astype(np.float32)
    builder = FigureBuilder()
    with pytest.raises(ValueError, match="nothing"):
        builder.figures()
    builder.add(truth, truth)
    assert builder.figures().sqnr_db is None
    assert builder.figures().cosine == pytest.approx(1)


def test_layers_are_compared_accumulated_and_alone() -> None:
    proto = residual_network()
    pictures = images(6)
    net, samples = prepared(proto, pictures[:5])
    program = quantise(net, samples, arithmetic(), Settings())
    comparison = LayerComparison(program, Oracle(program))
    names = [layer.name for layer in net.layers]
    session = Session(with_outputs(proto, names))
    for picture in pictures[4:]:
        floats = session.run({"x": picture})
        comparison.add(picture, floats, {"y0": floats["y0"] * 2}, names[:3])
        comparison.add(picture, floats, {}, names[3:])
    layers = {layer.name: layer for layer in comparison.figures()}
    assert list(layers) == names
    assert layers["y0"].adapted is not None
    assert layers["y0"].adapted.cosine == pytest.approx(1, abs=1e-6)
    assert layers["y0"].adapted.sqnr_db is not None
    assert 3 < layers["y0"].adapted.sqnr_db < 10 * np.log10(4)  # its mean is off, too
    assert layers["out"].adapted is None
    for layer in layers.values():
        assert layer.single.sqnr_db is None or layer.accumulated.sqnr_db is not None
        if layer.single.sqnr_db is not None and layer.accumulated.sqnr_db is not None:
            assert layer.single.sqnr_db > layer.accumulated.sqnr_db - 0.5, layer.name
        assert layer.counts.size > 0
    first, last = layers["y0"].accumulated.sqnr_db, layers["out"].accumulated.sqnr_db
    assert first is not None
    assert last is not None
    assert first > last > 20


def test_score_resolution_says_what_codes_can_say() -> None:
    codes = [np.array([[-3, 5]])]
    fine = score_resolution(0.05, 127, codes)
    coarse = score_resolution(2.0, 127, codes)
    assert fine.levels > 200
    assert coarse.levels == 7  # logits -6 .. 6
    assert coarse.steps[2] == pytest.approx(1 / (1 + np.exp(-2)) - 0.5)
    assert fine.reached == pytest.approx(1 / (1 + np.exp(-0.25)))
    dead = score_resolution(1e-6, 127, codes)  # no code is below .1
    assert dead.steps[0] == 1.0


def test_box_resolution_knows_the_largest_box() -> None:
    codes = np.zeros((1, 4, 2, 2), np.int64)
    codes[:, 2, 0, 0] = 127
    found = box_resolution(0.03, 127, 32, [codes])
    assert found.largest_px == pytest.approx(np.exp(127 * 0.03) * 32)
    assert found.step_px == pytest.approx(0.96)
    assert found.saturated_sizes == pytest.approx(1 / 8)
    assert found.saturated_centres == 0
