"""--activation auto: what it chooses on a small network, what it measures, and how it says that nothing holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import onnx
import pytest

from icraft_adapt.adapter.emit.report_json import report_document
from icraft_adapt.adapter.emit.report_schema import validate_report
from icraft_adapt.adapter.mixture import choose
from icraft_adapt.adapter.mixture.candidate import build
from icraft_adapt.adapter.mixture.pick import highest_rate, pick
from icraft_adapt.adapter.mixture.price import price_of
from icraft_adapt.adapter.mixture.types import Form, Option, Price, Site
from icraft_adapt.adapter.outcome import Outcome
from icraft_adapt.adapter.prepare import prepare
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.cli.options import excess
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.cost import count_macs, vector_operations
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.session import Session
from icraft_adapt.models.yolox import YoloxConfig
from icraft_adapt.rewrites.core.activation import activation_at
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.adapter.networks import adapted, network_file, pictures_folder
from icraft_adapt.tests.rewrites.harness import network, weights
from icraft_adapt.tests.rewrites.sums import plain, shared


@pytest.fixture(autouse=True, scope="module")
def _few_choices() -> Iterator[None]:
    """One or three terms, or two side by side; few mixtures: the same search, in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choose, "TERMS", (1, 3))
        patch.setattr(choose, "WIDE", (1, 3))
        patch.setattr(choose, "_DESCENTS", 1)
        patch.setattr(choose, "_STEP", 64.0)
        patch.setattr(choose, "_BISECTIONS", 1)
        patch.setattr(choose, "_PROBED", 3)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network and eight pictures."""
    made = tmp_path_factory.mktemp("mixture")
    network_file(made, YoloxConfig("tiny", classes=3, width=0.125))
    pictures_folder(made, 8)
    return made


def chosen(folder: Path, **options: float) -> Outcome:
    return adapted(
        folder / "net.onnx", activation="auto", calibration=folder / "pictures", **{"golden": False, **options}
    )


@pytest.fixture(scope="module")
def unreached(folder: Path) -> Outcome:
    """More is asked for than there is."""
    return chosen(folder, min_agreement=1.0, max_extra_macs=0.5, html=False)


@pytest.fixture(scope="module")
def outcome(folder: Path, unreached: Outcome) -> Outcome:
    """Half of what can be reached is asked for; simulated in integers."""
    told = unreached.report.mixture
    assert told is not None
    return chosen(folder, min_agreement=0.5 * told.points[told.chosen].agreement, golden=True, html=True)


def test_what_cannot_be_reached_is_exit_1(unreached: Outcome) -> None:
    assert unreached.exit_code == Exit.FAILED
    assert "no mixture of sums agrees to 100.0% with at most +50% multiply-accumulates" in unreached.verdict
    assert unreached.artifacts == ()
    told = unreached.report.mixture
    assert told is not None
    assert told.chosen == max(range(len(told.points)), key=lambda place: told.points[place].agreement)


def test_a_mixture_is_chosen_and_told(outcome: Outcome) -> None:
    assert (outcome.exit_code, outcome.failures) == (Exit.FINE, ())
    told = json.loads(json.dumps(report_document(outcome.report), allow_nan=False))
    validate_report(told)
    mixture = told["mixture"]
    assert mixture["held_out"] == 2
    assert "max_extra_macs" not in mixture
    asked = mixture["min_agreement"]
    assert mixture["points"][mixture["chosen"]]["agreement"] >= asked
    assert all(point["agreement"] < asked for point in mixture["points"][: mixture["chosen"]])
    assert len(mixture["sites"]) == len(told["activations"])
    for site in mixture["sites"]:
        assert site["leaky_damage"] > 0
        damages = [option["damage"] for option in site["options"] if option["form"] == "terms"]
        assert damages[0] > damages[-1]
        assert 0 <= site["chosen"] < len(site["options"])
    assert told["integers"]["bits"] == 8


def test_the_written_network_is_the_one_that_was_measured(outcome: Outcome, folder: Path) -> None:
    files = {artifact.path: artifact.data for artifact in outcome.artifacts}
    made = onnx.load_from_string(files["adapted.onnx"])
    told = outcome.report.mixture
    assert told is not None
    extra = told.points[told.chosen].extra_macs
    plain = prepare(Request(folder / "net.onnx"), load_target("icraft-v1.1"), Silent()).model.to_proto()
    assert count_macs(made) / count_macs(plain) - 1 == pytest.approx(extra, abs=1e-3)
    assert "Agreement over extra vector operations" in files["report.html"].decode()


def test_without_images_it_is_exit_2(folder: Path) -> None:
    with pytest.raises(AdaptError, match="--activation auto measures on images") as caught:
        adapted(folder / "net.onnx", activation="auto")
    assert caught.value.code == Exit.BAD_INPUT


def test_the_bound_on_multiplications_may_be_above_one() -> None:
    assert [excess(text) for text in ("50%", "0.5", "150%", "0")] == [0.5, 0.5, 1.5, 0.0]
    with pytest.raises(click.BadParameter, match="below 0"):
        excess("-1%")


def test_what_the_target_runs_needs_no_mixture(folder: Path) -> None:
    pictures = folder / "pictures"
    outcome = adapted(
        folder / "net.onnx", target="icraft-v3-buyi", activation="auto", calibration=pictures, html=False, golden=False
    )
    assert outcome.exit_code == Exit.FINE
    assert {fit.to for fit in outcome.report.activations} == {"silu"}


@pytest.mark.parametrize("hinges", [1, 2, 3])
@pytest.mark.parametrize("form", ["terms", "wide"])
@pytest.mark.parametrize("readers", ["y = Conv(t, w)", "y = Conv<pads=[1,1,1,1]>(t, u)", "y = Add(t, t)"])
def test_the_foretold_price_is_the_real_one(form: Form, hinges: int, readers: str) -> None:
    body = f"a = Conv<pads=[1,1,1,1]>(x, e) s = Sigmoid(a) t = Mul(a, s) {readers}"
    constants = {"e": weights(4, 2, 3, 3), "w": weights(3, 4, 1, 1), "u": weights(3, 4, 3, 3)}
    proto = network("float[1,2,9,7] x", "y", body, **constants)
    model = Model.from_proto(proto, "model")
    found = next(each for node in model.nodes if (each := activation_at(node, model)) is not None)
    price = price_of(found, model, form, hinges, 64)
    put = shared(4, hinges) if form == "wide" else plain(4, *[0.1] * hinges)
    made = build(proto, load_target("icraft-v1.1"), {"a": put})
    assert count_macs(made) - count_macs(proto) == price.macs
    assert vector_operations(made) - vector_operations(proto) == price.vector
    x = np.random.default_rng(0).uniform(-3, 3, (1, 2, 9, 7)).astype(np.float32)
    assert np.isfinite(Session(made).run({"x": x})["y"]).all()


def sites() -> tuple[Site, ...]:
    """Two activations, the second ten times as delicate."""
    options = tuple(
        Option(hinges, "terms", 0.1 / hinges**2, Price(100 * (hinges - 1), hinges - 1, 64)) for hinges in (1, 2, 3, 4)
    )
    return tuple(Site(name, name, weight, 1.0, options) for name, weight in (("a", 1.0), ("b", 10.0)))


def test_the_delicate_site_gets_more() -> None:
    total = 100 + 64
    first = 10 * 0.1**2 * (1 - 1 / 16) / total
    assert highest_rate(sites()) == pytest.approx(first)
    none = pick(sites(), first * 1.01)
    assert [option.hinges for option in none.values()] == [1, 1]
    some = pick(sites(), first * 0.5)
    assert some["a"].hinges == 1 < some["b"].hinges
    most = pick(sites(), 0.0)
    assert [option.hinges for option in most.values()] == [4, 4]


def test_multiplications_get_dearer_until_they_fit() -> None:
    rate = 1e-9
    assert sum(option.price.macs for option in pick(sites(), rate).values()) == 600
    for limit in (0, 100, 250, 500):
        picked = pick(sites(), rate, limit)
        assert sum(option.price.macs for option in picked.values()) <= limit
        assert picked["b"].hinges >= picked["a"].hinges
    assert pick(sites(), rate, 100)["b"].hinges == 2
