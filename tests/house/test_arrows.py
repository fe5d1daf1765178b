"""Imports point down from folder to folder, and each third-party library has its home."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

import pytest

from icraft_adapt.tests.house.sources import PACKAGE, Source, imports, package_sources, parsed

# From the top; a folder imports from the layers below its own.
LAYERS = (
    {"__init__", "__main__"},
    {"cli"},
    {"adapter"},
    {"rewrites", "golden", "postproc", "retrain", "models"},
    {"data", "targets"},
    {"graph"},
    {"errors", "version"},
)
DEPTH = {folder: depth for depth, layer in enumerate(LAYERS) for folder in layer}
BESIDE = {("retrain", "models")}
HOMES = {
    "click": {"cli"},
    "rich": {"cli"},
    "jinja2": {"adapter", "postproc"},
    "leather": {"adapter"},
    "junitparser": {"adapter"},
    "torch": {"models", "retrain"},
    "cv2": {"data", "models"},
    "pycocotools": {"data"},
    "yaml": {"targets"},
    "onnx_graphsurgeon": {"graph"},
}


def breaks(source: Source) -> list[str]:
    """Imports that point up or sideways, that name the package, or that take a library away from home."""
    found = []
    for each in imports(source):
        here, there = source.folder, each.top
        if not each.own:
            wrong = there == PACKAGE or here not in HOMES.get(there, {here})
        else:
            below = here in DEPTH and there in DEPTH and DEPTH[here] < DEPTH[there]
            wrong = not (below or here == there or (here, there) in BESIDE)
        if wrong:
            found.append(f"{source.at(each.line)}: {here} imports {each.name}")
    return found


def folder_cycle(sources: Iterable[Source]) -> list[str]:
    """The folders of one import cycle; empty where there is none."""
    arrows: defaultdict[str, set[str]] = defaultdict(set)
    for source in sources:
        arrows[source.folder] |= {e.top for e in imports(source) if e.own and e.top != source.folder}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_arrow_points_down() -> None:
    assert not [line for source in package_sources() for line in breaks(source)]


def test_no_cycle_of_folders() -> None:
    assert not folder_cycle(package_sources())


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cli/adapt.py", "from ..targets.loader import load_target"),
        ("cli/adapt.py", "import click"),
        ("adapter/emit/c.py", "from ... import version"),
        ("adapter/emit/c.py", "from . import toml"),
        ("retrain/train.py", "from ..models.yolox import build"),
        ("rewrites/core/rules.py", "from ... import rewrites"),
        ("graph/model.py", "from ..errors import AdaptError"),
        ("__init__.py", "from .adapter.pipeline import adapt"),
    ],
)
def test_takes(path: str, text: str) -> None:
    assert breaks(parsed(path, text)) == []


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("graph/model.py", "from ..targets.types import Target", "graph imports targets.types"),
        ("data/images.py", "from ..targets import types", "data imports targets"),
        ("models/yolox.py", "def f():\n    from ..retrain import loop", "models imports retrain"),
        ("targets/types.py", "if TYPE_CHECKING:\n    from .. import rewrites", "targets imports rewrites"),
        ("adapter/emit/c.py", "from ...cli.main import main", "adapter imports cli.main"),
        ("errors.py", "from .graph import model", "errors imports graph"),
        ("golden/a.py", "from .. import __version__", "golden imports __version__"),
        ("helpers/a.py", "from ..errors import AdaptError", "helpers imports errors"),
        ("cli/main.py", "from icraft_adapt.errors import Exit", "cli imports icraft_adapt.errors"),
        ("adapter/pipeline.py", "import click", "adapter imports click"),
        ("rewrites/a.py", "import onnx_graphsurgeon as gs", "rewrites imports onnx_graphsurgeon"),
        ("golden/a.py", "from torch.nn import functional", "golden imports torch.nn"),
    ],
)
def test_refuses(path: str, text: str, message: str) -> None:
    (found,) = breaks(parsed(path, text))
    assert found.endswith(f": {message}")


def test_finds_a_cycle() -> None:
    there = parsed("data/a.py", "from ..targets import b")
    back = parsed("targets/b.py", "from ..data import a")
    assert set(folder_cycle([there, back])) == {"data", "targets"}
    assert folder_cycle([there]) == []
