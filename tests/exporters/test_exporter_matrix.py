# mypy: disallow-subclassing-any=False
"""Every export of the matrix is adapted for both kinds of target, and its heads are torch's."""

from __future__ import annotations

from collections import Counter

import onnx
import pytest
import torch
from torch import nn

from icraft_adapt.graph.session import newest_opset
from icraft_adapt.models import matrix
from icraft_adapt.models.blocks import Focus
from icraft_adapt.models.export import export
from icraft_adapt.models.exporters import dynamo
from icraft_adapt.models.matrix import Cell, UnavailableError, cells
from icraft_adapt.tests.exporters.judging import judged_cell, reference_damage

TOLERANCE = 1e-4  # of the role's spread


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: cell.name)
def test_export_is_adapted(cell: Cell) -> None:
    """What a simplifier leaves is approximated, too, at the ends of each exporter's opsets."""
    both = cell.simplifier is None or cell.export.opset in (11, 17, 18, newest_opset())
    try:
        result = judged_cell(cell, both=both)
    except UnavailableError as reason:
        assert cell.export.opset > newest_opset() or cell.simplifier is not None, "the exporters themselves must work"
        pytest.skip(str(reason))
    assert not result.refusal
    assert result.error <= TOLERANCE
    if both:
        assert result.damage == pytest.approx(reference_damage(cell.export.subject), rel=1e-3)


def test_the_matrix_has_what_it_promises() -> None:
    found = cells()
    assert len({cell.name for cell in found}) == len(found)
    exports = {cell.export for cell in found}
    assert Counter(cell.simplifier for cell in found) == dict.fromkeys((None, "onnxslim", "onnxsim"), len(exports))
    opsets = {(each.exporter, each.opset, each.dynamic_batch) for each in exports}
    expected = {("torchscript", opset, dynamic) for opset in range(11, 18) for dynamic in (False, True)}
    expected |= {("dynamo", opset, dynamic) for opset in range(18, newest_opset() + 1) for dynamic in (False, True)}
    assert opsets >= expected
    for dynamic in (False, True):
        traced = [each for each in exports if each.exporter == "torchscript" and each.dynamic_batch is dynamic]
        assert {each.form for each in traced} == set(matrix.FORMS)
        assert {each.subject.config.classes for each in traced} == {1, 4}
    assert {form.sigmoid for form in matrix.FORMS} == {True, False}
    assert {form.decode for form in matrix.FORMS} == {"scatter", "concat", "constant", None}


class Little(nn.Module):
    """A Focus, pooling, up-sampling and a tail that assigns in place: what converters and optimisers work on."""

    output_names = ("y",)

    def __init__(self) -> None:
        super().__init__()
        self.focus = Focus(3, 4, "silu")
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.focus(images)
        y = torch.cat([x, self.up(nn.functional.max_pool2d(x, 2))], 1).flatten(2).permute(0, 2, 1)
        y[..., :2] = torch.exp(y[..., :2]) * 8
        return y


@pytest.mark.parametrize("dynamic_batch", [False, True])
def test_dynamo_by_steps_is_what_it_exports_at_once(dynamic_batch: bool) -> None:
    net, shape = Little().eval(), (1, 3, 32, 64)
    captured = export(net, exporter="dynamo", shape=shape, dynamic_batch=dynamic_batch, keep_batchnorm=True)
    at_once = export(net, exporter="dynamo", shape=shape, dynamic_batch=dynamic_batch, opset=21)
    assert wiring(dynamo.at_opset(captured, 21)) == wiring(at_once)


def wiring(model: onnx.ModelProto) -> list[tuple[object, ...]]:
    """Operators, attributes and connections, values by the node that makes them or by their shape."""
    stored = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    made = {name: index for index, node in enumerate(model.graph.node) for name in node.output}
    return [
        (
            node.op_type,
            tuple(sorted(str(attribute) for attribute in node.attribute)),
            tuple(made.get(name, stored.get(name, name)) for name in node.input),
        )
        for node in model.graph.node
    ]
