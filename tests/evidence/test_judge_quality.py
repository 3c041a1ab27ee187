"""Judges against human labels: figures by hand and scikit-learn's own, intervals over contexts, odd records."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score

from reset.cli.main import main
from reset.errors import ResetError
from reset.evidence.judge_quality import auroc, balanced_accuracy, brier, calibration_error, measure, read
from tests.support import SHARED

REAL = SHARED / "data/real/refchecker_dolly.jsonl"


def record(number, *labels, context=None, response="It stands in Oslo."):
    claims = [{"triplet": ["a", "b", "c"], "human_label": label} for label in labels]
    fields = {"id": str(number), "model": "m", "instruction": "Where is it?", "response": response}
    return {**fields, "context": context or f"The house {number} stands in Oslo.", "claims": claims}


@pytest.fixture
def records(tmp_path):
    def write(*rows):
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    scores = rng.random(60).round(1)  # with ties
    labels = (rng.random(60) < 0.7).astype(float)
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert balanced_accuracy(0.4)(scores, labels) == pytest.approx(balanced_accuracy_score(labels, scores >= 0.4))
    assert brier(scores, labels) == pytest.approx(brier_score_loss(labels, scores))


def test_calibration_error_is_the_mean_gap_of_the_bins():
    scores, labels = np.array([0.1, 0.1, 0.9, 1.0]), np.array([0.0, 1.0, 1.0, 1.0])
    assert calibration_error(scores, labels) == pytest.approx(0.5 * abs(0.1 - 0.5) + 0.5 * abs(0.95 - 1.0))
    assert calibration_error(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0


def test_a_response_is_faithful_when_all_its_claims_are_and_unlabelled_without_one(records):
    path = records(record(1, "Entailment"), record(2), record(3, "Entailment", "Neutral"), record(4, "Contradiction"))
    labelled, aside = read(path, "abstractive_qa")
    assert [(one.answer.answer_id, one.faithful) for one in labelled] == [("0", True), ("1", False), ("2", False)]
    assert aside == {"no claim": 1}
    assert (labelled[0].answer.question, labelled[0].answer.passages) == (
        "Where is it?",
        ["The house 1 stands in Oslo."],
    )
    assert read(path, "summarization")[0][0].answer.question == ""


def test_nulls_are_counted_and_a_missing_class_is_undefined(records):
    labelled, _ = read(records(*(record(n, "Entailment") for n in range(4))), "abstractive_qa")
    said = measure([0.9, None, 0.8, 0.7], labelled, threshold=0.5, resamples=50, seed=0)
    assert (said["n"], said["nulls"], said["faithful"]) == (3, 1, 3)
    assert said["auroc"] == {"value": None, "low": None, "high": None}
    assert said["brier"]["value"] == pytest.approx(0.0467, abs=1e-4)
    assert measure([None] * 4, labelled, threshold=0.5, resamples=5, seed=0)["auroc"] is None


def test_intervals_draw_whole_contexts(records):
    """Ten responses to one context say no more than one does: with two contexts the interval is wide."""
    few = [record(n, "Entailment" if n < 10 else "Neutral", context="ab"[n // 10]) for n in range(20)]
    labelled, _ = read(records(*few), "abstractive_qa")
    scores = [0.9] * 10 + [0.1] * 10
    said = measure(scores, labelled, threshold=0.5, resamples=200, seed=0)
    assert said["auroc"]["value"] == 1.0
    errors = measure([0.9] * 10 + [0.9] * 10, labelled, threshold=0.5, resamples=200, seed=0)["brier"]
    assert (errors["low"], errors["high"]) == (pytest.approx(0.01), pytest.approx(0.81))


@pytest.mark.parametrize("line", ["{", "[]", '{"claims": []}', '{"claims": [{"label": "Entailment"}]}'])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    path = tmp_path / "records.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ResetError, match=r"records\.jsonl: line 1 is not a labelled response"):
        read(path, "abstractive_qa")


def test_an_unknown_label_is_named(records):
    with pytest.raises(ResetError, match=r"line 1 has the label 'Maybe'\. Known: Entailment, Neutral, Contradiction"):
        read(records(record(1, "Maybe")), "abstractive_qa")


def test_the_command_measures_the_lexical_judge(records):
    rows = [record(n, "Entailment") for n in range(3)]
    rows += [record(n, "Neutral", response="Nobody ever went to Rome.") for n in range(3)]
    done = CliRunner().invoke(main, ["judge-quality", str(records(*rows)), "--resamples", "20", "--json"])
    figures = json.loads(done.output)
    assert figures["records"] == 6
    assert figures["verdicts"]["unigram_coverage"]["auroc"]["value"] == 1.0
    assert "rouge_l" not in figures["verdicts"]  # there are no references
    shown = CliRunner().invoke(main, ["judge-quality", str(records(*rows)), "--resamples", "20"]).output
    assert "unigram_coverage" in shown and "1.000 [" in shown


@pytest.mark.skipif(not REAL.is_file(), reason="the real records are not here")
def test_the_lexical_judge_tells_faithful_responses_apart_on_the_real_labels():
    done = CliRunner().invoke(main, ["judge-quality", str(REAL), "--resamples", "100", "--json"])
    figures = json.loads(done.output)
    assert (figures["records"], figures["set_aside"]) == (55, {"no claim": 1})
    assert figures["verdicts"]["bigram_coverage"]["auroc"]["low"] > 0.5
