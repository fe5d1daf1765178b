"""The empty street: sky, house fronts, pavement and road, with texture, markings and long shadows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .person import shade
from .sprite import Colour

Picture = NDArray[np.uint8]


def paint_street(rng: np.random.Generator, size_hw: tuple[int, int], horizon: int) -> Picture:
    """A picture uint8 [h, w, 3], BGR; house fronts stand on row `horizon`, and the road lies in the lower part."""
    height, width = size_hw
    image = np.empty((height, width, 3), np.uint8)
    light = int(rng.integers(120, 245))
    image[:horizon] = (light, max(light - 15, 0), max(light - 40, 0))
    _houses(rng, image, horizon)
    _ground(rng, image, horizon)
    _shadows(rng, image, horizon)
    return _textured(rng, image)


def _tone(rng: np.random.Generator, low: int, high: int) -> Colour:
    """Stone or plaster: a grey with a cast."""
    grey = int(rng.integers(low, high))
    blue, green, red = (int(c) for c in grey + rng.integers(-14, 15, 3))
    return (max(blue, 0), max(green, 0), max(red, 0))


def _houses(rng: np.random.Generator, image: Picture, horizon: int) -> None:
    x, width = 0, image.shape[1]
    while x < width:
        wide = int(rng.integers(width // 8, width // 3))
        top = int(rng.integers(-horizon // 2, max(horizon // 2, 1)))
        wall, glass = _tone(rng, 50, 215), _tone(rng, 30, 190)
        cv2.rectangle(image, (x, top), (x + wide, horizon), wall, cv2.FILLED)
        step_x, step_y = int(rng.integers(9, 20)), int(rng.integers(11, 24))
        pane_x, pane_y = int(step_x * rng.uniform(0.3, 0.7)), int(step_y * rng.uniform(0.3, 0.8))
        for left in range(x + 4, x + wide - pane_x - 2, step_x):
            for low in range(horizon - step_y, max(top, 0), -step_y):
                cv2.rectangle(image, (left, low), (left + pane_x, low + pane_y), glass, cv2.FILLED)
        if rng.random() < 0.7:  # a door, as tall as a person there
            left = x + int(rng.integers(0, max(wide - 10, 1)))
            door = int(rng.integers(12, 26))
            cv2.rectangle(image, (left, horizon - door), (left + door // 2, horizon), _tone(rng, 20, 120), cv2.FILLED)
        x += wide


def _ground(rng: np.random.Generator, image: Picture, horizon: int) -> None:
    height, width = image.shape[:2]
    pavement = _tone(rng, 80, 190)
    image[horizon:] = pavement
    kerb = horizon + int((height - horizon) * rng.uniform(0.25, 0.6))
    end = kerb + int((height - kerb) * rng.uniform(0.5, 0.9))
    image[kerb:end] = _tone(rng, 50, 120)
    image[kerb : kerb + 2] = shade(pavement, 1.2)
    image[end : end + 2] = shade(pavement, 1.2)
    seam = shade(pavement, 0.85)
    for x in range(int(rng.integers(0, 30)), 2 * width, int(rng.integers(18, 50))):  # seams run to a vanishing point
        cv2.line(image, (width // 2 + (x - width) // 3, horizon), (x - width // 2, kerb - 1), seam)
    middle, dash = (kerb + end) // 2, int(rng.integers(12, 40))
    for x in range(0, width, 2 * dash):
        cv2.rectangle(image, (x, middle), (x + dash, middle + 1), (215, 215, 215), cv2.FILLED)
    if rng.random() < 0.4:
        start = int(rng.integers(0, width))
        for x in range(start, start + 60, 12):
            corners = [(x, kerb), (x + 6, kerb), (x + 12, end), (x + 4, end)]
            cv2.fillPoly(image, [np.array(corners, np.int32)], (205, 205, 205))


def _shadows(rng: np.random.Generator, image: Picture, horizon: int) -> None:
    """Long shadows of what is outside the picture; some upright, like a person's on a wall."""
    height, width = image.shape[:2]
    light = np.full((height, width), 255, np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        x, y = int(rng.integers(0, width)), int(rng.integers(horizon, height))
        wide, long, lean = int(rng.integers(4, 26)), int(rng.integers(15, 70)), int(rng.integers(-40, 41))
        corners = [(x, y), (x + wide, y), (x + wide + lean, y - long), (x + lean, y - long)]
        cv2.fillPoly(light, [np.array(corners, np.int32)], (int(rng.integers(130, 200)),))
    image[...] = (image * light[..., None].astype(np.uint16)) >> 8


def _textured(rng: np.random.Generator, image: Picture) -> Picture:
    """Grain of three sizes; each grain is one random step of brightness, repeated over its square."""
    height, width = image.shape[:2]
    total = np.zeros((height, width), np.int16)
    for grain, strength in ((1, 7), (3, 7), (13, 9)):
        steps = rng.integers(-strength, strength + 1, (height // grain + 1, width // grain + 1), np.int16)
        total += steps.repeat(grain, 0).repeat(grain, 1)[:height, :width]
    textured: Picture = np.clip(image + total[..., None], 0, 255).astype(np.uint8)
    return textured
