"""What a scale takes by the rates it assumes: by hand for a small one, and as the README says for the public ones."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner
from transformers import Qwen2Config

from reset import params
from reset.cli.main import main
from reset.planning import assumed, model_size, workload
from tests.support import ROOT

pytestmark = pytest.mark.slow

PLAN = {
    "train_tokens_per_s": 10.0,
    "sample_tokens_per_s": 2.0,
    "answers_per_s": {"rater": 0.5},
    "row_tokens": 100,
    "answer_tokens": 20,
    "cut_answers": 0.0,
    "stage_s": 3.0,
    "device_usd": 2.0,
    "download_gb": {"micro": 0.5, "data sets": 1.5},
    "written_gb_per_system": 0.25,
}


@pytest.fixture
def small(minimal, tmp_path, monkeypatch):
    """A params.yaml whose work can be counted by hand, in a folder without data."""
    monkeypatch.chdir(tmp_path)
    minimal["plan"] = PLAN
    minimal["mixtures"]["mtl"]["rows"] = 8
    minimal["recipes"]["full"]["epochs"] = 2.0

    def write():
        Path("params.yaml").write_text(yaml.safe_dump(minimal))
        return params.load()

    return minimal, write


def test_hours_gigabytes_and_dollars_follow_from_the_tables(small):
    found = assumed.whole(small[1]())
    answers = 10 + 10 * 4  # greedy; a sweep of two values each, twice, of which one greedy answer may be a copy
    assert found["train_hours"] * 3600 == pytest.approx((2 * 8 + 10) * 2 * 100 / 10)
    assert found["sample_hours"] * 3600 == pytest.approx(answers * 20 / 2, rel=0.2)
    assert found["judge_hours"] * 3600 == pytest.approx(answers / 0.5, rel=0.2)
    assert found["start_hours"] * 3600 == pytest.approx((2 + 2 * 2) * 3)
    assert found["hours"] == pytest.approx(
        sum(found[f"{kind}_hours"] for kind in ("train", "sample", "judge", "start"))
    )
    assert (found["download_gb"], found["systems_gb"]) == (2.0, 0.5)
    assert found["usd"] == pytest.approx(2 * found["hours"])


def test_nothing_is_told_without_assumptions_or_without_a_limit_of_rows(small):
    content, write = small
    content["mixtures"]["mtl"]["rows"] = None
    assert assumed.whole(write()) is None
    content["mixtures"]["mtl"]["take"] = {"talk": 3, "nq": 4}
    assert assumed.whole(write()) is not None
    content["plan"] = None
    assert assumed.whole(write()) is None


def test_the_command_tells_it_where_no_model_can_be_had(small):
    small[0]["base"]["micro"] |= {"kind": "hub", "options": {"id": str(Path("away").absolute()), "revision": None}}
    small[1]()
    done = CliRunner().invoke(main, ["plan", "--no-status", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout[done.stdout.index("{") :])["assumed"]["download_gb"] == 2.0
    assert "whole run by the rates" in CliRunner().invoke(main, ["plan", "--no-status"]).output


@pytest.mark.parametrize("scale", ["laptop", "gpu"])
def test_the_readme_has_the_figures_of_the_plan(scale, composed):
    p = params.load(composed(scale))
    found = assumed.whole(p)
    assert found
    mixture = p.mixtures["mtl"]
    answers = workload.answering(p, "mtl_candidates", p.pools["mtl_candidates"], None).answers
    row = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| {scale} |"))
    figures = [f"{len(mixture.parts) * mixture.rows:,}", f"{answers:,}"]
    figures += [f"{found[key]:.1f}" for key in ("hours", "download_gb", "systems_gb")]
    figures.append(f"{found['usd']:.2f}" if found["usd"] else "0")
    assert row.endswith("| " + " | ".join(figures) + " |"), figures


@pytest.mark.parametrize("scale", ["laptop", "gpu"])
def test_every_judge_and_every_downloaded_model_of_a_public_scale_is_counted(scale, composed):
    p = params.load(composed(scale))
    assert p.plan
    assert p.plan.answers_per_s.keys() == p.judges.keys()
    assert p.plan.download_gb.keys() == {*p.base, "data sets"}


def test_training_at_scale_gpu_fits_into_24_gb(composed, tmp_path):
    size = {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12}
    size |= {"vocab_size": 151_936, "num_key_value_heads": 2, "tie_word_embeddings": True}  # Qwen2.5-1.5B
    Qwen2Config(**size).save_pretrained(tmp_path)
    shape, p = model_size.shape(tmp_path), params.load(composed("gpu"))
    assert shape.parameters == 1_543_714_304
    for recipe in p.recipes.values():
        assert shape.training(recipe, torch.bfloat16, devices=1, tokens=p.train.max_tokens) < 16e9  # room for buffers
