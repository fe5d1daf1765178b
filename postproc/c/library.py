"""The generated C as it will ship, compiled by the compiler at hand and loaded through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import AdaptError, Exit

FLAGS = ("-std=c99", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")


def compiler() -> str | None:
    """The first C compiler on the path."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def load_library(sources: Mapping[str, str], flags: Sequence[str] = FLAGS) -> ctypes.CDLL:
    """Compile the `.c` files among `sources` (text by file name) into one shared library and load it.

    Nothing is left on the disk. Raises AdaptError (exit 3) without a compiler, RuntimeError where it refuses the code.
    """
    program = compiler()
    if program is None:
        raise AdaptError("no C compiler", hint="install gcc or clang", code=Exit.UNSUPPORTED)
    with tempfile.TemporaryDirectory(prefix="icraft-adapt-") as name:
        folder = Path(name)
        for file, text in sources.items():
            (folder / file).write_text(text, encoding="utf-8")
        library = folder / "library.so"
        units = [file for file in sorted(sources) if file.endswith(".c")]
        command = [program, *flags, "-fPIC", "-shared", "-o", str(library), *units]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"the generated C does not compile: {result.stderr.strip()}")
        return ctypes.CDLL(str(library))
