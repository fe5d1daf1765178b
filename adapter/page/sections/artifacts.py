"""The files of the output folder with their checksums."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class File:
    """`link` is the path as a relative address, from the page that lies in the same folder."""

    path: str
    link: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Files:
    """Sorted by path; `original` is the checksum of the model that was read."""

    files: tuple[File, ...]
    original: str


def build(story: Story) -> Files:
    """What was written beside the page."""
    listed = (
        File(info.path, quote(info.path, errors="surrogateescape"), story.sizes[info.path], info.sha256)
        for info in story.files()
    )
    return Files(tuple(listed), story.report.model.sha256)


SECTION = Section(100, "artifacts", "Files", build)
