"""A recovery on a small network: what it gives, that it comes again the same, and what it refuses or warns of."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper

from icraft_adapt.adapter import recover as journey
from icraft_adapt.adapter.emit.report_schema import validate_report
from icraft_adapt.adapter.mixture import choose
from icraft_adapt.adapter.prepare import prepare
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.recover import recover, unmet
from icraft_adapt.adapter.recover_types import Recovery, RecoveryRequest
from icraft_adapt.adapter.request import Request
from icraft_adapt.adapter.rewritten import rewrite_activations, with_own_constants
from icraft_adapt.adapter.split import overlap_warning, split_pictures
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.session import Session
from icraft_adapt.models.yolox import YoloxConfig
from icraft_adapt.retrain import pupil
from icraft_adapt.rewrites.core.rule import ActivationPlan
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.adapter.networks import BUYI, V1, adapted, network_file, pictures_folder
from icraft_adapt.tests.rewrites.harness import network, weights

TINY = YoloxConfig("tiny", classes=3, width=0.125)

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # small tensors: a second thread would only wait for the first


@dataclass(frozen=True)
class Done:
    """A recovery of ten pictures, one of them held out, with its state file."""

    request: RecoveryRequest
    recovery: Recovery

    @property
    def model(self) -> ModelProto:
        return ModelProto.FromString(self.file("recovered.onnx"))

    def file(self, name: str) -> bytes:
        return {each.path: each.data for each in self.recovery.artifacts}[name]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("recover")
    asked = RecoveryRequest(network_file(folder, TINY), pictures_folder(folder, 10), steps=2, state=folder / "state")
    return Done(asked, recover(asked, Silent()))


def test_the_recovered_network_has_the_targets_activations_and_the_originals_interface(done: Done) -> None:
    original = ModelProto.FromString(done.request.model.read_bytes())
    assert {node.op_type for node in done.model.graph.node} >= {"Conv", "LeakyRelu"}
    for side in ("input", "output"):
        theirs, ours = getattr(original.graph, side), getattr(done.model.graph, side)
        assert [value.name for value in ours] == [value.name for value in theirs]
    assert sum(node.op_type == "LeakyRelu" for node in done.model.graph.node) == len(done.recovery.layers)
    assert done.recovery.macs[0] == done.recovery.macs[1] > 1e6


def test_it_goes_through_the_main_job_with_nothing_left_to_approximate(done: Done, tmp_path: Path) -> None:
    file = tmp_path / "recovered.onnx"
    file.write_bytes(done.file("recovered.onnx"))
    outcome = adapted(file, html=False, postproc=False)
    assert outcome.exit_code == Exit.FINE
    assert "activations kept" in outcome.verdict


def test_the_main_job_recovers_first(done: Done) -> None:
    pictures = done.request.images
    outcome = adapted(
        done.request.model, activation="leaky", recover=0.0, calibration=pictures, golden=False, html=True
    )
    assert (outcome.exit_code, outcome.failures) == (Exit.FINE, ())
    assert "recovered as leaky, agreement " in outcome.verdict
    files = {each.path: each.data for each in outcome.artifacts}
    made = ModelProto.FromString(files["recovered.onnx"])
    assert [value.name for value in made.graph.output] == [value.name for value in done.model.graph.output]
    told = json.loads(files["report.json"])
    validate_report(told)
    assert told["recovery"]["agreement"] == pytest.approx(done.recovery.milestones[1].agreement, rel=1e-3)
    assert told["recovery"]["macs_before"] == told["recovery"]["macs_after"]
    assert [each["stage"] for each in told["recovery"]["milestones"]] == ["rewritten", "closed form"]
    assert len(told["recovery"]["layers"]) == len(told["activations"])
    assert told["verify"]["original_vs_adapted"]["max_rel"] < 1e-4  # of the recovered network
    assert told["model"]["sha256"] == json.loads(done.file("recovery.json"))["original"]["sha256"]
    assert "images that nothing learned from" in files["report.html"].decode()


def test_sums_chosen_layer_by_layer_are_recovered_and_merged(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "TERMS", (1, 2))
    monkeypatch.setattr(choose, "WIDE", (2,))
    monkeypatch.setattr(choose, "_DESCENTS", 1)
    monkeypatch.setattr(choose, "_BISECTIONS", 0)
    asked = replace(done.request, activation="auto", steps=None, minutes=0, state=None, min_agreement=1.0, html=False)
    made = recover(asked, Silent())
    assert made.failures == (
        f"the recovered network agrees to {made.agreement:.2%}, and --min-agreement asks for 100.0%",
    )
    network = ModelProto.FromString(made.network)
    ops = Counter(node.op_type for node in network.graph.node)
    before = Counter(node.op_type for node in ModelProto.FromString(done.request.model.read_bytes()).graph.node)
    assert ops["LeakyRelu"] >= len(made.layers)
    assert ops["Sigmoid"] < before["Sigmoid"]  # those of the heads stay
    assert made.macs[1] >= made.macs[0]
    assert all(np.isfinite(each.recovered) for each in made.layers)


def test_what_auto_was_asked_for_and_does_not_hold_is_told(done: Done) -> None:
    asked = replace(done.request, activation="auto", min_agreement=0.95, max_extra_macs=0.5)
    assert tuple(unmet(asked, 0.95, 0.5)) == ()
    assert tuple(unmet(replace(asked, max_extra_macs=None), 0.96, 7.0)) == ()
    assert tuple(unmet(asked, 0.94, 0.511)) == (
        "the recovered network agrees to 94.00%, and --min-agreement asks for 95.0%",
        "the recovered network adds 51.1% multiply-accumulates, and --max-extra-macs allows 50.0%",
    )
    assert tuple(unmet(replace(asked, activation="leaky"), 0.1, 7.0)) == ()


def test_the_last_steps_may_be_on_codes(done: Done) -> None:
    made = recover(replace(done.request, steps=3, state=None, bits=8, html=False), Silent())
    stages = [each.stage for each in made.milestones]
    assert stages[-3:] == ["on 8-bit codes", "end to end", "in floats again"]
    assert made.agreement == made.milestones[-1].agreement


def test_the_learning_may_start_at_the_original(done: Done) -> None:
    made = recover(replace(done.request, state=None, start="original", html=False), Silent())
    assert "closed form" not in [each.stage for each in made.milestones]
    assert made.milestones[-1].steps == 2


def test_labels_score_the_held_out_pictures(done: Done, tmp_path: Path) -> None:
    held = sorted(done.request.images.iterdir())[7]
    (tmp_path / f"{held.stem}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    asked = replace(done.request, steps=None, minutes=0, state=None, labels=tmp_path, html=False)
    made = recover(asked, Silent())
    assert made.ap is not None
    assert all(0 <= value <= 1 for value in made.ap)
    assert all(each.ap is not None for each in made.milestones)
    told = json.loads(next(each.data for each in made.artifacts if each.path == "recovery.json"))
    assert told["ap"] == {"original": made.ap[0], "recovered": made.ap[1]}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"recover": 1.0}, "--recover learns from images"),
        ({"recover": 1.0, "activation": "keep", "calibration": Path()}, "--recover replaces activations"),
    ],
)
def test_a_recovery_that_cannot_be_asked_for(done: Done, options: dict[str, Any], line: str) -> None:
    with pytest.raises(AdaptError, match=line) as caught:
        adapted(done.request.model, **options)
    assert caught.value.code == Exit.BAD_INPUT


def test_the_milestones_and_the_record(done: Done) -> None:
    stages = [each.stage for each in done.recovery.milestones]
    assert stages[:2] == ["rewritten", "closed form"]
    assert set(stages[2:]) <= {"block by block", "end to end"}
    assert done.recovery.milestones[-1].steps == 2
    assert done.recovery.agreement == max(each.agreement for each in done.recovery.milestones)
    told = json.loads(done.file("recovery.json"))
    assert told["schema"] == "icraft-adapt/recovery/1"
    assert told["agreement"] == done.recovery.agreement
    assert told["pictures"] == {"training": 9, "held_out": 1}
    assert [each["stage"] for each in told["milestones"]] == stages
    layers = told["layers"]
    assert sum(each["recovered"] for each in layers) < 0.7 * sum(each["rewritten"] for each in layers)
    assert "over minutes of learning" in done.file("report.html").decode()


def test_the_state_is_gone_on_from(done: Done) -> None:
    more = recover(replace(done.request, steps=3), Silent())
    assert "closed form" not in [each.stage for each in more.milestones]  # nothing was solved again
    assert [each.steps for each in more.milestones] == [0, 3]


def test_the_same_seed_gives_the_same_bytes_whatever_stopped_it(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    train = pupil.Pupil.train

    def interrupted(self: pupil.Pupil, *given: Any) -> Iterator[Any]:  # noqa: ANN401
        yield from train(self, *given)
        raise KeyboardInterrupt

    monkeypatch.setattr(pupil.Pupil, "train", interrupted)
    again = recover(replace(done.request, state=None), Silent())
    assert again.interrupted
    assert again.milestones == done.recovery.milestones
    assert again.network == done.recovery.network


def test_a_sum_of_leaky_relus_is_recovered_too(done: Done) -> None:
    job = Request(done.request.model)
    prepared = prepare(job, load_target(V1), Silent())
    made = rewrite_activations(prepared, load_target(V1), ActivationPlan("pwl", 2))
    assert set(made.activations) == set(prepared.activations)
    feeds = {"images": weights(1, 3, 64, 96)}
    whole, student = Session(made.whole).run(feeds), Session(made.student).run(feeds)
    teacher = Session(made.teacher).run(feeds)
    assert list(student) == list(teacher) == [tensor for tensor, _ in prepared.reading.outputs()]
    assert all(np.isfinite(values).all() for values in (*whole.values(), *student.values()))
    assert sum(node.op_type == "Add" for node in made.student.graph.node) > len(made.activations) / 2
    assert journey._macs(made.student) > 1.02 * journey._macs(made.teacher)


def test_no_two_convolutions_share_a_constant() -> None:
    proto = network(
        "float[1,3,8,8] x", "y", "a = Conv(x, w, b) c = Conv(a, w, b) y = Add(c, k)",
        w=weights(3, 3, 1, 1), b=weights(3), k=weights(1),
    )  # fmt: skip
    made = with_own_constants(proto)
    read = [name for node in made.graph.node for name in node.input if name not in ("x", "a", "c")]
    assert len(read) == len(set(read)) == 5
    feeds = {"x": weights(1, 3, 8, 8)}
    assert np.array_equal(Session(made).run(feeds)["y"], Session(proto).run(feeds)["y"])
    assert all(numpy_helper.to_array(tensor).size for tensor in made.graph.initializer)


def test_pictures_on_both_sides_are_told(tmp_path: Path) -> None:
    training = pictures_folder(tmp_path, 4)
    others = tmp_path / "others"
    others.mkdir()
    (others / "new.png").write_bytes((training / "1.png").read_bytes() + b"\0")
    assert overlap_warning(training, others) == ()
    (others / "copy.png").write_bytes((training / "1.png").read_bytes())
    (told,) = split_pictures(training, others, (64, 96), Preprocess(), Silent()).warnings
    assert told.startswith("copy.png of ")
    assert told.endswith("too: what is measured on them flatters the network")
    (others / "another.png").write_bytes((training / "2.png").read_bytes())
    assert overlap_warning(training, others)[0].startswith("2 pictures of ")


def test_the_held_out_pictures_are_none_of_those_learned_from(tmp_path: Path) -> None:
    folder = pictures_folder(tmp_path, 17)
    (folder / "torn.png").write_bytes(b"\x89PNG")
    split = split_pictures(folder, None, (64, 96), Preprocess(), Silent())
    assert (len(split.training), len(split.held_out)) == (15, 2)
    assert not any(np.array_equal(a, b.tensor) for a in split.training for b in split.held_out)
    assert [told.split(":")[0] for told in split.warnings] == ["skipped torn.png"]
    for path in list(folder.iterdir())[1:]:
        path.unlink()
    with pytest.raises(AdaptError, match=r"one picture alone|cannot be read|can be read"):
        split_pictures(folder, None, (64, 96), Preprocess(), Silent())


def test_a_target_that_lacks_nothing_is_declined(tmp_path: Path) -> None:
    prepared = prepare(Request(network_file(tmp_path), target=BUYI), load_target(BUYI), Silent())
    with pytest.raises(AdaptError, match="nothing to recover: icraft-v3-buyi runs every activation") as caught:
        rewrite_activations(prepared, load_target(BUYI), ActivationPlan("leaky"))
    assert caught.value.code == Exit.UNSUPPORTED


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("icraft_adapt.retrain")]:
        monkeypatch.delitem(sys.modules, name)
    import icraft_adapt

    monkeypatch.setattr(icraft_adapt, "retrain", SimpleNamespace(__path__=[]), raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        AdaptError, match=r"learning needs PyTorch, which is missing \(pip install 'icraft-adapt\[ret"
    ) as caught:
        journey.needs_torch()
    assert caught.value.code == Exit.UNSUPPORTED
