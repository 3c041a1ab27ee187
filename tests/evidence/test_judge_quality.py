"""Judges against human labels: figures by hand and scikit-learn's own, intervals over contexts, odd records."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score

from reset.cli.main import main
from reset.errors import ResetError
from reset.evidence import stacking
from reset.evidence.judge_quality import auroc, balanced_accuracy, brier, calibration_error, measure
from reset.evidence.labelled_responses import Labelled, read
from reset.judges import Answer
from tests.judges import test_summac
from tests.support import SHARED

pytestmark = pytest.mark.slow

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
    """Ten responses to one context say no more than one does: the interval is that of the contexts."""
    wide, narrow = (
        read(records(*(record(n, "Entailment", context=f"context {n // each}") for n in range(100))), "abstractive_qa")[
            0
        ]
        for each in (10, 1)
    )
    scores = [0.9 if n < 50 else 0.1 for n in range(100)]
    found = [measure(scores, labelled, threshold=0.5, resamples=500, seed=0)["brier"] for labelled in (wide, narrow)]
    spread = [one["high"] - one["low"] for one in found]
    assert found[0]["value"] == found[1]["value"] == pytest.approx(0.41)
    assert spread[0] > 2.5 * spread[1]


def test_few_contexts_and_resamples_that_do_not_differ_have_no_interval(records):
    def figures(count):
        rows = [record(n, "Entailment" if n % 2 else "Neutral") for n in range(count)]
        scores = [n % 2 * 0.5 + 0.2 for n in range(count)]
        return measure(scores, read(records(*rows), "abstractive_qa")[0], threshold=0.5, resamples=50, seed=0)

    assert figures(4)["brier"] == {"value": pytest.approx(0.065), "low": None, "high": None}
    assert figures(40)["auroc"] == {"value": 1.0, "low": None, "high": None}
    assert figures(40)["brier"]["low"] < 0.065 < figures(40)["brier"]["high"]


@pytest.mark.parametrize("line", ["{", "[]", '{"claims": []}', '{"claims": [{"label": "Entailment"}]}'])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    path = tmp_path / "records.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ResetError, match=r"records\.jsonl(:1: |: record 1 is not a labelled response: )"):
        read(path, "abstractive_qa")


def test_an_unknown_label_is_named(records):
    with pytest.raises(
        ResetError, match=r"record 1 is .* the label 'Maybe'\. Known: Entailment, Neutral, Contradiction"
    ):
        read(records(record(1, "Maybe")), "abstractive_qa")


def test_a_vote_that_is_neither_yes_nor_no_is_named(records):
    odd = {**QAGS, "summary_sentences": [{"sentence": "It is.", "responses": [{"response": "perhaps"}]}]}
    with pytest.raises(ResetError, match=r"record 1 is .* it has the response 'perhaps'\. Known: yes, no"):
        read(records(odd), "summarization")


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


def run(*arguments):
    return CliRunner().invoke(main, ["judge-quality", "--resamples", "20", *map(str, arguments)])


QAGS = {
    "article": "The house stands in Oslo. It is old.",
    "summary_sentences": [
        {"sentence": "The house stands in Oslo.", "responses": [{"response": vote} for vote in ("yes", "yes", "no")]},
        {"sentence": "It is new.", "responses": [{"response": vote} for vote in ("no", "no", "yes")]},
    ],
}


def test_a_summary_of_qags_is_faithful_if_most_workers_say_so_of_each_sentence(records):
    good = {**QAGS, "summary_sentences": QAGS["summary_sentences"][:1]}
    nothing = {**QAGS, "summary_sentences": [{"sentence": "It is.", "responses": []}]}
    labelled, aside = read(records(QAGS, good, nothing), "summarization")
    assert [(one.answer.text, one.faithful) for one in labelled] == [
        ("The house stands in Oslo. It is new.", False),
        ("The house stands in Oslo.", True),
    ]
    assert labelled[0].answer.passages == [QAGS["article"]]
    assert aside == {"no claim": 0, "no label": 1}
    assert run(records(QAGS, good), "--task", "summarization", "--json").exit_code == 0


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_any_table_of_answer_context_and_label_is_read_by_its_columns(tmp_path, suffix):
    rows = [("It is in Oslo.", "It is in Oslo.", "good"), ("It is in Rome.", "It is in Oslo.", "bad")]
    rows += [("x", "y", ""), ("", "y", "good"), ("x", "", "bad")]
    path = tmp_path / f"mine.{suffix}"
    if suffix == "csv":
        path.write_text("said,given,ok\n" + "".join(f"{','.join(row)}\n" for row in rows))
    else:
        path.write_text(
            "".join(json.dumps(dict(zip(("said", "given", "ok"), row, strict=True))) + "\n" for row in rows)
        )
    columns = {"answer": "said", "context": "given", "label": "ok"}
    labelled, aside = read(path, "abstractive_qa", columns, ["Good"])
    assert [(one.answer.text, one.answer.question, one.faithful) for one in labelled] == [
        ("It is in Oslo.", "", True),
        ("It is in Rome.", "", False),
    ]
    assert aside == {"no claim": 0, "no label": 1, "no answer": 1, "no context": 1}
    named = [f"--column={part}={column}" for part, column in columns.items()]
    assert "bigram_coverage" in run(path, *named, "--faithful", "good").output


@pytest.mark.parametrize(
    ("value", "faithful"),
    [
        (1, True),
        (0.0, False),
        ("1.0", True),
        ("0.0", False),
        (True, True),
        ("No", False),
        ("SUPPORTS", True),
        ("NOT ENOUGH INFO", False),
    ],
)
def test_the_usual_labels_are_known(records, value, faithful):
    row = {"answer": "a", "context": ["b", "c"], "label": value, "question": "d?"}
    (one,), _ = read(records(row), "abstractive_qa")
    assert (one.faithful, one.answer.question, one.answer.passages) == (faithful, "d?", ["b", "c"])


def test_a_label_that_no_record_has_is_told(records):
    rows = [{"answer": "a", "context": "b", "label": label} for label in ("good", "bad", "nan")]
    assert read(records(*rows), "abstractive_qa", faithful=["Good"])[1] == {"no claim": 0, "no label": 1}
    with pytest.raises(ResetError, match=r"no record has a label of --faithful \(god\)"):
        read(records(*rows), "abstractive_qa", faithful=["god"])


def test_a_label_that_is_not_known_is_told(records):
    with pytest.raises(ResetError, match=r"record 1 is .* label 'fine' is not known; --faithful says which"):
        read(records({"answer": "a", "context": "b", "label": "fine"}), "abstractive_qa")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "summary"], "Unknown task 'summary' (--task). Did you mean 'summarization'? Known: abstractive_qa"),
        (["--threshold", "5"], "--threshold is 5, must be from 0 to 1"),
        (["--resamples", "0"], "--resamples is 0, must be at least 1"),
        (["--model", "../nope", "--judge", "summac"], "the model is '../nope', which is no folder here; a hub id has"),
        (
            ["--judge", "rater"],
            "judge 'rater' could score none of the 1 responses; most often: oracle: the passages sta",
        ),
        (
            ["--judge", "rater", "--task", "extractive_qa"],
            "judge 'rater' does not judge extractive_qa, only abstractiv",
        ),
        (["--judge", "nobody"], "Unknown judges 'nobody' (params.yaml: judges)"),
        (["--column", "reply"], "--column is 'reply', must be PART=NAME"),
        (
            ["--column", "answer=reply"],
            "record 1 is not a labelled response: lacks the field 'reply' (has: id, model, ins",
        ),
    ],
)
def test_arguments_that_cannot_be_are_one_line(records, arguments, said):
    done = run(records(record(1, "Entailment")), *arguments)
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert said in done.output


def test_verdicts_without_any_score_are_told_with_the_reason(records):
    path = records(record(1, "Entailment"), record(2, "Neutral"))
    assert "rouge_l: no score; the example has no reference" in run(path).output
    assert json.loads(run(path, "--json").output)["unscored"] == {"rouge_l": "the example has no reference"}


def test_judges_and_their_variants_stand_side_by_side_with_what_they_cost(records):
    rows = [record(n, "Entailment") for n in range(3)]
    rows += [record(n, "Neutral", response="Nobody ever went to Rome.") for n in range(3)]
    path = records(*rows)
    figures = json.loads(run(path, "--judge", "lexical", "--judge", "lexical:more=[k_precision]", "--json").output)
    names = [*figures["verdicts"]]
    assert {"unigram_coverage", "unigram_coverage:more=[k_precision]", "k_precision:more=[k_precision]"} <= {*names}
    for row in figures["verdicts"].values():
        assert 0 <= row["cpu_s_per_100"] < 100 and 0 < row["s_per_100"] < 100
    assert "CPU s / 100" in run(path).output


def test_two_models_of_a_judge_stand_side_by_side(records, tmp_path):
    first, second = (str(test_summac.save(tmp_path / kind, kind)) for kind in ("bert", "albert"))
    rows = [record(n, label) for n, label in enumerate(["Entailment", "Neutral"] * 3)]
    arguments = ["--judge", f"summac:model={first}", "--judge", f"summac:model={second}", "--json"]
    verdicts = json.loads(run(records(*rows), *arguments).stdout)["verdicts"]
    assert {*verdicts} == {f"summac:model={first}", f"summac:model={second}"}
    assert verdicts[f"summac:model={first}"]["brier"] != verdicts[f"summac:model={second}"]["brier"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("lexical:more", "--judge is 'lexical:more', must be NAME or NAME:KEY=VALUE,..."),
        ("lexical:more=[a", "--judge is 'lexical:more=[a', whose more is no YAML value"),
        ("lexical:window=3", "window"),
        ("lexical:model=models/base/nli", "model"),
        ("summac:model=../nope", "the model is '../nope', which is no folder here; a hub id has"),
    ],
)
def test_an_option_that_a_judge_cannot_take_is_one_line(records, given, said):
    done = run(records(record(1, "Entailment")), "--judge", given)
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert said in done.output


def made(rng, rows):
    """Two verdicts with independent errors, of contexts with two responses each, and one null."""
    labels = rng.random(rows) < 0.5
    columns = {name: list(np.clip(labels * 0.3 + 0.35 + rng.normal(0, 0.25, rows), 0, 1)) for name in "ab"}
    columns["a"][0] = None
    labelled = [
        Labelled(Answer(str(n), "x", "summarization", "test", "", "", ["y"], [], None), bool(one), str(n // 2))
        for n, one in enumerate(labels)
    ]
    return columns, labelled, labels.astype(float)


def test_a_stack_of_judges_is_better_than_each_and_judges_no_row_that_it_learned_from():
    columns, labelled, labels = made(np.random.default_rng(3), 400)
    found = stacking.together(columns, labelled, seed=0)
    assert (found[stacking.MEAN][0], found[stacking.STACK][0]) == (None, None)
    assert found[stacking.MEAN][1] == pytest.approx((columns["a"][1] + columns["b"][1]) / 2)
    alone = [auroc(np.array(columns[name][1:], float), labels[1:]) for name in "ab"]
    assert auroc(np.array(found[stacking.STACK][1:], float), labels[1:]) > max(alone)
    noise = {name: list(np.random.default_rng(5).random(400)) for name in "abcdefgh"}
    blind = stacking.together(noise, labelled, seed=0)[stacking.STACK]
    assert abs(auroc(np.array(blind, float), labels) - 0.5) < 0.12


def test_a_stack_needs_contexts_of_either_label(records):
    rows = [record(n, "Entailment") for n in range(6)] + [record(n, "Neutral", response="Rome.") for n in range(3)]
    output = run(records(*rows), "--stack").output
    assert "stack of all: no score; either label needs 5 contexts where every verdict has a score" in output
    assert "mean of all" in output
