"""From a picture to the input tensor, and from the network's pixels back to the picture's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .preprocess import Preprocess


@dataclass(frozen=True, slots=True)
class Placement:
    """How a picture lies in the input: input pixel = ratio * image pixel, both from the top left corner."""

    ratio_x: float
    ratio_y: float

    def to_image(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes [n, 4] xyxy in pixels of the input, as pixels of the original picture; not clipped to it."""
        ratios = np.array([self.ratio_x, self.ratio_y, self.ratio_x, self.ratio_y], np.float32)
        return np.divide(boxes, ratios, dtype=np.float32)


def letterbox(
    image: NDArray[np.uint8], size_hw: tuple[int, int], preprocess: Preprocess
) -> tuple[NDArray[np.float32], Placement]:
    """The tensor float32 [1, 3, H, W] for an image uint8 [h, w, 3] BGR, and where the picture lies in it.

    Exactly YOLOX's `preproc` (yolox/data/data_augment.py): one ratio min(H/h, W/w), bilinear, sides rounded
    down, the rest to the right and below filled with `pad`. "stretch" fills the whole input instead. Then the
    channels are put in order and each becomes (x - mean) / scale, padding included.
    """
    import cv2

    placement = _placement(image.shape[:2], size_hw, preprocess)
    (height, width), (full_h, full_w) = image.shape[:2], size_hw
    if preprocess.resize == "stretch":
        inner_h, inner_w = full_h, full_w
    else:  # a very thin picture keeps one pixel
        inner_h = max(1, int(height * placement.ratio_y))
        inner_w = max(1, int(width * placement.ratio_x))
    canvas = np.full((full_h, full_w, 3), preprocess.pad, np.uint8)
    canvas[:inner_h, :inner_w] = cv2.resize(image, (inner_w, inner_h), interpolation=cv2.INTER_LINEAR)
    ordered = canvas[..., ::-1] if preprocess.channels == "rgb" else canvas
    planes = ordered.transpose(2, 0, 1).astype(np.float32, order="C")
    planes -= np.array(preprocess.mean, np.float32)[:, None, None]
    planes /= np.array(preprocess.scale, np.float32)[:, None, None]
    return planes[None], placement


def _placement(image_hw: tuple[int, ...], size_hw: tuple[int, int], preprocess: Preprocess) -> Placement:
    ratio_y, ratio_x = size_hw[0] / image_hw[0], size_hw[1] / image_hw[1]
    if preprocess.resize == "stretch":
        return Placement(ratio_x, ratio_y)
    return Placement(min(ratio_x, ratio_y), min(ratio_x, ratio_y))
