"""The adapted network in integers, beside both float networks, on the images that the calibration kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.detections import EVALUATION_IOU, Detections, nms
from ..data.matching import Matching, match
from ..golden.engine.fast import FastEngine
from ..golden.engine.protocol import Engine, decode_map, encode_image
from ..golden.figures import Figures
from ..golden.heads import BoxResolution, ScoreResolution, box_resolution, by_role, score_resolution
from ..golden.layers import LayerComparison, LayerFigures
from ..golden.mixing import pick, rank, units
from ..golden.network import Network
from ..golden.program import Program
from ..golden.quantise import Quantiser
from ..golden.settings import Image, Settings
from ..graph.model import Model
from ..graph.reading import Reading
from ..graph.session import Session, with_outputs
from ..postproc.core.family import family_of
from .calibrate import Calibration
from .facts import Facts
from .heads import Heads
from .lowering import lowered, origins_of, samples_for, traced
from .progress import Progress

_LAYER_IMAGES = 4  # every map of three networks in hand at once: few images tell enough
_RANKED_IMAGES = 2
_SURE, _LOW, _MIDDLE = 0.3, 0.1, 0.6  # scores: of a detection, and BYTE's low band

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """One head output in integers: adapted float against integer, and what its codes can say at all."""

    head: str
    role: str
    figures: Figures
    resolution: ScoreResolution | BoxResolution


@dataclass(frozen=True, slots=True)
class Simulation:
    """`codes` are the integer heads of the first image. `boxes` and `low_boxes` pair adapted and integer detections."""

    program: Program
    mixed: Mapping[str, int]
    layers: tuple[LayerFigures, ...]
    heads: tuple[HeadFigures, ...]
    boxes: Matching
    low_boxes: Matching
    codes: Mapping[str, NDArray[np.int64]]


def simulate(facts: Facts, seen: Calibration, heads: tuple[Heads, ...], progress: Progress) -> Simulation:
    """`heads` are the adapted float network's on the kept images. Raises AdaptError (exit 3) where it is impossible."""
    progress.stage("quantising")
    quantiser = make_quantiser(facts, seen)
    settings = _settings(facts, quantiser, seen, heads, progress)
    program = quantiser.program(settings)
    engine = FastEngine(program)
    layers = _compare_layers(facts, seen, program, engine, quantiser.network, progress)
    progress.stage("simulating", len(seen.inputs))
    codes = []
    for tensor in seen.inputs:
        image = program.input
        codes.append(engine.run(encode_image(tensor, image, program.code_max(image.format.bits))).maps)
        progress.advance()
    formats = program.formats()
    integer = [{name: decode_map(maps[name], formats[name].normratios) for name in program.outputs} for maps in codes]
    reading = facts.prepared.reading
    theirs, ours = ([detections(reading, each, _LOW / 2) for each in maps] for maps in (heads, integer))
    return Simulation(
        program,
        dict(settings.mixed),
        layers,
        _heads(reading, program, heads, codes),
        match(theirs, ours, _SURE),
        match(theirs, ours, _LOW, _MIDDLE),
        codes[0],
    )


def make_quantiser(facts: Facts, seen: Calibration) -> Quantiser:
    """The adapted network with the samples of its maps."""
    network = lowered(Model.from_proto(facts.final, facts.request.model.stem))
    samples = None if seen.samples is None else samples_for(network, seen.samples, origins_of(facts.applied.steps))
    if samples is None or facts.target.arithmetic is None:
        raise RuntimeError("a map of the adapted network cannot be traced to the calibration")
    told = facts.request.preprocess
    image = Image(np.asarray(told.mean, np.float64), np.asarray(told.scale, np.float64))
    return Quantiser(network, samples, facts.target.arithmetic, image)


def _settings(
    facts: Facts, quantiser: Quantiser, seen: Calibration, heads: tuple[Heads, ...], progress: Progress
) -> Settings:
    """As the user asked; with --bits auto the layers that gain most by 16 bits within the budget."""
    request = facts.request
    settings = Settings(16 if request.bits == "16" else 8, {}, request.saturation, request.per)
    if request.bits != "auto":
        return settings
    progress.stage("ranking the layers", len(units(quantiser)))
    pictures = list(zip(seen.inputs, heads, strict=True))[:_RANKED_IMAGES]
    ranked = rank(quantiser, FastEngine, pictures, settings, progress.advance)
    return Settings(8, pick(ranked, request.max_16bit_macs), request.saturation, request.per)


def _compare_layers(
    facts: Facts, seen: Calibration, program: Program, engine: Engine, network: Network, progress: Progress
) -> tuple[LayerFigures, ...]:
    """Layer by layer on the first images; the original's maps where the rewrites kept or traced them."""
    images = seen.inputs[:_LAYER_IMAGES]
    progress.stage("comparing layers", len(images))
    origins = origins_of(facts.applied.steps)
    computed = {name for node in facts.prepared.original.graph.node for name in node.output}
    back = {}
    for layer in network.layers:
        origin = traced(layer.name, origins)
        if (origin.tensor if origin is not None else layer.name) in computed:
            back[layer.name] = origin
    sources = {origin.tensor if origin is not None else name for name, origin in back.items()}
    original = Session(with_outputs(facts.prepared.original, sorted(sources)))
    made = {name for node in facts.final.graph.node for name in node.output}
    adapted = Session(with_outputs(facts.final, [layer.name for layer in network.layers if layer.name in made]))
    comparison = LayerComparison(program, engine)
    for tensor in images:
        floats = adapted.run({network.input: tensor})
        truth = original.run({network.input: tensor})
        before: dict[str, Values] = {}
        for name, origin in back.items():
            if origin is None:
                before[name] = truth[name]
            else:
                scale = origin.scale.astype(np.float32).reshape(1, -1, 1, 1)
                before[name] = truth[origin.tensor][:, origin.channels] * scale
        comparison.add(tensor, _with_cells(network, floats), before)
        progress.advance()
    return comparison.figures()


def _with_cells(network: Network, floats: Mapping[str, Values]) -> Mapping[str, Values]:
    """The float maps with those that a fully connected layer passes through and the graph has no tensor for."""
    found = dict(floats)
    for layer in network.layers:
        if layer.name not in found:
            source = layer.inputs[0] if layer.inputs[0] in found and layer.macs == 0 else None
            reader = network.readers()[layer.name][0].name if source is None else source
            found[layer.name] = floats[reader].reshape(layer.shape)
    return found


def detections(reading: Reading, maps: Heads, score: float) -> Detections:
    """Boxes above `score` in input pixels, suppressed; `maps` by the adapted model's output names."""
    named = {tensor: maps[output] for tensor, output in reading.outputs()}
    return nms(family_of(reading).decode(reading, named, score), EVALUATION_IOU)


def _heads(
    reading: Reading, program: Program, floats: tuple[Heads, ...], codes: list[Mapping[str, NDArray[np.int64]]]
) -> tuple[HeadFigures, ...]:
    """Every head by its role: boxes by what sizes they can say, all others by the scores that they can tell apart."""
    found = []
    formats = program.formats()
    for level in reading.levels:
        for role, _ in level.roles:
            name = level.output(role)
            form = formats[name]
            normratio, code_max = float(form.normratios[0]), program.code_max(form.bits)
            held = [maps[name] for maps in codes]
            pairs = [(f[name], decode_map(c, form.normratios)) for f, c in zip(floats, held, strict=True)]
            if role == "reg":
                resolution: ScoreResolution | BoxResolution = box_resolution(normratio, code_max, level.stride, held)
            else:
                resolution = score_resolution(normratio, code_max, held)
            found.append(HeadFigures(name, role, by_role(pairs), resolution))
    return tuple(found)
