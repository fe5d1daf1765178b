"""From an output folder to a baseline: `icraft-adapt record`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import AdaptError, Exit
from ...golden.engine.protocol import Result
from ...golden.program import Program
from ...graph.reading import Reading
from ...postproc.core.family import detections
from ...version import __version__
from ..integer_detector import PROGRAM
from ..progress import Progress
from ..simulate import values_of
from .baseline import Baseline, Box, Coverage, InputRecord, LayerRecord
from .baseline_json import KIND, baseline_json
from .flat import flat
from .golden_folder import INTEGER, GoldenFolder, read_golden
from .measure import records, run, runs_of
from .requests import RecordRequest, place

_SCORE = 0.1  # of a box worth keeping


@dataclass(frozen=True, slots=True)
class Recorded:
    """The file's place and bytes, and what it holds."""

    path: Path
    data: bytes
    baseline: Baseline


def record(request: RecordRequest, progress: Progress) -> Recorded:
    """The baseline of a folder; writes nothing.

    Raises AdaptError: exit 1 where the folder's integer heads are not what its program computes, exit 2 for a wrong
    folder or place, exit 3 where the folder has no integer golden or its input shows nothing.
    """
    progress.stage("reading the folder")
    golden = read_golden(request.folder)
    path = place(request.folder, request.baseline, golden.folder.manifest.model.name)
    _refuse_others(path)
    progress.stage("simulating")
    result = run(golden.program, golden.codes)
    consistent(golden, result)
    baseline = baseline_of(golden, result, request)
    measurable(baseline, str(request.folder))
    return Recorded(path, baseline_json(baseline), baseline)


def baseline_of(golden: GoldenFolder, result: Result, request: RecordRequest) -> Baseline:
    """What is kept of a folder and a run of its program on its input."""
    manifest, program = golden.folder.manifest, golden.program
    layers = records(program, result, golden.anchors)
    image = program.input
    return Baseline(
        __version__,
        manifest.model.name,
        manifest.target,
        manifest.preprocess,
        request.tolerances,
        coverage_of(layers),
        tuple(flat(program.arithmetic)),
        InputRecord(
            image.format.bits, runs_of(image.format.normratios), tuple(image.shift.tolist()), np.asarray(golden.codes)
        ),
        layers,
        boxes_of(golden.folder.reading, program, result),
    )


def coverage_of(layers: tuple[LayerRecord, ...]) -> Coverage:
    """How much a run shows."""
    heads = sum(each.output is not None for each in layers)
    return Coverage(len(layers), heads, sum(not each.print.is_constant for each in layers))


def measurable(baseline: Baseline, where: str) -> None:
    """Raise AdaptError (exit 3) where the baseline cannot show a fault: constant input or heads, layers left out."""
    coverage, layers = baseline.coverage, baseline.layers
    hint = "record one from a folder that was calibrated with pictures of use"
    kept = sum(each.output is not None for each in layers)
    if (len(layers), kept) != (coverage.layers, coverage.heads):
        what = f"holds {len(layers)} of {coverage.layers} layers and {kept} of {coverage.heads} heads"
        raise AdaptError(f"the coverage is incomplete: it {what}", where=where, hint=hint, code=Exit.UNSUPPORTED)
    codes = baseline.input.codes
    if any(codes[:, channel].min() == codes[:, channel].max() for channel in range(codes.shape[1])):
        raise AdaptError("its input is constant, which shows no fault", where=where, hint=hint, code=Exit.UNSUPPORTED)
    dead = [each.output for each in layers if each.output is not None and each.print.is_constant]
    if dead:
        what = f"the head {dead[0]} is constant on its input, which shows no fault"
        raise AdaptError(what, where=where, hint=hint, code=Exit.UNSUPPORTED)


def consistent(golden: GoldenFolder, result: Result) -> None:
    """Raise AdaptError (exit 1) where the folder's own heads are not what its program computes here."""
    (heads,) = values_of(golden.program, [result.maps])
    for name, found in heads.items():
        if not np.array_equal(found, golden.heads[name]):
            what = f"{PROGRAM} computes other heads than {INTEGER} holds, {name} first"
            hint = "another version of the tool wrote them: run the main job again"
            raise AdaptError(what, where=str(golden.folder.path), hint=hint, code=Exit.FAILED)


def boxes_of(reading: Reading, program: Program, result: Result) -> tuple[Box, ...]:
    """What the integer network finds, the best first; without boxes of no finite size."""
    (heads,) = values_of(program, [result.maps])
    found = detections(reading, reading.by_tensor(heads), _SCORE)
    rows = zip(found.classes.tolist(), found.scores.tolist(), found.boxes.tolist(), strict=True)
    boxes = (Box(int(c), round(s, 4), tuple(round(x, 1) for x in corners)) for c, s, corners in rows)
    boxes = (box for box in boxes if np.isfinite(box.corners).all())
    return tuple(sorted(boxes, key=lambda box: (-box.score, box.category, box.corners)))


def _refuse_others(path: Path) -> None:
    """Raise AdaptError (exit 2) for a file that is no baseline and would be replaced."""
    if path.exists() and not _is_baseline(path):
        raise AdaptError("exists and is no baseline", where=str(path), hint="choose another --baseline")


def _is_baseline(path: Path) -> bool:
    """Of this schema or another version of it."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and str(document.get("schema")).startswith(KIND)
