"""The choice among a level's candidates: what the output proves, and where it leaves two, what provenance says."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import Decline
from ...graph.reading import Level
from .frontier import Frontier
from .proof import Trial

_ROLES = {"reg": ("box", "decoded"), "obj": ("objectness", "through a sigmoid"), "cls": ("class", "through a sigmoid")}


def choose(frontier: Frontier, trials: Sequence[Trial]) -> Trial:
    """The one trial that explains the level's part of the output and that provenance does not contradict.

    Declines, with the reason, where there is none or more than one.
    """
    proven = _proven(trials)
    stride = proven[0].level.stride
    kept = [trial for trial in proven if not _contradicts_provenance(frontier, trial.level)]
    if not kept:
        raise Decline(
            f"stride {stride}: the output has objectness where the class branch ends and classes where the box branch"
            " ends (swapped?)"
        )
    best = [trial for trial in kept if _is_box_branch(frontier, trial.level)] or kept
    if len(best) > 1:
        choices = {role: sorted({getattr(trial.level, role) for trial in best}) for role in _ROLES}
        role, names = next((role, names) for role, names in choices.items() if len(names) > 1)
        raise Decline(
            f"stride {stride}: {' and '.join(names)} can both be the {_ROLES[role][0]} map, the output fits each"
        )
    return best[0]


def _proven(trials: Sequence[Trial]) -> list[Trial]:
    stride = trials[0].level.stride
    shown = [trial for trial in trials if not trial.missing]
    if not shown:
        closest = min(trials, key=lambda trial: trial.worst)
        role = closest.missing[0]
        name, worked = _ROLES[role]
        far = closest.shown[role].relative
        off = f", off by {far:.3g} of its spread" if far < float("inf") else ""
        raise Decline(f"stride {stride}: the output shows the {name} map neither raw nor {worked}{off}")
    alike = [trial for trial in shown if trial.shown["obj"].inside == trial.shown["cls"].inside]
    if not alike:
        raise Decline(f"stride {stride}: of objectness and classes, only one passes a sigmoid")
    return alike


def _contradicts_provenance(frontier: Frontier, level: Level) -> bool:
    """Classes have a branch of their own, wherever the level has more branches than one."""
    box = frontier.source(level.reg)
    return frontier.source(level.cls) == box and any(frontier.source(name) != box for _, name in level.roles)


def _is_box_branch(frontier: Frontier, level: Level) -> bool:
    """Objectness comes from the branch of the box, as in every published YOLOX."""
    return frontier.source(level.obj) == frontier.source(level.reg)
