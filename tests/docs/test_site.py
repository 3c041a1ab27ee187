"""The site as `make docs` builds it: no broken link, and nothing that a page loads lies elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.slow
def test_the_drawing_stands_inside_its_page(site: Path) -> None:
    assert "<svg " in (site / "concepts.html").read_text().partition("<h1")[2]


def test_the_drawing_has_every_stage() -> None:
    drawn = set(re.findall(r"<text x=\"\d+\" y=\"\d+\">(\w+)</text>", (ROOT / "docs/line.svg").read_text()))
    assert drawn == set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
