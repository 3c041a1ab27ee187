"""Sentences without support are found where they stand, and an answer of which nothing would be trained cannot win."""

import json
from pathlib import Path
from typing import Any

import pytest

from reset.choosing import curated_rows
from reset.choosing.candidates import bars_of
from reset.choosing.combining import Rule
from reset.choosing.masking import Masked, place
from reset.choosing.select import keep_best
from reset.files import schemas, tables
from tests.choosing.test_select import Pool
from tests.support.paper_objectives import OBJECTIVES

TEXT = "Mira lives there. Tom sails a boat. Yes. Tom sails a boat.  Anna has a mill!"


def cut(masked: Masked, text: str) -> list[str]:
    return [text[start:end] for start, end in masked.spans]


@pytest.mark.parametrize(
    ("said", "masked", "counts"),
    [
        ([("Mira lives there.", 0.9), ("Tom sails a boat.", 0.9)], [], (2, 0, 0)),
        ([("Mira lives there.", 0.1), ("Tom sails a boat.", 0.5)], ["Mira lives there."], (2, 1, 0)),
        ([("Mira lives there.", 0.1), ("Tom sails a boat.", 0.4)], ["Mira lives there. Tom sails a boat."], (2, 2, 0)),
        (
            [("Tom sails a boat.", 0.9), ("Tom sails a boat.", 0.0), ("Anna has a mill!", 0.49)],
            ["Tom sails a boat.  Anna has a mill!"],
            (3, 2, 0),
        ),
        ([("Tom owns it.", 0.0), ("Anna has a mill!", 0.0)], ["Anna has a mill!"], (2, 2, 1)),
        ([], [], (0, 0, 0)),
    ],
)
def test_sentences_below_the_bound_are_found_in_their_order(
    said: list[tuple[str, float]], masked: list[str], counts: tuple[int, int, int]
) -> None:
    found = place(TEXT, said, 0.5)
    assert cut(found, TEXT) == masked
    assert (found.judged, found.unsupported, found.unplaced) == counts


def test_the_second_of_two_equal_sentences_is_the_second_in_the_answer() -> None:
    (span,) = place(TEXT, [("Tom sails a boat.", 0.9), ("Tom sails a boat.", 0.1)], 0.5).spans
    assert span == (TEXT.rindex("Tom"), TEXT.index("  Anna"))


@pytest.mark.parametrize(
    ("spans", "wholly"), [((), False), (((1, 4),), True), (((0, 2), (3, 5)), False), (((1, 3),), False)]
)
def test_an_answer_is_wholly_masked_if_only_blanks_are_left(spans: tuple[tuple[int, int], ...], wholly: bool) -> None:
    assert Masked(spans).wholly(" abc ") == wholly


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(tmp_path)


def add(pool: Pool, example: str, *answers: tuple[str, float, list[tuple[str, float]]]) -> None:
    """Add a summary's answers, each with its score and what the judge `summac` tells of its sentences."""
    said = [(text, {"summac": score, "rouge_l": 0.0}, 0) for text, score, _ in answers]
    pool.add(example, said, "wikisum", "summarization")
    details = {f"{example}|{number}": told for number, (_, _, told) in enumerate(answers)}
    for row in pool.verdicts:
        if row["name"] == "summac" and (told := details.get(row["answer_id"])):
            told_of = [{"sentence": text, "source": "Ann.", "entailment": value} for text, value in told]
            row["detail"] = json.dumps({"sentences": told_of})


def keep(pool: Pool, mask: dict[str, Any] | None, pick: curated_rows.Pick = "best", **options: Any) -> Any:
    paths = [pool.folder / name for name in ("answers", "verdicts", "prompts", "curated")]
    for path, schema, rows in zip(
        paths,
        (schemas.ANSWERS, schemas.VERDICTS, schemas.EXAMPLES),
        (pool.answers, pool.verdicts, pool.examples),
        strict=False,
    ):
        tables.write(path, schema, rows)
    settings: dict[str, Any] = {"sweeps": 1, "pick": pick, "share": 1.0, "seed": 0, "template": "micro"}
    settings |= {"rating": "rating", "objectives": OBJECTIVES, "bars": bars_of({"mask": mask}), "rule": Rule()}
    account, figures = keep_best(paths[0], [paths[1]], paths[2], paths[3], **{**settings, **options})
    rows = list(tables.read(paths[3], curated_rows.schema(pick, masked=mask is not None)))
    return account, figures, rows


MASK = {"verdict": "summac", "below": 0.5}
MIXED = ("Ann lives here. Bob sails there.", 0.9, [("Ann lives here.", 0.95), ("Bob sails there.", 0.2)])
WHOLE = ("Nobody lives here.", 0.95, [("Nobody lives here.", 0.1)])


def test_rows_tell_the_characters_that_are_not_trained_and_metrics_count_them(pool: Pool) -> None:
    add(pool, "q", MIXED, ("Ann lives.", 0.2, [("Ann lives.", 0.8)]))
    pool.add("i", [("yes", {"rating": 0.9}, 0)], "dolly", "instruction")
    _, figures, rows = keep(pool, MASK)
    assert {row["example_id"]: row["untrained"] for row in rows} == {"q": [[16, 32]], "i": []}
    assert figures["mask"] == {
        "verdict": "summac",
        "below": 0.5,
        "answers": 1,
        "answers_not_judged": 1,
        "sentences": 1,
        "sentences_judged": 2,
        "sentences_not_found": 0,
    }


def test_an_answer_without_a_supported_sentence_cannot_win_and_is_counted(pool: Pool) -> None:
    add(pool, "q", WHOLE, MIXED)
    add(pool, "r", WHOLE)
    account, figures, (row,) = keep(pool, MASK)
    assert row["response"] == MIXED[0]
    assert figures["candidates_barred"] == {"no supported sentence": 2}
    assert account.as_dict()["set_aside"] == {"no answer can win: no supported sentence": 1}
    assert [row["response"] for row in keep(pool, None)[2]] == [WHOLE[0]] * 2


def test_weighted_rows_are_masked_too_and_without_a_mask_there_is_no_column(pool: Pool) -> None:
    add(pool, "q", MIXED, ("Ann lives.", 0.2, []))
    rows = keep(pool, MASK, "weighted", temperature=1.0)[2]
    assert [row["untrained"] for row in rows] == [[[16, 32]], []]
    keep(pool, None)
    assert not tables.has(pool.folder / "curated", schemas.UNTRAINED)
