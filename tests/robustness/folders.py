"""Whether an output folder is whole, and which run wrote it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def whole_folder_of(out: Path) -> str:
    """The --thr of the run that wrote the folder; asserts that every file is that run's, and that none is missing."""
    manifest = json.loads((out / "manifest.json").read_bytes())
    sums = {each["path"]: each["sha256"] for each in manifest["artifacts"]}
    files = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    assert files == {*sums, "manifest.json", "report.json"}
    for path, digest in sums.items():
        assert hashlib.sha256((out / path).read_bytes()).hexdigest() == digest, path
    return str(manifest["options"]["threshold"])
