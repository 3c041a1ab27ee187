"""The benchmark of the page runs: its tables, its page and its looks through Chromium fit the report of today."""

import shutil

import pytest

from benchmarks import report


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs Chromium")
def test_the_page_of_a_few_prompts_is_written_opened_and_filtered() -> None:
    figures = report.measure(30, loads=1)
    assert figures["prompts"] == 30
    assert 0 < figures["first_paint_ms"] <= figures["ready_ms"]
    assert figures["filter_ms"] >= 0
