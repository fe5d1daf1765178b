"""The written files with their SHA-256. report.json and manifest.json hold the list, so it lacks them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ..artifact import Artifact
from ..report.types import ArtifactInfo

UNLISTED = frozenset({"report.json", "manifest.json"})


def checksums(artifacts: Iterable[Artifact]) -> tuple[ArtifactInfo, ...]:
    """Path and SHA-256 of each file, sorted by path."""
    listed = sorted((a for a in artifacts if a.path not in UNLISTED), key=lambda a: a.path)
    return tuple(ArtifactInfo(a.path, hashlib.sha256(a.data).hexdigest()) for a in listed)
