"""Answers and verdicts are joined by the answer's id alone; what does not fit is named."""

import pytest

from reset.choosing import verdicts
from reset.errors import ResetError
from reset.files import schemas, tables


def answer(identity):
    row = {"answer_id": identity, "example_id": "q", "dataset": "nq", "task": "extractive_qa", "system": "mtl"}
    row |= {"setting": "greedy", "sweep": 0, "temperature": 0.0, "top_k": 0, "seed": 1, "text": identity, "tokens": 2}
    return row | {"finish_reason": "stop", "mean_logprob": None}


def verdict(identity, name, score):
    return {"answer_id": identity, "name": name, "score": score, "reason": None, "detail": None}


def written(folder, name, schema, rows):
    tables.write(folder / name, schema, rows)
    return folder / name


def test_verdicts_of_several_judges_are_joined_by_answer_and_name(tmp_path):
    first = written(tmp_path, "a", schemas.VERDICTS, [verdict("2", "rating", 0.5), verdict("1", "rating", 0.25)])
    second = written(tmp_path, "b", schemas.VERDICTS, [verdict("1", "length", 1.0)])
    everything = {"1": {"rating": 0.25, "length": 1.0}, "2": {"rating": 0.5}, "3": {}}
    assert verdicts.read([first, second], ["1", "2", "3"]) == everything
    assert verdicts.read([first, second], ["1", "2"], {"length"}) == {"1": {"length": 1.0}, "2": {}}


def test_a_verdict_on_an_unknown_answer_and_a_second_one_are_named(tmp_path):
    path = written(tmp_path, "a", schemas.VERDICTS, [verdict("1", "rating", 0.5), verdict("1", "rating", 0.5)])
    with pytest.raises(ResetError, match=f"^{path}: a second verdict 'rating' on answer '1'$"):
        verdicts.read([path], ["1"])
    with pytest.raises(ResetError, match=f"^{path}: verdict 'rating' on unknown answer '1'$"):
        verdicts.read([path], ["2"])


def test_answers_are_read_by_id_and_a_second_of_one_id_is_named(tmp_path):
    path = written(tmp_path, "a", schemas.ANSWERS, [answer("1"), answer("2")])
    assert {key: row["text"] for key, row in verdicts.answers(path).items()} == {"1": "1", "2": "2"}
    written(tmp_path, "a", schemas.ANSWERS, [answer("1"), answer("1")])
    with pytest.raises(ResetError, match=f"^{path}: a second answer '1'$"):
        verdicts.answers(path)
