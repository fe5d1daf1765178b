"""Two dumps of the same maps: aligned, and the first that differs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import AdaptError, Exit
from ...golden.layouts import aligned
from .difference import Difference
from .dump import DumpedMap

_SHOWN = 8


def two_dumps(a: Sequence[DumpedMap], b: Sequence[DumpedMap]) -> Difference:
    """In the order of A. Raises AdaptError: exit 2 for maps that cannot be aligned, exit 3 without a common name."""
    theirs = {each.key: each for each in b}
    common = [(each, theirs[each.key]) for each in a if each.key in theirs]
    if not common:
        names = ", ".join(each.name for each in (*a, *b)[:4])
        raise AdaptError("the dumps have no map in common", where=names, code=Exit.UNSUPPORTED)
    alone = [each.name for each in a if each.key not in theirs]
    alone += [each.name for each in b if each.key not in {ours.key for ours in a}]
    lines = [line for ours, other in common if (line := _difference(ours, other))]
    if alone:
        lines.append(f"in one of them only: {', '.join(alone)}")
    if not lines:
        return Difference((f"equal: all {len(common)} maps",), True)
    shown = [f"  {line}" for line in lines[1:_SHOWN]]
    more = [f"  and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return Difference((f"{len(lines)} differences; the first is {lines[0]}", *shown, *more), False)


def _difference(a: DumpedMap, b: DumpedMap) -> str:
    """How the two differ under the layout that fits best; "" where they do not."""
    pairs = _pairs(a, b)
    if not pairs:
        have, want = ("x".join(map(str, each.values.shape)) for each in (a, b))
        raise AdaptError(f"maps of {have} and {want} cannot be one map", where=a.name, hint="say their layouts in JSON")
    told = []
    for how, left, right in pairs:
        off = np.abs(left.astype(np.float64) - right.astype(np.float64))
        if not off.any():
            return ""
        told.append((float((off > 0).mean()), float(off.max()), how))
    share, largest, how = min(told)
    return f"{a.name}: {share:.2%} of the numbers differ, by {largest:.6g} at most ({how})"


def _pairs(a: DumpedMap, b: DumpedMap) -> list[tuple[str, NDArray[np.generic], NDArray[np.generic]]]:
    """Every way to lay the two over one another."""
    found = []
    if a.values.shape == b.values.shape and a.layout == b.layout:
        found.append(("as they are", a.values, b.values))
    for turned, (ours, theirs) in ((False, (a, b)), (True, (b, a))):
        shape = ours.values.shape
        if len(shape) == 4 and ours.layout in (None, "NCHW"):
            for each in aligned(theirs.values, shape, theirs.layout):
                pair = (each.values, ours.values) if turned else (ours.values, each.values)
                found.append((f"{theirs.name} read as {each.layout}", *pair))
    return found
