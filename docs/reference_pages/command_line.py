"""command-line.md: every command and option."""

from __future__ import annotations

import inspect
import re

import click

from icraft_adapt.cli.main import icraft_adapt
from icraft_adapt.docs.reference_pages.markdown import code, document, link, table

_DEFAULT = re.compile(r" *\[default: (.*)\]$")


def pages() -> dict[str, str]:
    """The page, by its name."""
    with click.Context(icraft_adapt, info_name="icraft-adapt", **icraft_adapt.context_settings) as context:
        found = [icraft_adapt.get_command(context, name) for name in icraft_adapt.list_commands(context)]
        commands = [command for command in found if command is not None]
        rows = [(link(f"icraft-adapt {c.name}", "", f"icraft-adapt {c.name}"), c.short_help or "") for c in commands]
        overview = [*_text(icraft_adapt), "", *table(("command", "what it does"), rows)]
        asked = ", ".join(code(name) for name in context.help_option_names)
        overview += ["", *_options(icraft_adapt, context), "", f"Each, and the command itself, has {asked}."]
        sections = [_section(command, context) for command in commands]
    return {"command-line.md": document("The command line", "the commands in `cli/`", overview, *sections)}


def _section(command: click.Command, parent: click.Context) -> list[str]:
    with click.Context(command, info_name=command.name, parent=parent) as context:
        usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
        options = _options(command, context)
    return [f"## icraft-adapt {command.name}", "", code(usage), "", *_text(command), "", *options]


def _options(command: click.Command, context: click.Context) -> list[str]:
    """The table of its options but for the help, which click adds to all."""
    shown = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    rows = [_row(each, context) for each in shown if "--help" not in each.opts]
    return table(("option", "value", "default", "meaning"), rows) if rows else []


def _text(command: click.Command) -> list[str]:
    """The command's help, without click's marks against wrapping."""
    return inspect.cleandoc(command.help or "").replace("\b\n", "").splitlines()


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str, str]:
    names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
    words = option.help or ""
    said = _DEFAULT.search(words)
    return names, code(_value(option, context)), _default(option, said), _DEFAULT.sub("", words)


def _value(option: click.Option, context: click.Context) -> str:
    """What stands behind the option; nothing behind a flag."""
    if option.is_flag or not option.expose_value:
        return ""
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    if isinstance(option.type, click.IntRange):
        return f"{option.type.min}..{option.type.max}"
    return option.make_metavar(context)


def _default(option: click.Option, said: re.Match[str] | None) -> str:
    if option.required:
        return "required"
    if said is not None:
        return code(said[1])
    if option.secondary_opts:
        return code((option.opts if option.default else option.secondary_opts)[0])
    return code(str(option.default)) if option.show_default else ""
