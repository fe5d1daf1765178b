"""icraft-adapt: makes a trained YOLOX / ByteTrack network run on an Icraft NPU, and proves what it changed."""

from __future__ import annotations

from .version import __version__

__all__ = ["__version__"]
