"""Accuracy from unlabelled pictures: the rewritten network learns from the original, in closed form, then by steps."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ..data.agreement import agreement
from ..data.coco_ap import average_precision
from ..data.detections import EVALUATION_SCORE, Detections, GroundTruth
from ..data.labels import load_labels
from ..errors import AdaptError, Exit
from ..graph.cost import count_macs
from ..graph.reading import Reading
from ..graph.session import Session
from ..graph.shapes import shaped
from ..postproc.core.family import detections
from ..rewrites.core.rule import ActivationPlan
from ..targets.loader import load_target
from ..targets.types import Target
from .artifact import Artifact
from .calibrate import calibrate
from .codes import codes_of
from .emit.json_bytes import Json, as_json, json_bytes
from .emit.report_html import recovery_html
from .prepare import Prepared, prepare
from .probe import probe_input
from .progress import Progress
from .recover_types import LayerError, Milestone, Recovery, RecoveryRequest
from .report.recovery import recovery_of
from .request import Request
from .rewritten import Rewritten, merged, rewrite_activations
from .split import Picture, Split, split_pictures

if TYPE_CHECKING:
    from ..retrain.distil import Recipe
    from ..retrain.pupil import Pupil

_CHECKS = 12  # of the agreement, over a distillation
_COMPARED = 8  # held-out pictures whose maps are compared
_QUANTISED_ON = 32  # pictures that ranges are chosen on
_ROUNDED, _ROUNDED_RATE = 0.3, 0.0003  # the share of the learning on codes, and its rate
_BENT = 0.5  # of the learning that starts at the original the activations are still bent
_Maps = Mapping[str, NDArray[np.float32]]


def recover(request: RecoveryRequest, progress: Progress) -> Recovery:
    """Rewrite the activations and find the constants with which the network says what the original says.

    Ctrl-C during the distillation keeps the best so far. Raises AdaptError: exit 2 for wrong files, exit 3 where there
    is nothing to recover, where torch is missing, or where the original finds nothing.
    """
    needs_torch()
    target = load_target(request.target)
    job = Request(
        request.model,
        target=request.target,
        input_shape=request.input_shape,
        preprocess=request.preprocess,
        activation=request.activation,
        min_agreement=request.min_agreement,
        max_extra_macs=request.max_extra_macs,
        golden=False,
    )
    prepared = prepare(job, target, progress)
    size = prepared.input_shape[2:]
    split = split_pictures(request.images, request.held_out, size, request.preprocess, progress)
    plan = _plan(request, job, target, prepared, progress)
    rewritten = rewrite_activations(prepared, target, plan)
    return _Journey(request, target, prepared, split, rewritten, progress).go()


def needs_torch() -> None:
    """Raises AdaptError (exit 3) where torch is not installed."""
    try:
        from ..retrain import pupil  # noqa: F401  (torch is imported there)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        hint = "pip install 'icraft-adapt[retrain]'"
        raise AdaptError("learning needs PyTorch, which is missing", hint=hint, code=Exit.UNSUPPORTED) from error


def _plan(
    request: RecoveryRequest, job: Request, target: Target, prepared: Prepared, progress: Progress
) -> ActivationPlan:
    """What stands for the activations at first; a plain LeakyReLU is fitted later, and needs no images for it."""
    if request.activation == "leaky":
        return ActivationPlan("leaky")
    seen = calibrate(job, request.images, prepared, progress)
    if request.activation == "pwl":
        return ActivationPlan("pwl", request.hinges, histograms=seen.histograms)
    from .mixture.choose import choose  # the others do not need it

    return ActivationPlan("auto", sums=choose(job, target, prepared, seen, progress).sums)


@dataclass(slots=True)
class _Journey:
    """One recovery in hand."""

    request: RecoveryRequest
    target: Target
    prepared: Prepared
    split: Split
    rewritten: Rewritten
    progress: Progress
    milestones: list[Milestone] = field(default_factory=list)
    interrupted: bool = False
    best: tuple[float, Any] = (-1.0, None)
    _reference: list[Detections] = field(default_factory=list)
    _truth: list[GroundTruth] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    def go(self) -> Recovery:
        from ..retrain.pupil import Pupil

        self.progress.stage("comparing torch with ONNX Runtime")
        reading, rewritten, held = self.prepared.reading, self.rewritten, self.split.held_out
        probe = probe_input(self.prepared.input_shape, self.request.preprocess)
        pupil = Pupil(rewritten.teacher, rewritten.student, rewritten.activations, reading, self.split.training, probe)
        self._look_up(held)
        compared = [each.tensor for each in held[:_COMPARED]]
        before = pupil.errors(compared)
        self._reach("rewritten", 0, pupil)
        resumed = self.request.state is not None and self.request.state.is_file()
        if self.request.start == "solved" and not resumed:
            self.progress.stage("solving layer by layer", len(rewritten.activations))
            for _ in pupil.reconstruct(self.request.seed):
                self.progress.advance()
            self._reach("closed form", 0, pupil)
        try:
            self._distil(pupil)
        except KeyboardInterrupt:
            self.interrupted = True
        pupil.restore(self.best[1])
        if self.request.bits is not None and not self.interrupted:
            self._learn_in_integers(pupil, self.request.bits)
            pupil.restore(self.best[1])
            self.best = (-1.0, None)
            self._reach("in floats again", 0, pupil)
        after = pupil.errors(compared)
        return self._result(pupil, tuple(LayerError(name, before[name], after[name]) for name in before))

    def _look_up(self, held: tuple[Picture, ...]) -> None:
        """What the original finds on the held-out pictures, and what their labels say."""
        original = Session(self.rewritten.teacher)
        name = original.inputs[0]
        self._reference = [_boxes(self.prepared.reading, original.run({name: each.tensor}), each) for each in held]
        if self.request.labels is not None:
            told = load_labels(self.request.labels, "yolo", [(each.path, each.size) for each in held])
            self._truth = [told[each.path.name] for each in held]

    def _distil(self, pupil: Pupil) -> None:
        from ..retrain.distil import Recipe

        request = self.request
        share = 1.0 if request.bits is None else 1 - _ROUNDED
        recipe = Recipe(
            minutes=share * request.minutes,
            steps=None if request.steps is None else round(share * request.steps),
            bend_share=_BENT if request.start == "original" else 0.0,
            seed=request.seed,
        )
        self._train(pupil, recipe, request.state)

    def _learn_in_integers(self, pupil: Pupil, bits: int) -> None:
        """Steps on the codes that the simulator would give; the best on codes is kept."""
        from ..retrain.distil import Recipe

        request, training = self.request, self.split.training
        self.progress.stage("quantising")
        pupil.round_to(
            *codes_of(
                shaped(pupil.model(self.rewritten.student)),
                self.target,
                training[:_QUANTISED_ON],
                request.preprocess,
                bits,
            )
        )
        self.best = (-1.0, None)
        self._reach(f"on {bits}-bit codes", 0, pupil)
        recipe = Recipe(
            minutes=_ROUNDED * request.minutes,
            steps=None if request.steps is None else request.steps - round((1 - _ROUNDED) * request.steps),
            block_share=0.0,
            rate=_ROUNDED_RATE,
            seed=request.seed,
        )
        try:
            self._train(pupil, recipe, None)
        except KeyboardInterrupt:
            self.interrupted = True

    def _train(self, pupil: Pupil, recipe: Recipe, state: Path | None) -> None:
        if not recipe.minutes and not recipe.steps:
            return
        checked, last = 0.0, self.milestones[-1].agreement
        for moment in pupil.train(recipe, state):
            if not checked:
                checked = moment.done or 1e-9
                self._announce(last, moment.done)
            if moment.done >= min(1.0, checked + 1 / _CHECKS):
                checked = moment.done
                last = self._reach(moment.phase, moment.step, pupil)
                self._announce(last, moment.done)
                if state is not None:
                    pupil.save(state)

    def _announce(self, agreed: float, done: float) -> None:
        self.progress.stage(f"learning, agreement {agreed:.3f}", 100)
        self.progress.advance(round(100 * done))

    def _reach(self, stage: str, steps: int, pupil: Pupil) -> float:
        """Measure the agreement, and keep the constants if there were no better ones."""
        reading, held = self.prepared.reading, self.split.held_out
        found = [
            _boxes(reading, maps, each)
            for maps, each in zip(pupil.heads([each.tensor for each in held]), held, strict=True)
        ]
        agreed = agreement(self._reference, found).ap
        ap = average_precision(self._truth, found).ap if self._truth else None
        self.milestones.append(Milestone(stage, steps, agreed, ap, time.monotonic() - self._since))
        if agreed >= self.best[0]:  # of equals the one that learned longer
            self.best = (agreed, pupil.snapshot())
        return agreed

    def _result(self, pupil: Pupil, layers: tuple[LayerError, ...]) -> Recovery:
        self.progress.stage("writing the network")
        proto, part = pupil.model(self.rewritten.whole), pupil.model(self.rewritten.student)
        if self.request.activation == "auto":
            proto, part = merged(proto, self.target), merged(part, self.target)
        macs = (_macs(self.rewritten.teacher), _macs(part))
        best = next(each for each in reversed(self.milestones) if each.agreement == self.best[0])
        made = Recovery(
            activation=self.request.activation,
            agreement=best.agreement,
            ap=None if best.ap is None else (average_precision(self._truth, self._reference).ap, best.ap),
            milestones=tuple(self.milestones),
            layers=layers,
            macs=macs,
            trained_on=len(self.split.training),
            held_out=len(self.split.held_out),
            warnings=self.split.warnings,
            failures=tuple(unmet(self.request, best.agreement, macs[1] / macs[0] - 1)),
            interrupted=self.interrupted,
            artifacts=(Artifact("recovered.onnx", proto.SerializeToString(deterministic=True)),),
        )
        files = [*made.artifacts, Artifact("recovery.json", json_bytes(_document(self.request, self.prepared, made)))]
        if self.request.html:
            files.append(recovery_html(self.request.model.stem, self.target.name, recovery_of(made)))
        return replace(made, artifacts=tuple(files))


def unmet(request: RecoveryRequest, agreed: float, extra: float) -> Iterator[str]:
    """What was asked for and is not held by an agreement and by a share of further multiply-accumulates."""
    if request.activation != "auto":
        return
    asked, most = request.min_agreement, request.max_extra_macs
    if agreed < asked:
        yield f"the recovered network agrees to {agreed:.2%}, and --min-agreement asks for {asked:.1%}"
    if most is not None and extra > most:
        yield f"the recovered network adds {extra:.1%} multiply-accumulates, and --max-extra-macs allows {most:.1%}"


def _document(request: RecoveryRequest, prepared: Prepared, made: Recovery) -> Json:
    return {
        "schema": "icraft-adapt/recovery/1",
        "original": {"name": request.model.name, "sha256": prepared.digest.result()},
        "activation": made.activation,
        "agreement": made.agreement,
        **({} if made.ap is None else {"ap": {"original": made.ap[0], "recovered": made.ap[1]}}),
        "milestones": as_json(made.milestones),
        "layers": as_json(made.layers),
        "macs": {"original": made.macs[0], "recovered": made.macs[1]},
        "pictures": {"training": made.trained_on, "held_out": made.held_out},
    }


def _macs(part: ModelProto) -> int:
    """Multiply-accumulates of a part of a network, which has lost its shapes."""
    return count_macs(shaped(part))


def _boxes(reading: Reading, maps: _Maps, picture: Picture) -> Detections:
    """Boxes in the picture's own pixels; `maps` by the reading's tensors."""
    kept = detections(reading, maps, EVALUATION_SCORE)
    return replace(kept, boxes=picture.placed.to_image(kept.boxes))
