"""Watchers: verdicts under their own names, and what they say of a choice that they took no part in."""

import pytest

from reset.choosing.candidates import Bars
from reset.choosing.combining import Rule
from reset.choosing.select import keep_best
from reset.choosing.watch import Watcher, choice
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.judges import Answer, Verdict
from reset.objectives import by_task
from tests.support.paper_objectives import OBJECTIVES

BY = {"objectives": OBJECTIVES, "speakers": by_task(OBJECTIVES)}
COLUMNS = {"dataset": "dolly", "task": "instruction"}
ANSWER = {"system": "mtl", "setting": "t0.1", "temperature": 0.1, "top_k": 0, "seed": 1, "sweep": 0}
ANSWER |= {"finish_reason": "stop", "mean_logprob": None, **COLUMNS}
PROMPTS = "abcdefghijkl"
EXAMPLE = {"split": "train", "instruction": "Say.", "question": "", "passages": [], "references": [], "checks": None}


class Two:
    """A judge that says the same under two names."""

    tasks = frozenset({"instruction"})

    def verdicts(self, answers):
        for answer in answers:
            yield Verdict(answer.answer_id, "rating", 0.5)
            yield Verdict(answer.answer_id, "second", 0.25)


def asked():
    return [Answer("a", "text", "instruction", "test", "Say.", "", [], [], None)]


def test_verdicts_carry_the_watchers_name_and_only_those_named_count():
    assert [(one.name, one.score) for one in Watcher("other", Two(), None).verdicts(asked())] == [
        ("other:rating", 0.5),
        ("other:second", 0.25),
    ]
    assert [one.name for one in Watcher("other", Two(), ["second"]).verdicts(asked())] == ["other:second"]
    assert [one.name for one in Watcher("rating", Two(), ["rating"]).verdicts(asked())] == ["rating"]


def test_a_name_that_the_judge_never_says_is_told():
    with pytest.raises(ResetError, match=r"watchers\.other\.verdicts: answer 'a' got none of: ratings"):
        list(Watcher("other", Two(), ["ratings"]).verdicts(asked()))


@pytest.fixture
def files(tmp_path):
    """Twelve prompts with two answers each; `rating` and `other:rating` say the opposite of each other."""
    answers, said = [], {"judge": [], "watcher": []}
    for place, example in enumerate(PROMPTS):
        for number, (rated, watched) in enumerate(((0.9 - place / 100, 0.2 + place / 100), (0.1, 0.8))):
            key = f"{example}|{number}"
            answers.append({**ANSWER, "answer_id": key, "example_id": example, "text": f"{number}", "tokens": 10})
            for whose, name, score in (("judge", "rating", rated), ("watcher", "other:rating", watched)):
                said[whose].append({"answer_id": key, "name": name, "score": score, "reason": None, "detail": None})
    paths = {name: tmp_path / f"{name}.parquet" for name in ("answers", "prompts", "curated", *said)}
    tables.write(paths["answers"], schemas.ANSWERS, answers)
    tables.write(paths["prompts"], schemas.EXAMPLES, [{"example_id": one, **EXAMPLE, **COLUMNS} for one in PROMPTS])
    for whose, rows in said.items():
        tables.write(paths[whose], schemas.VERDICTS, rows)
    settings = {"sweeps": 1, "pick": "best", "share": 1.0, "seed": 0, "template": "micro", "rating": "rating"}
    keep_best(
        paths["answers"],
        [paths["judge"]],
        paths["prompts"],
        paths["curated"],
        objectives=OBJECTIVES,
        bars=Bars(),
        rule=Rule(),
        **settings,
    )
    return paths


def test_a_watcher_that_falls_while_the_judges_rise_is_a_warning(files):
    found = choice(
        files["answers"],
        files["curated"],
        [files["judge"]],
        files["watcher"],
        **BY,
        sweeps=1,
    )
    (told,) = found.values()
    assert told["agreement"] == {"other:rating|rating": {"gamma": -1.0, "pairs": 12}}
    assert told["means"]["other:rating"] == {
        "pool": 0.5275,
        "winners": 0.255,
        "change": -0.2725,
        "low": pytest.approx(-0.2827, abs=1e-4),
        "high": pytest.approx(-0.2623, abs=1e-4),
    }
    assert told["warnings"] == ["other:rating fell by 0.273 [0.262, 0.283] while rating rose"]


def test_of_several_rows_to_a_prompt_the_best_is_its_winner(files):
    rows = list(tables.read(files["curated"], schemas.CURATED))
    second = {**rows[0], "repeat": 1, "answer_id": "a|1"}  # as a labelled or weighted set has it
    tables.write(files["curated"], schemas.CURATED, [*rows, second])
    paths = (files["answers"], files["curated"], [files["judge"]], files["watcher"])
    assert choice(*paths, **BY, sweeps=1)["instruction"]["means"]["other:rating"]["winners"] == 0.255
