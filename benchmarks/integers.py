"""What integers cost: COCO AP of the real networks in 8, 16 and mixed bits, however their ranges are chosen.

    python benchmarks/integers.py ASSETS [--only TEXT]

ASSETS holds models/yolox_nano_416.onnx and models/person_yolox_nano_192.onnx, images/train (calibration, 128 images),
images/val and labels/val (evaluation; the person detector's labels are those of class 0). --only takes those networks
and targets whose title holds the text.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, Literal, get_args
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from icraft_adapt.adapter import pipeline
from icraft_adapt.adapter.calibrate import Calibration
from icraft_adapt.adapter.detector import Detector, original_detector
from icraft_adapt.adapter.facts import Facts
from icraft_adapt.adapter.heads import Heads
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.adapter.simulate import make_quantiser
from icraft_adapt.data.agreement import reference_truth
from icraft_adapt.data.coco_ap import average_precision, bootstrap_interval
from icraft_adapt.data.detections import Detections, GroundTruth
from icraft_adapt.data.images import find_images, read_image
from icraft_adapt.data.labels import load_labels
from icraft_adapt.golden.engine.fast import FastEngine
from icraft_adapt.golden.engine.protocol import decode_map, encode_image
from icraft_adapt.golden.mixing import pick, rank
from icraft_adapt.golden.normratio import Saturation
from icraft_adapt.golden.program import Program
from icraft_adapt.golden.quantise import Quantiser
from icraft_adapt.golden.settings import Settings
from icraft_adapt.graph.reading import Reading
from icraft_adapt.graph.session import Session

HEADER = "| network | AP | of the original | 95 % | agreement | 95 % |\n|---|---|---|---|---|---|"
BUDGET = 0.2
RANKED_IMAGES = 2
Per = Literal["channel", "tensor"]


class _Caught(Exception):  # noqa: N818  (no error: it ends the main job where its integers begin)
    """What the main job gives its simulation."""

    def __init__(self, facts: Facts, seen: Calibration, heads: Sequence[Heads], _: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.facts, self.seen, self.heads = facts, seen, heads


@dataclass(frozen=True, slots=True)
class Scale:
    """The pictures, what is on them, and what the original finds."""

    pictures: Sequence[Any]
    truth: Sequence[GroundTruth]
    reference: Sequence[Detections]

    def row(self, name: str, found: Sequence[Detections]) -> str:
        """A line of the table: AP, its share of the original's and its interval, agreement and its interval."""
        ap = average_precision(self.truth, found).ap
        whole = average_precision(self.truth, self.reference).ap
        low, high = bootstrap_interval(self.truth, found).ap
        own = reference_truth(self.reference)
        agreed, (least, most) = average_precision(own, found).ap, bootstrap_interval(own, found).ap
        interval = f"{low:.3f} - {high:.3f}"
        return f"| {name} | {ap:.4f} | {ap / whole:.1%} | {interval} | {agreed:.4f} | {least:.3f} - {most:.3f} |"


def main() -> None:
    """Print a table a network and target as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path, nargs="?", default=Path("../shared/assets"))
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    for model in ("yolox_nano_416", "person_yolox_nano_192"):
        for target in ("icraft-v3-buyi", "icraft-v1.1"):
            if arguments.only in f"{model}, {target}":
                print(
                    f"\n{model}, {target}\n\n| network | AP | of the original | 95 % | agreement | 95 % |", flush=True
                )
                print("|---|---|---|---|---|---|", flush=True)
                for row in rows(arguments.assets, model, target):
                    print(row, flush=True)


def rows(assets: Path, model: str, target: str) -> Iterator[str]:
    """The networks one after the other."""
    request = Request(
        assets / "models" / f"{model}.onnx", target=target, calibration=assets / "images" / "train", max_damage=inf
    )
    scale = scale_of(assets, request, people="person" in model)
    yield scale.row("original", scale.reference)
    made = caught(request)
    reading, preprocess = by_outputs(made.facts.prepared.reading), request.preprocess
    detector = float_detector(made.facts)
    yield scale.row("adapted, float32", [detector.detect(picture) for picture in scale.pictures])
    quantiser, _ = make_quantiser(made.facts, made.seen)
    for name, settings in asked(made, quantiser):
        program = quantiser.program(settings)
        wide = sum(layer.macs for layer in quantiser.network.layers if settings.bits_of(layer.name) > 8)
        share = wide / sum(layer.macs for layer in quantiser.network.layers)
        detector = Detector(integer_maps(program), reading, program.input.shape[2:], preprocess)
        suffix = f", {share:.1%} of the MACs" if settings.mixed else ""
        yield scale.row(name + suffix, [detector.detect(picture) for picture in scale.pictures])


def asked(made: _Caught, quantiser: Quantiser) -> Iterator[tuple[str, Settings]]:
    """The settings to compare and their names; the ranking, which takes longest, comes last."""
    yield "16 bits", Settings(bits=16)
    for per in get_args(Per):
        for saturation in get_args(Saturation):
            yield f"8 bits, {saturation}, weights per {per}", Settings(saturation=saturation, per=per)
    yield "16 bits, weights per tensor", Settings(bits=16, per="tensor")
    pictures = list(zip(made.seen.inputs, made.heads, strict=True))[:RANKED_IMAGES]
    yield "8 bits and 16", Settings(mixed=pick(rank(quantiser, FastEngine, pictures, Settings()), BUDGET))


def caught(request: Request) -> _Caught:
    """The main job up to its simulation."""
    with patch.object(pipeline, "simulate", _raise):
        try:
            pipeline.adapt(request)
        except _Caught as found:
            return found
    raise RuntimeError("the main job did not simulate")


def _raise(*given: Any) -> None:  # noqa: ANN401
    raise _Caught(*given)


def by_outputs(reading: Reading) -> Reading:
    """The reading under the adapted network's own output names."""
    levels = []
    for level in reading.levels:
        extra = tuple((role, level.output(role)) for role, _ in level.extra)
        obj, reg, cls = (level.output(role) for role in ("obj", "reg", "cls"))
        levels.append(replace(level, obj=obj, reg=reg, cls=cls, extra=extra))
    return replace(reading, levels=tuple(levels))


def float_detector(facts: Facts) -> Detector:
    """The adapted network as it is."""
    session, (height, width) = Session(facts.final), facts.prepared.input_shape[2:]
    name, reading = session.inputs[0], by_outputs(facts.prepared.reading)
    return Detector(lambda tensor: session.run({name: tensor}), reading, (height, width), facts.request.preprocess)


def integer_maps(program: Program) -> Callable[[NDArray[np.float32]], Heads]:
    """From the input to the heads of the integer network, as float32."""
    engine, formats, source = FastEngine(program), program.formats(), program.input

    def run(tensor: NDArray[np.float32]) -> Heads:
        maps = engine.run(encode_image(tensor, source, program.code_max(source.format.bits))).maps
        return {name: decode_map(codes, formats[name].normratios) for name, codes in maps.items()}

    return run


def scale_of(assets: Path, request: Request, *, people: bool) -> Scale:
    """The val images, read once."""
    files = find_images(assets / "images" / "val")
    pictures = [read_image(file) for file in files]
    shapes = [(file, (each.shape[0], each.shape[1])) for file, each in zip(files, pictures, strict=True)]
    labels = load_labels(assets / "labels" / "val", "yolo", shapes)
    truth = [of_class_0(labels[file.name]) if people else labels[file.name] for file in files]
    original = original_detector(request, Silent())
    return Scale(pictures, truth, [original.detect(picture) for picture in pictures])


def of_class_0(truth: GroundTruth) -> GroundTruth:
    """The people alone."""
    kept = truth.classes == 0
    return replace(truth, boxes=truth.boxes[kept], classes=truth.classes[kept], crowd=truth.crowd[kept])


if __name__ == "__main__":
    main()
