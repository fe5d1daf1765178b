"""The first half of the journey: a file becomes a normalised model whose heads are understood and exposed."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import ModelProto

from ..graph.anchors import anchors
from ..graph.load import file_digest, load_static
from ..graph.model import Model
from ..graph.reading import Reading
from ..postproc.core.family import recognise
from ..rewrites.core.activation import Activation, activation_at
from ..rewrites.core.rule import Context, NearMiss, Step
from ..rewrites.core.rules import discover
from ..rewrites.core.run import run
from ..targets.types import Target
from .beside import Beside
from .progress import Progress
from .request import Request


@dataclass(frozen=True, slots=True)
class Prepared:
    """`original` is what was loaded and stays as it is; `model` is normalised, with its heads as outputs.

    `anchors` names every tensor of the model, `activations` each activation by its input tensor; `digest` is the
    SHA-256 of the file.
    """

    original: ModelProto
    model: Model
    reading: Reading
    steps: tuple[Step, ...]
    near_misses: tuple[NearMiss, ...]
    anchors: dict[str, str]
    activations: dict[str, Activation]
    digest: Beside[str]

    @property
    def input_name(self) -> str:
        """The image input."""
        return self.model.inputs[0].name

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """The image input's shape, NCHW."""
        n, c, h, w = self.model.inputs[0].shape or (0, 0, 0, 0)
        return n, c, h, w


def prepare(request: Request, target: Target, progress: Progress, network: bytes | None = None) -> Prepared:
    """Load, normalise, prove the reading, expose the heads. Raises AdaptError (2, 3) where that cannot be done.

    `network`, an ONNX file's bytes, takes the place of what the file holds.
    """
    progress.stage("loading the model")
    digest = Beside(lambda: file_digest(request.model))
    original = load_static(request.model, request.input_shape) if network is None else ModelProto.FromString(network)
    model = Model.from_proto(original, request.model.stem)
    progress.stage("normalising")
    first = run(Context(model, target), discover())
    progress.stage("reading the heads")
    reading = recognise(model, original)
    second = run(Context(model, target, reading=reading), discover())
    found = (activation_at(node, model) for node in model.nodes)
    activations = {each.input.name: each for each in found if each is not None and each.name != "identity"}
    named = anchors(model, reading)
    return Prepared(
        original, model, reading, first.steps + second.steps, second.near_misses, named, activations, digest
    )
