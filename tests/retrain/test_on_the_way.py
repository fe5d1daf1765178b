"""What a training does to values on their way: activations bent slowly, maps and weights on codes."""

from __future__ import annotations

import numpy as np
import torch

from icraft_adapt.adapter.codes import codes_of
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.retrain.distil import Recipe, Training, block_ends
from icraft_adapt.retrain.homotopy import Homotopy
from icraft_adapt.retrain.metric import measure
from icraft_adapt.retrain.network import Network
from icraft_adapt.retrain.pupil import Pupil
from icraft_adapt.retrain.region import region
from icraft_adapt.retrain.rounding import Grid
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.retrain.test_distil import ACTIVATIONS, LEAKY, READING, SILU, of, pictures
from icraft_adapt.tests.rewrites.harness import weights

HEADS = ("obj", "reg", "cls")


def test_a_region_is_what_lies_between_two_maps() -> None:
    z = torch.linspace(-3, 3, 64).reshape(1, 1, 8, 8)
    assert torch.allclose(region(Network(of(SILU)), "z2", "y2")(z), z * torch.sigmoid(z))
    assert torch.allclose(region(Network(of(LEAKY)), "z2", "y2")(z), torch.where(z > 0, z, 0.1 * z))


def test_a_homotopy_leads_from_the_original_to_the_target() -> None:
    teacher, student = Network(of(SILU)), Network(of(LEAKY))
    (picture, *_) = pictures()
    bend = Homotopy(teacher, ACTIVATIONS)
    ends = {0.0: teacher.run(picture), 1.0: student.run(picture)}
    for share, wanted in ends.items():
        bend.share = share
        found = student.run(picture, revise=bend)
        assert all(torch.allclose(found[name], wanted[name], atol=1e-5) for name in HEADS)
    bend.share = 0.5
    half = student.run(picture, revise=bend)
    assert not any(torch.allclose(half[name], wanted[name], atol=1e-3) for name in HEADS for wanted in ends.values())


def test_a_training_bends_the_activations_to_the_end() -> None:
    teacher, student = Network(of(SILU)), Network(of(LEAKY))
    bend = Homotopy(teacher, ACTIVATIONS)
    recipe = Recipe(steps=4, batch=1, bend_share=0.5)
    training = Training(
        teacher, student, READING, recipe, measure(student, pictures()), block_ends(student), homotopy=bend
    )
    shares = []
    for _ in training.run(pictures()):
        shares.append(bend.share)
    assert shares == [0.0, 0.5, 1.0, 1.0]


def test_rounding_holds_what_codes_say_and_lets_gradients_through() -> None:
    grid = Grid(torch.tensor([0.5, 0.25]), 3)
    value = torch.tensor([[[[0.6, 9.0]], [[-0.4, -9.0]]]], requires_grad=True)
    held = grid.rounded(value, 1)
    assert held.flatten().tolist() == [0.5, 1.5, -0.5, -0.75]
    held.sum().backward()
    assert value.grad is not None
    assert value.grad.flatten().tolist() == [1.0, 0.0, 1.0, 0.0]


def test_a_pupil_learns_on_the_codes_of_the_simulator() -> None:
    """Maps and weights of the network lie on the steps that the integer program has."""
    inputs = [each.numpy() for each in pictures()]
    pupil = Pupil(of(SILU), of(LEAKY), ACTIVATIONS, READING, inputs, weights(1, 3, 64, 64))
    list(pupil.reconstruct(0))
    floats = pupil.heads(inputs[:1])[0]
    target = load_target("icraft-v1.1")
    maps, kernels = codes_of(pupil.model(of(LEAKY)), target, inputs, Preprocess(), 8)
    assert set(kernels) == {"z1", "z2", "z3", *HEADS}
    assert {"y1", "y2", "y3", "c", *HEADS} == set(maps)
    pupil.round_to(maps, kernels)
    rounded = pupil.heads(inputs[:1])[0]
    for name in HEADS:
        step, most = maps[name]
        codes = rounded[name] / step.reshape(1, -1, 1, 1)
        assert np.allclose(codes, np.rint(codes), atol=1e-3)
        assert np.abs(codes).max() <= most + 1e-3
        assert 0 < np.abs(rounded[name] - floats[name]).max() < 0.5 * np.ptp(floats[name])
    before = pupil.snapshot()
    list(pupil.train(Recipe(steps=2, batch=1, block_share=0.0), None))
    after = pupil.snapshot()
    assert any(not torch.equal(after.constants[name], value) for name, value in before.constants.items())
    pupil.restore(before)
    assert all(np.array_equal(pupil.heads(inputs[:1])[0][name], floats[name]) for name in HEADS)
