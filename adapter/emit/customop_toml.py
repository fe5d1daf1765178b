"""customop.toml: the hard operators inserted at adapt, the image maker and the threshold filter."""

from __future__ import annotations

from collections.abc import Sequence

import tomli_w

from ...errors import AdaptError
from ...targets.types import Target
from ..artifact import Artifact
from ..report.types import Head

FILE = "customop.toml"
_PARTS = 3  # obj, reg, cls: the thresholded part comes first


def customop_toml(target: Target, heads: Sequence[Head], threshold: float) -> Artifact:
    """The hard operators' options; without [DetPost] where the filter does not take these heads.

    `threshold` is a score in (0, 1): the hardware compares codes with its logit. Raises AdaptError otherwise.
    """
    if not 0.0 < threshold < 1.0:
        raise AdaptError(f"the threshold {threshold:g} has no logit", hint="a score between 0 and 1")
    options: dict[str, dict[str, float]] = {"ImageMake": {}}
    if filter_refuses(target, heads) is None:
        options["DetPost"] = {
            "groups": len(heads) if target.postproc.groups == "levels" else _PARTS,
            "anchor_num": target.postproc.anchor_num,
            "position": target.postproc.position,
            "thr_f": threshold,
            "cmp_en": 1,
        }
    return Artifact(f"icraft/{FILE}", tomli_w.dumps(options).encode())


def filter_refuses(target: Target, heads: Sequence[Head]) -> str | None:
    """Why the hardware threshold filter does not take these heads, None where it does."""
    limits = target.postproc
    reasons = (limits.refuses(_PARTS + len(head.extra), head.classes, head.grid) for head in heads)
    return next((reason for reason in reasons if reason), None)
