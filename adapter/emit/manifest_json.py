"""manifest.json: what later commands need to know of a run, and the checksums of what it wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ...data.preprocess import Preprocess
from ...errors import AdaptError
from ...version import __version__
from ..artifact import Artifact
from ..report.types import ArtifactInfo
from ..request import Request
from .json_bytes import json_bytes, json_object

SCHEMA = "icraft-adapt/manifest/1"


@dataclass(frozen=True, slots=True)
class Original:
    """The original model: its name, SHA-256 and path relative to the output folder, with forward slashes."""

    name: str
    sha256: str
    path: str


@dataclass(frozen=True, slots=True)
class Options:
    """The options that later commands repeat; named and meant as in `Request`."""

    bits: str
    saturation: str
    per: str
    threshold: float
    input_shape: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One run: the tool's version, the original, the target, the input convention, options, files."""

    tool: str
    model: Original
    target: str
    preprocess: Preprocess
    options: Options
    artifacts: tuple[ArtifactInfo, ...]


def manifest_of(request: Request, model: Original, target: str, artifacts: tuple[ArtifactInfo, ...]) -> Manifest:
    """The manifest of a run; `target` is its name, or the path of its YAML relative to the output folder.

    Raises ValueError for an absolute path.
    """
    for path in (model.path, target):
        if PurePath(path).is_absolute():
            raise ValueError(f"an absolute path in the manifest: {path}")
    options = Options(request.bits, request.saturation, request.per, request.threshold, request.input_shape)
    return Manifest(__version__, model, target, request.preprocess, options, artifacts)


def manifest_json(manifest: Manifest) -> Artifact:
    """manifest.json."""
    return Artifact("manifest.json", json_bytes({"schema": SCHEMA, **json_object(manifest)}))


def read_manifest(data: bytes, where: str) -> Manifest:
    """The manifest that an earlier run wrote. Raises AdaptError (exit 2) where `data` is none."""
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}")
        return Manifest(
            tool=str(document["tool"]),
            model=Original(**document["model"]),
            target=str(document["target"]),
            preprocess=Preprocess(**_tuples(document["preprocess"])),
            options=Options(**_tuples(document["options"])),
            artifacts=tuple(ArtifactInfo(**each) for each in document["artifacts"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise AdaptError("not a manifest of this tool", where=where, hint="run the main job again") from error


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
