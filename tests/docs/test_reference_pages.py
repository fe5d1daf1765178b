"""docs/reference/ says what the program says now, and leaves nothing out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

from icraft_adapt.adapter.emit.report_schema import PATH
from icraft_adapt.adapter.gate.baseline_json import PATH as BASELINE
from icraft_adapt.adapter.gate.dump import PATH as DUMP
from icraft_adapt.cli.main import COMMANDS, icraft_adapt
from icraft_adapt.docs import build_reference
from icraft_adapt.docs.build_reference import build, stale, written
from icraft_adapt.docs.reference_pages import limits, markdown, rules, signatures
from icraft_adapt.docs.reference_pages import schema as schemas
from icraft_adapt.errors import Exit
from icraft_adapt.rewrites.core.rule import Rule
from icraft_adapt.rewrites.core.rules import discover
from icraft_adapt.targets.limits import LIMITS, Check
from icraft_adapt.targets.loader import load_target, target_names
from icraft_adapt.targets.manual import describe
from icraft_adapt.tests.docs.pages import Page, read


@cache
def made(name: str) -> Page:
    """A page of the reference as it would be now."""
    return Page(name, build()[name])


def test_no_page_is_stale() -> None:
    difference = stale(build(), written())
    assert not difference, f"`make docs` brings it up to date:\n{difference}"


def test_two_builds_give_the_same_bytes() -> None:
    script = "from icraft_adapt.docs.build_reference import build; import json; print(json.dumps(build()))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] == json.dumps(build()) + "\n"


def test_a_stale_page_a_missing_one_and_one_too_many_are_a_diff() -> None:
    old, new = {"a.md": "one\n", "b.md": "two\n"}, {"a.md": "other\n", "c.md": "three\n"}
    difference = stale(new, old)
    for line in ("-one", "+other", "-two", "+three", "--- docs/reference/a.md"):
        assert line in difference.splitlines()
    assert stale(new, new) == ""


def test_writing_leaves_these_pages_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_reference, "FOLDER", tmp_path)
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "gone.md").write_text("x")
    made = {"index.md": "one\n", "targets/here.md": "two\n"}
    build_reference.write(made)
    assert written() == made


def test_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "a.md"
    monkeypatch.setattr(build_reference, "FOLDER", tmp_path)
    monkeypatch.setattr(build_reference, "build", lambda: {"a.md": "one\n"})
    page.write_text("two\n")
    monkeypatch.setattr(sys, "argv", ["build_reference.py", "--check"])
    assert build_reference.main() == 1
    assert "-two\n+one" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["build_reference.py"])
    assert build_reference.main() == 0
    assert page.read_text() == "one\n"
    monkeypatch.setattr(sys, "argv", ["build_reference.py", "--check"])
    assert build_reference.main() == 0


def test_every_rule_has_a_section_with_all_its_fields() -> None:
    page = made("rules.md")
    for rule in discover():
        assert tuple(rules.fields_of(rule.doc)) == rules.FIELDS, rule.name
        assert rule.name in page.headings
        for text in rules.fields_of(rule.doc).values():
            assert text in page.text


def test_a_new_rule_and_a_new_limit_appear(monkeypatch: pytest.MonkeyPatch) -> None:
    def added(node: object, bound: int) -> str:
        """At most {bound} of these."""
        return str(node) * bound

    first, *others = discover()
    monkeypatch.setattr(rules, "discover", lambda: (*others, replace(first, name="added_rule"), first))
    monkeypatch.setitem(LIMITS, "added_limit", Check("At most {bound} of these", int, added))
    assert "\n## added_rule\n" in rules.pages()["rules.md"]
    assert "\n## added_limit\n\nAt most *bound* of these." in limits.pages()["limits.md"]
    assert "No target states it." in limits.pages()["limits.md"]


def test_every_target_has_its_manual() -> None:
    for name in target_names():
        text = made(f"targets/{name}.md").text
        assert all(line in text.splitlines() for line in describe(load_target(name)))
        assert f"(targets/{name}.md)" in made("targets.md").text


def test_the_manual_says_every_number_of_the_arithmetic() -> None:
    target = load_target("icraft-v3-buyi")
    section = "\n".join(describe(target)).partition("## Arithmetic\n")[2].partition("\n## ")[0]
    known = target.arithmetic
    assert known is not None
    for field in fields(known):
        value = getattr(known, field.name)
        parts = astuple(value) if is_dataclass(value) else (value,)
        assert field.name == "widths" or all(str(part) in section for part in parts), field.name
    for bits, width in known.widths.items():
        (line,) = (line for line in section.splitlines() if line.startswith(f"- int{bits}:"))
        assert all(str(value) in line for value in astuple(width))


def test_every_limit_says_where_it_holds() -> None:
    page = made("limits.md")
    for name, check in LIMITS.items():
        assert name in page.headings
        assert check.sentence.replace("{bound}", "*bound*") in page.text
    for target in map(load_target, target_names()):
        for op, kept in target.npu.items():
            for limit in kept:
                section = page.text.partition(f"\n## {limit.name}\n")[2].partition("\n## ")[0]
                assert any(f"`{op}`" in line and target.name in line for line in section.splitlines())


def test_every_option_of_every_command_is_listed_with_its_meaning() -> None:
    text = made("command-line.md").text
    for name in COMMANDS:
        command = icraft_adapt.get_command(click.Context(icraft_adapt), name)
        assert command is not None
        section = text.partition(f"\n## icraft-adapt {name}\n")[2].partition("\n## ")[0]
        for option in (each for each in command.params if isinstance(each, click.Option)):
            (row,) = (line for line in section.splitlines() if f"| `{option.opts[0]}`" in line)
            assert option.help, f"{name} {option.opts[0]} has no help"
            assert row.split(" | ")[-1].rstrip(" |"), f"{name} {option.opts[0]} has no meaning"


@pytest.mark.parametrize(
    ("contract", "name"),
    [(PATH, "report.md"), (BASELINE, "baseline.md"), (DUMP, "baseline.md")],
    ids=lambda each: str(each)[-20:],
)
def test_every_field_of_the_schema_is_described(contract: Path, name: str) -> None:
    schema = json.loads(contract.read_text())
    undescribed = [path for path, field in _fields("", schema) if not field.get("description")]
    assert not undescribed
    page = made(name).text
    for path, _ in _fields("", schema):
        assert f"| `{path}` |" in page or f"\n## {path}\n" in page


def _fields(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}{name}", field
        yield from _fields(f"{path}{name}.", field)
        yield from _fields(f"{path}{name}[].", field.get("items", {}))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"const": "a/1"}, "`a/1`"),
        ({"enum": ["a", "b"]}, "`a`, `b`"),
        ({"type": "number", "minimum": 0}, "number ≥ 0"),
        ({"type": "array", "items": {"type": "integer", "minimum": 1}}, "list of integers ≥ 1"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of numbers"),
        ({"type": "object", "additionalProperties": False}, "object"),
    ],
)
def test_a_type_in_words(schema: dict[str, Any], words: str) -> None:
    assert schemas.kind_of(schema) == words


@pytest.mark.parametrize("name", ["README.md", "docs/ci.md", "docs/reference/exit-codes.md"])
def test_every_table_of_exit_codes_says_the_same(name: str) -> None:
    rows = [line.split(" | ") for line in read(name).text.splitlines()]
    told = {row[0].strip("| "): [cell.strip("| ") for cell in row[1:]] for row in rows}
    for each in Exit:
        assert each.meaning in told[str(int(each))], f"{name} on {each.name}"
    assert all(f"{int(each)} " in (icraft_adapt.help or "") for each in Exit)


def test_the_index_names_every_page_of_its_folder() -> None:
    links = made("index.md").links
    beside = {name for name in build() if "/" not in name} - {"index.md"}
    assert set(links) == beside | {"../index.md"}


def test_a_signature_as_it_stands_in_the_source() -> None:
    def short(a: int, *, b: str = "x") -> None: ...
    def many(
        one: tuple[int, ...], *others: dict[str, tuple[int, ...]], last: Exit = Exit.BUG, **rest: object
    ) -> None: ...

    assert signatures.signature(short) == "short(a: int, *, b: str = 'x') -> None"
    assert signatures.signature(many).splitlines()[-4:] == [
        "    *others: dict[str, tuple[int, ...]],",
        "    last: Exit = Exit.BUG,",
        "    **rest: object,",
        ") -> None",
    ]
    assert "| `rtol` | `float` | `1e-05` |" in signatures.fields_table(Rule)
    assert "| `FINE` | `0` |" in signatures.fields_table(Exit)
    assert [name for name, _, _ in signatures.members(Rule)] == ["doc"]


def test_a_bar_inside_a_cell_is_escaped() -> None:
    assert markdown.table(["a"], [["x | y"]])[-1] == "| x \\| y |"


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Accuracy fell", "accuracy-fell"),
        ("The file is not taken (exit 2)", "the-file-is-not-taken-exit-2"),
        ("a_b", "a_b"),
    ],
)
def test_an_anchor(heading: str, anchor: str) -> None:
    assert markdown.slug(heading) == anchor
    assert Page("a.md", f"# T\n\n## {heading}\n").headings == {"t", anchor}
