"""Each rewrite with its certificate and its numbers; below, where a rule nearly applied."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ....rewrites.core.rules import discover
from ...report.types import Rewrite
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Group:
    """All applications of one rule under one certificate; `worst` is the one with the largest relative difference."""

    rule: str
    does: str
    certificate: str
    applied: tuple[Rewrite, ...]
    worst: Rewrite


@dataclass(frozen=True, slots=True)
class Misses:
    """One reason for which one rule declined, and the nodes that stopped it."""

    rule: str
    reason: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rewrites:
    """By rule, in the order in which they first applied."""

    groups: tuple[Group, ...]
    misses: tuple[Misses, ...]


def build(story: Story) -> Rewrites:
    """Every application of every rule, grouped."""
    docs = {rule.name: rule.doc.partition("\n")[0] for rule in discover()}
    applied: defaultdict[tuple[str, str], list[Rewrite]] = defaultdict(list)
    for rewrite in story.report.rewrites:
        applied[rewrite.rule, rewrite.certificate].append(rewrite)
    groups = tuple(
        Group(rule, docs.get(rule, ""), certificate, tuple(found), max(found, key=lambda each: each.max_rel or 0.0))
        for (rule, certificate), found in applied.items()
    )
    declined: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for miss in story.report.declined:
        declined[miss.rule, miss.reason].append(miss.node)
    return Rewrites(groups, tuple(Misses(*key, tuple(nodes)) for key, nodes in declined.items()))


SECTION = Section(30, "rewrites", "Rewrites", build)
