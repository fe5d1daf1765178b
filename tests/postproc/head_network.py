"""A network that is all head, in ONNX's text form, so that a test can break its tail in one place."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from onnx import ModelProto

from icraft_adapt.graph.model import Model
from icraft_adapt.graph.reading import Reading
from icraft_adapt.postproc.core.family import recognise
from icraft_adapt.tests.rewrites.harness import network, weights

STRIDES = (8, 16, 32)
SIZE = (64, 96)
BRANCHES = {"reg": "b", "obj": "b", "cls": "c"}


class HeadNetwork:
    """`body` and `tail` are the text; `change` breaks it; `proto` builds it, with zeros for the `dead` weights.

    Level s: maps reg{s} and obj{s} of the box branch b{s}, cls{s} of the class branch c{s}.
    """

    def __init__(self, classes: int = 3, *, sigmoid: bool = True, decode: bool = False, layout: str = "flat") -> None:
        self.channels = {"reg": 4, "obj": 1, "cls": classes}
        self.size = SIZE
        self.dead: set[str] = set()
        self.body = "\n".join(map(self._trunk, STRIDES))
        self.tail, self.outputs = self._tail(sigmoid=sigmoid, decode=decode, layout=layout)

    def change(self, old: str, new: str) -> HeadNetwork:
        """Replace this text, which must be there, in the trunk and the tail."""
        assert old in self.body + self.tail, old
        self.body, self.tail = self.body.replace(old, new), self.tail.replace(old, new)
        return self

    def proto(self) -> ModelProto:
        """The network in opset 17, for images [1, 3, h, w]."""
        height, width = self.size
        stored: dict[str, Any] = {f"w{branch}{s}": weights(8, 3, 1, 1, seed=s) for branch in "bc" for s in STRIDES}
        for (role, channels), s in ((item, s) for item in self.channels.items() for s in STRIDES):
            stored[f"w{role}{s}"] = weights(channels, 8, 1, 1, seed=s)
        for s in STRIDES:
            rows, columns = np.divmod(np.arange(height * width // s**2), width // s)
            stored[f"cell{s}"] = np.stack([columns, rows])[None].astype(np.float32)
            stored[f"map{s}_shape"] = np.array([1, -1, height // s, width // s], np.int64)
        stored |= {"flat": np.array([1, 0, -1], np.int64), "half": np.float32(0.5)}
        stored |= {f"stride{s}": np.float32(s) for s in STRIDES}
        text = self.body + self.tail
        used = {name: value * (name not in self.dead) for name, value in stored.items() if name in text}
        return network(f"float[1,3,{height},{width}] images", ", ".join(self.outputs), text, **used)

    def read(self) -> Reading:
        """What recognise makes of it."""
        proto = self.proto()
        return recognise(Model.from_proto(proto, "net"), proto)

    @staticmethod
    def _trunk(s: int) -> str:
        branches = [f"{b}{s} = Conv<strides=[{s},{s}]>(images, w{b}{s})" for b in "bc"]
        return "\n".join([*branches, *(f"{role}{s} = Conv({b}{s}, w{role}{s})" for role, b in BRANCHES.items())])

    @staticmethod
    def _tail(*, sigmoid: bool, decode: bool, layout: str) -> tuple[str, list[str]]:
        score = "Sigmoid" if sigmoid else "Identity"
        roles = [f"p{role}{s} = {score}({role}{s})" for s in STRIDES for role in ("obj", "cls")]
        roles += [f"preg{s} = {'Decode' if decode else 'Identity'}(reg{s})" for s in STRIDES]
        if layout == "raw":
            return "\n".join(["", *roles]), [f"p{role}{s}" for s in STRIDES for role in ("reg", "obj", "cls")]
        joins = [f"map{s} = Concat<axis=1>(preg{s}, pobj{s}, pcls{s})" for s in STRIDES]
        if layout == "maps":
            return "\n".join(["", *roles, *joins]), [f"map{s}" for s in STRIDES]
        rows = [f"flat{s} = Reshape(map{s}, flat)" for s in STRIDES]
        whole = ["all = Concat<axis=2>(flat8, flat16, flat32)", "output = Transpose<perm=[0,2,1]>(all)"]
        text = "\n".join(["", *roles, *joins, *rows, *whole])
        for s in STRIDES if decode else ():
            text = text.replace(f"preg{s} = Decode(reg{s})", "\n".join(_decode(s)))
        return text, ["output"]


def _decode(s: int) -> list[str]:
    """Boxes (xy + cell) * stride and exp(wh) * stride, back to a map."""
    return [
        f"r{s} = Reshape(reg{s}, flat)",
        f"xy{s}, wh{s} = Split<axis=1>(r{s})",
        f"at{s} = Add(xy{s}, cell{s})",
        f"extent{s} = Exp(wh{s})",
        f"cells{s} = Concat<axis=1>(at{s}, extent{s})",
        f"pixels{s} = Mul(cells{s}, stride{s})",
        f"preg{s} = Reshape(pixels{s}, map{s}_shape)",
    ]


def roles_of(reading: Reading) -> list[str]:
    """The head tensors in the order of the adapted model's outputs."""
    return list(chain.from_iterable((level.obj, level.reg, level.cls) for level in reading.levels))
