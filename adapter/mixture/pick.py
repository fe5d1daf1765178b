"""The mixture of least damage at a price: each site takes what its own damage is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .types import Option, Site

Picked = dict[str, Option]

_BISECTIONS = 40


def pick(sites: Sequence[Site], rate: float, most_macs: float = math.inf) -> Picked:
    """The options that minimise damage + rate * price, with multiply-accumulates made dearer until they fit.

    `rate` is damage a multiply-accumulate; where nothing fits `most_macs`, the options of the fewest are given.
    """
    if _macs(picked := _cheapest(sites, rate, 0.0)) <= most_macs:
        return picked
    low, high = 0.0, rate
    while _macs(picked := _cheapest(sites, rate, high)) > most_macs and high < rate * 1e12:
        low, high = high, high * 8
    for _ in range(_BISECTIONS if low < high else 0):
        middle = (low + high) / 2
        tried = _cheapest(sites, rate, middle)
        if _macs(tried) <= most_macs:
            picked, high = tried, middle
        else:
            low = middle
    return picked


def highest_rate(sites: Sequence[Site]) -> float:
    """Below this rate the first site begins to take more than its cheapest option."""
    rates = [
        (site.damage(site.options[0]) - site.damage(option)) / max(option.price.total - site.options[0].price.total, 1)
        for site in sites
        for option in site.options[1:]
    ]
    return max((rate for rate in rates if rate > 0), default=0.0)


def _cheapest(sites: Sequence[Site], rate: float, more: float) -> Picked:
    return {
        site.name: min(site.options, key=lambda o: site.damage(o) + rate * o.price.total + more * o.price.macs)
        for site in sites
    }


def _macs(picked: Picked) -> int:
    return sum(option.price.macs for option in picked.values())
