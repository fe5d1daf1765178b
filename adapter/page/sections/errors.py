"""What each layer loses: the original, the adapted and the integer network side by side."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ...report.types import LayerError
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Layers:
    """`drawn` shows all layers in the order of the computation."""

    layers: tuple[LayerError, ...]
    drawn: Markup


def build(story: Story) -> Layers | None:
    """Nothing where nothing was simulated."""
    layers = story.report.layers
    if layers is None:
        return None
    from ..integer_plots import error_plot  # a run without integers needs no plotting library

    columns = {
        "rewriting": [layer.adapted.sqnr_db if layer.adapted is not None else None for layer in layers],
        "single": [layer.integer_single.sqnr_db for layer in layers],
        "accumulated": [layer.integer_accumulated.sqnr_db for layer in layers],
    }
    return Layers(layers, error_plot(columns, "signal over error, in dB, layer by layer"))


SECTION = Section(74, "errors", "Errors", build)
