"""What --activation auto measured, for the report."""

from __future__ import annotations

from ..facts import Facts
from ..mixture.types import Mixture, Site
from .mixture_types import MixtureOption, MixturePoint, MixtureReport, MixtureSite
from .numbers import short


def mixture_of(facts: Facts) -> MixtureReport | None:
    """The points by what they cost, and every activation with its options; None where nothing was chosen."""
    mixture, request = facts.mixture, facts.request
    if mixture is None:
        return None
    return MixtureReport(
        mixture.held_out,
        request.min_agreement,
        request.max_extra_macs,
        facts.target.vector_macs,
        mixture.chosen,
        tuple(MixturePoint(short(p.extra_macs), p.vector_operations, short(p.agreement)) for p in mixture.points),
        tuple(_site(facts, mixture, site) for site in mixture.sites),
    )


def _site(facts: Facts, mixture: Mixture, site: Site) -> MixtureSite:
    picked = mixture.picked[site.name]
    places = [(option.hinges, option.form) for option in site.options]
    return MixtureSite(
        facts.anchor((site.output,)),
        places.index((picked.hinges, picked.form)),
        short(site.sensitivity * site.leaky),
        tuple(
            MixtureOption(each.hinges, each.form, short(site.damage(each)), each.price.macs, each.price.vector)
            for each in site.options
        ),
    )
