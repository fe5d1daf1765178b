"""The exports that the tool is held against: every exporter, opset, batch and simplifier, one cell each.

Cells of one export stand next to one another, so that `produced` in their order makes each export once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx.defs import onnx_opset_version

from .config import STRIDES, OutputForm, YoloxConfig
from .export import Shape, Simplifier, export, simplified
from .exporters import dynamo
from .tail import Tail
from .yolox import Yolox, build

TORCHSCRIPT_OPSETS = range(11, 18)
DYNAMO_OPSETS = range(dynamo.DEFAULT_OPSET, onnx_opset_version() + 1)
SIMPLIFIERS: tuple[Simplifier | None, ...] = (None, "onnxslim", "onnxsim")

FORMS = (
    OutputForm(True, "scatter"),
    OutputForm(True, "concat"),
    OutputForm(False, "constant"),
    OutputForm(False, None),
    OutputForm(False, "scatter"),
    OutputForm(True, None, "maps"),
    OutputForm(False, None, "raw"),
)
RAW = FORMS[-1]


@dataclass(frozen=True, slots=True)
class Subject:
    """A network, and the shape of its input."""

    name: str
    config: YoloxConfig
    shape: Shape


FOUR = Subject("4 classes, 64 x 96", YoloxConfig("s", classes=4, width=0.0625), (1, 3, 64, 96))
ONE = Subject("1 class, 160 x 288", YoloxConfig("s", classes=1, width=0.0625), (1, 3, 160, 288))
LITE = Subject("1 class, depthwise, 96 x 64", YoloxConfig("nano", classes=1, width=0.0625), (1, 3, 96, 64))
SUBJECTS = (FOUR, ONE, LITE)


@dataclass(frozen=True, slots=True)
class Export:
    """What an exporter is asked for; `form` is how the heads leave the network."""

    exporter: str
    opset: int
    dynamic_batch: bool
    subject: Subject
    form: OutputForm


@dataclass(frozen=True, slots=True)
class Cell:
    """An export and the simplifier behind it."""

    export: Export
    simplifier: Simplifier | None

    @property
    def name(self) -> str:
        """What tests and tables call it."""
        batch = "dynamic" if self.export.dynamic_batch else "static"
        return f"{self.export.exporter}-{self.export.opset}-{batch}-{self.simplifier or 'raw'}"


class UnavailableError(Exception):
    """A library does not make this cell: its name, and its own words, shortened."""


def cells() -> tuple[Cell, ...]:
    """Every cell; the names are distinct."""
    return tuple(Cell(each, simplifier) for each in _exports() for simplifier in SIMPLIFIERS)


def _exports() -> Iterator[Export]:
    """TorchScript meets every form with a static and with an open batch, and every network.

    Dynamo is slow: each kind of batch has one form and one network, so that its opsets share one capture.
    """
    for index, (opset, dynamic) in enumerate(product(TORCHSCRIPT_OPSETS, (False, True))):
        yield Export("torchscript", opset, dynamic, SUBJECTS[index % len(SUBJECTS)], FORMS[index % len(FORMS)])
    for dynamic, opset in product((False, True), DYNAMO_OPSETS):
        subject, form = (ONE, FORMS[0]) if dynamic else (FOUR, FORMS[1])
        yield Export("dynamo", opset, dynamic, subject, form)


def produced(cell: Cell) -> bytes:
    """The cell's file. Raises UnavailableError where a library refuses, or writes another opset than was asked for."""
    exported = _exported(cell.export)
    if isinstance(exported, str):
        raise UnavailableError(exported)
    if cell.simplifier is None:
        return exported
    with _in_words_of(cell.simplifier):
        simpler = simplified(onnx.load_from_string(exported), cell.simplifier)
    return _written(simpler, cell.simplifier, cell.export.opset)


@contextmanager
def _in_words_of(library: str) -> Iterator[None]:
    """Any exception becomes an UnavailableError with its gist: what libraries raise has no common base."""
    try:
        yield
    except Exception as error:
        raise UnavailableError(f"{library}: {_gist(error)}") from error


def _gist(error: Exception) -> str:
    """The first two sentences, without the place in the library's source that they begin with."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    sentences = re.sub(r"^\[ONNXRuntimeError\].*\) (?=[A-Z])", "", line).split(". ")
    return ". ".join(sentences[:2])[:300]


def _written(model: onnx.ModelProto, library: str, opset: int) -> bytes:
    written = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if written != opset:
        raise UnavailableError(f"{library}: writes opset {written}")
    return bytes(model.SerializeToString(deterministic=True))


def raw_heads(subject: Subject, images: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The network's raw maps in torch, float32 [1, c, h, w], named as the adapted model's outputs: obj_s8 and so on."""
    with torch.no_grad():
        maps = _in_form(subject, RAW)(torch.from_numpy(images))
    roles = ("reg", "obj", "cls", "extra")[: len(maps) // len(STRIDES)]
    named = (f"{role}_s{stride}" for stride in STRIDES for role in roles)
    return {name: y.numpy() for name, y in zip(named, maps, strict=True)}


@lru_cache(maxsize=4)
def _exported(asked: Export) -> bytes | str:
    """The exporter's file, which ONNX Runtime loads; else why there is none."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        with _in_words_of(asked.exporter):
            model = _through_dynamo(asked) if asked.exporter == "dynamo" else _export(asked, asked.opset)
            data = _written(model, asked.exporter, asked.opset)
        with _in_words_of("onnxruntime"):
            onnxruntime.InferenceSession(data, options)
    except UnavailableError as reason:
        return str(reason)
    return data


def _export(asked: Export, opset: int, *, keep_batchnorm: bool = False) -> onnx.ModelProto:
    return export(
        _in_form(asked.subject, asked.form),
        exporter=asked.exporter,
        opset=opset,
        shape=asked.subject.shape,
        dynamic_batch=asked.dynamic_batch,
        keep_batchnorm=keep_batchnorm,
    )


def _through_dynamo(asked: Export) -> onnx.ModelProto:
    captured = _captured(replace(asked, opset=dynamo.DEFAULT_OPSET))
    return dynamo.at_opset(onnx.load_from_string(captured), asked.opset)


@lru_cache(maxsize=2)
def _captured(asked: Export) -> bytes:
    """What dynamo makes of the network, before its conversion and its optimiser."""
    return bytes(_export(asked, asked.opset, keep_batchnorm=True).SerializeToString(deterministic=True))


def _in_form(subject: Subject, form: OutputForm) -> Yolox:
    """The subject's one network with another tail: its weights do not depend on the form."""
    net = _network(subject)
    net.tail = Tail(form, subject.config.keypoints > 0, subject.shape[2:])
    return net


@lru_cache
def _network(subject: Subject) -> Yolox:
    return build(subject.config, size=subject.shape[2:])
