"""All rules: found by folder, sorted by their `after`, loud about anything wrong."""

from __future__ import annotations

from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pkgutil import iter_modules

from ... import rewrites
from .rule import Rule


@cache
def discover() -> tuple[Rule, ...]:
    """Every module of rewrites/ holds one RULE named like the module; dependencies first, else by name.

    Raises whatever an import raises, and TypeError or ValueError for a module without a rule or with a wrong name.
    """
    rules: dict[str, Rule] = {}
    for info in sorted(iter_modules(rewrites.__path__), key=lambda info: info.name):
        if info.ispkg:
            continue
        rule = getattr(import_module(f"{rewrites.__name__}.{info.name}"), "RULE", None)
        if not isinstance(rule, Rule) or rule.name != info.name:
            raise TypeError(f"rewrites/{info.name}.py must define RULE, a Rule of the name {info.name!r}")
        rules[rule.name] = rule
    unknown = {name for rule in rules.values() for name in rule.after} - rules.keys()
    if unknown:
        raise ValueError(f"a rule comes after {', '.join(sorted(unknown))}, which does not exist")
    sorter = TopologicalSorter({name: sorted(rule.after) for name, rule in sorted(rules.items())})
    return tuple(rules[name] for name in sorter.static_order())
