"""References among the answers, from sampling to the choice: judged alike, able to win, in no figure of the pool."""

import pytest

from reset.choosing.candidates import Bars
from reset.choosing.combining import Rule
from reset.choosing.select import keep_best, remarks
from reset.engines import Completion
from reset.files import schemas, tables
from reset.judges.lexical import Lexical
from reset.judges.self_consistency import SelfConsistency
from reset.judging.judge import judge
from reset.objectives import read
from reset.runs.chunks import Chunks
from reset.sampling.decode_settings import arms
from reset.sampling.pieces import Pool
from reset.sampling.sample import sample
from tests.support.paper_objectives import PLAIN

PASSAGE = "mira lives in red forest near a blue hall."
SAID = ("in red forest", "a blue hall", "blue hall", "in a hall")  # the last is no span of the passage
REFERENCES = {0: ["red forest"], 1: ["blue hall"], 2: ["red hall"], 3: []}  # a new span, a sampled text, no span, none
GRID = arms([0.1, 0.2, 0.3, 0.4], [], 0.0)
OBJECTIVES = {
    "faithfulness": {**PLAIN, "weight": 1.0, "verdicts": {"extractive_qa": "span_coverage"}},
    "agreement": {**PLAIN, "weight": 0.0, "verdicts": {"extractive_qa": "agrees"}},
}


class Say:
    """An engine that answers with one of `SAID` per temperature."""

    def generate(self, requests):
        for request in requests:
            text = SAID[round(request.temperature * 10) - 1]
            yield Completion(request.answer_id, text, len(text.split()) + 1, "stop", -1.0)


def count(text):
    return len(text.split()) + 1


@pytest.fixture
def line(tmp_path, example_row):
    """A function that samples, judges and chooses, with or without references: the rows and figures of each stage."""

    def run(gold, *, competes=True, **choice):
        folder = tmp_path / f"gold_{gold}"
        names = ("prompts", "answers", "lexical", "agrees", "curated")
        path = {name: folder / f"{name}.parquet" for name in names}
        rows = [example_row(n, passages=[PASSAGE], references=own) for n, own in REFERENCES.items()]
        tables.write(path["prompts"], schemas.EXAMPLES, rows)
        pool = Pool("mtl", GRID, 1, 0, "micro", 64, 400, gold=gold)
        account, figures = sample(
            *(path["prompts"], path["answers"], pool),
            **{"load": lambda: (Say(), lambda prompt, most: ([1], False)), "chunk_prompts": 3, "max_failed": 0.0},
            chunks=Chunks(folder / "chunks", "mark"),
            count_tokens=count,
        )
        told = {"sample": {**account.as_dict(), **figures}}
        for by in (Lexical(name="lexical"), SelfConsistency(name="agrees")):
            name = "lexical" if isinstance(by, Lexical) else "agrees"
            account, told[name] = judge(
                *(path["answers"], path["prompts"], by, path[name]),
                **{"name": name, "chunks_folder": folder / name, "chunk_answers": 50, "max_null": 0.5},
                fingerprint_parts={},
            )
        settings = {"sweeps": 1, "pick": "best", "share": 1.0, "seed": 0, "template": "micro", "rating": "rating"}
        settings |= {
            "objectives": read(OBJECTIVES),
            "bars": Bars(),
            "rule": Rule(),
            "gold": gold and competes,
            **choice,
        }
        verdicts = [path["lexical"], path["agrees"]]
        _, told["select"] = keep_best(path["answers"], verdicts, path["prompts"], path["curated"], **settings)
        answers = list(tables.read(path["answers"], schemas.ANSWERS))
        scores = {(v["answer_id"], v["name"]): v["score"] for f in verdicts for v in tables.read(f, schemas.VERDICTS)}
        return answers, scores, list(tables.read(path["curated"], schemas.CURATED)), told

    return run


def of(number, setting="gold"):
    return f"nq/test/{number}|{setting}|0"


def test_the_reference_stands_behind_the_answers_of_its_prompt_and_in_no_figure_of_what_was_sampled(line):
    plain, golden = line(False), line(True)
    rows = golden[0]
    assert [row for row in rows if row["setting"] != "gold"] == plain[0]
    assert [row["answer_id"] for row in rows if row["setting"] == "gold"] == [of(0), of(1), of(2)]
    reference = next(row for row in rows if row["answer_id"] == of(0))
    assert rows.index(reference) == 4 and (reference["text"], reference["tokens"]) == ("red forest", 3)
    assert (reference["finish_reason"], reference["mean_logprob"], reference["sweep"]) == ("gold", None, 0)
    ours, theirs = golden[3]["sample"], plain[3]["sample"]
    assert (ours.pop("rows_in"), ours.pop("rows_out")) == (19, 19)
    assert ours == {key: value for key, value in theirs.items() if key not in ("rows_in", "rows_out")}


def test_judges_score_it_like_an_answer_and_tell_it_by_itself(line):
    plain, golden = line(False), line(True)
    scores = golden[1]
    assert [scores[of(n), "span_coverage"] for n in range(3)] == [1.0, 1.0, 0.0]
    assert [scores[of(n), "exact_match"] for n in range(3)] == [1.0, 1.0, 1.0]
    for name in ("span_coverage", "exact_match"):
        ours, theirs = dict(golden[3]["lexical"][name]), plain[3]["lexical"][name]
        assert ours.pop("gold") == {
            "n": 3,
            "nulls": 0,
            "mean": round(sum(scores[of(n), name] for n in range(3)) / 3, 6),
        }
        assert ours == theirs


def test_it_is_no_other_answer_to_those_whose_agreement_is_judged(line):
    plain, golden = line(False), line(True)
    for key, score in plain[1].items():
        assert golden[1][key] == score, key
    assert golden[1][of(1), "agrees"] == golden[1][of(1, "t0.3"), "agrees"]  # the same text
    assert 0 < golden[1][of(0), "agrees"] < 1


TASK = OBJECTIVES | {"task": {**PLAIN, "weight": 1.5, "verdicts": {"extractive_qa": "exact_match"}}}


def test_it_wins_where_it_is_better_and_not_where_a_sampled_answer_is_as_good(line):
    rows = {row["example_id"]: row["setting"] for row in line(True)[2]}
    assert len(rows) == 4 and "gold" not in rows.values()  # another span is as faithful
    rows = {row["example_id"]: (row["setting"], row["response"]) for row in line(True, objectives=read(TASK))[2]}
    assert rows["nq/test/0"] == ("gold", "red forest")
    assert rows["nq/test/1"] == ("t0.3", "blue hall")  # the reference's text, but sampled
    assert rows["nq/test/2"] == ("gold", "red hall")  # 1.5 against 1.0


def test_a_bar_holds_for_it_too(line):
    objectives = read(TASK | {"faithfulness": {**TASK["faithfulness"], "floor": 0.5}})
    rows = {row["example_id"]: row["setting"] for row in line(True, objectives=objectives)[2]}
    assert rows["nq/test/0"] == "gold" != rows["nq/test/2"]


def test_its_wins_are_told_by_themselves_and_the_pool_is_as_without_it(line):
    plain, golden = (line(gold, objectives=read(TASK))[3]["select"] for gold in (False, True))
    told = golden["gold"]
    assert told == {
        **{"candidates": 3, "can_win": 3, "winners": 2},
        "tasks": {"extractive_qa": {"prompts": 3, "winners": 2}},
        "datasets": {"nq": {"prompts": 3, "winners": 2}},
    }
    assert [*remarks(golden)] == ["; references that won: 2 of 3 (extractive_qa 2 of 3)"] and [*remarks(plain)] == []
    assert "gold" not in plain and "gold" not in golden["wins"] and sum(golden["wins"].values()) == 1
    assert golden["candidates"] == plain["candidates"] + 3
    for name in ("candidate_score", "best_of", "distinct_texts", "choice_matters"):
        assert golden["datasets"]["nq"][name] == plain["datasets"]["nq"][name], name
    assert golden["datasets"]["nq"]["winner_score"] > plain["datasets"]["nq"]["winner_score"]
    ours, theirs = (of["judges"]["extractive_qa"] for of in (golden, plain))
    assert (ours["agreement"], ours["spread"]) == (theirs["agreement"], theirs["spread"])
    assert {k: v["pool"] for k, v in ours["means"].items()} == {k: v["pool"] for k, v in theirs["means"].items()}
    assert ours["means"]["exact_match"]["winners"] > theirs["means"]["exact_match"]["winners"]


def test_it_competes_only_where_the_row_says_so(line):
    rows = line(True, competes=False, objectives=read(TASK))[2]
    assert {row["candidates"] for row in rows} == {4} and "gold" not in {row["setting"] for row in rows}
