"""The rules, applied to a fixpoint; the graph is checked after every sweep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import Decline
from ...graph.check import check
from ...graph.edit import Editor
from ...graph.walk import node_name
from .rule import Context, NearMiss, Rule, Step

_MOST_SWEEPS = 50


@dataclass(frozen=True, slots=True)
class Applied:
    """What the rules did, in order, and where one nearly applied in the end."""

    steps: tuple[Step, ...]
    near_misses: tuple[NearMiss, ...]


def run(context: Context, rules: Iterable[Rule]) -> Applied:
    """Sweep all rules over all nodes until none applies. Raises BrokenGraphError where a rule broke the graph."""
    ordered = tuple(rules)
    steps: list[Step] = []
    for _ in range(_MOST_SWEEPS):
        done, misses = _sweep(context, ordered)
        context.model.prune()
        check(context.model)
        steps += done
        if not done:
            return Applied(tuple(steps), tuple(dict.fromkeys(misses)))
    last = ", ".join(sorted({step.rule for step in done}))
    raise RuntimeError(f"the rules do not come to rest: {last} still apply after {_MOST_SWEEPS} sweeps")


def _sweep(context: Context, rules: tuple[Rule, ...]) -> tuple[list[Step], list[NearMiss]]:
    steps: list[Step] = []
    misses: list[NearMiss] = []
    for rule in rules:
        for node in [node for node in context.model.nodes if node.op in rule.ops]:
            if not node.outputs:
                continue  # edited away earlier in this sweep
            try:
                match = rule.match(node, context)
            except Decline as decline:
                stopped_at = node if decline.at is None else decline.at
                misses.append(NearMiss(rule.name, node_name(stopped_at), decline.reason))  # type: ignore[arg-type]
                continue
            if match is not None:
                steps.append(_apply(rule, match, context))
    return steps, misses


def _apply(rule: Rule, match: object, context: Context) -> Step:
    edit = Editor(context.model)
    rule.rewrite(edit, match)
    fit = rule.fit(match) if rule.fit else None
    names = (tuple(dict.fromkeys(edit.sites)), tuple(dict.fromkeys(edit.replaced)))
    return Step(rule.name, rule.certificate, rule.rtol, *names, edit.added, fit, edit.origins)
