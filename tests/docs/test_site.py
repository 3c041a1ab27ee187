"""The site as `make docs` builds it: no broken link, and nothing that a page loads lies elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from tests.support import ROOT

LOADED = re.compile(
    r"<(?:script|img|iframe|source|embed)[^>]*\ssrc=[\"']?(?:https?:)?//[^>]*"
    r"|<link(?![^>]*rel=[\"']?canonical)[^>]*href=[\"']?(?:https?:)?//[^>]*"
    r"|url\([\"']?(?:https?:)?//[^)]*\)|@import[^;]*//[^;]*"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("text", ['<script src="https://a.org/x.js">', "<link rel=x href=//a.org/f.css>", "url(//a/f)"])
def test_what_is_loaded_from_elsewhere_is_noticed(text: str) -> None:
    assert LOADED.search(text)


@pytest.mark.slow
def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > 15
    for file in files:
        assert not (found := LOADED.search(file.read_text(encoding="utf-8"))), (file.name, found)
    assert not any('class="mermaid"' in file.read_text() for file in files)  # the theme would load its script


@pytest.mark.slow
def test_the_site_has_the_reference_and_can_be_searched_without_a_server(site: Path) -> None:
    assert 'id="recipesnamelearning_rate"' in (site / "reference/params-training.html").read_text()
    assert "var __index = " in (site / "search/search_index.js").read_text()
    assert "assets/iframe-worker.js" in (site / "index.html").read_text()
    assert not list(site.rglob("*.py"))


class Links(HTMLParser):
    """The links of a page and the places that others can link to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag is called and where it leads."""
        known = {name: value or "" for name, value in attrs}
        self.places |= {known[key] for key in ("id", "name") if key in known}
        self.links += [known[key] for key in ("href", "src") if known.get(key)]


def dead(folder: Path) -> list[str]:
    """The links from one page to another, or to a place in one, that lead nowhere."""
    pages = {path.resolve(): Links(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or (path.name == "404.html" and link.startswith("/")):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.is_file() or (place and target in pages and place not in {"__skip", *pages[target].places}):
                found.append(f"{path.name}: {link}")
    return found


@pytest.mark.slow
def test_every_link_leads_to_a_page_and_a_place_that_are_there(site: Path) -> None:
    assert sum(len(Links(path.read_text()).links) for path in site.rglob("*.html")) > 500
    assert dead(site) == []


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<h1 id="x"></h1><a href="b.html#y">1</a><a href="#x">2</a><a href="c.html">3</a>')
    (tmp_path / "b.html").write_text('<a href="a.html#x">1</a><a href="https://a.org/none">2</a><img src="d.png">')
    assert sorted(dead(tmp_path)) == ["a.html: b.html#y", "a.html: c.html", "b.html: d.png"]


@pytest.mark.slow
def test_the_drawing_stands_inside_its_page(site: Path) -> None:
    assert "<svg " in (site / "concepts.html").read_text().partition("<h1")[2]


def test_the_drawing_has_every_stage() -> None:
    drawn = set(re.findall(r"<text x=\"\d+\" y=\"\d+\">(\w+)</text>", (ROOT / "docs/line.svg").read_text()))
    assert drawn == set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
