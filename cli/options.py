"""Options that commands share, and the readers of their values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..data.preprocess import Preprocess

Command = TypeVar("Command", bound=Callable[..., Any])
Channels = tuple[float, float, float]

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
OUTPUT_FOLDER = click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
BASELINE = click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path), metavar="F",
                        help="The baseline, outside DIR.  [default: ./icraft-baseline/<name>.json]")  # fmt: skip
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else there.")


def shape(text: str) -> tuple[int, ...]:
    """1x3xHxW as four positive integers."""
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*){3}", text.strip().lower(), re.ASCII):
        raise click.BadParameter(f"{text!r} is not of the form 1x3xHxW, like 1x3x416x416")
    return tuple(int(size) for size in text.lower().split("x"))


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise click.BadParameter(f"{text!r} is not a number")
    return value


def positive(text: str) -> float:
    """A number above 0."""
    if (value := number(text)) <= 0:
        raise click.BadParameter(f"{text} is not above 0")
    return value


def span(text: str) -> float:
    """Minutes: 0 or more."""
    if (value := number(text)) < 0:
        raise click.BadParameter(f"{text} is below 0")
    return value


def slope(text: str) -> float:
    """The negative half's slope: from 0 (ReLU) to below 1."""
    if not 0 <= (value := number(text)) < 1:
        raise click.BadParameter(f"{text} is not in [0, 1)")
    return value


def score(text: str) -> float:
    """A score strictly between 0 and 1, where its logit is finite."""
    if not 0 < (value := number(text)) < 1:
        raise click.BadParameter(f"{text} is not between 0 and 1")
    return value


def share(text: str) -> float:
    """20% or 0.2, as a fraction of 1."""
    value = number(text[:-1]) / 100 if text.endswith("%") else number(text)
    if not 0 <= value <= 1:
        raise click.BadParameter(f"{text} is not a share: write 20% or 0.2")
    return value


def excess(text: str) -> float:
    """50% or 0.5 or more than 1, as a multiple of 1."""
    value = number(text[:-1]) / 100 if text.endswith("%") else number(text)
    if value < 0:
        raise click.BadParameter(f"{text} is below 0: write 50% or 0.5")
    return value


def channels(text: str) -> Channels:
    """a,b,c as three numbers."""
    values = [number(part) for part in text.split(",")]
    if len(values) != 3:
        raise click.BadParameter(f"{text!r} is not three numbers a,b,c")
    return values[0], values[1], values[2]


def divisors(text: str) -> Channels:
    """a,b,c as three numbers other than 0."""
    values = channels(text)
    if 0 in values:
        raise click.BadParameter(f"{text}: the input is divided by these, and one is 0")
    return values


_BUDGET = (
    click.option("--min-agreement", type=share, metavar="SHARE", default="95%", show_default=True,
                 help="Agreement with the original that auto must reach on images that it has not fitted."),
    click.option("--max-extra-macs", type=excess, metavar="SHARE",
                 help="What auto may add to the multiply-accumulates, like 50%; no bound unless given."),
)  # fmt: skip

_REWRITING = (
    click.option("--target", metavar="NAME", default="icraft-v1.1", show_default=True,
                 help="A target (see `icraft-adapt targets`) or the path of a YAML."),
    click.option("--activation", type=click.Choice(["pwl", "leaky", "keep", "auto"]),
                 help="What becomes of an activation that the target lacks: pwl, a sum of LeakyReLUs (the "
                 "default there); leaky, a plain swap; keep (the default where the target runs it); auto, in each "
                 "layer the sum that it is worth, measured on --calib images."),
    click.option("--hinges", type=click.IntRange(1, 16), default=4, show_default=True,
                 help="Terms of the pwl sum."),
    click.option("--slope", type=slope, metavar="FLOAT", default="0.1", show_default=True,
                 help="Slope of leaky."),
    *_BUDGET,
    click.option("--input-shape", type=shape, metavar="1x3xHxW", help="The input of a model with dynamic axes."),
    click.option("--calib", "calibration", type=FOLDER, metavar="DIR",
                 help="Images like those in use: what is fitted is fitted to them."),
)  # fmt: skip

_PREPROCESSING = (
    click.option("--mean", type=channels, metavar="a,b,c",
                 help="Per channel: (x - mean) / scale.  [default: 0,0,0]"),
    click.option("--scale", type=divisors, metavar="a,b,c", help="See --mean.  [default: 1,1,1]"),
    click.option("--channels", type=click.Choice(["bgr", "rgb"]), help="Channel order.  [default: bgr]"),
    click.option("--resize", type=click.Choice(["letterbox", "stretch"]),
                 help="How a picture gets the input's size.  [default: letterbox]"),
    click.option("--pad", type=click.IntRange(0, 255), help="Grey of the letterbox.  [default: 114]"),
)  # fmt: skip

_QUANTISING = (
    click.option("--bits", type=click.Choice(["8", "16", "auto"]), default="8", show_default=True,
                 help="Width of the integers; auto is 8 with 16 for the layers that gain most by it."),
    click.option("--max-16bit-macs", type=share, metavar="SHARE", default="20%", show_default=True,
                 help="With --bits auto: the share of the multiply-accumulates that may take 16 bits."),
    click.option("--mix-precision", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
                 help="The width of single operators: a mix_precision.csv (op_id, type, dtype)."),
    click.option("--saturation", type=click.Choice(["aware", "kld", "ems", "null"]), default="aware",
                 show_default=True,
                 help="How a map's range is chosen; the compiler lacks aware and is told kld instead."),
    click.option("--per", type=click.Choice(["tensor", "channel"]), default="channel", show_default=True,
                 help="Scales of the weights: one a tensor, or one an output channel."),
    click.option("--thr", "threshold", type=score, metavar="FLOAT",
                 help="Score of the hardware's threshold filter.  [default: 0.1; of a folder: its own]"),
)  # fmt: skip


def rewriting(command: Command) -> Command:
    """Add the options that choose the target and the rewrites."""
    for option in reversed(_REWRITING):
        command = option(command)
    return command


def budgeted(command: Command) -> Command:
    """Add the options of --activation auto."""
    for option in reversed(_BUDGET):
        command = option(command)
    return command


def preprocessing(command: Command) -> Command:
    """Add the options that say how a picture becomes the input; all None where not given."""
    for option in reversed(_PREPROCESSING):
        command = option(command)
    return command


def quantising(command: Command) -> Command:
    """Add the options of the integer network."""
    for option in reversed(_QUANTISING):
        command = option(command)
    return command


def take_threshold(given: dict[str, Any]) -> dict[str, Any]:
    """The same without the filter's score where the user gave none."""
    return {name: value for name, value in given.items() if name != "threshold" or value is not None}


def take_preprocess(given: dict[str, Any]) -> Preprocess | None:
    """Move the preprocessing options out of `given`; None when the user gave none of them."""
    named = {name: given.pop(name) for name in ("mean", "scale", "channels", "resize", "pad")}
    said = {name: value for name, value in named.items() if value is not None}
    return Preprocess(**said) if said else None
