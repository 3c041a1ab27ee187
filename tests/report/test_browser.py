"""The data of the answer browser: every prompt that fits, with all that is said of it; texts stay texts."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from reset.files import schemas, tables
from reset.report import records
from reset.report.choices import natural
from tests.support import lines
from tests.support.pages import content, written

pytestmark = pytest.mark.slow


def unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lines.write(tmp_path_factory.mktemp("run"), prompts=40)


def test_each_prompt_is_there_once_with_all_answers_verdicts_and_choices(root: Path) -> None:
    found = content(root)
    records = {record["id"]: record for block in found.blocks for record in unpacked(block)}
    assert len(found.index) == len(records) == found.prompts == 200
    candidate = records["wikisum/train/3"]
    assert [(a["pool"], a["setting"]) for a in candidate["answers"]] == [
        ("mtl_candidates", "t0.1"),
        ("mtl_candidates", "k50"),
    ]
    assert candidate["answers"][1]["verdicts"] == [["lexical", "rouge_l", 0.2, ""], ["summac", "summac", 0.4, ""]]
    assert candidate["answers"][1]["sentences"][0][1:] == ["It stands in a hall.", 0.4]
    (picked,) = candidate["picked"]
    assert (picked["curated"], picked["answer"], picked["score"]) == ("reset", "wikisum/train/3|t0.1|0", 2.25)
    assert [a["pool"] for a in records["alpaca/test/0"]["answers"]] == ["mtl", "mtl_reset"]
    assert records["alpaca/test/0"]["answers"][0]["verdicts"] == [["rater", "rating", 0.4, "names the thing"]]


def test_index_says_where_a_prompt_is_and_how_pools_score_on_it(root: Path) -> None:
    found = content(root)
    for row in found.index:
        assert unpacked(found.blocks[row[4]])[row[5]]["id"] == row[0]
    by_id = {row[0]: row for row in found.index}
    assert by_id["nq/test/2"][:4] == ["nq/test/2", "test", "nq", "What is thing 2?"]
    assert found.objectives == ["faithfulness", "instruction", "task"]
    means = {found.pools[pool]: score for pool, score in by_id["nq/test/2"][6].items()}
    assert means == {"mtl": [0.44, None, 0.22], "mtl_reset": [0.74, None, 0.37]}
    own = [row[0] for row in found.index if row[2] == "alpaca"]
    assert own[1:3] + own[10:11] == ["alpaca/test/1", "alpaca/test/2", "alpaca/test/10"]


def test_sentences_of_any_judge_are_shown_with_their_support(tmp_path: Path) -> None:
    lines.write(tmp_path)
    path = tmp_path / "data/verdicts/mtl/summac.parquet"
    rows = list(tables.read(path, schemas.VERDICTS))
    minicheck = {"sentences": [{"sentence": "It is so.", "support": 0.1239, "supported": False}, {"sentence": "No."}]}
    tables.write(path, schemas.VERDICTS, [{**row, "detail": json.dumps(minicheck)} for row in rows])
    records = [record for block in content(tmp_path).blocks for record in unpacked(block)]
    (answer,) = next(one for one in records if one["id"] == "wikisum/test/0")["answers"][:1]
    assert answer["sentences"] == [["It is so.", "", 0.124]]  # one that tells no support is not judged


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a hall", "a hall"),
        ("In A Hall.", "in a hall"),
        ("u.s", "U.S"),
        ("all", ""),  # no part of a word
        ("blue hall", ""),
        ("12", "12"),
        ("hall It", "hall. It"),
        ("...", ""),
        ("", ""),
    ],
)
def test_extractive_answer_is_found_in_its_passage_as_it_is_written_there(text: str, found: str) -> None:
    assert records.span(text, ["Thing 112 is blue.", "It stands in a hall. It is 12 U.S. feet high."]) == found


def test_only_extractive_answers_are_linked_without_a_judge(tmp_path: Path) -> None:
    lines.write(tmp_path, prompts=1)
    path = tmp_path / "data/answers/mtl.parquet"
    tables.write(path, schemas.ANSWERS, [{**row, "text": "IN A HALL"} for row in tables.read(path, schemas.ANSWERS)])
    (tmp_path / "data/verdicts/mtl/summac.parquet").unlink()
    found = {one["id"]: one["answers"][0] for block in content(tmp_path).blocks for one in unpacked(block)}
    assert found["nq/test/0"]["sentences"] == [["IN A HALL", "in a hall", None]]
    assert found["wikisum/test/0"]["sentences"] == []


def test_verdicts_of_stand_ins_are_called_so(root: Path) -> None:
    records = [record for block in content(root, stand_ins={"rating"}).blocks for record in unpacked(block)]
    names = {verdict[1] for record in records for answer in record["answers"] for verdict in answer["verdicts"]}
    assert names == {"exact_match", "span_coverage", "rouge_l", "summac", "rating (stand-in)"}
    by_id = {row[0]: row for row in content(root, stand_ins={"rating"}).index}
    assert by_id["alpaca/test/0"][6]  # the list's bars still find the score


def test_ids_with_any_digits_have_a_natural_order() -> None:
    ids = ["q²", "q10", "q9", "q5225754983651766093", "q5225754983651766092", "q٣"]
    assert sorted(ids, key=natural) == [
        *("q٣", "q9", "q10", "q5225754983651766092", "q5225754983651766093", "q²"),
    ]
    assert sorted(["t0.7", "k10", "t0.25", "k5"], key=natural) == ["k5", "k10", "t0.25", "t0.7"]


def test_what_does_not_fit_is_left_out_by_hash_and_counted(root: Path) -> None:
    whole = content(root)
    part = content(root, max_bytes=sum(map(len, whole.blocks)) // 2)
    assert part.prompts == 200
    assert 50 <= len(part.index) < 200
    assert {row[1] for row in part.index} == {"test", "candidates"}


def test_prompts_that_systems_are_compared_on_come_before_those_to_train_on(root: Path) -> None:
    found = content(root)
    assert list(dict.fromkeys(row[1] for row in found.index)) == ["test", "candidates"]
    assert found.pools == ["mtl", "mtl_reset", "mtl_candidates"]


def test_equal_tables_give_equal_bytes(root: Path) -> None:
    assert content(root) == content(root)


def test_page_holds_answers_as_letters_only(root: Path) -> None:
    text = written(root).read_text()
    assert "document.title = 'gone'" not in text
    assert "200 of 200 prompts are in this page" in text
    assert "default-src 'none'" in text
