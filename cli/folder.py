"""The output folder is swapped in whole: a kill or a full disk at any moment leaves the old or the new one.

Files go into a sibling `.<name>.tmp-<pid>`, reach the disk, and the sibling is swapped in: by renameat2(2)
with RENAME_EXCHANGE where there is one, else by two renames with the old folder at `.<name>.old-<pid>`
between them. A run begins by mending what an interrupted one left.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from ..adapter.artifact import Artifact
from ..errors import AdaptError
from .exchange import exchange
from .lock import held, is_abandoned

MARK = "manifest.json"  # what makes a folder one of ours, which --force may replace
MARKS = (MARK, "recovery.json")


def check(out: Path, *, force: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse now, with exit 2, what `publish` would refuse after the work.

    `inputs` are the paths that the run reads: none may lie inside the folder that it replaces.
    """
    place = _place(out)
    with _reported(out):
        existing = next((folder for folder in place.parents if os.path.lexists(folder)), place)
        if existing == place.parent:
            with held(place.parent):
                _mend(place)
        _admit(place, out, force=force)
        if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
            raise AdaptError(f"cannot write into {existing}", where=str(out), hint="choose another --out")
    for path in inputs:
        if _place(path).is_relative_to(place):
            raise AdaptError(f"holds {path}, which this run reads", where=str(out), hint="choose another --out")


def publish(artifacts: Iterable[Artifact], out: Path, *, force: bool) -> None:
    """Write `artifacts` as the folder `out`; an existing one is replaced only with `force`, whole."""
    place = _place(out)
    draft = place.parent / f".{place.name}.tmp-{os.getpid()}"
    with _reported(out), _parents(place), contextlib.ExitStack() as writing:
        with held(place.parent):
            _mend(place)
            draft.mkdir()
            writing.callback(_remove, draft)
            writing.enter_context(held(draft))
        _write(artifacts, draft)
        with held(place.parent):
            _admit(place, out, force=force)
            _swap(draft, place)


def mend(out: Path) -> None:
    """Tidy up beside `out` after a worker that died; what cannot be mended now, the next run mends."""
    place = _place(out)
    with contextlib.suppress(OSError), held(place.parent):
        _mend(place)


@contextlib.contextmanager
def _parents(place: Path) -> Iterator[None]:
    """The folder that `place` stands in, made where it is missing, and gone again where the body fails."""
    missing = [folder for folder in place.parents if not folder.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _place(out: Path) -> Path:
    return Path(os.path.realpath(out))


@contextlib.contextmanager
def _reported(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AdaptError(f"cannot write the folder: {error.strerror}", where=str(out)) from error


def _admit(place: Path, out: Path, *, force: bool) -> None:
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise AdaptError("is a file, not a folder", where=str(out), hint="choose another --out")
    if not force:
        raise AdaptError("exists", where=str(out), hint="--force replaces it, --out chooses another")
    if not any((place / mark).is_file() for mark in MARKS) and any(place.iterdir()):
        hint = "--force replaces only an output folder of this command"
        raise AdaptError(f"is not empty and holds no {MARK}", where=str(out), hint=hint)
    for folder, _, _ in os.walk(place):
        if not os.access(folder, os.W_OK | os.X_OK) and not (os.name == "posix" and _is_ours(folder)):
            what = f"cannot be replaced: {folder} is another user's"
            raise AdaptError(what, where=str(out), hint="choose another --out")


def _is_ours(folder: str) -> bool:
    return os.stat(folder).st_uid == os.geteuid()


def _write(artifacts: Iterable[Artifact], draft: Path) -> None:
    """All files first, then all made durable: one by one, each would wait for the disk by itself."""
    for artifact in artifacts:
        path = PurePosixPath(artifact.path)
        if path.is_absolute() or not path.parts or ".." in path.parts or "\\" in artifact.path:
            raise ValueError(f"artifact path {artifact.path!r} leaves the output folder")
        file = draft / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "xb") as stream:
            stream.write(artifact.data)
    for folder, _, files in os.walk(draft):
        for name in files:
            _sync(Path(folder, name))
        _sync(Path(folder))


def _swap(draft: Path, place: Path) -> None:
    if not os.path.lexists(place):
        draft.rename(place)
    elif not exchange(draft, place):
        old = place.parent / f".{place.name}.old-{os.getpid()}"
        try:
            place.rename(old)
            draft.rename(place)
        finally:
            _mend(place)
    _sync(place.parent)


def _mend(place: Path) -> None:
    """Put back an old folder whose new one never came; remove what interrupted runs left."""
    left = re.compile(rf"\.{re.escape(place.name)}\.(old|tmp)-\d+")
    for entry in sorted(place.parent.iterdir()):
        if not (kind := left.fullmatch(entry.name)):
            continue
        if kind[1] == "old" and not os.path.lexists(place):
            entry.rename(place)
        elif kind[1] == "old" or is_abandoned(entry):
            _remove(entry)


def _remove(folder: Path) -> None:
    """As much of the folder as may be removed; folders that their owner made read-only, too."""
    for each, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(each, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    """Make a file's bytes or a folder's entries durable, where folders can be opened at all."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
