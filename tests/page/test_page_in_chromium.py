"""The page as its reader meets it: in a browser, from a file, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.adapter.page.story import Story
from icraft_adapt.tests.page.chromium import Page, find_chromium
from icraft_adapt.tests.page.stories import page_of

VIEW = "document.querySelector('#graph').getAttribute('viewBox').split(' ').map(Number)"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser for all tests here; skips where there is none."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on this machine")
    with Page(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def file(hostile: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hostile page on disk: names must not hurt the scripts either."""
    path = tmp_path_factory.mktemp("out") / "report.html"
    path.write_text(page_of(hostile), encoding="utf-8")
    return path


@pytest.fixture
def page(tab: Page, file: Path) -> Page:
    """The page, freshly opened on a light system in a window of 1280 x 900."""
    tab.prefer("light")
    tab.resize(1280, 900)
    tab.open(file)
    return tab


def pixels(png: bytes) -> NDArray[np.uint8]:
    """A screenshot, uint8 [h, w, 3]."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8)


def clicked(page: Page, selector: str) -> None:
    page.run(f"document.querySelector({selector!r}).click()")


def test_it_loads_without_a_word_and_asks_for_nothing(page: Page, file: Path) -> None:
    assert page.messages == []
    assert [each for each in page.requests if not each.startswith("data:")] == [file.resolve().as_uri()]
    assert page.run("document.title").endswith("on icraft-v1.1: icraft-adapt")
    assert page.run("document.querySelectorAll('main > section').length") == 14


def test_a_screenshot_shows_something(page: Page, tmp_path: Path) -> None:
    (tmp_path / "report.png").write_bytes(page.screenshot())
    image = pixels((tmp_path / "report.png").read_bytes())
    assert image.shape == (900, 1280, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 100
    assert 0.3 < (image > 250).all(axis=2).mean() < 0.98


def test_a_table_sorts_by_a_click_and_says_so(page: Page) -> None:
    head = "document.querySelector('#network-title') && document.querySelectorAll('#layer-table thead th')[4]"
    values = "[...document.querySelectorAll('#layer-table tbody tr')].map(r => Number(r.cells[4].dataset.sort))"
    before = page.run(values)
    assert page.run(f"({head}).ariaSort") == "none"
    page.run(f"({head}).querySelector('button').click()")
    assert page.run(f"({head}).ariaSort") == "descending"
    assert page.run(values) == sorted(before, reverse=True) != before
    page.run(f"({head}).querySelector('button').click()")
    assert page.run(f"({head}).ariaSort") == "ascending"
    assert page.run(values) == sorted(before)
    assert page.run("[...document.querySelectorAll('#layer-table thead [aria-sort=ascending]')].length") == 1


def test_words_sort_from_a(page: Page) -> None:
    page.run("document.querySelector('#placement thead button').click()")
    names = page.run("[...document.querySelectorAll('#placement tbody th')].map(cell => cell.textContent)")
    assert names == sorted(names, key=str.lower)


def test_the_graph_zooms_and_moves(page: Page) -> None:
    first = page.run(VIEW)
    clicked(page, "[data-zoom=in]")
    zoomed = page.run(VIEW)
    assert zoomed[2] < first[2]
    assert zoomed[3] < first[3]
    clicked(page, "[data-zoom=whole]")
    whole = page.run(VIEW)
    assert whole[3] > first[3]
    wheel = "new WheelEvent('wheel', {deltaY: -300, clientX: 640, clientY: 500, cancelable: true%s})"
    send = "document.querySelector('#graph').dispatchEvent(%s)"
    page.run(send % (wheel % ""))
    assert page.run(VIEW) == whole, "the wheel scrolls the page until the picture is clicked"
    page.run(send % (wheel % ", ctrlKey: true"))
    assert page.run(VIEW)[2] < whole[2]
    clicked(page, "[data-zoom=width]")
    assert page.run(VIEW) == first
    down = "new KeyboardEvent('keydown', {key: %r, bubbles: true})"
    page.run(send % (down % "ArrowDown"))
    assert page.run(VIEW)[1] > first[1]
    page.run(send % (down % "+"))
    assert page.run(VIEW)[2] < first[2]
    page.run(send % (down % "0"))
    assert page.run(VIEW) == first


def test_a_block_in_focus_tells_its_numbers_and_lights_its_edges(page: Page) -> None:
    assert page.run("document.querySelector('#tip').hidden")
    page.run("document.querySelector('.block.approximated').focus()")
    told = page.run("document.querySelector('#tip').innerText")
    for word in ("Operator", "Output", "MACs", "activation_to_pwl", "approximate", "max abs", "npu", "Original nodes"):
        assert word in told
    assert "</script><b id='x'>" in told, "a name is text, whatever it holds"
    assert page.run("document.querySelectorAll('.edges .near').length") >= 2
    page.run("document.activeElement.blur()")
    assert page.run("document.querySelector('#tip').hidden")
    assert page.run("document.querySelectorAll('.edges .near').length") == 0


def middle(page: Page, selector: str) -> tuple[float, float]:
    """Where the first such element lies in the window, scrolled into view."""
    page.run(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
    box = f"document.querySelector({selector!r}).getBoundingClientRect()"
    x, y = page.run(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
    return x, y


def test_a_click_on_a_block_opens_its_row_and_a_drag_moves_the_picture(page: Page) -> None:
    at, view = middle(page, "a.block.approximated"), page.run(VIEW)
    page.drag(at, (at[0] - 40, at[1] - 60))
    assert page.run(VIEW)[1] > view[1]
    assert page.run("location.hash") == ""
    assert not page.run("document.querySelector('#layers').open")
    page.drag(middle(page, "a.block.approximated"))
    page.run("new Promise(done => setTimeout(done, 200))")
    assert page.run("document.querySelector('#layers').open")
    assert page.run("document.querySelector('tr:target').id") == page.run("location.hash")[1:]


def test_dark_is_another_page_and_the_button_changes_sides(page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light, shot = page.run(background), pixels(page.screenshot())
    page.prefer("dark")
    assert page.run(background) != light
    assert pixels(page.screenshot()).mean() < 90 < 200 < shot.mean()
    assert page.run("document.querySelector('#theme').textContent") == "Light"
    clicked(page, "#theme")
    assert page.run(background) == light
    clicked(page, "#theme")
    assert page.run(background) != light


@pytest.mark.parametrize("width", [390, 768])
def test_a_narrow_window_needs_no_sideways_scrolling(page: Page, width: int) -> None:
    page.resize(width, 844)
    assert page.run("document.documentElement.scrollWidth") <= width


def test_it_prints_open_and_whole(page: Page) -> None:
    page.prefer("dark")
    printed = page.pdf()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type/Page/") + printed.count(b"/Type /Page ") >= 6
    opened = "[...document.querySelectorAll('details')].every(each => each.open)"
    page.run(f"window.seen = []; addEventListener('beforeprint', () => seen.push({opened}, {VIEW}))")
    page.pdf()
    is_open, left, top, width, height = page.run("[seen[0], ...seen[1]]")
    assert is_open
    assert (left, top) == (0, 0)
    assert height > width > 1000
    assert page.run("document.querySelectorAll('details[open]').length") == 0
    assert page.messages == []
