"""The command `icraft-adapt`: finds the subcommand and imports only that one."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import Exit
from ..version import __version__
from .failure import contain
from .screen import say
from .signals import all_like_ctrl_c

COMMANDS = ("adapt", "demo", "evaluate", "recover", "track", "record", "check", "diff", "targets", "rules")
OWN_OPTIONS = ("-h", "--help", "--version")
NAMES = {"help_option_names": ["-h", "--help"]}


class Commands(click.Group):
    """A group whose commands are imported when they are asked for; what is no command goes to `adapt`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of a user's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command from the module of its name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f".{cmd_name}", __package__), cmd_name)
        return command if isinstance(command, click.Command) else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`MODEL.onnx [options]` is `adapt MODEL.onnx [options]`; any other word gets a did-you-mean."""
        if args and args[0] not in (*COMMANDS, *OWN_OPTIONS):
            if not args[0].startswith("-"):
                from .suggest import must_exist

                must_exist(Path(args[0]), COMMANDS)
            args = ["adapt", *args]
        return super().parse_args(ctx, args)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401  (click's own)
    ) -> click.Context:
        """As ever, but for Ctrl-C: click would put an empty line before ours."""
        with _abort_on_ctrl_c():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (click's own)
        """As ever, but for Ctrl-C."""
        with _abort_on_ctrl_c():
            return super().invoke(ctx)


@contextlib.contextmanager
def _abort_on_ctrl_c() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise click.Abort from None


@click.group(cls=Commands, context_settings=NAMES)
@click.version_option(__version__, message="icraft-adapt %(version)s")
def icraft_adapt() -> None:
    """Make a trained YOLOX or ByteTrack network run on an Icraft NPU, and prove what was changed.

    `icraft-adapt MODEL.onnx [options]` is the main job, the same as `icraft-adapt adapt MODEL.onnx`.

    Exit codes: 0 fine; 1 a check or certificate failed; 2 wrong input or usage; 3 not supported or not
    provable; 70 a bug of ours; 130 Ctrl-C.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (default: sys.argv) and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with all_like_ctrl_c():
        return contain(lambda: _run(given), say)


def _run(given: list[str]) -> int:
    try:
        if not given:
            icraft_adapt(["--help"], prog_name="icraft-adapt", standalone_mode=False)
            return Exit.BAD_INPUT  # a script whose variable is empty must not pass
        return int(icraft_adapt(given, prog_name="icraft-adapt", standalone_mode=False) or Exit.FINE)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "icraft-adapt"
        say(f"{error.format_message()} (see {command} --help)")
        return error.exit_code
    except click.ClickException as error:
        say(error.format_message())
        return Exit.BAD_INPUT
    except click.Abort:
        say("interrupted")
        return Exit.INTERRUPTED
    except SystemExit:  # how click ends when the reader of stdout has gone (`| head`), which is no error
        return Exit.FINE if given else Exit.BAD_INPUT
