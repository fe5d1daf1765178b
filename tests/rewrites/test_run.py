"""The fixpoint and the folder of rules: loud about what never rests, is broken, or is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from icraft_adapt import rewrites
from icraft_adapt.errors import Decline
from icraft_adapt.graph.check import BrokenGraphError
from icraft_adapt.graph.edit import Editor
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.nodes import Node
from icraft_adapt.rewrites.core.rule import Context, NearMiss, Rule
from icraft_adapt.rewrites.core.rules import discover
from icraft_adapt.rewrites.core.run import run
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.rewrites.harness import network

RULES = Path(rewrites.__file__).parent


def context(body: str = "a = Relu(x) y = Neg(a)") -> Context:
    return Context(Model.from_proto(network("float[1,3,4,4] x", "y", body), "model"), load_target("icraft-v3-buyi"))


def swap(edit: Editor, node: Node) -> None:
    edit.supersede(node.outputs[0], {"Relu": "Abs", "Abs": "Relu"}[node.op], node.inputs, {})


SWAP = Rule("swap", frozenset({"Relu", "Abs"}), lambda node, _: node, swap)


def test_rules_that_never_rest_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="do not come to rest: swap still apply after 50 sweeps"):
        run(context(), [SWAP])


def test_a_rule_that_breaks_the_graph_is_an_error() -> None:
    def cut(edit: Editor, node: Node) -> None:
        if node.inputs[0].outputs:
            list.clear(node.inputs[0].outputs)

    with pytest.raises(BrokenGraphError):
        run(context(), [replace(SWAP, rewrite=cut)])


def test_a_rule_that_fails_is_not_skipped() -> None:
    def fail(node: Node, _: Context) -> None:
        raise ZeroDivisionError(node.op)

    with pytest.raises(ZeroDivisionError):
        run(context(), [replace(SWAP, match=fail)])


def test_a_decline_is_a_near_miss_at_the_node_that_stopped_it() -> None:
    def decline(node: Node, _: Context) -> None:
        raise Decline("not today", at=node.inputs[0].inputs[0] if node.op == "Neg" else None)

    rule = Rule("choosy", frozenset({"Neg", "Relu"}), decline, swap)
    proto = network("float[1,3,4,4] x", "y", "a = Relu(x) y = Neg(a)")
    proto.graph.node[0].name = "the relu"
    applied = run(Context(Model.from_proto(proto, "model"), load_target("icraft-v3-buyi")), [rule])
    assert applied.near_misses == (NearMiss("choosy", "the relu", "not today"),)
    assert applied.steps == ()


def test_a_step_tells_what_it_did() -> None:
    once = replace(SWAP, ops=frozenset({"Relu"}))
    (step,) = run(context(), [once]).steps
    assert (step.rule, step.sites, step.added, len(step.nodes)) == ("swap", ("a",), 1, 1)


def test_every_rule_of_the_folder_is_found_behind_what_it_comes_after() -> None:
    found = discover()
    names = [rule.name for rule in found]
    assert sorted(names) == sorted(path.stem for path in RULES.glob("*.py") if path.stem != "__init__")
    for rule in found:
        assert all(names.index(earlier) < names.index(rule.name) for earlier in rule.after)
        assert rule.ops


@pytest.mark.parametrize("rule", discover(), ids=lambda rule: rule.name)
def test_a_rule_documents_itself(rule: Rule) -> None:
    title, _, rest = rule.doc.partition("\n\n")
    assert title.endswith(".")
    assert "\n" not in title
    words = ["Before:", "After:", "Declines:", "Numerics:"]
    assert [rest.index(word) for word in words] == sorted(rest.index(word) for word in words)


@pytest.fixture
def another_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file beside the rules; the folder itself stays as it is."""
    monkeypatch.setattr(rewrites, "__path__", [*rewrites.__path__, str(tmp_path)])
    discover.cache_clear()
    yield tmp_path / "aardvark.py"
    discover.cache_clear()
    sys.modules.pop(f"{rewrites.__name__}.aardvark", None)


HEAD = f"""
from {rewrites.__name__}.core.rule import Rule
def match(node, context): return None
def rewrite(edit, found): pass
"""


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("", TypeError, "aardvark.py must define RULE"),
        ("RULE = 'a rule'", TypeError, "aardvark.py must define RULE"),
        (f"{HEAD}RULE = Rule('ant', frozenset(), match, rewrite)", TypeError, "a Rule of the name 'aardvark'"),
        (f"{HEAD}RULE = Rule('aardvark', frozenset(), match, rewrite, after={{'bee'}})", ValueError, "after bee"),
        (f"{HEAD}RULE = Rule('aardvark', frozenset(), match, rewrite, after={{'aardvark'}})", ValueError, "cycle"),
        ("import no_such_library", ImportError, "no_such_library"),
    ],
)
def test_a_file_that_holds_no_proper_rule_is_loud(
    another_rule: Path, source: str, error: type[Exception], message: str
) -> None:
    another_rule.write_text(source)
    with pytest.raises(error, match=message):
        discover()


def test_a_file_is_all_that_a_new_rule_needs(another_rule: Path) -> None:
    another_rule.write_text(f"{HEAD}RULE = Rule('aardvark', frozenset(), match, rewrite, after={{'split_heads'}})")
    names = [rule.name for rule in discover()]
    assert names.index("aardvark") > names.index("split_heads")
