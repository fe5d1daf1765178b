"""A file to be written: the pipeline makes them, the command line writes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Artifact:
    """`path` is relative to the output folder, with forward slashes; `data` is the file's bytes."""

    path: str
    data: bytes
