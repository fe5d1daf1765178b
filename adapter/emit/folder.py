"""The whole output folder: every kind of file, then the report and the manifest that list them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath

from ...golden.storage import program_bytes
from ...graph.model import Model
from ...graph.onnx_bytes import onnx_bytes
from ...targets.loader import target_names
from ..artifact import Artifact
from ..beside import Beside
from ..compare import Golden
from ..facts import Facts
from ..lowering import lowered
from ..outcome import Outcome
from ..page.story import Story
from ..report.types import ArtifactInfo, Report
from .calibration_list import calibration_list
from .checksums import checksums
from .compiler_toml import compiler_toml
from .customop_toml import customop_toml
from .golden_npz import golden_npz
from .manifest_json import Original, manifest_json, manifest_of
from .mix_precision_csv import mix_precision_csv
from .report_json import report_json


def emit(facts: Facts, outcome: Outcome, golden: Golden) -> Outcome:
    """The outcome with all files, and its report with their list."""
    report = outcome.report
    files = [
        Artifact("adapted.onnx", onnx_bytes(facts.final)),
        *_compiler_files(facts, report),
    ]
    if facts.recovery is not None:
        files += [Artifact("recovered.onnx", facts.recovery.network)]
    if facts.request.golden:
        files += [
            golden_npz("golden/inputs.npz", golden.inputs),
            golden_npz("golden/original.npz", golden.original),
            golden_npz("golden/adapted.npz", golden.adapted),
        ]
    if facts.simulation is not None:
        files += [
            golden_npz("golden/integer.npz", facts.simulation.maps[0]),
            Artifact("golden/program.npz", program_bytes(facts.simulation.program)),
        ]
    if facts.request.postproc:
        from .postproc_sources import postproc_files  # only here: no other stage needs the templates of C

        files += postproc_files(facts, golden)
    listing = Beside(partial(checksums, files))
    pages = [_page(facts, outcome, golden, files, listing)] if facts.request.html else []
    listed = sorted((*listing.result(), *checksums(pages)), key=lambda info: info.path)
    report = replace(report, artifacts=tuple(listed))
    return replace(outcome, report=report, artifacts=(*files, *pages, report_json(report), _manifest(facts, report)))


def _page(
    facts: Facts, outcome: Outcome, golden: Golden, files: Sequence[Artifact], listing: Beside[tuple[ArtifactInfo, ...]]
) -> Artifact:
    from .report_html import report_html  # only here: no other stage needs what draws the page

    sizes = {artifact.path: len(artifact.data) for artifact in files}
    return report_html(Story(facts, outcome, golden.pairs, listing.result, sizes))


def _compiler_files(facts: Facts, report: Report) -> Sequence[Artifact]:
    request, target, heads = facts.request, facts.target, report.heads or ()
    used = facts.calibration.files if facts.calibration is not None else ()
    mixed = _mix_precision(facts)
    shape = facts.prepared.input_shape
    return (
        compiler_toml(request, target, heads, name=report.model.name, shape=shape, mixed=bool(mixed)),
        customop_toml(target, heads, request.threshold),
        calibration_list(file.name for file in used),
        *mixed,
    )


def _mix_precision(facts: Facts) -> Sequence[Artifact]:
    """The operators' widths, where they are not all the same."""
    made = facts.simulation
    if made is None or all(bits == made.bits for bits in made.mixed.values()):
        return ()
    return (mix_precision_csv(lowered(Model.from_proto(facts.final, facts.request.model.stem)), made.program),)


def _manifest(facts: Facts, report: Report) -> Artifact:
    request = facts.request
    out = request.out or Path(f"{request.model.stem}.icraft")
    original = Original(report.model.name, report.model.sha256, _relative(request.model, out))
    target = request.target if request.target in target_names() else _relative(Path(request.target), out)
    return manifest_json(manifest_of(request, original, target, report.artifacts or ()))


def _relative(path: Path, folder: Path) -> str:
    """The path as seen from the folder, with forward slashes."""
    return PurePath(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
