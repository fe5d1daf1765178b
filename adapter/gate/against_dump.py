"""A board's dump against the simulation: the first layer that differs, and the cause that explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import AdaptError, Exit
from ...golden.engine.fast import FastEngine
from ...golden.fixed import Codes
from ...golden.layouts import SWAPPED
from ...golden.program import Program
from ..progress import Progress
from .causes import Cause, causes
from .difference import Difference
from .dump import DumpedMap, plain
from .gaps import Expected, Gap, gaps
from .golden_folder import INPUTS, GoldenFolder

_SHOWN = 8
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """A cause and the gaps that are left when the board is simulated with it."""

    words: str
    gaps: tuple[Gap, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing is left."""
        return all(each.is_equal for each in self.gaps)

    @property
    def rank(self) -> tuple[int, float]:
        """Lower is nearer: by how many maps differ, then by how unlike they are."""
        return sum(not each.is_equal for each in self.gaps), sum(1 - each.cosine for each in self.gaps)


def against_dump(golden: GoldenFolder, dump: Sequence[DumpedMap], progress: Progress) -> Difference:
    """Raises AdaptError: exit 2 for maps of impossible shapes, exit 3 where no map is one of the network's."""
    names = names_of(golden, dump)
    progress.stage("simulating")
    base = Trial("", _simulated(golden, golden.program, golden.codes, names, dump))
    unknown = sorted({each.name for each in dump} - {each.name for each in dump if each.key in names})
    ignored = [f"not of this network: {', '.join(unknown)}"] if unknown else []
    if base.fits:
        told = _swapped(base) or f"equal: all {len(base.gaps)} maps are the simulation's, code by code"
        return Difference((told, *_layouts(base), *ignored), not _swapped(base))
    found = list(causes(golden))
    progress.stage("trying the usual causes", len(found))
    trials = []
    for cause in found:
        trials.append(_trial(golden, cause, names, dump))
        progress.advance()
    return Difference((*_told(base, trials), *ignored), False)


def names_of(golden: GoldenFolder, dump: Sequence[DumpedMap]) -> Mapping[str, str]:
    """The program's map for each dumped one, by the dump's key, in the order of computation.

    A map is named by its anchor, its tensor or its output; the input by its name, `input` or `images`.
    """
    image = golden.program.input.name
    known = {plain(each): image for each in (image, "input", "images")}
    for layer in golden.program.layers:
        known[plain(layer.name)] = layer.name
    for name, anchor in golden.anchors.items():
        known.setdefault(plain(anchor), name)
    order = {name: index for index, name in enumerate((image, *golden.anchors))}
    there = {each.key: known[each.key] for each in dump if each.key in known}
    if not there:
        what = f"none of its {len(dump)} maps is one of the network's"
        hint = "name them by anchors (report.json, layers) or outputs"
        raise AdaptError(what, where=", ".join(each.name for each in dump[:3]), hint=hint, code=Exit.UNSUPPORTED)
    return dict(sorted(there.items(), key=lambda item: order[item[1]]))


def _trial(golden: GoldenFolder, cause: Cause, names: Mapping[str, str], dump: Sequence[DumpedMap]) -> Trial:
    return Trial(cause.words, _simulated(golden, cause.program, cause.codes, names, dump))


def _simulated(
    golden: GoldenFolder, program: Program, codes: Codes, names: Mapping[str, str], dump: Sequence[DumpedMap]
) -> tuple[Gap, ...]:
    """The gaps between the dump and this program on this input."""
    image, formats = program.input.name, program.formats()
    inside = [name for name in dict.fromkeys(names.values()) if name != image]
    maps = {image: codes, **(FastEngine(program).run(codes, inside).maps if inside else {})}
    anchors = {image: "input", **golden.anchors}
    expected = {key: Expected(anchors[name], maps[name], formats[name].normratios) for key, name in names.items()}
    return gaps(dump, expected)


def _told(base: Trial, trials: Sequence[Trial]) -> list[str]:
    """The verdict, the cause, and the maps."""
    differing = [each for each in base.gaps if not each.is_equal]
    first = differing[0]
    lines = [f"{len(differing)} of {len(base.gaps)} maps differ; the first is {first.anchor}: {first.words}"]
    fitting = [trial for trial in trials if trial.fits]
    if fitting:
        lines.append(f"cause: {' or '.join(trial.words for trial in fitting)}: simulated so, every map is the dump's")
    elif all(each.layout.endswith(SWAPPED) for each in base.gaps):
        lines.append(f"{_swapped(base)}; what is left then has another cause")
    else:
        near = sorted(trials, key=lambda trial: trial.rank)
        near = [trial for trial in near if trial.rank < base.rank][:_NEAR]
        lines.append(f"cause: none of the {len(trials)} usual ones explains every map")
        lines += [f"  nearer with: {trial.words}: {_left(trial)}" for trial in near]
    lines += [f"  {each.anchor}: {each.words}" for each in differing[1:_SHOWN]]
    if len(differing) > _SHOWN:
        lines.append(f"  and {len(differing) - _SHOWN} more")
    return [*lines, *_layouts(base), f"the board must have been given the picture of {INPUTS}"]


def _left(trial: Trial) -> str:
    differing = [each for each in trial.gaps if not each.is_equal]
    return f"{len(differing)} of {len(trial.gaps)} maps still differ, {differing[0].anchor} first"


def _swapped(trial: Trial) -> str:
    """Said where a map fits with H and W swapped only."""
    turned = [each for each in trial.gaps if each.layout.endswith(SWAPPED)]
    return f"cause: H and W are swapped in the dump, in {len(turned)} of {len(trial.gaps)} maps" if turned else ""


def _layouts(trial: Trial) -> list[str]:
    used = dict.fromkeys(each.layout for each in trial.gaps)
    return [f"read as {' and '.join(used)}"]
