"""Models whose generated files are built here, the heads of a picture for each, and commands that must end well."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.postproc.c.project import project
from icraft_adapt.postproc.c.render import c_prefix
from icraft_adapt.postproc.decode.golden import golden_of
from icraft_adapt.postproc.decode.sources import yolox_component
from icraft_adapt.postproc.decode.values import DecodeValues
from icraft_adapt.tests.decode.decoder_cases import Maps, code_maps, float_maps, model

MODELS = {
    "int8": {"classes": 17, "bits": 8, "name": "int8"},
    "int16": {"classes": 1, "bits": 16, "name": "int16"},
    "mixed": {"classes": 16, "bits": (16, 8, 8), "name": "mixed"},
    "floats": {"classes": 2, "integer": None, "name": "floats"},
}
Folder = Callable[[str], Path]


def needs(*programs: str) -> None:
    """Skip where a program is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def run(command: Sequence[object], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command that must end well."""
    result = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}"
    return result


def sources(values: DecodeValues, maps: Maps | None = None) -> dict[str, str]:
    """The files of a decoder's project; with the heads of a picture also its self-test."""
    component = yolox_component(values, None if maps is None else golden_of(values, maps))
    return dict(project(values.name, c_prefix(values.name), values.provenance, [component]))


@cache
def heads(name: str) -> tuple[DecodeValues, Maps]:
    """A model and the heads of one picture: codes, or floats where there are no normratios."""
    values = model(**MODELS[name])
    random = np.random.default_rng(4)
    return values, code_maps(values, random) if values.integer else float_maps(values, random)
