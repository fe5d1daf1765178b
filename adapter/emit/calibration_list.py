"""calibration.txt: the calibration images, one a line, named relative to the toml's forward_dir."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import AdaptError
from ..artifact import Artifact

FILE = "calibration.txt"


def calibration_list(names: Iterable[str]) -> Artifact:
    """The sorted list; bytes of a name that are not UTF-8 stay as they are on disk. Raises AdaptError."""
    listed = sorted(names)
    for name in listed:
        if name.splitlines() != [name]:
            raise AdaptError("a name with a line break cannot be listed", where=name, hint="rename the image")
    return Artifact(f"icraft/{FILE}", "".join(f"{n}\n" for n in listed).encode("utf-8", "surrogateescape"))
