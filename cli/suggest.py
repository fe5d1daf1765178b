"""Did you mean: for a word that is no file, no option and no command."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import AdaptError
from ..targets.typed import did_you_mean

SUFFIXES = (".onnx", ".icraft")


def must_exist(path: Path, commands: Iterable[str] = ()) -> None:
    """Raise AdaptError (exit 2) with the closest of `commands` and networks nearby unless `path` exists."""
    if os.path.exists(path):
        return
    beside = [str(file) for file in path.parent.glob("*") if file.suffix in SUFFIXES]
    what = "no such file or command" if commands else "no such file"
    raise AdaptError(what, where=str(path), hint=did_you_mean(str(path), [*commands, *beside]))
