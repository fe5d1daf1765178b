"""Every relative link of every page leads to a file, and every anchor to a heading."""

from __future__ import annotations

import posixpath

import pytest

from icraft_adapt.tests.docs.pages import ROOT, Page, pages, read


def broken_links(page: Page) -> list[str]:
    """The links that lead nowhere; addresses on the web are not followed."""
    found = []
    for link in page.links:
        if ":" in link:
            continue
        path, _, anchor = link.partition("#")
        name = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), path)) if path else page.name
        other = page if name == page.name else read(name) if name.endswith(".md") and (ROOT / name).is_file() else None
        if (path and not (ROOT / name).exists()) or (anchor and (other is None or anchor not in other.headings)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Page) -> None:
    assert not broken_links(page)


def test_every_page_is_reached_from_the_readme() -> None:
    reached, ahead = {"README.md"}, ["README.md"]
    while ahead:
        name = ahead.pop()
        paths = (link.partition("#")[0] for link in read(name).links if ":" not in link)
        for path in paths:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            if other.endswith(".md") and other not in reached:
                reached.add(other)
                ahead.append(other)
    assert {page.name for page in pages() if page.name.startswith("docs/")} <= reached


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](README.md) [b](docs/adapt.md#1-export) [c](#t) [d](https://a.example/b.md)", []),
        ("[a](REDME.md)", ["REDME.md"]),
        ("[a](docs/adapt.md#export)", ["docs/adapt.md#export"]),
        ("[a](#nowhere)", ["#nowhere"]),
        ("`[a](nowhere.md)`\n\n```text\n[a](nowhere.md)\n```\n", []),
        ("[a](docs) ![b](docs/none.png)", ["docs/none.png"]),
        ("[a](LICENSE#1)", ["LICENSE#1"]),
    ],
)
def test_finds_a_broken_link(text: str, broken: list[str]) -> None:
    assert broken_links(Page("a.md", f"# T\n\n{text}")) == broken
