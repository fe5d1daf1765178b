"""Numbers as the report holds them."""

from __future__ import annotations


def short(value: float) -> float:
    """Four significant digits: what a measurement is worth, and the same bytes whatever the number of threads."""
    return float(f"{value:.4g}")
