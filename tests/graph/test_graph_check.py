"""The check after each sweep: every breach that it names is one that it finds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from icraft_adapt.graph.check import BrokenGraphError, check
from icraft_adapt.graph.model import Model

from .networks import network
from .test_model_facade import ready

Breach = Callable[[Model], None]


def reads_a_stranger(model: Model) -> None:
    model.nodes[1].inputs[0] = gs.Variable("stranger", np.float32, [1])


def runs_too_early(model: Model) -> None:
    model.nodes.reverse()


def goes_in_a_circle(model: Model) -> None:
    model.nodes[0].inputs[0] = model.tensors()["m"]


def is_computed_twice(model: Model) -> None:
    model.nodes[2].outputs[0].name = "c"


def computes_an_input(model: Model) -> None:
    model.nodes[0].outputs[0].name = "x"


def has_two_producers(model: Model) -> None:
    list.append(model.tensors()["s"].inputs, model.nodes[0])


def forgot_its_producer(model: Model) -> None:
    list.clear(model.tensors()["s"].inputs)


def forgot_its_reader(model: Model) -> None:
    list.clear(model.tensors()["s"].outputs)


def remembers_a_dead_reader(model: Model) -> None:
    list.append(model.tensors()["s"].outputs, gs.Node("Relu"))


def gives_what_nothing_computes(model: Model) -> None:
    model.expose([gs.Variable("stranger", np.float32, [1])])


def stores_under_a_taken_name(model: Model) -> None:
    model.nodes[0].inputs[1].name = "c"


def stores_two_under_one_name(model: Model) -> None:
    model.nodes[0].inputs[1].name = model.nodes[0].inputs[2].name


@pytest.mark.parametrize(
    ("breach", "said"),
    [
        (reads_a_stranger, "Sigmoid reads 'stranger', which nothing has computed yet"),
        (runs_too_early, "which nothing has computed yet"),
        (goes_in_a_circle, "Conv reads 'm', which nothing has computed yet"),
        (is_computed_twice, "'c' is computed twice"),
        (computes_an_input, "'x' is computed twice"),
        (has_two_producers, "'s' does not know its producer Sigmoid"),
        (forgot_its_producer, "'s' does not know its producer Sigmoid"),
        (forgot_its_reader, "'s' does not know its reader Mul"),
        (remembers_a_dead_reader, "'s' takes Relu for a reader"),
        (gives_what_nothing_computes, "the output 'stranger' is not computed"),
        (stores_under_a_taken_name, "the name 'c' stands for two tensors"),
        (stores_two_under_one_name, "the name 'b' stands for two tensors"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_breach_is_found(breach: Breach, said: str) -> None:
    model = Model.from_proto(ready(network()), "net")
    check(model)
    breach(model)
    with pytest.raises(BrokenGraphError) as caught:
        check(model)
    assert said in str(caught.value)
