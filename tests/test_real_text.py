"""The figures of runs on real text: means over runs, and what stages took."""

import json
from pathlib import Path

import pytest

from benchmarks import real_text, real_text_tables


def test_a_figure_that_a_run_lacks_has_no_mean() -> None:
    runs = [{"nq": {"best": 2.0, "random": 1.0}, "dolly": {"best": 1.0}}, {"nq": {"best": 3.0}}]
    assert real_text.means(runs) == {"nq": {"best": 2.5}, "dolly": {}}


def test_costs_add_times_and_keep_the_largest_peak() -> None:
    lines = [
        json.dumps({"stage": "stages.train", "args": ["mtl"], "wall_s": 60.0, "cpu_s": 30.5, "peak_bytes": peak})
        for peak in (5, 7)
    ]
    assert real_text.costs(lines) == {"train": {"stages": 2, "wall_s": 120.0, "cpu_s": 61.0, "peak_bytes": 7}}


@pytest.mark.parametrize("table", real_text.PARTS)
def test_every_part_has_its_figures_in_the_file_of_the_documents(table: str) -> None:
    content = json.loads((real_text.ROOT / "docs/real_text.json").read_text())
    assert content[table] and all(isinstance(row, dict) for row in content[table].values())


def test_what_another_scale_has_left_in_the_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "metrics/sample").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text("scale: laptop\n")
    for pool, scale in (("mtl", "laptop"), ("cd", "micro")):
        figures = {"scale": scale, "rows_out": 4, "tokens": 40, "finished": {"stop": 3, "length": 1}}
        (tmp_path / f"metrics/sample/{pool}.json").write_text(json.dumps(figures))
    assert real_text.sampled(tmp_path) == {"mtl": {"answers": 4, "tokens": 40, "cut": 0.25}}


def test_every_system_of_a_study_has_its_row_those_that_the_tables_do_not_know_last() -> None:
    systems = ["other", "mtl_reset", "base", "mtl_unfiltered"]
    assert real_text_tables.ordered(systems) == ["base", "mtl_unfiltered", "mtl_reset", "other"]
    figures = dict.fromkeys(("ended_prompts", "ended_faithfulness", "cut_prompts", "cut_faithfulness"), 1)
    rows = real_text_tables.ended({"ended": dict.fromkeys(systems, figures)}).splitlines()[2:]
    assert [row.split()[1] for row in rows] == real_text_tables.ordered(systems)
