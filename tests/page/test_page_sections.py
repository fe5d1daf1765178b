"""What each section tells of a run, and that the page as a whole is complete, escaped, and alike for a template."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError

from icraft_adapt.adapter.emit.report_html import report_html
from icraft_adapt.adapter.page.render import environment, render
from icraft_adapt.adapter.page.section import all_sections
from icraft_adapt.adapter.page.sections.pictures import same_boxes
from icraft_adapt.adapter.page.story import Story
from icraft_adapt.data.detections import Detections
from icraft_adapt.errors import Exit
from icraft_adapt.tests.page.stories import HOSTILE, TAMED, page_of, story_of

VOID = {"meta", "link", "br", "hr", "img", "input"}


def section(name: str, story: Story) -> Any:  # noqa: ANN401
    """What the section's builder finds."""
    return next(each for each in all_sections() if each.name == name).build(story)


class Outline(HTMLParser):
    """Every element with its attributes; fails where tags are not well nested."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_sections_stand_in_their_order() -> None:
    names = [each.name for each in all_sections()]
    assert names[:5] == ["summary", "recovery", "network", "rewrites", "activations"]
    assert names[-1] == "pictures"
    assert {"placement", "heads", "verification", "cost", "assumptions", "artifacts"} < set(names)


def test_the_summary_says_the_verdict_and_the_figures(plain: Story) -> None:
    told = section("summary", plain)
    assert (told.verdict, told.fine) == (plain.outcome.verdict, True)
    assert told.state.startswith("exit 0: ")
    figures = {figure.label: figure for figure in told.figures}
    certified = plain.facts.certified
    assert certified is not None
    assert figures["certificates that hold"].value == f"{len(certified.sites)} of {len(certified.sites)}"
    assert figures["nodes"].value == f"{plain.facts.placement.npu} NPU"
    assert figures["multiply-accumulates"].note.endswith("%")
    assert figures["rewrites"].value == str(len(plain.report.rewrites))
    worst = max(head.rms_rel for head in plain.report.verify.per_head)
    assert figures["worst change at the heads"].value == f"{100 * worst:.3g}%"
    assert "no --calib images" in told.warnings[0]


def test_rewrites_are_grouped_with_their_worst(plain: Story) -> None:
    told = section("rewrites", plain)
    assert sum(len(group.applied) for group in told.groups) == len(plain.report.rewrites)
    group = next(group for group in told.groups if group.rule == "activation_to_pwl")
    assert (group.certificate, len(group.applied)) == ("approximate", 74)
    assert group.does == "Replace an activation that the target lacks by a sum of shifted LeakyReLUs."
    assert group.worst.max_rel == max(each.max_rel for each in group.applied)


def test_near_misses_are_grouped_by_reason(plain: Story) -> None:
    miss = plain.report.declined[:0]
    assert section("rewrites", plain).misses == ()
    from icraft_adapt.adapter.report.types import Declined

    missed = (*miss, *(Declined("fold_pad", f"Pad_{n}", "the padding is not zero") for n in range(9)))
    report = replace(plain.report, declined=missed)
    (told,) = section("rewrites", replace(plain, outcome=replace(plain.outcome, report=report))).misses
    assert (told.rule, told.reason, len(told.nodes)) == ("fold_pad", "the padding is not zero", 9)


def test_without_images_one_fit_is_drawn_once(plain: Story) -> None:
    told = section("activations", plain)
    (plot,) = told.plots
    assert (told.images, plot.low, plot.high, len(plot.layers)) == (0, None, None, 74)
    assert [(kind.source, kind.to, kind.count) for kind in told.kinds] == [("silu", "pwl4", 74)]
    assert len(plot.terms) == 4
    assert all(term.startswith(("LeakyReLU(", "ReLU(")) for term in plot.terms)


def test_with_images_each_layer_has_its_own_fit(hostile: Story) -> None:
    told = section("activations", hostile)
    assert told.images == 8
    assert sorted(layer for plot in told.plots for layer in plot.layers) == sorted(
        fit.anchor for fit in hostile.report.activations
    )
    errors = [plot.fit.error for plot in told.plots]
    assert errors == sorted(errors, reverse=True)
    assert all(plot.low < plot.high for plot in told.plots)


def test_integers_are_told_head_by_head_and_box_by_box(hostile: Story, plain: Story) -> None:
    told = section("integers", hostile)
    assert [head.head for head in told.heads] == [f"{role}_s{s}" for s in (8, 16, 32) for role in ("obj", "reg", "cls")]
    first = told.integers.saturations[0]
    assert 0 < first.matched + first.lost < told.sure.matched + told.sure.lost  # on four of the images
    assert told.gate == 0.1
    page = page_of(hostile)
    assert page.count("<caption>Ways to choose the ranges") == 1
    assert "BYTE&#39;s low band" in page
    assert section("integers", plain) is None
    assert section("errors", plain) is None
    assert section("ranges", plain) is None


def test_layers_are_drawn_and_listed(hostile: Story) -> None:
    told = section("errors", hostile)
    assert told.layers == hostile.report.layers
    for name in ("rewriting", "single", "accumulated"):
        assert told.drawn.count(f'class="{name}"') == 1
    row = re.search(r'id="error-table".*?<tbody>\s*<tr>(.*?)</tr>', page_of(hostile), re.S)
    assert row is not None
    assert "stem.focus" in row[1]


def test_ranges_are_those_of_the_layers_that_lose_most(hostile: Story) -> None:
    told = section("ranges", hostile)
    losses = [each.loss for each in told.ranges]
    assert losses == sorted(losses)
    assert len(losses) == 24
    simulation = hostile.facts.simulation
    assert simulation is not None
    formats = simulation.program.formats()
    for shown, clip in zip(told.ranges, simulation.clips, strict=True):
        assert shown.reach == pytest.approx(formats[clip.layer].normratios.max() * 127)
        assert shown.drawn.count('class="clip"') == 2


def test_a_kept_activation_is_told_and_not_drawn(kept: Story) -> None:
    told = section("activations", kept)
    assert [(kind.source, kind.to, kind.worst) for kind in told.kinds] == [("silu", "silu", None)]
    assert told.plots == ()
    assert ">kept<" in page_of(kept)


def test_a_plain_leaky_relu_is_one_term() -> None:
    story = story_of(activation="leaky", accept_function_change=True, golden=False)
    (plot,) = section("activations", story).plots
    assert plot.terms == ("LeakyReLU(x), slope 0.1",)
    assert 'class="tag function-changing"' in page_of(story)


def test_refused_nodes_come_with_the_limits_sentence() -> None:
    story = story_of(activation="keep")
    assert story.outcome.exit_code == Exit.UNSUPPORTED
    told = section("placement", story)
    refused = sum(row.refused for row in told.operators)
    assert refused == len(told.refused) == len(story.report.placement.refused) > 0
    assert "has no operator Sigmoid" in told.refused[0].reason
    page = render(story)
    assert 'class="block refused' in page
    assert "exit 3: " in page
    assert "has no operator Sigmoid" in page


def test_every_node_has_its_place(plain: Story) -> None:
    rows = section("placement", plain).operators
    assert sum(row.npu for row in rows) == plain.facts.placement.npu
    assert next(row.op for row in rows) == "Conv"


def test_pictures_are_the_first_on_which_the_original_finds_anything(hostile: Story) -> None:
    told = section("pictures", hostile)
    assert told.compared == 8
    assert 1 <= len(told.images) <= 4
    assert [image.name for image in told.images] == sorted(image.name for image in told.images)
    for image in told.images:
        assert max(image.width, image.height) == 480
        assert len(image.before) - image.both == sum(box.fate == "lost" for box in image.before)
        assert len(image.after) - image.both == sum(box.fate == "new" for box in image.after)
        assert all(0 <= box.x <= image.width and 0 <= box.y + box.height <= image.height + 0.1 for box in image.before)
        assert all(re.fullmatch(r"0 · 0\.\d\d", box.label) for box in image.before)
        assert image.integer is not None
        assert {box.fate for box in image.integer} <= {"both", "new"}
    assert sum(image.both for image in told.images) >= 3
    assert section("pictures", replace(hostile, facts=replace(hostile.facts, calibration=None))) is None


def test_boxes_are_paired_best_first_within_their_class() -> None:
    def found(*rows: tuple[float, int]) -> Detections:
        boxes = np.array([[x, 0, x + 10, 10] for x, _ in rows], np.float32)
        return Detections(boxes, np.full(len(rows), 0.5, np.float32), np.array([c for _, c in rows], np.int64))

    assert dict(same_boxes(found((0, 0), (2, 0)), found((2, 0), (1, 0)))) == {1: 0, 0: 1}
    assert dict(same_boxes(found((0, 0)), found((0, 1)))) == {}
    assert dict(same_boxes(found((0, 0)), found((6, 0)))) == {}
    assert dict(same_boxes(found((0, 0)), Detections.empty())) == {}


@pytest.mark.parametrize("name", ["plain", "kept", "hostile"])
def test_the_page_is_whole_and_asks_for_nothing(name: str, request: pytest.FixtureRequest) -> None:
    page = page_of(request.getfixturevalue(name))
    outline = Outline(page)
    assert outline.open == []
    ids = [attrs["id"] for _, attrs in outline.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    linked = {(attrs.get("href") or "").removeprefix("#") for _, attrs in outline.elements if "href" in attrs}
    assert {link for link in linked if link.startswith(("layer-", "rule-", "picture-"))} <= set(ids)
    addresses = [attrs.get(key) or "" for _, attrs in outline.elements for key in ("src", "href") if key in attrs]
    assert not [each for each in addresses if re.match(r"(https?:)?//", each)]
    assert not re.search(r"@import|url\(", page)
    headers = [attrs for tag, attrs in outline.elements if tag == "th"]
    assert all(attrs.get("scope") in ("col", "row") or not attrs for attrs in headers)


def test_names_cannot_leave_their_place(hostile: Story) -> None:
    page = page_of(hostile)
    assert HOSTILE not in page
    assert "\x1b" not in page
    assert TAMED in page
    outline = Outline(page)
    assert [tag for tag, _ in outline.elements].count("script") == 1
    assert not [tag for tag, _ in outline.elements if tag in ("b", "i")]
    assert "&lt;b&gt;网&amp;" in page
    assert "0&lt;i&gt;网&amp;.png" in page
    links = {attrs.get("href") for tag, attrs in outline.elements if tag == "a"}
    assert "icraft/%3Cb%3E%E7%BD%91%26.toml" in links


def test_a_name_that_is_no_text_is_written_as_an_escape(plain: Story) -> None:
    model = replace(plain.report.model, name="odd\udcff")
    story = replace(plain, outcome=replace(plain.outcome, report=replace(plain.report, model=model)))
    assert b"odd\\udcff" in report_html(story).data


def test_a_template_that_asks_for_what_is_not_there_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ it.nothing }}").render(it=1)


def test_no_report_leaves_the_page_out() -> None:
    story = story_of(html=False, golden=False)
    assert "report.html" not in {each.path for each in story.outcome.artifacts}
    assert "report.html" not in {each.path for each in story.report.artifacts}


def test_the_page_is_listed_and_lists_all_but_itself(plain: Story) -> None:
    listed = {each.path for each in plain.report.artifacts}
    assert "report.html" in listed
    assert listed == {each.path for each in section("artifacts", plain).files} | {"report.html"}
