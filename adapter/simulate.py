"""The adapted network in integers, beside both float networks, on the images that the calibration kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..data.detections import Detections
from ..data.matching import match
from ..errors import AdaptError, Exit
from ..golden.engine.fast import FastEngine
from ..golden.engine.protocol import Engine, decode_map, encode_image
from ..golden.formats import KEEPING
from ..golden.heads import BoxResolution, ScoreResolution, box_resolution, by_role, relative_error, score_resolution
from ..golden.layers import LayerFigures
from ..golden.mixing import pick, rank, units
from ..golden.network import Network
from ..golden.normratio import Saturation
from ..golden.program import Program
from ..golden.quantise import Quantiser
from ..golden.samples import Samples
from ..golden.settings import Image, Settings
from ..graph.model import Model
from ..graph.reading import Reading
from ..postproc.core.family import detections
from ..rewrites.core.histogram import HistogramBuilder
from .calibrate import Calibration
from .compare_layers import compare_layers, layer_anchors
from .emit.mix_precision_csv import read_mix_precision
from .facts import Facts
from .heads import Heads
from .lowering import lowered, origins_of, samples_for
from .progress import Progress
from .simulation_types import Alternative, Clip, HeadFigures, Simulation

_LAYER_IMAGES = 4  # every map of three networks in hand at once: few images tell enough
_RANKED_IMAGES = 2
_COMPARED_IMAGES = 4  # on which the ways to choose ranges are compared
_SHOWN_CLIPS = 24
_BINS = 512
_SURE, _LOW, _MIDDLE = 0.3, 0.1, 0.6  # scores: of a detection, and BYTE's low band
_SATURATIONS: tuple[Saturation, ...] = ("aware", "kld", "ems", "null")

Codes = Mapping[str, NDArray[np.int64]]


def simulate(facts: Facts, seen: Calibration, heads: Sequence[Heads], progress: Progress) -> Simulation:
    """`heads` are the adapted float network's on the kept images. Raises AdaptError (exit 3) where it is impossible."""
    progress.stage("quantising")
    quantiser, samples = make_quantiser(facts, seen)
    settings = _settings(facts, quantiser, seen, heads, progress)
    program = quantiser.program(settings)
    engine = FastEngine(program)
    layers = compare_layers(facts, seen.inputs[:_LAYER_IMAGES], program, engine, quantiser.network, progress)
    progress.stage("simulating", len(seen.inputs))
    codes = _run(program, engine, seen.inputs, progress)
    maps = values_of(program, codes)
    reading = facts.prepared.reading
    theirs, ours = _boxes(reading, heads), _boxes(reading, maps)
    boxes = match(theirs, ours, _SURE)
    few = slice(_COMPARED_IMAGES)
    in_use = Alternative(
        settings.saturation, relative_error(maps[few], heads[few]), match(theirs[few], ours[few], _SURE)
    )
    others = _alternatives(facts, quantiser, settings, seen, (heads, theirs), progress)
    return Simulation(
        program,
        settings.bits,
        dict(settings.mixed),
        _wider_macs(quantiser.network, settings),
        len(codes),
        layer_anchors(facts, quantiser.network),
        layers,
        _heads(reading, program, heads, codes),
        boxes,
        match(theirs, ours, _LOW, _MIDDLE),
        maps,
        _clips(samples, program, layers),
        (in_use, *others),
        codes[0],
    )


def make_quantiser(facts: Facts, seen: Calibration) -> tuple[Quantiser, Samples]:
    """The adapted network with the samples of its maps. Raises AdaptError (exit 3) where it has no arithmetic here."""
    if facts.target.arithmetic is None:
        raise AdaptError(
            f"{facts.target.name} has no integer arithmetic here yet",
            hint="--no-golden adapts without the simulation",
            code=Exit.UNSUPPORTED,
        )
    network = lowered(Model.from_proto(facts.final, facts.request.model.stem))
    samples = None if seen.samples is None else samples_for(network, seen.samples, origins_of(facts.applied.steps))
    if samples is None:
        raise RuntimeError("a map of the adapted network cannot be traced to the calibration")
    told = facts.request.preprocess
    image = Image(np.asarray(told.mean, np.float64), np.asarray(told.scale, np.float64))
    return Quantiser(network, samples, facts.target.arithmetic, image), samples


def _settings(
    facts: Facts, quantiser: Quantiser, seen: Calibration, heads: Sequence[Heads], progress: Progress
) -> Settings:
    """As the user asked, layer by layer where a file says so; with --bits auto those that gain most by 16 bits."""
    request = facts.request
    settings = Settings(16 if request.bits == "16" else 8, {}, request.saturation, request.per)
    if request.mix_precision is not None:
        return replace(settings, mixed=read_mix_precision(request.mix_precision, quantiser.network))
    if request.bits != "auto":
        return settings
    progress.stage("ranking the layers", len(units(quantiser)))
    pictures = list(zip(seen.inputs, heads, strict=True))[:_RANKED_IMAGES]
    ranked = rank(quantiser, FastEngine, pictures, settings, progress.advance)
    return replace(settings, mixed=pick(ranked, request.max_16bit_macs))


def _wider_macs(network: Network, settings: Settings) -> float:
    """The share of the multiply-accumulates that layers in 16 bits do."""
    total = sum(layer.macs for layer in network.layers)
    return sum(layer.macs for layer in network.layers if settings.bits_of(layer.name) > 8) / max(total, 1)


def _run(program: Program, engine: Engine, inputs: Sequence[NDArray[np.float32]], progress: Progress) -> list[Codes]:
    """The integer heads of each image."""
    source, codes = program.input, []
    for tensor in inputs:
        codes.append(engine.run(encode_image(tensor, source, program.code_max(source.format.bits))).maps)
        progress.advance()
    return codes


def values_of(program: Program, codes: Sequence[Codes]) -> tuple[dict[str, NDArray[np.float32]], ...]:
    """Integer heads as float32 values, code * normratio, by output name."""
    formats = program.formats()
    return tuple({name: decode_map(each[name], formats[name].normratios) for name in program.outputs} for each in codes)


def _boxes(reading: Reading, maps: Sequence[Heads]) -> list[Detections]:
    """Of each image, far below what counts; `maps` by the adapted model's output names."""
    return [detections(reading, reading.by_tensor(each), _LOW / 2) for each in maps]


def _alternatives(
    facts: Facts,
    quantiser: Quantiser,
    settings: Settings,
    seen: Calibration,
    truth: tuple[Sequence[Heads], Sequence[Detections]],
    progress: Progress,
) -> list[Alternative]:
    """What the other ways to choose the ranges give, on the first images."""
    others = [name for name in _SATURATIONS if name != settings.saturation]
    inputs = seen.inputs[:_COMPARED_IMAGES]
    floats, boxes = truth[0][: len(inputs)], truth[1][: len(inputs)]
    progress.stage("comparing saturations", len(others) * len(inputs))
    found = []
    for name in others:
        program = quantiser.program(replace(settings, saturation=name))
        maps = values_of(program, _run(program, FastEngine(program), inputs, progress))
        ours = _boxes(facts.prepared.reading, maps)
        found.append(Alternative(name, relative_error(maps, floats), match(boxes, ours, _SURE)))
    return found


def _heads(
    reading: Reading, program: Program, floats: Sequence[Heads], codes: Sequence[Codes]
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


def _clips(samples: Samples, program: Program, layers: Sequence[LayerFigures]) -> tuple[Clip, ...]:
    """The layers whose own error is largest, but for those that only move codes about."""
    formats = program.formats()
    asked = [layer for layer in samples.network.layers if not isinstance(layer.operator, KEEPING)]
    own = {each.name: each.single.sqnr_db for each in layers}
    noisy = sorted((layer.name for layer in asked if own[layer.name] is not None), key=lambda name: own[name] or 0.0)
    found = []
    for name in noisy[:_SHOWN_CLIPS]:
        builder = HistogramBuilder(_BINS)
        builder.add(samples.of(name))
        form = formats[name]
        found.append(Clip(name, builder.histogram(), float(form.normratios.max()) * program.code_max(form.bits)))
    return tuple(found)
