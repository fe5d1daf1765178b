"""A recovery on a small network: what it gives, that it comes again the same, and what it refuses or warns of."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper

from icraft_adapt.adapter import recover as journey
from icraft_adapt.adapter.prepare import prepare
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.recover import recover
from icraft_adapt.adapter.recover_types import Recovery, RecoveryRequest
from icraft_adapt.adapter.request import Request
from icraft_adapt.adapter.rewritten import rewrite_activations, with_own_constants
from icraft_adapt.adapter.split import overlap_warning, split_pictures
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.session import Session
from icraft_adapt.retrain import pupil
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.adapter.networks import BUYI, V1, adapted, network_file, pictures_folder
from icraft_adapt.tests.rewrites.harness import network, weights


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
    asked = RecoveryRequest(network_file(folder), pictures_folder(folder, 10), steps=2, state=folder / "state")
    return Done(asked, recover(asked, Silent()))


def test_the_recovered_network_has_the_targets_activations_and_the_originals_interface(done: Done) -> None:
    original = ModelProto.FromString(done.request.model.read_bytes())
    assert {node.op_type for node in done.model.graph.node} >= {"Conv", "LeakyRelu"}
    for side in ("input", "output"):
        theirs, ours = getattr(original.graph, side), getattr(done.model.graph, side)
        assert [value.name for value in ours] == [value.name for value in theirs]
    assert sum(node.op_type == "LeakyRelu" for node in done.model.graph.node) == len(done.recovery.layers) - 9
    assert done.recovery.macs[0] == done.recovery.macs[1] > 1e6


def test_it_goes_through_the_main_job_with_nothing_left_to_approximate(done: Done, tmp_path: Path) -> None:
    file = tmp_path / "recovered.onnx"
    file.write_bytes(done.file("recovered.onnx"))
    outcome = adapted(file, html=False, postproc=False)
    assert outcome.exit_code == Exit.FINE
    assert "activations kept" in outcome.verdict


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
    assert all(each["error"] >= 0 for each in told["layers"])


def test_the_state_is_gone_on_from(done: Done) -> None:
    more = recover(replace(done.request, steps=3), Silent())
    assert more.layers == ()  # nothing was solved again
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
    assert again.artifacts == done.recovery.artifacts


def test_a_sum_of_leaky_relus_is_recovered_too(done: Done) -> None:
    job = Request(done.request.model)
    prepared = prepare(job, load_target(V1), Silent())
    made = rewrite_activations(prepared, load_target(V1), "pwl", 2, {})
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
    assert not any(np.array_equal(a, b) for a in split.training for b in split.held_out)
    assert [told.split(":")[0] for told in split.warnings] == ["skipped torn.png"]
    for path in list(folder.iterdir())[1:]:
        path.unlink()
    with pytest.raises(AdaptError, match=r"one picture alone|cannot be read|can be read"):
        split_pictures(folder, None, (64, 96), Preprocess(), Silent())


def test_a_target_that_lacks_nothing_is_declined(tmp_path: Path) -> None:
    prepared = prepare(Request(network_file(tmp_path), target=BUYI), load_target(BUYI), Silent())
    with pytest.raises(AdaptError, match="nothing to recover: icraft-v3-buyi runs every activation") as caught:
        rewrite_activations(prepared, load_target(BUYI), "leaky", 2, {})
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
