"""Small networks as tasks: their heads for some pictures, in integers of a width or as floats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icraft_adapt.adapter.emit.postproc_sources import postproc_sources
from icraft_adapt.adapter.postproc_task import Subject, float_task, integer_task
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.golden.program import InputFormat, Layer, MapFormat, Program, Rectify
from icraft_adapt.graph.reading import Level, Reading
from icraft_adapt.postproc.core.generator import Task
from icraft_adapt.targets.loader import load_target

Maps = dict[str, NDArray[Any]]
Write = Callable[[Task], Path]
SIZE = (64, 96)
STRIDES = (8, 16, 32)
REACH = {"obj": 8.0, "reg": 3.0, "cls": 10.0}


def subject(name: str, classes: int = 3, size: tuple[int, int] = SIZE, **preprocess: Any) -> Subject:  # noqa: ANN401
    """A YOLOX of three levels for icraft-v1.1, whose tensors have other names than its outputs."""
    levels = tuple(Level(s, (size[0] // s, size[1] // s), f"o{s}", f"r{s}", f"c{s}") for s in STRIDES)
    reading = Reading("yolox", levels, classes, True, True, 0.0)
    return Subject(name, "5" * 64, reading, size, Preprocess(**preprocess), load_target("icraft-v1.1"), 0.1)


def program(of: Subject, bits: int | dict[str, int]) -> Program:
    """The network in integers, as far as its head maps go; `bits` may be given by role."""
    arithmetic = load_target("icraft-v1.1").arithmetic
    assert arithmetic is not None
    layers = []
    for level in of.reading.levels:
        for role, channels in (("obj", 1), ("reg", 4), ("cls", of.reading.classes)):
            width = bits if isinstance(bits, int) else bits[role]
            step = REACH[role] * (1 + 0.03 * level.stride) / arithmetic.widths[width].code_max
            form = MapFormat(width, np.full(channels, step))
            layers.append(Layer(level.output(role), ("image",), Rectify(), form, "Relu"))
    image = InputFormat("image", (1, 3, *of.size), np.zeros(3), MapFormat(8, np.ones(3)))
    return Program(image, tuple(layers), tuple(layer.name for layer in layers), arithmetic)


def heads(of: Subject, seed: int, made: Program | None = None) -> Maps:
    """The heads of a picture: a few cells see something that moves with `seed`; codes where there is a program."""
    random = np.random.default_rng(7)
    found: Maps = {}
    for level in of.reading.levels:
        cells = level.grid
        maps = {
            "obj": random.normal(-5, 1, (1, 1, *cells)),
            "reg": random.normal(0, 0.7, (1, 4, *cells)),
            "cls": random.normal(-2, 2, (1, of.reading.classes, *cells)),
        }
        y, x = cells[0] // 2, min(cells[1] // 3, cells[1] - 1)
        maps["obj"][0, 0, y, x], maps["cls"][0, 0, y, x] = 3.0, 4.0
        maps["reg"][0, :2, y, x] += 0.1 * seed
        for role, values in maps.items():
            name = level.output(role)
            found[name] = values.astype(np.float32)
            if made is not None:
                form = made.formats()[name]
                limit = made.code_max(form.bits)
                found[name] = np.round(values / form.normratios[0]).clip(-limit, limit).astype(np.int64)
    return found


def task(name: str, bits: int | dict[str, int] | None, classes: int = 3, size: tuple[int, int] = SIZE) -> Task:
    """The task of such a network; `bits` None: floats alone."""
    of = subject(name, classes, size)
    if bits is None:
        return float_task(of, heads(of, 0))
    made = program(of, bits)
    return integer_task(of, made, heads(of, 0, made))


def write(folder: Path, of: Task) -> Path:
    """The files of the task's project in the folder."""
    for artifact in postproc_sources(of):
        (folder / Path(artifact.path).name).write_bytes(artifact.data)
    return folder
