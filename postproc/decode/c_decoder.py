"""The generated decoder, compiled here and called with numpy arrays: the C that will run on the board decides."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...data.detections import Detections
from ..c.library import FLAGS, load_library
from ..c.project import library
from ..c.render import c_prefix
from .c_structures import CCounts, CMap, CMaps, COptions, CRecords, Status, declare
from .records import Maps, Records
from .reference import Decoded
from .sources import yolox_component
from .values import ROLES, DecodeOptions, DecodeValues

Layout = Literal["nhwc", "nchw"]
_LAYOUTS: Mapping[str, int] = {"nhwc": 0, "nchw": 1}
_ROW = np.dtype([("box", "<f4", 4), ("score", "<f4"), ("class_id", "<u4"), ("anchor", "<u4")])  # ..._post_detection


class DecodeError(ValueError):
    """The C refused its input: `status`, and the level and item where."""

    def __init__(self, status: Status, level: int, item: int) -> None:
        super().__init__(f"{status.name} at level {level}, item {item}")
        self.status = status
        self.level = level
        self.item = item


class CDecoder:
    """One model's decoder. Not for several threads at once: a decoder has one workspace.

    Raises AdaptError (exit 3) where there is no C compiler.
    """

    def __init__(self, values: DecodeValues, capacity: int | None = None, flags: Sequence[str] = FLAGS) -> None:
        """`capacity`: detections that fit into the result, None: as many as candidates fit into the workspace."""
        prefix = c_prefix(values.name)
        symbol = f"{prefix}_post"
        self.values = values
        self._library = load_library(library(yolox_component(values)), flags)
        declare(self._library, symbol)
        self._symbol = symbol
        self._workspace = ctypes.create_string_buffer(self._function("workspace_size")())
        self._rows = np.zeros(values.capacity if capacity is None else capacity, _ROW)

    def defaults(self) -> DecodeOptions:
        """The options that the generated code is born with."""
        options = COptions()
        self._function("defaults")(options)
        return DecodeOptions(options.score, options.iou)

    def fit(self, picture_wh: tuple[int, int]) -> tuple[float, float]:
        """The ratio (x, y) for a picture of this size. Raises DecodeError for one without pixels."""
        options = COptions()
        status = Status(self._function("fit")(options, *picture_wh))
        if status is not Status.OK:
            raise DecodeError(status, 0, 0)
        return options.ratio_x, options.ratio_y

    def records(self, records: Sequence[Records], options: DecodeOptions) -> Decoded:
        """Boxes from the records of the hardware threshold filter, [count, length] for each level."""
        rows = [np.ascontiguousarray(r, f"<i{self.values.record.bits // 8}") for r in records]
        count = [row.size // self.values.record.length for row in rows]
        levels = (CRecords * len(rows))(
            *(CRecords(row.ctypes.data, row.nbytes, n) for row, n in zip(rows, count, strict=True))
        )
        return self.call("from_records", options, levels)

    def codes(
        self, maps: Maps, options: DecodeOptions, layout: Layout = "nchw", padding: Mapping[str, int] | None = None
    ) -> Decoded:
        """Boxes from raw integer maps [1, c, h, w] by output name, handed over in this layout; `padding`: elements
        added to the inner dimension of each role's maps.
        """
        kept = list(self._lay_out(maps, layout, padding or {}))
        return self.call("from_codes", options, self._maps(kept, layout))

    def floats(
        self, maps: Maps, options: DecodeOptions, layout: Layout = "nhwc", padding: Mapping[str, int] | None = None
    ) -> Decoded:
        """Boxes from float maps [1, c, h, w] by output name, handed over in this layout; `padding` as for codes."""
        floats = {name: np.asarray(array, np.float32) for name, array in maps.items()}
        kept = list(self._lay_out(floats, layout, padding or {}))
        return self.call("from_floats", options, self._maps(kept, layout))

    def boxes(self, boxes: Detections, options: DecodeOptions) -> Decoded:
        """Suppression and what follows for boxes in pixels of the input."""
        rows = np.zeros(len(boxes), _ROW)
        rows["box"], rows["score"], rows["class_id"] = boxes.boxes, boxes.scores, boxes.classes
        return self.call("from_boxes", options, rows.ctypes.data, len(rows))

    def call(self, function: str, options: DecodeOptions, *inputs: object) -> Decoded:
        """Call one of the C's functions. Raises DecodeError for what it refuses."""
        counts = CCounts()
        given = _c_options(options)
        rows = self._rows
        status = Status(self._function(function)(*inputs, given, self._workspace, rows.ctypes.data, len(rows), counts))
        if status > Status.TRUNCATED:
            raise DecodeError(status, counts.level, counts.item)
        found = rows[: counts.written].copy()
        return Decoded(
            Detections(found["box"], found["score"], found["class_id"].astype(np.int64)),
            found["anchor"].astype(np.int64),
            counts.candidates,
            counts.survivors,
            truncated=status is Status.TRUNCATED,
        )

    def _function(self, name: str) -> Callable[..., int]:
        return getattr(self._library, f"{self._symbol}_{name}")  # type: ignore[no-any-return]

    def _lay_out(self, maps: Maps, layout: Layout, padding: Mapping[str, int]) -> Iterator[NDArray[Any]]:
        """Each level's obj, reg and cls as rows in memory, padded at their ends."""
        for level, names in enumerate(self.values.outputs()):
            for role, name in zip(ROLES, names, strict=True):
                planes = maps[name].reshape(maps[name].shape[1], -1)
                rows = planes if layout == "nchw" else planes.T
                dtype = rows.dtype
                if np.issubdtype(dtype, np.integer):
                    dtype = np.dtype(f"<i{getattr(self.values.quantised.levels[level], role).bits // 8}")
                yield np.ascontiguousarray(np.pad(rows, ((0, 0), (0, padding.get(role, 0)))), dtype)

    def _maps(self, rows: Sequence[NDArray[Any]], layout: Layout) -> object:
        maps = [CMap(row.ctypes.data, row.nbytes, row.shape[1], _LAYOUTS[layout]) for row in rows]
        return (CMaps * len(self.values.levels))(*(CMaps(*maps[i : i + 3]) for i in range(0, len(maps), 3)))


def _c_options(options: DecodeOptions) -> COptions:
    clip = options.clip or (0.0, 0.0)
    return COptions(
        score=options.score,
        iou=options.iou,
        ratio_x=options.ratio[0],
        ratio_y=options.ratio[1],
        picture_w=clip[0],
        picture_h=clip[1],
        top_k=options.top_k,
        class_agnostic=options.class_agnostic,
        multi_label=options.multi_label,
        clip=options.clip is not None,
        as_hardware=options.as_hardware,
    )
