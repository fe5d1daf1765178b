"""Numbers as the page writes them."""

from __future__ import annotations

from math import isfinite

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(value: int) -> str:
    """1234567 as 1,234,567."""
    return f"{value:,}"


def large(value: float) -> str:
    """1234567 as 1.23 M."""
    unit, letter = next(((unit, letter) for unit, letter in _STEPS if abs(value) >= unit), (1, ""))
    return f"{value / unit:.3g} {letter}".rstrip()


def short(value: float | None) -> str:
    """Three significant digits, without leading zeros of an exponent: 0.0123, 1.2e-7; a dash for None."""
    if value is None:
        return "–"
    if not isfinite(value) or value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits}e{int(exponent)}"


def share(value: float) -> str:
    """A fraction of 1 in percent, three significant digits."""
    return f"{short(100 * value)}%"


def size(value: int) -> str:
    """Bytes as kB or MB (powers of ten)."""
    return f"{value / 1e6:.2f} MB" if value >= 1e6 else f"{value / 1e3:.1f} kB"


def visible(text: str) -> str:
    """The same with control and formatting characters made visible: names out of a model must not steer the reader."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
