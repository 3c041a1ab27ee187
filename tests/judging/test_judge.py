"""The judge stage's work: joining, deduplication, nulls, limits, and going on after a kill."""

import json

import pytest

from reset.errors import ResetError
from reset.files import schemas, tables
from reset.judges import Paid, Read, Verdict
from reset.judging.judge import judge, preflight

DEFAULTS = {
    "dataset": "d",
    "system": "s",
    "setting": "greedy",
    "sweep": 0,
    "temperature": 0.0,
    "top_k": 0,
    "seed": 0,
    "tokens": 3,
    "finish_reason": "stop",
    "mean_logprob": None,
}


class Length:
    """A judge of how long a text is, in tenths; it keeps what it was asked."""

    tasks = frozenset({"summarization"})

    def __init__(self, fail_at=None):
        self.asked, self._fail_at = [], fail_at

    def verdicts(self, answers):
        for answer in answers:
            if answer.text == self._fail_at:
                raise KeyboardInterrupt
            self.asked.append(answer)
            if answer.text == "?":
                yield Verdict(answer.answer_id, "length", None, "a riddle")
            else:
                yield Verdict(answer.answer_id, "length", len(answer.text) / 10, detail={"text": answer.text})


def example(example_id, task="summarization", checks=None):
    fields = {"dataset": "d", "split": "train", "instruction": "i", "question": "", "passages": ["p"]}
    return {"example_id": example_id, "task": task, "references": [], "checks": checks, **fields}


def answer(example_id, number, text, task="summarization", **more):
    identity = {"answer_id": f"{example_id}|{number}", "example_id": example_id, "task": task, "text": text}
    return {**DEFAULTS, **identity, **more}


class Case:
    def __init__(self, folder):
        self.folder = folder
        self.answers, self.prompts, self.into = (folder / name for name in ("a.parquet", "p.parquet", "v.parquet"))

    def write(self, answers, examples):
        tables.write(self.answers, schemas.ANSWERS, answers)
        tables.write(self.prompts, schemas.EXAMPLES, examples)

    def judge(self, by, *, max_null=0.2, chunk_answers=2, parts=None, read=None):
        return judge(
            self.answers,
            self.prompts,
            by,
            self.into,
            name="ruler",
            chunks_folder=self.folder / "chunks",
            chunk_answers=chunk_answers,
            max_null=max_null,
            fingerprint_parts=parts or {},
            read=read,
        )

    def scores(self):
        return {row["answer_id"]: row["score"] for row in tables.read(self.into, schemas.VERDICTS)}


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def test_every_answer_of_the_judges_tasks_gets_its_verdict_and_the_rest_is_set_aside(case):
    case.write(
        [answer("x", 0, "abc"), answer("y", 0, "abcd"), answer("z", 0, "a", task="instruction")],
        [example("x", checks='{"n": 1}'), example("y"), example("z", task="instruction")],
    )
    by = Length()
    account, summary = case.judge(by)
    assert case.scores() == {"x|0": 0.3, "y|0": 0.4}
    assert account.as_dict() == {"rows_in": 3, "rows_out": 2, "set_aside": {"not for this judge": 1}}
    assert summary == {"length": {"n": 2, "nulls": 0, "mean": 0.35}}
    assert [one.checks for one in by.asked] == [{"n": 1}, None]
    assert (by.asked[0].split, by.asked[0].passages) == ("train", ["p"])
    assert json.loads(next(tables.read(case.into, schemas.VERDICTS))["detail"]) == {"text": "abc"}


def test_only_a_judge_for_unanswerable_prompts_is_asked_about_them(case):
    case.write(
        [answer("x", 0, "abc"), answer("y", 0, "abcd"), answer("y", 1, "", finish_reason="error: e")],
        [example("x"), example("y", checks='{"answerable": false}')],
    )
    account, _ = case.judge(Length())
    assert case.scores() == {"x|0": 0.3}
    assert account.as_dict()["set_aside"] == {"the prompt is unanswerable": 2}
    for_all = Length()
    for_all.unanswerable = True
    account, _ = case.judge(for_all, parts={"other": 1})
    assert case.scores() == {"x|0": 0.3, "y|0": 0.4, "y|1": None}
    assert account.as_dict()["set_aside"] == {"no answer to judge": 1}


def test_equal_texts_of_one_example_are_judged_once_wherever_they_stand(case):
    rows = [answer(e, n, text) for n, text in enumerate(["same", "same", "other", "same"]) for e in ("x", "y")]
    case.write(rows, [example("x"), example("y")])
    by = Length()
    case.judge(by, chunk_answers=2)
    assert len(by.asked) == 4
    assert case.scores() == {f"{e}|{n}": (0.5 if n == 2 else 0.4) for n in range(4) for e in ("x", "y")}


def test_a_chunk_is_filled_up_to_its_size_with_whole_examples(case):
    asked_at_once = []

    class Counting(Length):
        def verdicts(self, answers):
            asked_at_once.append([one.answer_id for one in answers])
            return super().verdicts(answers)

    rows = [answer(e, n, f"{e}{n}") for e, size in (("x", 1), ("y", 2), ("z", 4), ("v", 1)) for n in range(size)]
    case.write(rows, [example(e) for e in "xyzv"])
    case.judge(Counting(), chunk_answers=3)
    assert asked_at_once == [["x|0", "y|0", "y|1"], ["z|0", "z|1", "z|2", "z|3"], ["v|0"]]


def test_answer_to_an_unknown_example_is_named(case):
    case.write([answer("x", 0, "a"), answer("lost", 0, "a")], [example("x")])
    with pytest.raises(ResetError, match=r"a.parquet: an answer is to example 'lost', which is not in .*p.parquet"):
        case.judge(Length())
    assert not case.into.exists()


def test_failed_answer_is_null_without_being_judged(case):
    case.write(
        [answer("x", 0, "abc"), answer("x", 1, "", finish_reason="error: prompt too long")],
        [example("x")],
    )
    by = Length()
    account, summary = case.judge(by, max_null=0.0)
    rows = {row["answer_id"]: row for row in tables.read(case.into, schemas.VERDICTS)}
    assert (rows["x|1"]["name"], rows["x|1"]["score"]) == ("length", None)
    assert rows["x|1"]["reason"] == "error: prompt too long"
    assert len(by.asked) == 1
    assert account.as_dict() == {"rows_in": 2, "rows_out": 1, "set_aside": {"no answer to judge": 1}}
    assert summary["length"]["n"] == 1


def test_too_many_nulls_stop_the_stage_with_the_commonest_reason(case):
    case.write([answer("x", 0, "?"), answer("x", 1, "abc"), answer("x", 2, "ab")], [example("x")])
    with pytest.raises(ResetError) as error:
        case.judge(Length(), max_null=0.3)
    assert error.value.message == (
        "judge 'ruler' could not score 'length' for 1 of 3 answers, more than judge.max_null = 0.3 allows; "
        "most often (1): a riddle"
    )
    assert not case.into.exists()
    _, summary = case.judge(Length(), max_null=0.34)
    assert summary == {"length": {"n": 3, "nulls": 1, "mean": 0.25, "null_reasons": {"a riddle": 1}}}


def test_reasons_are_counted_by_what_stands_before_a_colon_and_shown_with_an_example(case):
    class Refused(Length):
        def verdicts(self, answers):
            for answer in answers:
                yield Verdict(answer.answer_id, "length", None, f"refused: in the words of {answer.text}")

    case.write([answer("x", n, text) for n, text in enumerate("abc")], [example("x")])
    with pytest.raises(ResetError, match=r"most often \(3\): refused: in the words of a$"):
        case.judge(Refused())
    _, summary = case.judge(Refused(), max_null=1.0)
    assert summary["length"] == {"n": 3, "nulls": 3, "mean": None, "null_reasons": {"refused": 3}}


def test_stage_stops_as_soon_as_the_limit_cannot_be_kept(case):
    case.write([answer(str(n), 0, "?") for n in range(10)], [example(str(n)) for n in range(10)])
    by = Length()
    with pytest.raises(ResetError, match=r"'length' for 3 of 3 answers"):
        case.judge(by, max_null=0.2, chunk_answers=1)
    assert len(by.asked) == 3


@pytest.mark.parametrize("score", [1.01, -0.1, float("nan")])
def test_score_off_the_scale_is_a_bug(case, score):
    class Wild(Length):
        def verdicts(self, answers):
            yield Verdict(answers[0].answer_id, "wild", score)

    case.write([answer("x", 0, "a")], [example("x")])
    with pytest.raises(ResetError, match=r"is outside \[0, 1\]"):
        case.judge(Wild())


def test_silent_judge_is_a_bug(case):
    class Silent(Length):
        def verdicts(self, answers):
            yield from ()

    case.write([answer("x", 0, "a")], [example("x")])
    with pytest.raises(ResetError, match=r"no verdict on answer 'x\|0'"):
        case.judge(Silent())


def test_killed_run_goes_on_where_it_stopped_and_ends_with_the_same_bytes(case):
    rows = [answer(e, n, f"{e}{n}") for e in "abcd" for n in range(2)]
    case.write(rows, [example(e) for e in "abcd"])
    case.judge(Length())
    whole = case.into.read_bytes()
    case.into.unlink()
    with pytest.raises(KeyboardInterrupt):
        case.judge(Length(fail_at="c1"))
    assert not case.into.exists()
    by = Length()
    case.judge(by)
    assert [one.text for one in by.asked] == ["c0", "c1", "d0", "d1"]
    assert case.into.read_bytes() == whole
    assert not list((case.folder / "chunks").rglob("*.parquet"))


def test_other_parameters_do_not_reuse_chunks(case):
    case.write([answer(e, 0, e) for e in "abc"], [example(e) for e in "abc"])
    with pytest.raises(KeyboardInterrupt):
        case.judge(Length(fail_at="c"), chunk_answers=1, parts={"model": "one"})
    by = Length()
    case.judge(by, chunk_answers=1, parts={"model": "two"})
    assert len(by.asked) == 3


def test_chunk_size_does_not_change_the_verdicts(case):
    case.write([answer(e, n, "ab" * n) for n in range(3) for e in "abc"], [example(e) for e in "abc"])
    case.judge(Length(), chunk_answers=1)
    small = case.scores()
    case.judge(Length(), chunk_answers=1000)
    assert case.scores() == small


class Sold(Length):
    """A judge that wants to know what it will be asked."""

    def prepare(self, answers, pool, read=None):
        return f"{pool}: {[answer.text for answer in answers]}"

    def estimate(self, answers, pool, read=None):
        return None


def test_a_judge_that_is_paid_is_told_of_all_its_answers_before_the_first(case):
    rows = [answer("x", 0, "abc"), answer("y", 0, "", finish_reason="error: too long")]
    case.write([*rows, answer("z", 0, "a", task="instruction")], [example("x"), example("y")])
    by = Sold()
    assert isinstance(by, Paid)
    assert not isinstance(Length(), Paid)
    assert preflight(case.answers, case.prompts, by, pool="mtl") == "mtl: ['abc']"
    assert by.asked == []


def test_answers_that_nothing_reads_are_set_aside_and_told_before_the_work(case):
    rows = [answer("x", sweep, text, sweep=sweep) for sweep, text in enumerate(["abc", "abcd", "abcde"])]
    case.write(rows, [example("x")])
    by, read = Sold(), Read({"length": 2})
    said = preflight(case.answers, case.prompts, by, pool="mtl", read=read)
    assert said == (
        "mtl: ['abc', 'abcd']; not asked, because no row of `curated` or `evaluate` reads it: length of 1 answers"
    )
    account, _ = case.judge(by, read=read)
    assert account.as_dict()["set_aside"] == {"nothing reads its verdict": 1}
    assert [asked.sweep for asked in by.asked] == [0, 1]
    assert preflight(case.answers, case.prompts, by, pool="mtl", read=Read({})).endswith("reads it: 3 answers")
    account, _ = case.judge(Sold(), read=Read({}))
    assert account.as_dict() == {"rows_in": 3, "rows_out": 0, "set_aside": {"nothing reads its verdict": 3}}


@pytest.mark.parametrize(("gold", "asked"), [((), ["abc"]), (("length",), ["abc", "gold one"])])
def test_references_are_judged_only_where_they_compete(case, gold, asked):
    case.write([answer("x", 0, "abc"), answer("x", 1, "gold one", setting=schemas.GOLD)], [example("x")])
    by, read = Sold(), Read({"length": 1}, gold)
    said = preflight(case.answers, case.prompts, by, pool="mtl", read=read)
    assert said.partition(";")[0] == f"mtl: {asked}"
    assert said.endswith("length of 1 answers") != bool(gold)
    account, _ = case.judge(by, read=read)
    assert [one.text for one in by.asked] == asked
    assert account.as_dict()["rows_out"] == len(asked)


def test_equal_texts_are_judged_as_the_earliest_sweeps(case):
    case.write([answer("x", 1, "abc", sweep=1), answer("x", 0, "abc", sweep=0)], [example("x")])
    by = Length()
    case.judge(by, read=Read({"length": 1, "other": 2}))
    assert [asked.sweep for asked in by.asked] == [0]
    assert len(case.scores()) == 2
