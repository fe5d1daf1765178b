"""An output folder against a baseline: `icraft-adapt check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...data.detections import Detections
from ...data.matching import Matching, match
from ...errors import AdaptError, Exit
from ...golden.engine.protocol import encode_image
from ...golden.faults import faults
from ...golden.fixed import Codes
from ...golden.program import Program
from ..progress import Progress
from .baseline import Baseline, Box, InputRecord, LayerRecord
from .baseline_json import AGAIN, read_baseline
from .comparison import Comparison, Finding, by, compare, scale_change, spread
from .flat import changes, flat
from .golden_folder import GoldenFolder, read_golden
from .measure import measure, records, run, runs_of
from .record import boxes_of, consistent, measurable
from .requests import CheckRequest, place
from .verdict import FaultResult, Verdict

_SURE = 0.3  # the score of a box worth a word
_FAR = 1e9  # pixels
_LEVEL = 0  # of the heads that faults are put into


def check(request: CheckRequest, progress: Progress) -> Verdict:
    """Compare, and where that finds nothing and it is asked for, seed faults and compare again.

    Raises AdaptError: exit 2 for a wrong folder or baseline; exit 3 where the baseline is absent, of another schema,
    incomplete or constant, or the folder has no integer golden.
    """
    progress.stage("reading the folder")
    golden = read_golden(request.folder)
    path = place(request.folder, request.baseline, golden.folder.manifest.model.name)
    baseline = load_baseline(path)
    measurable(baseline, str(path))
    progress.stage("simulating")
    own = golden.codes
    result = run(golden.program, own)
    consistent(golden, result)
    whole = tuple(whole_findings(baseline, golden))
    name, notes = golden.folder.manifest.model.name, tuple(_notes(baseline, golden))
    if baseline.input.codes.shape != golden.program.input.shape:
        return Verdict(name, str(path), Comparison(whole, ()), None, notes, None)
    codes = input_codes(baseline.input, golden.program)
    if not np.array_equal(codes, own):
        result = run(golden.program, codes)
    layers = records(golden.program, result, golden.anchors)
    comparison = compare(baseline, whole, layers)
    boxes = _matching(baseline.boxes, boxes_of(golden.folder.reading, golden.program, result))
    seeded = None
    if request.self_test and comparison.findings:
        notes = (*notes, "the self-test was not made: what differs anyway shows no seeded fault")
    elif request.self_test:
        seeded = self_test(baseline, golden, codes, layers, progress)
    return Verdict(name, str(path), comparison, boxes, notes, seeded)


def load_baseline(path: Path) -> Baseline:
    """Raises AdaptError: exit 3 where there is none, or of another schema; exit 2 where it cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        what, hint = "there is no baseline", AGAIN.replace("a new one", "one")
        raise AdaptError(what, where=str(path), hint=hint, code=Exit.UNSUPPORTED) from error
    except OSError as error:
        raise AdaptError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return read_baseline(data, str(path))


def whole_findings(baseline: Baseline, golden: GoldenFolder) -> Iterator[Finding]:
    """What differs before any layer: how a picture becomes the input, how the input is held, the chip's arithmetic."""
    told = dict(flat(golden.folder.manifest.preprocess))
    for path, before, after in changes(dict(flat(baseline.preprocess)), told):
        yield Finding(f"input.{path}", "convention", f"{after}, it was {before}")
    image, kept = golden.program.input, baseline.input
    if kept.codes.shape != image.shape:
        yield Finding("input.shape", "convention", f"{by(image.shape)}, it was {by(kept.codes.shape)}")
    elif kept.bits != image.format.bits:
        yield Finding("input.bits", "convention", f"{image.format.bits}, it was {kept.bits}")
    else:
        scale = scale_change(kept.normratios, runs_of(image.format.normratios), baseline.tolerances.normratio)
        if scale:
            yield Finding("input.normratio", "convention", scale)
        if not np.allclose(kept.shift, image.shift, rtol=baseline.tolerances.normratio, atol=1e-9):
            yield Finding("input.shift", "convention", f"{image.shift.tolist()}, it was {list(kept.shift)}")
    known = dict(baseline.arithmetic)
    for path, before, after in changes(known, dict(flat(golden.program.arithmetic))):
        if before is not None:  # what a newer version adds shows in the codes, if anywhere
            yield Finding(f"arithmetic.{path}", "convention", f"{after}, it was {before}")


def input_codes(kept: InputRecord, program: Program) -> Codes:
    """The baseline's input as this program holds it: the same codes where both hold it alike."""
    column = (1, -1, 1, 1)
    values = kept.codes * spread(kept.normratios).reshape(column) + np.asarray(kept.shift).reshape(column)
    image = program.input
    return encode_image(values.astype(np.float32), image, program.code_max(image.format.bits))


def self_test(
    baseline: Baseline, golden: GoldenFolder, codes: Codes, layers: Sequence[LayerRecord], progress: Progress
) -> tuple[FaultResult, ...]:
    """Seed each fault into the program and compare as ever."""
    program, level = golden.program, golden.folder.reading.levels[_LEVEL]
    totals = {layer.name: record.print.totals for layer, record in zip(program.layers, layers, strict=True)}
    totals[program.input.name] = codes.sum(axis=(0, 2, 3))
    seeded = faults(program, level.output("obj"), level.output("cls"), totals)
    progress.stage("seeding faults", len(seeded))
    found = []
    for fault in seeded:
        anchors = tuple(golden.anchors[name] for name in fault.layers)
        seen = None
        if fault.program is not None:
            comparison = compare(baseline, (), measure(fault.program, codes, golden.anchors))
            seen = next(iter(comparison.findings), None)
        found.append(FaultResult(fault.name, anchors, seen))
        progress.advance()
    return tuple(found)


def _notes(baseline: Baseline, golden: GoldenFolder) -> Iterator[str]:
    manifest = golden.folder.manifest
    told = (("tool", baseline.tool, manifest.tool), ("target", baseline.target, manifest.target))
    for what, before, after in told:
        if before != after:
            yield f"{what}: {after}, the baseline has {before}"


def _matching(kept: tuple[Box, ...], found: tuple[Box, ...]) -> Matching:
    return match([_detections(kept)], [_detections(found)], _SURE)


def _detections(boxes: tuple[Box, ...]) -> Detections:
    return Detections(
        np.clip(np.array([each.corners for each in boxes]).reshape(-1, 4), -_FAR, _FAR).astype(np.float32),
        np.array([each.score for each in boxes], np.float32),
        np.array([each.category for each in boxes], np.int64),
    )
