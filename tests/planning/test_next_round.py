"""A round is added under names of its own, with new prompts or a stated overlap, and changes no older row."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from reset import params
from reset.cli.main import main
from tests.support import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["round", *arguments])


def test_round_follows_its_sampler_on_prompts_that_no_round_has_drawn(project: Path) -> None:
    before = yaml.safe_load((project / "params.yaml").read_text())
    done = add("third", "--from", "mtl_reset_2")
    assert done.exit_code == 0, done.output
    p = params.load()
    assert (p.systems["third"].init, p.systems["third"].data) == ("mtl_reset_2", "curated/third")
    assert p.systems["third"].recipe == p.systems["mtl_reset_2"].recipe
    assert (p.pools["third_candidates"].model, p.pools["third_candidates"].decode) == ("mtl_reset_2", "intent")
    assert p.pools["third"].model == "third"
    assert p.prompts["third_prompts"].skip == 600  # behind candidates (0 to 300) and candidates_2 (300 to 600)
    assert p.evaluate.systems[-1] == "third"
    after = yaml.safe_load((project / "params.yaml").read_text())
    for table in ("systems", "pools", "curated", "prompts"):
        assert {name: after[table][name] for name in before[table]} == before[table]
    assert {key for key in before if before[key] != after[key]} == {
        "systems",
        "pools",
        "curated",
        "prompts",
        "evaluate",
        "report",
    }
    assert after["report"]["comparisons"] == [*before["report"]["comparisons"], ["third", "mtl_reset_2"]]
    assert "rows 600 to 900 of each data set, none drawn before; third starts from mtl_reset_2" in done.output


def test_round_from_a_system_of_another_method_is_of_that_method(project: Path) -> None:
    done = add("mtl_dpo_2", "--from", "mtl_dpo")
    assert done.exit_code == 0, done.output
    p = params.load()
    row, former = p.curated["mtl_dpo_2"], p.curated["pairs"]
    assert (row.pick, row.margin, row.share) == ("pairs", former.margin, former.share)
    assert (p.systems["mtl_dpo_2"].recipe, p.systems["mtl_dpo_2"].init) == ("dpo", "mtl_dpo")
    assert p.pools["mtl_dpo_2_candidates"].model == "mtl_dpo"
    assert "mtl_dpo_2 starts from mtl_dpo, by recipe dpo on pick: pairs, and is held to mtl_dpo, its" in done.output


def test_a_round_of_pairs_takes_as_many_a_prompt_and_is_held_to_the_model_that_it_starts_from(project: Path) -> None:
    systems = project / "conf/systems/one_base.yaml"
    text = systems.read_text().replace("pick: pairs, margin: 0.5", "pick: pairs, margin: 0.5, per_prompt: 3")
    systems.write_text(text)
    assert CliRunner().invoke(main, ["compose"]).exit_code == 0
    done = add("mtl_dpo_2", "--from", "mtl_dpo", "--init", "mtl")
    assert done.exit_code == 0, done.output
    p = params.load()
    assert (p.curated["mtl_dpo_2"].per_prompt, p.systems["mtl_dpo_2"].init) == (3, "mtl")
    assert "is held to mtl, its reference model" in done.output


def test_round_of_a_set_that_several_systems_share_is_trained_as_its_sampler_was(project: Path) -> None:
    systems = project / "conf/systems/one_base.yaml"
    text = systems.read_text().replace(
        "data: curated/reset, dev: mtl, recipe: continued,", "data: curated/reset, dev: mtl, recipe: first,", 1
    )
    systems.write_text(text)  # system `reset` comes first, and is now trained by another recipe than mtl_reset
    assert add("again", "--from", "mtl_reset").exit_code == 0
    assert params.load().systems["again"].recipe == "continued"


def test_round_from_a_system_that_no_round_made_keeps_the_best_answers(project: Path) -> None:
    done = add("new", "--from", "mtl_gold")
    assert done.exit_code == 0, done.output
    assert params.load().curated["new"].pick == "best"
    assert "by recipe continued on pick: best" in done.output


def test_rounds_pile_up_and_start_where_they_are_told(project: Path) -> None:
    assert add("third", "--from", "mtl_reset_2").exit_code == 0
    done = add("fourth", "--from", "third", "--init", "mtl", "--overlap", "100")
    assert done.exit_code == 0, done.output
    p = params.load()
    assert (p.systems["fourth"].init, p.prompts["fourth_prompts"].skip) == ("mtl", 800)
    assert p.evaluate.systems[-2:] == ["third", "fourth"]
    assert "100 of them drawn before" in done.output


def test_round_may_answer_old_prompts_again(project: Path) -> None:
    done = add("again", "--from", "mtl_reset", "--prompts", "candidates")
    assert done.exit_code == 0, done.output
    assert params.load().curated["again"].prompts == "candidates"
    assert "again_prompts" not in params.load().prompts
    assert "mtl_reset answers candidates, all drawn before" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mtl_reset", "--from", "mtl"], "'mtl_reset' exists already; a round never overwrites another"),
        (["new", "--from", "mtl_rest"], "There is no system 'mtl_rest'. Did you mean 'mtl_reset'?"),
        (["new", "--from", "mtl", "--init", "base/micra"], "There is no starting model 'base/micra'. Did you mean "),
        (["new", "--from", "mtl", "--prompts", "candidate"], "There is no row of prompts 'candidate'. Did you mean "),
        (["new", "--from", "mtl", "--overlap", "601"], "--overlap must be between 0 and 600 (rows already drawn)"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(project: Path, arguments: list[str], said: str) -> None:
    refused = add(*arguments)
    assert refused.exit_code == 1
    assert said in refused.output
    assert not (project / "conf/rounds").exists()
    assert (project / "params.yaml").read_text() == (ROOT / "params.yaml").read_text()


def test_data_set_that_is_used_up_is_told_with_the_overlap_that_would_do(project: Path) -> None:
    (project / "metrics/prepare").mkdir(parents=True)
    (project / "metrics/prepare/nq.json").write_text(json.dumps({"scale": "micro", "splits": {"train": 750}}))
    refused = add("third", "--from", "mtl")
    assert "'nq' has 150 training rows left, the round needs 300: give --overlap 150 or more" in refused.output
    assert add("third", "--from", "mtl", "--overlap", "150").exit_code == 0
