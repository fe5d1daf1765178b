"""--activation auto: how many LeakyReLUs each activation is worth, measured on images that no fit has seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ...errors import AdaptError
from ...targets.types import Target
from ..calibrate import Calibration
from ..prepare import Prepared
from ..progress import Progress
from ..request import Request
from .candidate import Bench
from .damage import damages
from .fits import TERMS, WIDE, Fits
from .pick import Picked, highest_rate, pick
from .price import price_of
from .types import Form, Mixture, Option, Point, Site

_PROBED = 2  # terms with which the heads' sensitivity is measured
_STEP = 8.0  # the rate falls by this until a mixture holds
_DESCENTS, _BISECTIONS = 8, 4


def choose(request: Request, target: Target, prepared: Prepared, seen: Calibration, progress: Progress) -> Mixture:
    """The cheapest mixture that was found to hold --min-agreement within --max-extra-macs.

    Raises AdaptError: exit 2 where no images could be held out, exit 3 where the original finds nothing on them.
    """
    if not seen.held_inputs:
        raise AdaptError("--activation auto measures on images that it does not fit", hint="give --calib more images")
    proto = prepared.model.to_proto()
    fits = _fits(target, prepared, seen)
    progress.stage("fitting the layers", len(fits))
    options = {}
    for name, each in fits.items():
        options[name] = _options(each, prepared, target)
        progress.advance()
    progress.stage("replacing one at a time", len(fits))
    probes = {name: (each.activation.output.name, each.sum("terms", _PROBED)) for name, each in fits.items()}
    fitted = [tensor for tensor in seen.inputs if not any(tensor is held for held in seen.held_inputs)]
    felt = damages(proto, prepared.reading, probes, fitted, progress)
    sites = tuple(
        Site(
            name,
            each.activation.output.name,
            felt[name] / max(each.sum("terms", _PROBED).error ** 2, 1e-12),
            each.leaky(request.slope),
            options[name],
        )
        for name, each in fits.items()
    )
    bench = Bench(proto, target, prepared.reading, seen.held_inputs, seen.held_heads)
    return _Search(request, fits, sites, bench, progress).run()


def _fits(target: Target, prepared: Prepared, seen: Calibration) -> dict[str, Fits]:
    """The activations that the target lacks and that are known, of feature maps; by their input tensors."""
    return {
        name: Fits(each, seen.cells[name], seen.histograms[name])
        for name, each in prepared.activations.items()
        if not target.runs_activation(each.name) and each.is_known and len(each.input.shape or ()) == 4
    }


def _options(fits: Fits, prepared: Prepared, target: Target) -> tuple[Option, ...]:
    """The cheapest first. A wide map is looked at only where it costs less than terms."""
    found = []
    for hinges in TERMS:
        price = price_of(fits.activation, prepared.model, "terms", fits.terms(hinges), target.vector_macs)
        found.append(Option(hinges, "terms", fits.error("terms", hinges), price))
        wide = price_of(fits.activation, prepared.model, "wide", hinges, target.vector_macs)
        if hinges in WIDE and wide.total < price.total:
            found.append(Option(hinges, "wide", fits.error("wide", hinges), wide))
    return tuple(sorted(found, key=lambda option: option.price.total))


class _Search:
    """Makes damage cheaper until a mixture holds, then dearer again as long as one does."""

    def __init__(
        self, request: Request, fits: Mapping[str, Fits], sites: tuple[Site, ...], bench: Bench, progress: Progress
    ) -> None:
        self._request, self._fits, self._sites, self._bench = request, fits, sites, bench
        self._progress = progress
        limit = request.max_extra_macs
        self._most_macs = math.inf if limit is None else limit * bench.macs
        self._allowed = self._most_macs
        self._measured: dict[tuple[tuple[int, Form], ...], int] = {}
        self._points: list[Point] = []
        self._picked: list[Picked] = []

    def run(self) -> Mixture:
        """Every mixture that was measured, and the one that was taken."""
        self._progress.stage("measuring mixtures", _DESCENTS + _BISECTIONS + 1)
        high = highest_rate(self._sites) * 1.01
        low = high
        while not self._holds(self._measure(low)) and low > high / _STEP**_DESCENTS:
            low /= _STEP
        high = low * _STEP
        for _ in range(_BISECTIONS if self._holds(len(self._points) - 1) else 0):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self._holds(self._measure(middle)) else (low, middle)
        return self._result()

    def _measure(self, rate: float) -> int:
        """The place of the mixture of this rate among those measured."""
        picked = pick(self._sites, rate, self._allowed)
        key = tuple((option.hinges, option.form) for option in picked.values())
        if key not in self._measured:
            sums = {name: self._fits[name].sum(option.form, option.hinges) for name, option in picked.items()}
            point = self._bench.measure(sums)
            self._measured[key] = len(self._points)
            self._points.append(point)
            self._picked.append(picked)
            self._learn(picked)
        self._progress.advance()
        return self._measured[key]

    def _learn(self, picked: Picked) -> None:
        """The errors of what was fitted on the way, in place of those foretold."""
        self._sites = tuple(
            replace(
                site,
                options=tuple(
                    replace(option, error=self._fits[site.name].error(option.form, option.hinges))
                    if option == picked[site.name]
                    else option
                    for option in site.options
                ),
            )
            for site in self._sites
        )

    def _holds(self, place: int) -> bool:
        point, limit = self._points[place], self._request.max_extra_macs
        return point.agreement >= self._request.min_agreement and (limit is None or point.extra_macs <= limit)

    def _result(self) -> Mixture:
        order = sorted(range(len(self._points)), key=lambda place: self._price(self._points[place]))
        held = [place for place in order if self._holds(place)]
        chosen = held[0] if held else max(order, key=lambda place: self._points[place].agreement)
        picked = self._picked[chosen]
        return Mixture(
            {name: self._fits[name].sum(option.form, option.hinges) for name, option in picked.items()},
            self._sites,
            picked,
            tuple(self._points[place] for place in order),
            order.index(chosen),
            self._bench.held_out,
            bool(held),
        )

    def _price(self, point: Point) -> float:
        return point.extra_macs * self._bench.macs + self._bench.target.vector_macs * point.vector_operations
