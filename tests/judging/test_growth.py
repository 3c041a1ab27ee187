"""A judge is asked about what it has not judged, and the verdicts are those of a judge who was asked about all."""

import pytest

from reset.files import schemas, tables
from reset.judges import Paid, Verdict
from reset.judges.lexical import Lexical
from reset.judging import build
from reset.judging.judge import judge
from reset.runs.store import Store
from tests.judging.test_judge import Length, Sold, answer, example

TEXTS = ["a", "ab", "abc", "abcd"]


def write(folder, answers, examples):
    tables.write(folder / "a.parquet", schemas.ANSWERS, answers)
    tables.write(folder / "p.parquet", schemas.EXAMPLES, examples)


def judged(folder, by, *, mark="mark", max_gb=1.0):
    """The bytes of the verdicts on what `folder` holds."""
    with Store(folder, "verdicts", mark, max_gb) as store:
        judge(
            folder / "a.parquet",
            folder / "p.parquet",
            by,
            folder / "v.parquet",
            name="ruler",
            chunks_folder=folder / "chunks",
            chunk_answers=3,
            max_null=1.0,
            fingerprint_parts={},
            store=store,
        )
    return (folder / "v.parquet").read_bytes()


def answers(count, examples="xy"):
    return [answer(name, n, text, sweep=n % 2) for name in examples for n, text in enumerate(TEXTS[:count])]


def asked(by):
    return sorted((one.answer_id, one.text) for one in by.asked)


def test_a_pool_that_grew_is_judged_where_it_is_new(tmp_path):
    write(tmp_path, answers(2), [example("x"), example("y")])
    judged(tmp_path, Length())
    write(tmp_path, answers(4, "xyz"), [example("x"), example("y"), example("z", task="summarization")])
    by, whole = Length(), Length()
    assert judged(tmp_path, by) == judged(tmp_path, whole, max_gb=0.0)
    # x, y and z are the same question: what was judged for one is judged for all
    assert {one.text for one in by.asked} == {"abc", "abcd"}
    assert len(whole.asked) == 12 and len(by.asked) < 12


def test_the_same_answer_under_another_id_or_sweep_is_judged_already(tmp_path):
    write(tmp_path, [answer("x", 0, "abc", sweep=0)], [example("x")])
    judged(tmp_path, Length())
    write(tmp_path, [answer("renamed", 9, "abc", sweep=3)], [example("renamed")])
    by = Length()
    judged(tmp_path, by)
    assert by.asked == []
    assert [row["answer_id"] for row in tables.read(tmp_path / "v.parquet", schemas.VERDICTS)] == ["renamed|9"]


@pytest.mark.parametrize(
    "column, value",
    [("question", "another"), ("passages", ["q"]), ("references", ["r"]), ("split", "test"), ("checks", '{"n": 1}')],
)
def test_another_question_passage_or_reference_is_judged(tmp_path, column, value):
    write(tmp_path, [answer("x", 0, "abc")], [example("x")])
    judged(tmp_path, Length())
    write(tmp_path, [answer("x", 0, "abc")], [{**example("x"), column: value}])
    by = Length()
    judged(tmp_path, by)
    assert len(by.asked) == 1


def test_another_judge_judges_all(tmp_path):
    write(tmp_path, answers(3), [example("x"), example("y")])
    judged(tmp_path, Length())
    by = Length()
    judged(tmp_path, by, mark="another model, option or code")
    assert {one.text for one in by.asked} == {"a", "ab", "abc"}


def test_a_kill_loses_the_chunk_in_hand_and_no_other(tmp_path):
    write(tmp_path, answers(4, "vwxy"), [{**example(name), "question": name} for name in "vwxy"])
    with pytest.raises(KeyboardInterrupt):
        judged(tmp_path, Failing("w", "abc"))
    by = Length()
    for chunk in (tmp_path / "chunks").rglob("*.parquet"):
        chunk.unlink()
    assert judged(tmp_path, by) == judged(tmp_path, Length(), max_gb=0.0)
    assert {one.answer_id[0] for one in by.asked} == set("wxy")


class Failing(Length):
    """A judge that is killed at a text of an example."""

    def __init__(self, question, text):
        super().__init__()
        self._at = question, text

    def verdicts(self, answers):
        for one in answers:
            if (one.question, one.text) == self._at:
                raise KeyboardInterrupt
            yield from super().verdicts([one])


class Broken(Length):
    """A judge whose engine fails."""

    def verdicts(self, answers):
        for one in answers:
            yield Verdict(one.answer_id, "length", None, "error: out of memory")


def test_a_null_is_kept_and_a_failure_is_not(tmp_path):
    write(tmp_path, [answer("x", 0, "?")], [example("x")])
    judged(tmp_path, Length())
    write(tmp_path, [answer("x", 0, "?"), answer("x", 1, "ab")], [example("x")])
    judged(tmp_path, Broken())
    by = Length()
    judged(tmp_path, by)
    assert asked(by) == [("x|1", "ab")]


class Backwards(Length):
    """A judge that yields its verdicts as they come."""

    def verdicts(self, answers):
        yield from reversed(list(super().verdicts(answers)))


def test_the_order_of_verdicts_is_that_of_the_answers_however_they_come(tmp_path):
    write(tmp_path, answers(4), [example("x"), example("y")])
    assert judged(tmp_path, Backwards(), max_gb=0.0) == judged(tmp_path, Length(), max_gb=0.0)


def test_a_judge_that_is_paid_has_the_ledger_and_no_store(tmp_path):
    by = Sold()
    assert isinstance(by, Paid)
    with build.store(tmp_path, by, "sold", {"kind": "openai"}, 1.0) as store:
        assert str(store) == "nothing is kept"
    with build.store(tmp_path, Length(), "free", {"kind": "lexical"}, 1.0) as store:
        assert str(store) == "0 taken from the store, 0 computed"


def test_a_judge_that_compares_answers_has_no_store(tmp_path, monkeypatch):
    monkeypatch.setattr(Lexical, "compares_answers", True, raising=False)
    with build.store(tmp_path, Length(), "free", {"kind": "lexical"}, 1.0) as store:
        assert str(store) == "nothing is kept"


def test_another_name_identity_or_option_has_another_store(tmp_path):
    rows = [("a", {"kind": "lexical"}), ("b", {"kind": "lexical"}), ("a", {"kind": "lexical", "code_hash": "1"})]
    for name, row in rows:
        with build.store(tmp_path, Length(), name, row, 1.0) as store:
            store.get([b"x"])
    assert len(list(tmp_path.glob(".store/verdicts/*.sqlite"))) == 3
