"""icraft-adapt: makes a trained YOLOX / ByteTrack network run on an Icraft NPU, and proves what it changed.

    from icraft_adapt import Request, adapt, load_target
    outcome = adapt(Request(Path("model.onnx"), target="icraft-v1.1"))

The names are imported when they are first used, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .adapter.pipeline import adapt
    from .adapter.request import Request
    from .targets.loader import load_target

_HOMES = {"adapt": ".adapter.pipeline", "Request": ".adapter.request", "load_target": ".targets.loader"}

__all__ = ["Request", "__version__", "adapt", "load_target"]


def __getattr__(name: str) -> object:
    """Import a public name from where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
