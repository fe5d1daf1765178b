# mypy: disallow-subclassing-any=False
"""YOLOX (Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430) for tests and the demo."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import AdaptError
from .backbone import CspDarknet, PathAggregation
from .config import STRIDES, OutputForm, YoloxConfig
from .head import DecoupledHead
from .tail import Tail
from .weights import randomise

__all__ = ["STRIDES", "OutputForm", "Yolox", "YoloxConfig", "build", "check_size"]


class Yolox(nn.Module):
    """Backbone, neck, head and output form.

    Input: float [N, 3, H, W], BGR 0..255, H and W multiples of 32. Output: as `OutputForm` says; one tensor
    for the flat layouts, else a tuple in the order of `output_names`.
    """

    def __init__(self, config: YoloxConfig, form: OutputForm, size: tuple[int, int]) -> None:
        super().__init__()
        self.backbone = CspDarknet(config)
        self.neck = PathAggregation(config)
        self.head = DecoupledHead(config)
        self.tail = Tail(form, config.keypoints > 0, size)

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, in their order."""
        return list(self.tail.output_names)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Images to predictions."""
        return self.tail(self.head(self.neck(self.backbone(images))))


def check_size(size: tuple[int, int]) -> None:
    """Raise AdaptError unless height and width (pixels) are positive multiples of the largest stride."""
    if any(n < STRIDES[-1] or n % STRIDES[-1] for n in size):
        raise AdaptError(f"input {size[0]}x{size[1]}: height and width must be multiples of {STRIDES[-1]}")


def build(
    config: YoloxConfig,
    form: OutputForm = OutputForm(),  # noqa: B008  (frozen)
    seed: int = 0,
    *,
    size: tuple[int, int] = (64, 96),
) -> Yolox:
    """A network in eval mode; its weights follow from `config`, `seed` and `size`, whatever the form.

    `size` (height, width in pixels) is that of the noise on which the weights are scaled. What is stored per
    anchor, the grid of decode="constant" and the order of layout="scrambled", fits inputs of this size only.
    """
    check_size(size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Yolox(config, form, size)
        randomise(nn.Sequential(net.backbone, net.neck, net.head), net.head, size)
    net.eval()
    return net
