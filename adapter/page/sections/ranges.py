"""Where maps are clipped: the chosen range over the histogram of the values."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from .. import words
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Range:
    """One layer's map: values from low to high, codes from -reach to reach; `loss` is its own error in dB."""

    anchor: str
    reach: float
    low: float
    high: float
    loss: float | None
    drawn: Markup


@dataclass(frozen=True, slots=True)
class Ranges:
    """The layers that lose most by themselves, the worst first."""

    ranges: tuple[Range, ...]
    saturation: str


def build(story: Story) -> Ranges | None:
    """Nothing where nothing was simulated."""
    simulation = story.facts.simulation
    if simulation is None or not simulation.clips:
        return None
    from ..integer_plots import range_plot  # a run without integers needs no plotting library

    own = {layer.name: layer.single.sqnr_db for layer in simulation.layers}
    ranges = []
    for clip in simulation.clips:
        anchor, seen = simulation.anchors[clip.layer], clip.histogram
        drawn = range_plot(seen, clip.reach, words.visible(f"values of {anchor} and the ends of its range"))
        ranges.append(Range(anchor, clip.reach, seen.low, seen.high, own[clip.layer], drawn))
    return Ranges(tuple(ranges), story.facts.request.saturation)


SECTION = Section(76, "ranges", "Ranges", build)
