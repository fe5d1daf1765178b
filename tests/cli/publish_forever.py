"""Publish generation after generation into one folder until killed: `OUT exchange|renames`."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from unittest import mock

from icraft_adapt.adapter.artifact import Artifact
from icraft_adapt.cli import folder

if __name__ == "__main__":
    if sys.argv[2] == "renames":
        mock.patch.object(folder, "exchange", return_value=False).start()
    names = ("manifest.json", "adapted.onnx", "golden/inputs.npz", "icraft/net.toml")
    for generation in itertools.count():
        data = f"{os.getpid()}.{generation}".encode() * 1000
        folder.publish([Artifact(name, data) for name in names], Path(sys.argv[1]), force=True)
