"""A closed room for one run: its own working folder, TMPDIR and HOME, and a look at what a run leaves in them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Room:
    """The folder that holds `cwd`, `tmp` and `home`."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> Room:
        """A new room; an empty home and temporary folder."""
        room = cls(root)
        for folder in (room.cwd, room.tmp, room.home):
            folder.mkdir(parents=True)
        return room

    @property
    def cwd(self) -> Path:
        """Where the command is called."""
        return self.root / "cwd"

    @property
    def tmp(self) -> Path:
        """TMPDIR."""
        return self.root / "tmp"

    @property
    def home(self) -> Path:
        """HOME."""
        return self.root / "home"

    @property
    def environment(self) -> dict[str, str]:
        """os.environ with this room's places."""
        return os.environ | {
            "TMPDIR": str(self.tmp),
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
        }

    def listing(self) -> frozenset[str]:
        """Every file and folder in the room, by its path within it."""
        return frozenset(str(path.relative_to(self.root)) for path in self.root.rglob("*"))

    def clear(self, before: frozenset[str]) -> None:
        """Remove what has come since `before`."""
        for path in sorted(self.listing() - before):
            place = self.root / path
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
