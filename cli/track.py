"""Boxes to tracks with the tracker that ships: `icraft-adapt track`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import AdaptError
from .options import FOLDER, number, positive, score

if TYPE_CHECKING:
    from ..adapter.tracking_types import TrackRequest
    from .screen import Screen

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def not_negative(text: str) -> float:
    """A number from 0 up."""
    if (value := number(text)) < 0:
        raise click.BadParameter(f"{text} is below 0")
    return value


@click.command(short_help="Tracks with ids, from boxes or from pictures.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--detections", type=FILE, metavar="F", help="MOTChallenge rows: frame,id,x,y,w,h,score.")
@click.option("--images", type=FOLDER, metavar="DIR", help="The frames of a film, in the order of their names.")
@click.option("--out", type=click.Path(path_type=Path), metavar="F", help="Where the rows go.  [default: stdout]")
@click.option(
    "--fps", "frame_rate", type=positive, metavar="FLOAT", default="30", show_default=True, help="Frames per second."
)
@click.option(
    "--track-buffer",
    type=click.IntRange(0, 1_000_000),
    default=30,
    show_default=True,
    help="Frames for which a lost track is kept, at 30 frames per second.",
)
@click.option(
    "--track-thresh",
    type=score,
    metavar="FLOAT",
    default="0.5",
    show_default=True,
    help="A greater score is high: matched first, and a new track's.",
)
@click.option(
    "--match-thresh",
    type=positive,
    metavar="FLOAT",
    default="0.8",
    show_default=True,
    help="The cost 1 - IoU * score, up to 1, below which a track and a high box may match.",
)
@click.option(
    "--high-thresh",
    type=not_negative,
    metavar="FLOAT",
    help="The least score that starts a track.  [default: --track-thresh + 0.1]",
)
@click.option(
    "--fuse-score/--no-fuse-score",
    default=True,
    show_default=True,
    help="Whether the score counts in that cost; without, it is 1 - IoU (the reference's mot20).",
)
@click.option(
    "--min-box-area",
    type=not_negative,
    metavar="FLOAT",
    default="0",
    show_default=True,
    help="Only tracks whose box is larger are written, in pixels; 0: all.",
)
@click.option(
    "--max-aspect",
    type=not_negative,
    metavar="FLOAT",
    default="0",
    show_default=True,
    help="Only tracks of at most this width over height are written; 0: all.",
)
def track(folder: Path, detections: Path | None, images: Path | None, out: Path | None, **given: Any) -> int:  # noqa: ANN401
    """Track boxes with BYTE, as the C of the output folder DIR does.

    The boxes stand in a file, or the adapted network of DIR finds them. Rows, by frame, then id:
    frame,id,x,y,w,h,score,-1,-1,-1, with four decimals of a pixel.
    """
    from ..adapter.tracking_types import TrackRequest
    from ..postproc.track.options import TrackOptions
    from .worker import run_isolated

    if (detections is None) == (images is None):
        raise click.UsageError("give either --detections or --images")
    request = TrackRequest(folder, detections, images, TrackOptions(**given))
    return run_isolated(lambda screen: _track(request, out, screen), folder.name)


def _track(request: TrackRequest, out: Path | None, screen: Screen) -> int:
    from .screen import Bar
    from .suggest import must_exist

    must_exist(request.folder)
    if out is not None and request.detections is not None and out.resolve() == request.detections.resolve():
        raise AdaptError("holds the detections, which this run reads", where=str(out), hint="choose another --out")
    with Bar(screen) as bar:
        bar.stage("loading libraries")
        from ..adapter import tracking

        result = tracking.track(request, bar)
    text = "".join(f"{row}\n" for row in result.rows)
    if out is not None:
        _write(out, text)
    elif text:
        screen.show(text.removesuffix("\n"))
    for note in result.notes:
        screen.say(f"left out: {note}")
    screen.say(f"{result.frames} frames, {result.tracks} tracks, by {result.engine}")
    return 0


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AdaptError(f"cannot be written: {error.strerror}", where=str(out), hint="choose another --out") from error
