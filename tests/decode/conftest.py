"""Generated decoders on the disk."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from icraft_adapt.tests.decode.generated import Folder, heads, sources


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """`folder(name)` holds a model's generated files, with golden vectors; nothing is built in it."""

    @cache
    def made(name: str) -> Path:
        where = tmp_path_factory.mktemp(name)
        for file, text in sources(*heads(name)).items():
            (where / file).write_text(text, encoding="utf-8")
        return where

    return made
