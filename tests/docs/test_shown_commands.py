"""Every command line that a page shows can be typed: the command, the options and their values exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from icraft_adapt.cli.main import COMMANDS, icraft_adapt
from icraft_adapt.tests.docs.pages import ROOT, Page, pages

_LINE = re.compile(r"(?:\.venv/bin/)?icraft-adapt\s+(?!and\b|the\b)([^|>&;#`]*)")
_PLACEHOLDERS = {"[options]", "[OPTIONS]"}


def shown(page: Page) -> Iterator[str]:
    """What follows `icraft-adapt` in the page's code, up to a pipe, a redirection or a comment."""
    for line in page.code_lines:
        found = _LINE.match(line)
        if found and not line.startswith("icraft-adapt:"):
            yield found[1].strip()


def wrong_with(line: str) -> str:
    """What the command line would say against these arguments, files and folders taken for granted."""
    words = [word.strip("[]") for word in shlex.split(line) if word not in _PLACEHOLDERS]
    usage = len(words) == 1 or "--help" in words or words != shlex.split(line)  # no call, but a name or a form
    words = words if words[0] in COMMANDS or words[0] in ("--help", "--version", "-h") else ["adapt", *words]
    group = click.Context(icraft_adapt, **icraft_adapt.context_settings)
    command = icraft_adapt.get_command(group, words[0]) or icraft_adapt
    context = click.Context(command, info_name=words[0], parent=group)
    try:
        given, rest, _ = command.make_parser(context).parse_args(words[command is not icraft_adapt :])
        for option in command.params:
            value = given.get(option.name or "")
            if isinstance(value, str) and not isinstance(option.type, click.Path):
                option.type.convert(value, option, context)
            if option.required and not isinstance(value, str) and not usage:
                return f"missing {option.name}"
    except click.UsageError as error:
        return error.format_message()
    return f"unexpected {' '.join(rest)}" if rest else ""


@pytest.mark.parametrize("page", [page for page in pages() if any(shown(page))], ids=lambda page: page.name)
def test_every_command_line_parses(page: Page) -> None:
    assert not {line: wrong for line in shown(page) if (wrong := wrong_with(line))}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_option_named_exists(page: Page) -> None:
    options = [option for command in _commands() for option in command.params]
    known = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    known |= {"--help", "--version", "--check"}  # the last is that of docs/build_reference.py
    named = {name for span in re.findall(r"`(--[^`]+)`", page.prose) for name in re.findall(r"--[\w-]+", span)}
    assert not named - known


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_script_and_every_make_target_exists(page: Page) -> None:
    makefiles = [ROOT / "Makefile", ROOT / "postproc" / "templates" / "project" / "Makefile.j2"]
    targets = {name for file in makefiles for name in re.findall(r"^([a-z]+):", file.read_text(), re.MULTILINE)}
    for line in page.code_lines:
        words = line.split()
        if words[:1] == ["make"]:
            asked = words[1 : words.index("#") if "#" in words else None]
            assert {word for word in asked if "=" not in word} <= targets, line
        if len(words) > 1 and words[0].endswith("python") and words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file(), line


def _commands() -> list[click.Command]:
    found = [icraft_adapt.get_command(click.Context(icraft_adapt), name) for name in COMMANDS]
    return [command for command in found if command is not None]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("MODEL.onnx [options]", ""),
        ("model.onnx --calib images/ --hinges 6 --json", ""),
        ("targets [NAME]", ""),
        ("evaluate model.icraft --images val/ --stage adapted", ""),
        ("--help", ""),
        ("evaluate --help", ""),
        ("evaluate", ""),
        ("evaluate [OPTIONS] MODEL_OR_DIR", ""),
        ("evaluate model.icraft", "missing images"),
        ("model.onnx --hinge 6", "No such option"),
        ("model.onnx --hinges 99", "99 is not in the range"),
        ("model.onnx --mean 1,2", "is not three numbers"),
        ("model.onnx other.onnx", "unexpected other.onnx"),
        ("evaluate --images val/", "missing model_or_dir"),
    ],
)
def test_finds_a_wrong_line(line: str, wrong: str) -> None:
    assert wrong in wrong_with(line)
    assert bool(wrong) == bool(wrong_with(line))


def test_finds_lines_in_every_kind_of_code() -> None:
    text = (
        "See `icraft-adapt a --b`.\n\n    .venv/bin/icraft-adapt c > d\n\n```bash\nicraft-adapt e \\\n --f | g\n```\n"
    )
    assert sorted(shown(Page("a.md", text))) == ["a --b", "c", "e   --f"]
