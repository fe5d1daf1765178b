# mypy: disallow-subclassing-any=False
"""Networks that are no detectors, small: a residual classifier, a vision transformer, a segmenter."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions around which the input goes (He et al., arXiv:1512.03385); `stride` halves the map."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(cin, cout, 1, stride, bias=False)
        self.through = nn.Sequential(
            nn.Conv2d(cin, cout, 3, stride, 1, bias=False),
            nn.BatchNorm2d(cout),
            nn.ReLU(),
            nn.Conv2d(cout, cout, 3, 1, 1, bias=False),
            nn.BatchNorm2d(cout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, cin, H, W] to [N, cout, H / stride, W / stride]."""
        return torch.relu(self.around(x) + self.through(x))


class ResidualClassifier(nn.Module):
    """Images [N, 3, H, W] to class scores [N, classes]."""

    output_names = ("logits",)

    def __init__(self, classes: int) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.features = nn.Sequential(stem, Residual(8, 8, 1), Residual(8, 16, 2), Residual(16, 32, 2))
        self.classify = nn.Linear(32, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Images to logits."""
        return self.classify(self.features(images).mean((2, 3)))


class VisionTransformer(nn.Module):
    """16x16 patches as tokens, self-attention, the mean token classified (Dosovitskiy et al., arXiv:2010.11929)."""

    output_names = ("logits",)

    def __init__(self, classes: int, width: int = 16) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.key_query_value = nn.Linear(width, 3 * width)
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.classify = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Images to logits."""
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        key, query, value = self.key_query_value(self.norm(tokens)).chunk(3, 2)
        weights = (query @ key.transpose(1, 2) / tokens.shape[2] ** 0.5).softmax(2)
        tokens = tokens + weights @ value
        return self.classify((tokens + self.mix(tokens)).mean(1))


class Segmenter(nn.Module):
    """Down to a quarter and up again with one skip (Ronneberger et al., arXiv:1505.04597): scores for each pixel."""

    output_names = ("mask",)

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.deeper = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU())
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.join = nn.Sequential(nn.Conv2d(24, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, classes, 1))

    def forward(self, images: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, classes, H, W]."""
        half = self.down(images)
        return self.up(self.join(torch.cat([self.up(self.deeper(half)), half], 1)))
