"""Learning on a network of three layers: the closed form, then steps that come nearer, again and again the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import ModelProto
from torch import Tensor

from icraft_adapt.errors import AdaptError
from icraft_adapt.graph.reading import Level, Reading
from icraft_adapt.retrain.closed_form import reconstruct
from icraft_adapt.retrain.distil import Moment, Recipe, Training, block_ends
from icraft_adapt.retrain.losses import head_loss, map_loss
from icraft_adapt.retrain.metric import measure
from icraft_adapt.retrain.network import Network
from icraft_adapt.retrain.pupil import Pupil
from icraft_adapt.retrain.views import Views
from icraft_adapt.tests.rewrites.harness import network, weights

READING = Reading("yolox", (Level(2, (32, 32), "obj", "reg", "cls"),), 2, False, False, 0.0)
BODY = (
    "z1 = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, w1, b1) {0}"
    " z2 = Conv<pads = [1, 1, 1, 1], group = 8>(y1, w2, b2) {1} c = Concat<axis = 1>(y1, y2)"
    " z3 = Conv(c, w3, b3) {2} obj = Conv(y3, wo, bo) reg = Conv(y3, wr, br) cls = Conv(y3, wc, bc)"
)
STORED = {
    "w1": weights(8, 3, 3, 3) / 4, "b1": weights(8), "w2": weights(8, 1, 3, 3) / 2, "b2": weights(8, seed=1),
    "w3": weights(8, 16, 1, 1) / 3, "b3": weights(8, seed=2), "wo": weights(1, 8, 1, 1) * 2, "bo": weights(1),
    "wr": weights(4, 8, 1, 1), "br": weights(4), "wc": weights(2, 8, 1, 1) * 2, "bc": weights(2),
}  # fmt: skip
ACTIVATIONS = {"z1": "y1", "z2": "y2", "z3": "y3"}
SILU, LEAKY = "s{0} = Sigmoid(z{0}) y{0} = Mul(z{0}, s{0})", "y{0} = LeakyRelu<alpha = 0.1>(z{0})"


def of(activation: str) -> ModelProto:
    """The network with this activation, SILU or LEAKY, between its layers."""
    body = BODY.format(*(activation.format(i) for i in (1, 2, 3)))
    return network("float[1,3,64,64] x", "obj, reg, cls", body, **STORED)


def pictures(count: int = 6) -> list[Tensor]:
    random = torch.Generator().manual_seed(3)
    coarse = torch.randn(count, 3, 16, 16, generator=random)
    return list(torch.nn.functional.interpolate(coarse, (64, 64), mode="bilinear").split(1))


def loss(student: Network, constants: dict[str, Tensor] | None = None) -> float:
    """At the heads, on pictures that nothing learned from."""
    others = torch.cat(pictures(10)[6:])
    truth = Network(of(SILU)).run(others)
    return float(head_loss(READING, truth, student.run(others, constants=constants)))


def solved() -> Network:
    student = Network(of(LEAKY))
    layers = list(reconstruct(Network(of(SILU)), student, ACTIVATIONS, READING, pictures()))
    assert [layer.output for layer in layers] == ["z1", "z2", "z3", "obj", "reg", "cls"]
    assert all(0 <= layer.error < 0.1 for layer in layers)
    return student


def trained(recipe: Recipe, student: Network) -> tuple[Training, list[Moment]]:
    training = Training(Network(of(SILU)), student, READING, recipe, measure(student, pictures()), block_ends(student))
    return training, list(training.run(pictures()))


def test_the_closed_form_takes_most_of_the_error_away() -> None:
    student = solved()
    assert loss(student) < 0.1 * loss(Network(of(LEAKY)))
    assert set(student.slopes) == {"y1", "y2", "y3"}
    again = solved()
    assert all(torch.equal(again.constants[name], value) for name, value in student.constants.items())


def test_a_layer_without_a_counterpart_stays() -> None:
    proto = of(LEAKY)
    for node in proto.graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == "z2":
                    names[place] = "elsewhere"
    student = Network(proto)
    before = student.constants["w2"].clone()
    layers = list(reconstruct(Network(of(SILU)), student, {"z1": "y1", "z3": "y3"}, READING, pictures()))
    assert [layer.output for layer in layers] == ["z1", "z3", "obj", "reg", "cls"]
    assert torch.equal(student.constants["w2"], before)


def test_learning_comes_nearer_and_the_same_seed_gives_the_same() -> None:
    student = solved()
    recipe = Recipe(steps=40, batch=2, rate=0.003, block_share=0.2)
    training, moments = trained(recipe, student)
    assert block_ends(student) == ("z3",)
    assert [moment.step for moment in moments] == list(range(1, 41))
    assert [moment.phase for moment in moments] == ["block by block"] * 8 + ["end to end"] * 32
    assert moments[-1].done == 1
    assert loss(student, training.mean) < 0.9 * loss(student)
    again, others = trained(recipe, student)
    assert [moment.loss for moment in moments] == [moment.loss for moment in others]
    assert all(torch.equal(again.mean[name], training.mean[name]) for name in training.learned)


def test_block_by_block_no_gradient_leaves_a_block() -> None:
    student = solved()
    training = Training(Network(of(SILU)), student, READING, Recipe(steps=1), measure(student, pictures()), ("z3",))
    images = torch.cat(pictures(2))
    for block_wise in (False, True):
        parts = training._losses(images, block_wise)
        (head,) = torch.autograd.grad(parts[0], [training.constants["w1"]], retain_graph=True, allow_unused=True)
        assert (head is None) == block_wise
        (between,) = torch.autograd.grad(parts[1], [training.constants["w1"]])
        assert float(between.abs().sum()) > 0


def test_a_training_goes_on_from_its_state() -> None:
    student = solved()
    recipe = Recipe(steps=6, batch=2)
    whole, moments = trained(recipe, student)
    metrics = measure(student, pictures())
    first = Training(Network(of(SILU)), student, READING, recipe, metrics, block_ends(student))
    for moment in first.run(pictures()):
        if moment.step == 3:
            break
    second = Training(Network(of(SILU)), student, READING, recipe, metrics, block_ends(student))
    second.resume(first.state())
    rest = list(second.run(pictures()))
    assert [moment.loss for moment in rest] == [moment.loss for moment in moments[3:]]
    assert all(torch.equal(second.mean[name], whole.mean[name]) for name in whole.learned)


def test_minutes_end_a_training() -> None:
    student = solved()
    training, moments = trained(Recipe(minutes=0.005, batch=1), student)
    assert moments[-1].done == 1
    assert 0.3 <= training.seconds < 5


def test_views_are_flipped_and_scaled_and_come_again() -> None:
    ramp = torch.arange(96.0).expand(1, 1, 64, 96)
    batch = Views([ramp], 5).draw(60)
    assert batch.shape == (60, 1, 64, 96)
    assert torch.equal(batch, Views([ramp], 5).draw(60))
    middle = batch[:, 0, 32]
    steps = middle.diff(dim=1).median(dim=1).values  # of a ramp: which way it runs, and how large it is seen
    assert bool((steps < 0).any())
    assert bool((steps > 0).any())
    assert float(steps.abs().min()) < 0.8
    assert float(steps.abs().max()) > 1.3
    plain = sum(torch.equal(view, ramp[0]) or torch.equal(view, ramp[0].flip(2)) for view in batch)
    assert 8 <= plain <= 28


def test_what_is_seen_from_farther_stands_before_another_picture() -> None:
    views = Views([torch.zeros(1, 2, 32, 32), torch.ones(1, 2, 32, 32)], 0)
    seen = views._farther(torch.full((1, 2, 32, 32), 5.0), 0.5)
    assert int((seen == 5).sum()) == 2 * 16 * 16
    assert set(seen.unique().tolist()) in ({0.0, 5.0}, {1.0, 5.0})


def test_the_losses() -> None:
    maps = Network(of(SILU)).run(torch.cat(pictures(2)))
    assert float(head_loss(READING, maps, maps)) == 0
    off = {name: value + 0.1 for name, value in maps.items()}
    assert float(head_loss(READING, maps, off)) > 0
    assert float(map_loss(maps["reg"], maps["reg"] + torch.tensor([1.0, 2, 3, 4]).reshape(1, 4, 1, 1))) < 1e-9
    assert float(map_loss(maps["reg"], 0 * maps["reg"])) == pytest.approx(1, rel=1e-2)


def test_the_state_of_another_network_and_a_torn_one_are_refused(tmp_path: Path) -> None:
    probe, state = weights(1, 3, 64, 64), tmp_path / "state"
    inputs = [each.numpy() for each in pictures()]

    def pupil(student: str) -> Pupil:
        return Pupil(of(SILU), of(student), ACTIVATIONS, READING, inputs, probe)

    learner = pupil(LEAKY)
    learner.save(state)
    assert not state.exists()
    list(learner.train(Recipe(steps=1, batch=1), state))
    learner.save(state)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    other = pupil(SILU)
    with pytest.raises(AdaptError, match="the state of another network"):
        next(other.train(Recipe(steps=2, batch=1), state))
    state.write_bytes(b"torn")
    with pytest.raises(AdaptError, match="not the state of a recovery"):
        next(learner.train(Recipe(steps=2, batch=1), state))


def test_a_pupil_gives_a_model_that_computes_what_it_learned() -> None:
    inputs = [each.numpy() for each in pictures()]
    pupil = Pupil(of(SILU), of(LEAKY), ACTIVATIONS, READING, inputs, weights(1, 3, 64, 64))
    list(pupil.reconstruct(0))
    list(pupil.train(Recipe(steps=2, batch=1), None))
    (maps,) = pupil.heads(inputs[:1])
    pupil.restore(pupil.snapshot())
    model = pupil.model(of(LEAKY))
    found = Network(model).run(pictures()[0])
    assert all(np.allclose(maps[name], found[name].numpy(), atol=1e-5) for name in ("obj", "reg", "cls"))
