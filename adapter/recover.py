"""Accuracy from unlabelled pictures: the rewritten network learns from the original, in closed form, then by steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ..data.agreement import agreement
from ..data.detections import EVALUATION_IOU, EVALUATION_SCORE, Detections, nms
from ..errors import AdaptError, Exit
from ..graph.cost import count_macs
from ..graph.reading import Reading
from ..graph.session import Session
from ..graph.shapes import infer_shapes
from ..postproc.core.family import family_of
from ..rewrites.core.histogram import Histogram
from ..targets.loader import load_target
from .artifact import Artifact
from .calibrate import calibrate
from .emit.json_bytes import Json, as_json, json_bytes
from .prepare import Prepared, prepare
from .probe import probe_input
from .progress import Progress
from .recover_types import LayerError, Milestone, Recovery, RecoveryRequest
from .request import Request
from .rewritten import Rewritten, rewrite_activations
from .split import Split, split_pictures

if TYPE_CHECKING:
    from ..retrain.pupil import Pupil

_CHECKS = 12  # of the agreement, over a distillation
_Maps = Mapping[str, NDArray[np.float32]]


def recover(request: RecoveryRequest, progress: Progress) -> Recovery:
    """Rewrite the activations and find the constants with which the network says what the original says.

    Ctrl-C during the distillation keeps the best so far. Raises AdaptError: exit 2 for wrong files, exit 3 where there
    is nothing to recover, where torch is missing, or where the original finds nothing.
    """
    needs_torch()
    target = load_target(request.target)
    job = Request(request.model, target=request.target, input_shape=request.input_shape, preprocess=request.preprocess)
    prepared = prepare(job, target, progress)
    size = prepared.input_shape[2:]
    split = split_pictures(request.images, request.held_out, size, request.preprocess, progress)
    histograms = _histograms(request, job, prepared, progress)
    rewritten = rewrite_activations(prepared, target, request.activation, request.hinges, histograms)
    return _Journey(request, prepared, split, rewritten, progress).go()


def needs_torch() -> None:
    """Raises AdaptError (exit 3) where torch is not installed."""
    try:
        from ..retrain import pupil  # noqa: F401  (torch is imported there)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        hint = "pip install 'icraft-adapt[retrain]'"
        raise AdaptError("learning needs PyTorch, which is missing", hint=hint, code=Exit.UNSUPPORTED) from error


def _histograms(
    request: RecoveryRequest, job: Request, prepared: Prepared, progress: Progress
) -> Mapping[str, Histogram]:
    """Where the activations' inputs lie; a plain LeakyReLU is fitted later, and needs none."""
    return {} if request.activation == "leaky" else calibrate(job, request.images, prepared, progress).histograms


@dataclass(slots=True)
class _Journey:
    """One recovery in hand."""

    request: RecoveryRequest
    prepared: Prepared
    split: Split
    rewritten: Rewritten
    progress: Progress
    milestones: list[Milestone] = field(default_factory=list)
    layers: list[LayerError] = field(default_factory=list)
    interrupted: bool = False
    best: tuple[float, Any] = (-1.0, None)
    _reference: list[Detections] = field(default_factory=list)

    def go(self) -> Recovery:
        from ..retrain.pupil import Pupil

        self.progress.stage("comparing torch with ONNX Runtime")
        reading, rewritten = self.prepared.reading, self.rewritten
        probe = probe_input(self.prepared.input_shape, self.request.preprocess)
        pupil = Pupil(rewritten.teacher, rewritten.student, rewritten.activations, reading, self.split.training, probe)
        original = Session(rewritten.teacher)
        name = original.inputs[0]
        self._reference = [_boxes(reading, original.run({name: each})) for each in self.split.held_out]
        self._reach("rewritten", 0, pupil)
        if self.request.state is None or not self.request.state.is_file():
            self.progress.stage("solving layer by layer", len(rewritten.activations))
            for layer in pupil.reconstruct(self.request.seed):
                self.layers.append(LayerError(layer.output, layer.error))
                self.progress.advance()
            self._reach("closed form", 0, pupil)
        try:
            self._distil(pupil)
        except KeyboardInterrupt:
            self.interrupted = True
        return self._result(pupil)

    def _distil(self, pupil: Pupil) -> None:
        from ..retrain.distil import Recipe

        request, last = self.request, self.milestones[-1].agreement
        if not request.minutes and not request.steps:
            return
        recipe = Recipe(minutes=request.minutes, steps=request.steps, seed=request.seed)
        checked = 0.0
        for moment in pupil.train(recipe, request.state):
            if not checked:
                checked = moment.done or 1e-9
                self._announce(last, moment.done)
            if moment.done >= min(1.0, checked + 1 / _CHECKS):
                checked = moment.done
                last = self._reach(moment.phase, moment.step, pupil)
                self._announce(last, moment.done)
                if request.state is not None:
                    pupil.save(request.state)

    def _announce(self, agreed: float, done: float) -> None:
        self.progress.stage(f"learning, agreement {agreed:.3f}", 100)
        self.progress.advance(round(100 * done))

    def _reach(self, stage: str, steps: int, pupil: Pupil) -> float:
        """Measure the agreement, and keep the constants if there were no better ones."""
        reading = self.prepared.reading
        found = [_boxes(reading, maps) for maps in pupil.heads(self.split.held_out)]
        agreed = agreement(self._reference, found).ap
        self.milestones.append(Milestone(stage, steps, agreed))
        if agreed > self.best[0]:
            self.best = (agreed, pupil.snapshot())
        return agreed

    def _result(self, pupil: Pupil) -> Recovery:
        self.progress.stage("writing the network")
        proto = pupil.model(self.rewritten.whole, self.best[1])
        macs = _macs(self.rewritten.teacher), _macs(self.rewritten.student)
        told: Json = {
            "schema": "icraft-adapt/recovery/1",
            "original": {"name": self.request.model.name, "sha256": self.prepared.digest.result()},
            "activation": self.request.activation,
            "agreement": self.best[0],
            "milestones": as_json(tuple(self.milestones)),
            "layers": as_json(tuple(self.layers)),
            "macs": {"original": macs[0], "recovered": macs[1]},
            "pictures": {"training": len(self.split.training), "held_out": len(self.split.held_out)},
        }
        artifacts = (
            Artifact("recovered.onnx", proto.SerializeToString(deterministic=True)),
            Artifact("recovery.json", json_bytes(told)),
        )
        return Recovery(
            self.best[0],
            tuple(self.milestones),
            tuple(self.layers),
            macs,
            len(self.split.training),
            len(self.split.held_out),
            self.split.warnings,
            self.interrupted,
            artifacts,
        )


def _macs(part: ModelProto) -> int:
    """Multiply-accumulates of a part of a network, which has lost its shapes."""
    shaped = ModelProto()
    shaped.CopyFrom(part)
    infer_shapes(shaped)
    return count_macs(shaped)


def _boxes(reading: Reading, maps: _Maps) -> Detections:
    """Boxes in input pixels; `maps` by the reading's tensors."""
    return nms(family_of(reading).decode(reading, maps, EVALUATION_SCORE), EVALUATION_IOU)
