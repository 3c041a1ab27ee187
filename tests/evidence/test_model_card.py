"""A model card marks what a stand-in said, and tells the hub nothing of it."""

import json
from pathlib import Path

import pytest
import yaml

from tests.evidence.test_export import card, recorded


@pytest.fixture
def run(tmp_path: Path, micro_model: Path) -> Path:
    return recorded(tmp_path / "run", micro_model)


def front(text: str) -> list[str]:
    """The metrics of the front matter, as data set and type."""
    (model,) = yaml.safe_load(text.split("---\n")[1])["model-index"]
    return [f"{one['dataset']['name']} {metric['type']}" for one in model["results"] for metric in one["metrics"]]


def test_scores_of_a_stand_in_are_marked_and_no_result_for_the_hub(run: Path) -> None:
    path = run / "metrics/systems/mtl.json"
    summary = json.loads(path.read_text())
    summary["datasets"]["wikisum"]["scores"]["faithfulness"]["stand_in"] = True
    summary["macro"]["faithfulness"]["stand_in"] = True
    path.write_text(json.dumps(summary))
    text = card(run)
    marked = [line.split(" | ")[:2] for line in text.splitlines() if "(stand-in)" in line]
    assert marked == [["| macro average of 6", "faithfulness"], ["| wikisum", "faithfulness"]]
    assert "wikisum faithfulness" not in front(text)
    assert "nq faithfulness" in front(text)


def test_a_difference_that_cannot_be_told_and_a_tiny_p_value_are_said_so(run: Path) -> None:
    told = {"mean": 0.1, "low": 0.05, "high": 0.15, "p_holm": 0.0, "prompts": 60}
    few = {"mean": 1.0, "low": None, "high": None, "p_holm": None, "prompts": 1}
    pairs = [{"system": "mtl", "against": "base", "measures": {"task": told, "instruction": few}}]
    (run / "metrics/report").mkdir(parents=True)
    (run / "metrics/report/differences.json").write_text(json.dumps(pairs))
    text = card(run)
    assert "| base | task | +0.100 | [0.050, 0.150] | below 0.001 |" in text
    assert "| base | instruction | +1.000 | too few prompts to tell | – |" in text  # noqa: RUF001
