"""Where layers stand and how edges run: no two blocks at one place, no line through a block, lines apart."""

from __future__ import annotations

from itertools import pairwise

from icraft_adapt.adapter.page.network.arrange import Arrangement, arrange
from icraft_adapt.adapter.page.network.draw import draw
from icraft_adapt.adapter.page.network.layers import Network, network_of
from icraft_adapt.adapter.page.network.route import HEIGHT, WIDTH, Grid, Point, route
from icraft_adapt.adapter.page.story import Story

# Down to stride 8, up to 4 with a skip, down to 8 again; two levels with a stem and a head each.
STRIDES = [1, 2, 4, 4, 8, 4, 4, 8, 8, 4, 4, 8, 8]
EDGES = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (3, 6), (5, 6), (6, 7), (4, 8), (7, 8)]
EDGES += [(6, 9), (9, 10), (8, 11), (11, 12)]
LEVELS = {10: 4, 12: 8}


def places(plan: Arrangement) -> dict[int, tuple[str, int]]:
    """(column's title, row) of each layer."""
    return {layer: (plan.columns[lane], row) for layer, (lane, row) in enumerate(plan.places)}


def test_passes_stand_side_by_side_at_their_strides() -> None:
    plan = arrange(STRIDES, EDGES, LEVELS)
    column = {layer: title for layer, (title, _) in places(plan).items()}
    assert [column[layer] for layer in range(5)] == ["backbone"] * 5
    assert {column[5], column[6]} == {"1: up to finer maps"}
    assert {column[7], column[8]} == {"2: down to coarser maps"}
    assert {column[layer] for layer in (9, 10, 11, 12)} == {"heads"}
    assert [band.stride for band in plan.bands] == [1, 2, 4, 8]
    for layer, (_, row) in enumerate(plan.places):
        band = next(band for band in plan.bands if band.stride == STRIDES[layer])
        assert band.first <= row <= band.last


def test_a_chain_keeps_its_lane_and_a_branch_takes_the_next() -> None:
    # 0 -> 1 -> 2 -> 3 -> 5, and the short way 0 -> 4 -> 5
    plan = arrange([1] * 6, [(0, 1), (1, 2), (2, 3), (0, 4), (3, 5), (4, 5)], {})
    lanes = [lane for lane, _ in plan.places]
    assert lanes == [0, 0, 0, 0, 1, 0]
    assert [row for _, row in plan.places] == [0, 1, 2, 3, 1, 4]


def test_one_level_alone_has_no_column_of_heads() -> None:
    assert set(arrange([1, 2, 2], [(0, 1), (1, 2)], {2: 2}).columns) == {"backbone"}


def test_what_is_no_map_stands_where_its_source_does() -> None:
    plan = arrange([1, 8, 0], [(0, 1), (1, 2)], {})
    assert plan.places[2] == (0, plan.places[1][1] + 1)


def test_a_network_of_one_layer() -> None:
    plan = arrange([0], [], {})
    assert plan.places == ((0, 0),)
    assert route(plan, [], Grid.of(plan)) == []


def network(story: Story) -> tuple[Network, Arrangement, Grid, list[list[Point]]]:
    """A real network with all that its picture is drawn from."""
    found = network_of(story.facts, story.report)
    levels = {number: layer.stride for number, layer in enumerate(found.layers) if layer.output}
    plan = arrange([layer.stride for layer in found.layers], found.edges, levels)
    grid = Grid.of(plan)
    return found, plan, grid, route(plan, found.edges, grid)


def test_blocks_are_apart_and_edges_go_forward(plain: Story) -> None:
    found, plan, _, _ = network(plain)
    assert len(set(plan.places)) == len(found.layers) == len(plan.places)
    assert all(a < b for a, b in found.edges)
    read = {b for _, b in found.edges}
    assert read == set(range(1, len(found.layers)))


def test_no_line_runs_through_a_block(plain: Story) -> None:
    found, plan, grid, lines = network(plain)
    boxes = [(grid.lefts[lane], grid.tops[row]) for lane, row in plan.places]
    for (a, b), line in zip(found.edges, lines, strict=True):
        assert list(line[0]) == [boxes[a][0] + WIDTH / 2, boxes[a][1] + HEIGHT]
        assert list(line[-1]) == [boxes[b][0] + WIDTH / 2, boxes[b][1]]
        for (x1, y1), (x2, y2) in pairwise(line):
            assert x1 == x2 or y1 == y2
            for x, y in boxes:
                inside_x = min(x1, x2) < x + WIDTH and max(x1, x2) > x
                inside_y = min(y1, y2) < y + HEIGHT and max(y1, y2) > y
                assert not (inside_x and inside_y), f"{found.layers[a].anchor} -> {found.layers[b].anchor}"


def test_lines_of_two_sources_never_lie_on_one_another(plain: Story) -> None:
    found, _, _, lines = network(plain)
    pieces = [(a, b, *piece) for (a, b), line in zip(found.edges, lines, strict=True) for piece in pairwise(line)]
    for index, (a, to_a, (ax1, ay1), (ax2, ay2)) in enumerate(pieces):
        for b, to_b, (bx1, by1), (bx2, by2) in pieces[index + 1 :]:
            if a == b or to_a == to_b:
                continue  # lines from one block, or into one, may share their way
            if ax1 == ax2 == bx1 == bx2:
                assert max(ay1, ay2) <= min(by1, by2) or max(by1, by2) <= min(ay1, ay2), (a, b)
            if ay1 == ay2 == by1 == by2:
                assert max(ax1, ax2) <= min(bx1, bx2) or max(bx1, bx2) <= min(ax1, ax2), (a, b)


def test_layers_collapse_a_convolution_with_what_became_of_its_activation(plain: Story) -> None:
    found = network(plain)[0]
    layer = next(layer for layer in found.layers if layer.anchor == "s4.conv2")
    assert layer.operators.startswith("5 Conv, ")
    assert (layer.status, layer.where, layer.label) == ("approximated", "npu", "Conv 3×3 /2")
    assert {rewrite.rule for rewrite in layer.rewrites} == {"exact_stride", "activation_to_pwl"}
    assert any(name.endswith("/Conv") for name in layer.nodes)
    assert any(name.endswith("/Sigmoid") for name in layer.nodes)
    assert sum(layer.macs for layer in found.layers) == plain.report.cost.macs_after
    nodes = sum(int(word) if word.isdigit() else 0 for layer in found.layers for word in layer.operators.split())
    single = sum(not part.strip()[:1].isdigit() for layer in found.layers[1:] for part in layer.operators.split(","))
    assert nodes + single == len(plain.facts.located)


def test_heads_are_layers_of_their_own(plain: Story) -> None:
    heads = [layer for layer in network(plain)[0].layers if layer.status == "head"]
    assert sorted(layer.output for layer in heads) == sorted(
        f"{r}_s{s}" for r in ("obj", "reg", "cls") for s in (8, 16, 32)
    )
    assert all("split_heads" in {rewrite.rule for rewrite in layer.rewrites} for layer in heads)


def test_the_picture_is_the_same_text_each_time(plain: Story) -> None:
    assert draw(network_of(plain.facts, plain.report)) == draw(network_of(plain.facts, plain.report))
