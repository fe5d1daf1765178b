"""What --activation auto measured: the curve of agreement against cost, and what each layer was worth."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ...report.mixture_types import MixtureOption, MixtureReport, MixtureSite
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: the option that was taken, and the damage of a plain LeakyReLU and of 1, 2, ... terms there alone.

    The damages are over the largest that a plain LeakyReLU does anywhere; None where no such sum was looked at.
    """

    anchor: str
    taken: MixtureOption
    leaky: float
    damages: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """The measured mixtures; `macs` and `vector` draw the agreement over either cost. `hinges` heads the columns."""

    told: MixtureReport
    macs: Markup
    vector: Markup
    hinges: tuple[int, ...]
    rows: tuple[Row, ...]


def build(story: Story) -> Curve | None:
    """Nothing in any other mode."""
    told = story.report.mixture
    if told is None:
        return None
    from ..mixture_plot import curve_plot  # only here: no other mode draws it

    agreements = [point.agreement for point in told.points]
    macs = [100 * point.extra_macs for point in told.points]
    vector = [point.vector_operations / 1e6 for point in told.points]
    hinges = tuple(sorted({option.hinges for site in told.sites for option in site.options}))
    most = max((site.leaky_damage for site in told.sites), default=0.0) or 1.0
    return Curve(
        told,
        curve_plot(macs, agreements, told.chosen, "agreement over extra multiply-accumulates, in percent"),
        curve_plot(vector, agreements, told.chosen, "agreement over extra vector operations, in millions"),
        hinges,
        tuple(_row(site, hinges, most) for site in told.sites),
    )


def _row(site: MixtureSite, hinges: tuple[int, ...], most: float) -> Row:
    least: dict[int, float] = {}
    for option in site.options:
        least[option.hinges] = min(option.damage, least.get(option.hinges, option.damage))
    damages = tuple(least[count] / most if count in least else None for count in hinges)
    return Row(site.anchor, site.options[site.chosen], site.leaky_damage / most, damages)


SECTION = Section(45, "mixture", "Mixture", build)
