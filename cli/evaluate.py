"""How good a network is on labelled images: `icraft-adapt evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import AS_JSON, FOLDER, preprocessing, quantising, rewriting, take_preprocess

if TYPE_CHECKING:
    from ..adapter.evaluation_types import EvaluationRequest, EvaluationResult, Filtered
    from .screen import Screen

FIGURES = {"ap": "AP", "ap50": "AP50", "agreement": "agreement"}


@click.command(short_help="COCO AP of a network or an output folder.")
@click.argument("model_or_dir", type=click.Path(path_type=Path))
@click.option("--images", type=FOLDER, metavar="DIR", required=True, help="The images to measure on.")
@click.option(
    "--labels",
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="YOLO text files, or COCO's instances JSON or the folder that holds it.",
)
@click.option(
    "--format",
    type=click.Choice(["yolo", "coco"]),
    default="yolo",
    show_default=True,
    help="That of --labels: a text file an image, or an instances JSON.",
)
@click.option(
    "--stage",
    type=click.Choice(["original", "adapted", "integer"]),
    help="Which network to measure; a file is adapted in memory, and quantised for integer, which needs --calib.  "
    "[default: original of a file, adapted of a folder]",
)
@click.option(
    "--original",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the original ONNX of the folder lies now.",
)
@rewriting
@preprocessing
@quantising
@AS_JSON  # fmt: skip
def evaluate(as_json: bool, **given: Any) -> int:  # noqa: ANN401  (click's own)
    """COCO AP and AP50 of MODEL_OR_DIR, with letterbox and NMS as YOLOX does (score 0.001, IoU 0.65).

    Agreement is the AP against the original's own detections of score >= 0.3. Intervals are 95 %,
    by bootstrap over images. The integer network is measured twice: on all cells of its heads, and on those that
    the hardware's threshold filter lets by.
    """
    from ..adapter.evaluation_types import EvaluationRequest
    from .worker import run_isolated

    request = EvaluationRequest(preprocess=take_preprocess(given), **given)
    return run_isolated(lambda screen: _evaluate(request, as_json, screen), request.model_or_dir.name)


def _evaluate(request: EvaluationRequest, as_json: bool, screen: Screen) -> int:
    from .screen import Bar
    from .suggest import must_exist

    must_exist(request.model_or_dir)
    with Bar(screen) as bar:
        bar.stage("loading libraries")
        from ..adapter import evaluation

        result = evaluation.evaluate(request, bar)
    screen.show(result.to_json() if as_json else _text(request, result))
    return 0


def _text(request: EvaluationRequest, result: EvaluationResult) -> str:
    lines = [f"{request.model_or_dir} ({result.stage}), {result.images} images", *_figures(result)]
    if result.filtered is not None:
        lines += [f"behind the hardware filter, score {result.filtered.threshold:g}:", *_figures(result.filtered)]
    lines += [f"skipped: {file}" for file in result.skipped]
    lines += [f"warning: {line}" for line in result.warnings]
    return "\n".join(lines)


def _figures(result: EvaluationResult | Filtered) -> Iterator[str]:
    for name, label in FIGURES.items():
        value = getattr(result, name)
        if value is not None:
            bounds = result.interval.get(name)
            interval = f"   [{bounds[0]:.4f}, {bounds[1]:.4f}]" if bounds else ""
            yield f"{label:<10} {value:.4f}{interval}"
