"""postproc/: the generated C of what follows the network, with its build files, self-tests and manual."""

from __future__ import annotations

from ...postproc.c.project import project
from ...postproc.c.render import c_prefix
from ...postproc.core.generator import Task, components
from ..artifact import Artifact
from ..compare import Golden
from ..facts import Facts
from ..postproc_task import Subject, float_task, integer_task

FOLDER = "postproc"


def postproc_files(facts: Facts, golden: Golden) -> tuple[Artifact, ...]:
    """The folder for this run: in integers where the network was simulated, else for float maps alone."""
    prepared, request = facts.prepared, facts.request
    subject = Subject(
        name=request.model.stem,
        sha256=prepared.digest.result(),
        reading=prepared.reading,
        size=prepared.input_shape[2:],
        preprocess=request.preprocess,
        target=facts.target,
        threshold=request.threshold,
    )
    if facts.simulation is None:
        return postproc_sources(float_task(subject, golden.adapted))
    return postproc_sources(integer_task(subject, facts.simulation.program, facts.simulation.codes))


def postproc_sources(task: Task) -> tuple[Artifact, ...]:
    """All files of the folder, sorted; none where the network's family has no decoder in C."""
    parts = components(task)
    if not parts:
        return ()
    files = project(task.name, c_prefix(task.name), task.provenance, parts)
    return tuple(Artifact(f"{FOLDER}/{name}", text.encode()) for name, text in files)
