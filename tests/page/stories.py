"""What the main job found out on the bundled network, for the page to tell; the same network under hostile names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx

from icraft_adapt.adapter import pipeline
from icraft_adapt.adapter.demonstration import MODEL
from icraft_adapt.adapter.emit.checksums import checksums
from icraft_adapt.adapter.page.story import Story
from icraft_adapt.adapter.request import Request
from icraft_adapt.data.images import write_image
from icraft_adapt.models.demo import films

HOSTILE = "</script><b id='x'>&\"网\n\x1b"
TAMED = "&lt;/script&gt;&lt;b id=&#39;x&#39;&gt;&amp;&#34;网\\n\\x1b"


def streets(folder: Path, names: tuple[str, ...]) -> Path:
    """A new folder of calibration pictures of these names, with people in them."""
    made = folder / "streets"
    made.mkdir()
    for name, frame in zip(names, films.training_batch(np.random.default_rng(0), len(names)), strict=False):
        write_image(made / name, frame.image)
    return made


def hostile_model(folder: Path) -> Path:
    """The bundled network with markup and control characters in the names of its nodes, its input and its file."""
    proto = onnx.load(MODEL)
    for number, node in enumerate(proto.graph.node):
        node.name = f"{HOSTILE}{number}"
        node.input[:] = [HOSTILE if name == proto.graph.input[0].name else name for name in node.input]
    proto.graph.input[0].name = HOSTILE
    proto.producer_name = HOSTILE
    file = folder / "<b>网&.onnx"
    onnx.save(proto, file)
    return file


def story_of(model: Path = MODEL, **options: Any) -> Story:  # noqa: ANN401
    """What a run with these options of the request can tell, whether it wrote its files or not."""
    seen: dict[str, Any] = {}

    def kept(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:  # noqa: ANN401
            seen[name] = (arguments, function(*arguments))
            return seen[name][1]

        return call

    names = ("compare", "judge")
    patches = [patch.object(pipeline, name, kept(name, getattr(pipeline, name))) for name in names]
    with patches[0], patches[1]:
        outcome = pipeline.adapt(Request(model, model.parent / "out", **options))
    facts = seen["judge"][0][1]
    files = [each for each in outcome.artifacts if each.path != "report.html"]
    sizes = {each.path: len(each.data) for each in files}
    return Story(facts, outcome, seen["compare"][1][1].pairs, lambda: checksums(files), sizes)


def page_of(story: Story) -> str:
    """The written page."""
    return next(each.data for each in story.outcome.artifacts if each.path == "report.html").decode()
