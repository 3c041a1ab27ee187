"""Scores of a system: per data set and objective, macro averages, and the per-prompt table that pairs systems."""

import pytest

from reset.errors import ResetError
from reset.files import schemas, tables
from reset.scoring.evaluate import SCORES, evaluate
from tests.support.paper_objectives import OBJECTIVES

GROUPS = {"nq": "seen", "bioasq": "unseen", "cnn": "seen", "alpaca": "instruction"}
TASKS = {
    "nq": "extractive_qa",
    "bioasq": "extractive_qa",
    "cnn": "summarization",
    "alpaca": "instruction",
    "ifeval": "instruction",
}


class System:
    """Answers, verdicts and prompts of one system in files."""

    def __init__(self, folder):
        self.folder, self.answers, self.verdicts, self.examples = folder, [], [], []

    def add(self, dataset, number, tokens=2, **said):
        example_id, task = f"{dataset}/test/{number}", TASKS[dataset]
        fields = {"split": "test", "instruction": "i", "question": "", "passages": [], "references": [], "checks": None}
        self.examples.append({"example_id": example_id, "dataset": dataset, "task": task, **fields})
        row = {"answer_id": f"{example_id}|greedy|0", "example_id": example_id, "dataset": dataset, "task": task}
        row |= {
            "system": "mtl",
            "setting": "greedy",
            "sweep": 0,
            "temperature": 0.0,
            "top_k": 0,
            "seed": 0,
            "text": "t",
        }
        self.answers.append(row | {"tokens": tokens, "finish_reason": "stop", "mean_logprob": None})
        for name, score in said.items():
            verdict = {"answer_id": row["answer_id"], "name": name, "score": score, "reason": None, "detail": None}
            self.verdicts.append(verdict)

    def evaluate(self, name="s", groups=GROUPS, **more):
        self.scores = self.folder / f"{name}.parquet"
        paths = [self.folder / f"{name}-{part}" for part in ("answers", "verdicts", "prompts")]
        tables.write(paths[0], schemas.ANSWERS, self.answers)
        tables.write(paths[1], schemas.VERDICTS, self.verdicts)
        tables.write(paths[2], schemas.EXAMPLES, self.examples)
        options = {"objectives": OBJECTIVES, "groups": groups, "bootstrap": 200, "seed": 0, **more}
        return evaluate(paths[0], [paths[1]], paths[2], self.scores, **options)


@pytest.fixture
def system(tmp_path):
    return System(tmp_path)


def test_a_data_set_of_general_ability_is_counted_but_in_no_score(system):
    before, figures = fill(system).evaluate()
    for number in range(3):
        system.add("ifeval", number, rating=0.0)
    after, same = system.evaluate("more", {**GROUPS, "ifeval": "ability"})
    assert same == figures
    assert (after.rows_in, after.rows_out) == (before.rows_in + 3, before.rows_out)
    assert after.set_aside == {"general ability, beside the averages": 3}


def fill(system, prompts=4):
    for number in range(prompts):
        system.add("nq", number, tokens=number, exact_match=0.0, span_coverage=1.0, bigram_coverage=0.5)
        system.add("bioasq", number, exact_match=1.0, span_coverage=float(number % 2))
        system.add("cnn", number, rouge_l=0.25, summac=0.2)
        system.add("alpaca", number, rating=0.7)
    return system


def test_figures_per_data_set_and_objective(system):
    _, summary = fill(system, 12).evaluate()
    assert summary["datasets"]["nq"] == {
        "task": "extractive_qa",
        "group": "seen",
        "n": 12,
        "tokens": 5.5,
        "scores": {
            "task": {"mean": 0, "low": None, "high": None, "nulls": 0},  # all alike
            "faithfulness": {"mean": 1, "low": None, "high": None, "nulls": 0},
            "bigram_coverage": {"mean": 0.5, "low": None, "high": None, "nulls": 0},
        },
    }
    spread = summary["datasets"]["bioasq"]["scores"]["faithfulness"]
    assert spread["low"] < spread["mean"] == 0.5 < spread["high"]


def test_macro_averages_are_plain_means_over_data_sets(system):
    for number in range(20):  # a larger data set weighs no more
        system.add("nq", f"more{number}", exact_match=0.0, span_coverage=1.0)
    account, summary = fill(system).evaluate()
    assert {name: (one["mean"], one["datasets"]) for name, one in summary["macro"].items()} == {
        "bigram_coverage": (0.5, 1),
        "bigram_coverage_extractive": (0.5, 1),
        "bigram_coverage_seen": (0.5, 1),
        "faithfulness": (round(1.7 / 3, 4), 3),
        "faithfulness_abstractive": (0.2, 1),
        "faithfulness_extractive": (0.75, 2),
        "faithfulness_seen": (0.6, 2),
        "faithfulness_unseen": (0.5, 1),
        "instruction": (0.7, 1),
        "task": (round(1.25 / 3, 4), 3),
        "task_abstractive": (0.25, 1),
        "task_extractive": (0.5, 2),
        "task_seen": (0.125, 2),
        "task_unseen": (1.0, 1),
    }
    assert account.as_dict() == {"rows_in": 36, "rows_out": 36, "set_aside": {}}


def test_nulls_and_missing_verdicts_are_counted_and_take_no_part_in_means(system):
    system.add("nq", 0, exact_match=1.0, span_coverage=0.5)
    system.add("nq", 1, exact_match=None)
    _, summary = system.evaluate()
    scores = summary["datasets"]["nq"]["scores"]
    assert (scores["task"]["mean"], scores["task"]["nulls"]) == (1.0, 1)
    assert (scores["faithfulness"]["mean"], scores["faithfulness"]["nulls"]) == (0.5, 1)


def test_objective_of_nothing_but_nulls_has_no_mean(system):
    system.add("alpaca", 0, rating=None)
    _, summary = system.evaluate()
    assert summary["datasets"]["alpaca"]["scores"]["instruction"] == {
        "mean": None,
        "low": None,
        "high": None,
        "nulls": 1,
    }
    assert summary["macro"]["instruction"] == {"mean": None, "low": None, "high": None, "datasets": 1}


def test_score_table_holds_one_row_per_prompt_and_objective(system):
    system.add("cnn", 7, tokens=31, rouge_l=0.25, summac=None)
    system.evaluate()
    common = {"example_id": "cnn/test/7", "dataset": "cnn", "task": "summarization", "group": "seen", "tokens": 31}
    common |= {"words": 1, "reference_words": None}
    assert list(tables.read(system.scores, SCORES)) == [
        {**common, "objective": "faithfulness", "score": None},
        {**common, "objective": "task", "score": 0.25},
    ]


def test_order_of_answers_changes_nothing(system):
    _, first = fill(system).evaluate()
    rows = list(tables.read(system.scores, SCORES))
    system.answers.reverse()
    system.verdicts.reverse()
    assert system.evaluate()[1] == first
    assert list(tables.read(system.scores, SCORES)) == rows


def test_prompt_without_an_answer_is_named(system):
    fill(system).answers.pop()
    system.verdicts.pop()
    with pytest.raises(ResetError, match=r"no answer to example 'alpaca/test/3' of .*s-prompts"):
        system.evaluate()


def test_answer_to_an_unknown_prompt_is_named(system):
    fill(system).examples.pop()
    with pytest.raises(ResetError, match=r"answers example 'alpaca/test/3', which is not in .*s-prompts"):
        system.evaluate()


def test_two_answers_to_a_prompt_are_refused(system):
    system.add("alpaca", 0, rating=0.5)
    system.answers.append({**system.answers[0], "answer_id": "alpaca/test/0|greedy|1"})
    with pytest.raises(ResetError, match=r"two answers to example 'alpaca/test/0'; a test pool holds one per prompt"):
        system.evaluate()


def test_data_set_without_a_group_is_named(system):
    system.add("bioasq", 0, exact_match=1.0, span_coverage=1.0)
    with pytest.raises(ResetError, match=r"data set 'bioasq' is in no group. Known: nq"):
        system.evaluate(groups={"nq": "seen"})


def test_figures_that_rest_on_a_stand_in_say_so_and_no_others(system):
    _, summary = fill(system).evaluate(stand_ins={"summac", "bigram_coverage"})
    assert {name for name, figures in summary["macro"].items() if figures.get("stand_in")} == {
        *("faithfulness", "faithfulness_abstractive", "faithfulness_seen"),
        *("bigram_coverage", "bigram_coverage_extractive", "bigram_coverage_seen"),
    }
    by_dataset = summary["datasets"]
    assert by_dataset["cnn"]["scores"]["faithfulness"]["stand_in"] is True
    assert "stand_in" not in by_dataset["nq"]["scores"]["faithfulness"]


def test_correlation_of_fewer_than_ten_answers_is_not_given(system):
    for number in range(9):
        system.add("cnn", number, rouge_l=0.5, summac=number / 10, oracle=number / 10)
    assert system.evaluate()[1]["oracle_correlation"] is None
    system.add("cnn", 9, rouge_l=0.5, summac=0.9, oracle=0.9)
    assert system.evaluate()[1]["oracle_correlation"] == 1.0
