"""Train the demo network on synthetic streets, export it, and write down how good it is.

    python -m icraft_adapt.models.demo.train [--steps N] [--seed N] [--out FOLDER]

Writes demo_person.onnx and demo_person.json: about a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from onnx import ModelProto
from torch import Tensor, nn

from ..export import export
from ..scenes.scene import Frame
from ..yolox import OutputForm, Yolox, YoloxConfig
from .assignment import Truth
from .films import FIRST_TRAINED, HELD_OUT, SIZE, held_out, people, training_batch
from .loss import Grid, Levels, detection_loss
from .recipe import Recipe
from .score import measure

NAME = "demo_person"
CONFIG = YoloxConfig("s", classes=1, width=0.125)

_LOG = logging.getLogger(__name__)
_PRIOR = 0.01  # the score an untrained cell gives
_REPORT = 100  # steps


def untrained(seed: int, config: YoloxConfig = CONFIG) -> Yolox:
    """The network before its first step, its scores at the prior. The random state of torch stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Yolox(config, OutputForm(), SIZE)
    for level in net.head.levels:
        for role in ("obj", "cls"):
            nn.init.constant_(level.predictions[role].bias, -math.log((1 - _PRIOR) / _PRIOR))
    placed: Yolox = net.to(memory_format=torch.channels_last)  # the faster one on a CPU
    return placed


def losses(net: Yolox, recipe: Recipe, batches: Iterator[list[Frame]]) -> Iterator[float]:
    """Train `net` in place, one step for each loss that is asked for."""
    shrunk = [p for p in net.parameters() if p.ndim > 1]
    free = [p for p in net.parameters() if p.ndim <= 1]  # biases and normalisation
    groups = [{"params": shrunk, "weight_decay": recipe.decay}, {"params": free, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups)
    grid = Grid.of(SIZE)
    for step, frames in zip(range(recipe.steps), batches, strict=False):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step)
        images, truth = tensors(frames)
        levels: Levels = net.train().head(net.neck(net.backbone(images)))
        loss = detection_loss(levels, truth, grid, distance=step >= (1 - recipe.distance) * recipe.steps)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimiser.step()
        yield float(loss.detach())


def tensors(frames: list[Frame]) -> tuple[Tensor, Truth]:
    """Images float [N, 3, H, W], BGR 0..255, and the people in them."""
    stacked = torch.from_numpy(np.stack([frame.image for frame in frames])).permute(0, 3, 1, 2)
    found = [people(frame).boxes for frame in frames]
    boxes = torch.zeros(len(frames), max(1, *map(len, found)), 4)
    for row, each in zip(boxes, found, strict=True):
        row[: len(each)] = torch.from_numpy(each)
    return stacked.float().contiguous(memory_format=torch.channels_last), Truth(boxes, boxes[..., 2] > 0)


def batches(recipe: Recipe) -> Iterator[list[Frame]]:
    """New films for ever, the next ones drawn in a thread beside the training."""
    rng = np.random.default_rng(recipe.seed)
    with ThreadPoolExecutor(1) as painter:
        coming = painter.submit(training_batch, rng, recipe.films)
        while True:
            ready = coming.result()
            coming = painter.submit(training_batch, rng, recipe.films)
            yield ready


def trained(recipe: Recipe, config: YoloxConfig = CONFIG) -> Yolox:
    """The running mean of the weights over a training, in eval mode."""
    net = untrained(recipe.seed, config)
    mean = copy.deepcopy(net)
    recent = 0.0
    for step, loss in enumerate(losses(net, recipe, batches(recipe)), 1):
        fold_in(mean, net, min(recipe.keep, step / (step + 10)))
        recent += loss / _REPORT
        if step % _REPORT == 0:
            _LOG.info("step %d of %d: loss %.3f", step, recipe.steps, recent)
            recent = 0.0
        if step % (10 * _REPORT) == 0:
            _LOG.info("AP50 %.3f", measure(exported(mean), held_out(range(FIRST_TRAINED, FIRST_TRAINED + 20))).ap50)
    mean.eval()
    return mean


@torch.no_grad()  # type: ignore[untyped-decorator]
def fold_in(mean: Yolox, net: Yolox, keep: float) -> None:
    """Move `mean`'s weights and statistics towards `net`'s, `keep` of what they were remaining."""
    for old, new in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


def exported(net: Yolox) -> ModelProto:
    """As the public YOLOX exports its models: opset 11, scores inside, boxes not decoded."""
    plain = copy.deepcopy(net).eval().to(memory_format=torch.contiguous_format)
    return export(plain, opset=11, shape=(1, 3, *SIZE))


def write(net: Yolox, recipe: Recipe, folder: Path) -> None:
    """The network and its figures on the held-out films."""
    model = exported(net)
    frames = list(held_out())
    figures = measure(model, frames)
    metrics = {
        "ap50": round(figures.ap50, 4),
        "ap": round(figures.ap, 4),
        "held_out_seeds": [HELD_OUT.start, HELD_OUT.stop - 1],
        "frames": len(frames),
        "steps": recipe.steps,
        "seed": recipe.seed,
        "torch": torch.__version__,
    }
    (folder / f"{NAME}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    (folder / f"{NAME}.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    _LOG.info("AP50 %.4f, AP %.4f", figures.ap50, figures.ap)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # Maps this small gain little from a second thread, and the other core has the scenes to draw; on a busy machine
    # two threads wait for one another at every layer.
    torch.set_num_threads(1)
    recipe = Recipe(steps=chosen.steps, seed=chosen.seed)
    write(trained(recipe), recipe, chosen.out)


if __name__ == "__main__":
    main()
