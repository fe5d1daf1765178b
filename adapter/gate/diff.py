"""Two runs, two dumps, or a board's dump against the simulation: `icraft-adapt diff`."""

from __future__ import annotations

from pathlib import Path

from ...errors import AdaptError
from ..progress import Progress
from .against_dump import against_dump
from .difference import Difference
from .dump import is_dump, read_dump
from .golden_folder import read_golden
from .two_dumps import two_dumps
from .two_folders import two_folders

_MANIFEST = "manifest.json"


def diff(a: Path, b: Path, progress: Progress) -> Difference:
    """Raises AdaptError: exit 2 for what is neither an output folder nor a dump, exit 3 for what cannot be compared."""
    folders = [_is_folder(each) for each in (a, b)]
    if all(folders):
        return two_folders(a, b, progress)
    if not any(folders):
        return two_dumps(read_dump(a), read_dump(b))
    folder, dump = (a, b) if folders[0] else (b, a)
    progress.stage("reading the folder")
    return against_dump(read_golden(folder), read_dump(dump), progress)


def _is_folder(path: Path) -> bool:
    """An output folder; False for a dump."""
    if (path / _MANIFEST).is_file():
        return True
    if not is_dump(path):
        what = "neither an output folder nor a dump"
        raise AdaptError(
            what, where=str(path), hint="expected manifest.json, .npy, .npz, or .bin with a .json beside it"
        )
    return False
