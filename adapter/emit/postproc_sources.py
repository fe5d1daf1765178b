"""postproc/: the generated C of what follows the network, with its build files, self-tests and manual."""

from __future__ import annotations

from ...postproc.c.project import project
from ...postproc.c.render import c_prefix
from ...postproc.core.generator import Task, components
from ..artifact import Artifact

FOLDER = "postproc"


def postproc_sources(task: Task) -> tuple[Artifact, ...]:
    """All files of the folder, sorted; none where the network's family has no decoder in C."""
    parts = components(task)
    if not parts:
        return ()
    files = project(task.name, c_prefix(task.name), task.provenance, parts)
    return tuple(Artifact(f"{FOLDER}/{name}", text.encode()) for name, text in files)
