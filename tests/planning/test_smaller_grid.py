"""What decode settings bring is counted in the pool; the expected loss is of prompts that had no say."""

import json
import random
from statistics import fmean

import pytest
import yaml
from click.testing import CliRunner

from reset.choosing.candidates import Candidate
from reset.cli.main import main
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.planning import smaller_grid
from reset.sampling.decode_settings import arms

GRID = arms([0.1, 0.5], [5, 50], 1.0)


def candidates(scores):
    """The candidates of one prompt from setting -> score, or -> a list of scores."""
    found = []
    for setting, said in scores.items():
        for score in said if isinstance(said, list) else [said]:
            found.append(Candidate({"setting": setting}, {}, score, None if score is not None else "empty answer"))
    return found


def pool(rows):
    return {f"nq/train/{number}": candidates(row) for number, row in enumerate(rows)}


def noise(prompts, settings, seed=0):
    draw = random.Random(seed)
    return [{one: draw.random() for one in settings} for _ in range(prompts)]


def test_wins_of_a_tie_are_shared_and_rates_are_of_prompts_answered():
    rows = [{"t0.1": 1.0, "t0.5": 1.0}] * 4 + [{"k5": 0.5, "k50": 0.7}] * 6
    found = {one["setting"]: one for one in smaller_grid.of_settings(smaller_grid.table(pool(rows), GRID))}
    assert {name: one["wins"] for name, one in found.items()} == {"t0.1": 2, "t0.5": 2, "k5": 0, "k50": 6}
    assert [found[name]["prompts"] for name in ("t0.1", "k5")] == [4, 6]
    assert [found[name]["win_rate"] for name in ("t0.1", "k50")] == [0.5, 1.0]
    assert found["k5"]["mean_score"] == 0.5
    assert found["t0.1"]["loss_without"] == 0
    assert found["k50"]["loss_without"] == pytest.approx(6 * 0.2 / 10)


def test_a_setting_with_several_answers_counts_by_its_best():
    found = smaller_grid.table(pool([{"t0.1": [0.2, 0.9, None], "k5": 0.4}] * 5), GRID)
    assert found.scores.max(axis=1).tolist() == [0.9] * 5
    assert found.sampled[0].tolist() == [3, 0, 1, 0]
    assert found.random.tolist() == pytest.approx([0.5] * 5)


def test_the_loss_is_that_of_choosing_again_among_the_answers_that_are_left():
    rows = noise(200, ["t0.1", "t0.5", "k5", "k50"])
    for one in smaller_grid.smaller(smaller_grid.table(pool(rows), GRID)):
        again = fmean(max(row.values()) - max(row[name] for name in one["settings"]) for row in rows)
        assert one["loss"] == pytest.approx(again)
        assert one["answers"] == len(one["settings"])


def test_settings_go_cheapest_first_and_each_arm_keeps_one():
    rows = [{"t0.1": 0.9, "t0.5": 0.1, "k5": 0.8 + 0.01 * (n % 12), "k50": 0.2} for n in range(100)]
    found = smaller_grid.smaller(smaller_grid.table(pool(rows), GRID))
    assert [one["left_out"] for one in found] == [None, "t0.5", "k50"]
    assert found[-1]["settings"] == ["t0.1", "k5"]
    assert [one["expected_loss"] for one in found] == [0, 0, 0]
    assert smaller_grid.proposed(found, max_share=0.0) == found[-1]


def test_the_expected_loss_is_measured_on_prompts_that_had_no_say():
    settings = [f"k{k}" for k in range(1, 13)]
    found = smaller_grid.smaller(smaller_grid.table(pool(noise(60, settings)), arms([], range(1, 13), 1.0)))
    between = found[2:-2]
    assert fmean(one["expected_loss"] for one in between) > 1.1 * fmean(one["loss"] for one in between)


def test_prompts_of_one_part_alone_lose_what_the_others_would_leave_out():
    plain, odd = {"t0.1": 0.1, "t0.5": 0.9, "k5": 0.2, "k50": 0.8}, {"t0.1": 0.9, "t0.5": 0.1, "k5": 0.2, "k50": 0.8}
    part = smaller_grid.table(pool([plain] * 60), GRID).part
    found = smaller_grid.smaller(smaller_grid.table(pool([odd if part[n] == 0 else plain for n in range(60)]), GRID))
    count = int((part == 0).sum())
    assert 5 < count < 25
    assert found[-1]["settings"] == ["t0.5", "k50"]
    assert found[-1]["expected_loss"] == pytest.approx(count * (0.9 - 0.8) / 60)


def test_a_prompt_that_only_one_setting_can_answer_keeps_it():
    rows = [{"t0.1": 1.0, "t0.5": 1.0, "k5": 1.0, "k50": 1.0}] * 20
    rows += [{"t0.1": None, "t0.5": 0.1, "k5": None, "k50": None}] * 20
    found = smaller_grid.smaller(smaller_grid.table(pool(rows), GRID))
    assert all("t0.5" in one["settings"] for one in found)
    assert {one["prompts_lost"] for one in found} == {0}
    rows[-1] = {"t0.1": 0.1, "t0.5": None, "k5": None, "k50": None}
    last = smaller_grid.smaller(smaller_grid.table(pool(rows), GRID))[-1]
    assert last["prompts_lost"] == 1
    assert (
        smaller_grid.proposed(smaller_grid.smaller(smaller_grid.table(pool(rows), GRID)), max_share=1.0)["prompts_lost"]
        == 0
    )


def test_a_proposal_loses_no_more_than_allowed():
    found = smaller_grid.smaller(smaller_grid.table(pool(noise(200, ["t0.1", "t0.5", "k5", "k50"])), GRID))
    for share in (0.0, 0.3, 1.0):
        chosen = smaller_grid.proposed(found, max_share=share)
        assert chosen["expected_share"] <= share
        smaller = [one for one in found if len(one["settings"]) < len(chosen["settings"])]
        assert all(one["expected_share"] > share for one in smaller)


def test_a_pool_that_does_not_fit_is_told():
    with pytest.raises(ResetError, match=r"The pool holds the setting 't0\.9', its decode grid does not: t0\.1, t"):
        smaller_grid.table(pool([{"t0.9": 1.0}] * 5), GRID)
    with pytest.raises(ResetError, match="4 prompts have an answer that can win; 5 are needed"):
        smaller_grid.table(pool([{"k5": 1.0}] * 4 + [{"k5": None}]), GRID)


@pytest.fixture
def run(tmp_path, minimal, monkeypatch):
    """A folder with a judged pool of forty prompts, and the command in it."""
    monkeypatch.chdir(tmp_path)
    answers, said, draw = [], [], random.Random(0)
    for number in range(40):
        for setting in ("greedy", "t0.7", "k1", "k5"):
            key = {"answer_id": f"nq/train/{number}|{setting}|0", "example_id": f"nq/train/{number}", "dataset": "nq"}
            plain = {"task": "instruction", "system": "mtl", "setting": setting, "sweep": 0, "temperature": 1.0}
            plain |= {"top_k": 0, "seed": 0, "text": "it", "tokens": 1, "finish_reason": "stop", "mean_logprob": None}
            answers.append(key | plain)
            score = 0.9 if setting == "t0.7" else draw.random() * 0.8
            verdict = {"name": "rating", "score": score, "reason": None, "detail": "{}"}
            said.append({"answer_id": key["answer_id"], **verdict})
    tables.write(tmp_path / "data/answers/mtl_candidates.parquet", schemas.ANSWERS, answers)
    tables.write(tmp_path / "data/verdicts/mtl_candidates/rater.parquet", schemas.VERDICTS, said)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    return lambda *arguments: CliRunner().invoke(main, ["grid", *arguments])


def test_the_command_proposes_a_grid_that_params_takes(run):
    shown = run("mtl_candidates")
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert lines[0].startswith("mtl_candidates: 40 prompts; the best answer scores 1.800")  # twice 0.9
    proposed = yaml.safe_load("\n".join(lines[lines.index("decode:") :]))["decode"]["proposed"]
    told = json.loads(run("mtl_candidates", "--json").output)
    assert proposed == told["proposal"]["decode"]
    assert proposed["temperatures"] == [0.7] and len(proposed["top_ks"]) == 1 and proposed["top_k_temperature"] == 1.0
    assert sum(one["wins"] for one in told["settings"]) == 40
    assert told["proposal"]["expected_loss"] == 0


def test_the_command_says_what_is_missing(run, tmp_path):
    unknown = run("mtl_candidate")
    assert unknown.exit_code == 1 and "Unknown pools 'mtl_candidate'" in unknown.output
    assert "has no judged answers of pool 'mtl'; run `dvc repro`" in run("mtl").output
    assert "Usage" not in unknown.output


def test_the_error_of_few_prompts_is_not_told():
    few = smaller_grid.smaller(smaller_grid.table(pool(noise(9, ["t0.1", "t0.5", "k5", "k50"])), GRID))
    assert {one["standard_error"] for one in few} == {None}
    many = smaller_grid.smaller(smaller_grid.table(pool(noise(10, ["t0.1", "t0.5", "k5", "k50"])), GRID))
    assert None not in {one["standard_error"] for one in many}


def test_the_command_counts_no_answer_that_the_curated_row_bars(run, tmp_path):
    path = tmp_path / "data/answers/mtl_candidates.parquet"
    rows = [
        row | {"finish_reason": "length" if row["setting"] == "t0.7" else "stop"}
        for row in tables.read(path, schemas.ANSWERS)
    ]
    tables.write(path, schemas.ANSWERS, rows)
    settings = {one["setting"]: one["wins"] for one in json.loads(run("mtl_candidates", "--json").output)["settings"]}
    assert settings["t0.7"] == 0
    params = tmp_path / "params.yaml"
    params.write_text(params.read_text().replace("truncated: drop", "truncated: keep"))
    settings = {one["setting"]: one["wins"] for one in json.loads(run("mtl_candidates", "--json").output)["settings"]}
    assert settings["t0.7"] == 40


def test_the_command_says_if_stand_ins_chose(run, tmp_path):
    params = tmp_path / "params.yaml"
    content = yaml.safe_load(params.read_text()) | {"stand_ins": ["rater"]}
    content["select"]["stand_ins"] = True
    params.write_text(yaml.safe_dump(content))
    first = run("mtl_candidates").output.splitlines()[0]
    assert first.endswith("by stand-ins too: oracle, rating, rating_weak")
    content["select"]["stand_ins"] = False
    params.write_text(yaml.safe_dump(content))
    assert "0 prompts have an answer that can win" in run("mtl_candidates").output


def test_of_a_pool_whose_prompts_have_unequal_sweeps_the_first_alone_is_counted(run, tmp_path):
    path = tmp_path / "data/answers/mtl_candidates.parquet"
    rows = list(tables.read(path, schemas.ANSWERS))
    hard = [row | {"answer_id": row["answer_id"][:-1] + "1", "sweep": 1} for row in rows[:8]]
    before = json.loads(run("mtl_candidates", "--json").output)["settings"]
    tables.write(path, schemas.ANSWERS, [*rows, *hard])
    params = tmp_path / "params.yaml"
    params.write_text(params.read_text().replace("until: null", "until: {answers: 2, f1: null}"))
    assert json.loads(run("mtl_candidates", "--json").output)["settings"] == before
    assert "of the first sweep alone, which all prompts have" in run("mtl_candidates").output.splitlines()[0]
