"""An adapted network in integers over labelled pictures, decoded by numpy and by the C that ships."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icraft_adapt.adapter.lowering import lowered
from icraft_adapt.adapter.output_folder import OutputFolder
from icraft_adapt.adapter.postproc_task import Subject, integer_task
from icraft_adapt.adapter.shipped_decoder import shipped_decoder
from icraft_adapt.data.coco_ap import average_precision
from icraft_adapt.data.detections import EVALUATION_IOU, EVALUATION_SCORE, Detections, GroundTruth
from icraft_adapt.data.images import find_images, read_image
from icraft_adapt.data.labels import load_labels
from icraft_adapt.data.letterbox import Placement, letterbox
from icraft_adapt.golden.engine.fast import FastEngine
from icraft_adapt.golden.engine.protocol import decode_map, encode_image
from icraft_adapt.golden.program import Program
from icraft_adapt.golden.quantise import quantise
from icraft_adapt.golden.samples import collect
from icraft_adapt.golden.settings import Image, Settings
from icraft_adapt.graph.model import Model
from icraft_adapt.postproc.core.family import detections
from icraft_adapt.postproc.core.generator import Decoder
from icraft_adapt.postproc.decode.engines import CompiledDecoder
from icraft_adapt.postproc.decode.records import pack_records
from icraft_adapt.postproc.decode.values import DecodeOptions
from icraft_adapt.targets.loader import load_target

Maps = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """AP of the same integer heads: decoded in numpy, decoded by `engine`, and how many boxes each gave."""

    numpy: float
    shipped: float
    boxes: tuple[int, int]
    engine: str


def integers(folder: OutputFolder, images: Sequence[Path], bits: int) -> Program:
    """The adapted network, its ranges from a few pictures."""
    network = lowered(Model.from_proto(folder.adapted, folder.manifest.model.name))
    told, arithmetic = folder.manifest.preprocess, load_target(folder.manifest.target).arithmetic
    assert arithmetic is not None
    tensors = [letterbox(read_image(file), network.shape[2:], told)[0] for file in images]
    samples = collect(folder.adapted, network, tensors, len(tensors))
    image = Image(np.asarray(told.mean, np.float64), np.asarray(told.scale, np.float64))
    return quantise(network, samples, arithmetic, Settings(bits, saturation="null", per="channel"), image)


def decoder_of(folder: OutputFolder, program: Program) -> Decoder:
    """The decoder that ships with this network in integers."""
    told, target = folder.manifest, load_target(folder.manifest.target)
    name, size = (told.model.name, told.model.sha256), program.input.shape[2:]
    subject = Subject(*name, folder.reading, size, told.preprocess, target, told.options.threshold)
    return shipped_decoder(integer_task(subject, program, {}))


def heads_of(folder: OutputFolder, program: Program, files: Sequence[Path]) -> Iterator[tuple[Maps, Placement]]:
    """Each picture's integer heads, and how it lies in the input."""
    engine, source = FastEngine(program), program.input
    for file in files:
        tensor, placed = letterbox(read_image(file), source.shape[2:], folder.manifest.preprocess)
        codes = encode_image(tensor, source, program.code_max(source.format.bits))
        yield dict(engine.run(codes).maps), placed


def in_numpy(folder: OutputFolder, program: Program, maps: Maps) -> Detections:
    """The family's own decode of what the codes stand for, then YOLOX's suppression."""
    formats = program.formats()
    floats = {name: decode_map(codes, formats[name].normratios) for name, codes in maps.items()}
    return detections(folder.reading, floats, EVALUATION_SCORE)


def compare(folder: OutputFolder, program: Program, assets: Path, most: int) -> Scores:
    """Over the first labelled pictures that show something the network knows."""
    files = pictures(assets, folder.reading.classes)[:most]
    decoder = decoder_of(folder, program)
    numpy: list[Detections] = []
    shipped: list[Detections] = []
    for maps, placed in heads_of(folder, program, files):
        for found, decoded in (
            (numpy, in_numpy(folder, program, maps)),
            (shipped, decoder.codes(maps, EVALUATION_SCORE, EVALUATION_IOU)),
        ):
            found.append(replace(decoded, boxes=placed.to_image(decoded.boxes)))
    truth = truth_of(assets, files, folder.reading.classes)
    first, second = (average_precision(truth, found).ap for found in (numpy, shipped))
    return Scores(first, second, (sum(map(len, numpy)), sum(map(len, shipped))), decoder.engine)


def differing_records(folder: OutputFolder, program: Program, files: Sequence[Path]) -> int:
    """How many pictures' filter records give other boxes than their maps above the filter's threshold; both in C."""
    decoder = decoder_of(folder, program)
    assert isinstance(decoder, CompiledDecoder)
    score, differing = folder.manifest.options.threshold, 0
    for maps, _ in heads_of(folder, program, files):
        records = decoder.program.records(pack_records(decoder.values, maps), DecodeOptions(score, EVALUATION_IOU))
        raw = decoder.program.codes(maps, DecodeOptions(score, EVALUATION_IOU, as_hardware=True))
        pairs = zip(_arrays(records.detections), _arrays(raw.detections), strict=True)
        differing += not all(np.array_equal(a, b) for a, b in pairs)
    return differing


def _arrays(found: Detections) -> tuple[NDArray[Any], ...]:
    return found.boxes, found.scores, found.classes


def pictures(assets: Path, classes: int) -> list[Path]:
    """The labelled pictures that show one of the first `classes` classes."""
    files = find_images(assets / "images" / "val")
    return [file for file, truth in zip(files, truth_of(assets, files, classes), strict=True) if len(truth)]


def truth_of(assets: Path, files: Sequence[Path], classes: int) -> list[GroundTruth]:
    """The labels of these pictures, of the classes that the network knows."""
    sizes = [(file, read_image(file).shape[:2]) for file in files]
    labels = load_labels(assets / "labels" / "val", "yolo", sizes)
    found = (labels[file.name] for file in files)
    return [
        GroundTruth(*(each[labelled.classes < classes] for each in (labelled.boxes, labelled.classes, labelled.crowd)))
        for labelled in found
    ]
