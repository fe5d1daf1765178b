# mypy: disallow-subclassing-any=False
"""What is changed in the public training code's network: activations by their blocks, the Focus by its name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from icraft_adapt.models.blocks import Focus
from icraft_adapt.retrain.training_code import use_leaky_relu, use_strided_focus


class BaseConv(nn.Module):
    """A block of the public code's form."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.conv, self.bn, self.act = nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.bn(self.conv(x)))
        return y


def network() -> nn.Sequential:
    return nn.Sequential(Focus(3, 8, "silu"), nn.Sequential(BaseConv(8, 4), BaseConv(4, 4)), nn.Conv2d(4, 2, 1)).eval()


def test_the_strided_focus_computes_the_same_with_the_same_names() -> None:
    net, x = network(), torch.rand(2, 3, 16, 24)
    names = list(net.state_dict())
    before = net(x)
    assert use_strided_focus(net) == ("0",)
    assert use_strided_focus(net) == ()
    assert torch.equal(net(x), before)
    assert list(net.state_dict()) == names


def test_the_blocks_get_the_slopes_of_their_convolutions() -> None:
    net = network()
    assert use_leaky_relu(net, {"1.1.conv": 0.3}) == ("1.0", "1.1")
    blocks = [each for each in net.modules() if isinstance(each, BaseConv)]
    assert [each.act.negative_slope for each in blocks] == [0.1, 0.3]  # type: ignore[union-attr]
    use_leaky_relu(net, 0.05)
    assert {each.act.negative_slope for each in blocks} == {0.05}  # type: ignore[union-attr]
