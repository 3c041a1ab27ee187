"""The answer browser holds every prompt that fits, shows texts as texts; a real browser finds, sorts and opens them."""

import base64
import contextlib
import gzip
import json
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from reset import params
from reset.files import schemas, tables
from reset.report import browser, measured, page
from reset.report.choices import natural
from stages import report as stage
from tests.support import folders, lines
from tests.support.browser import chromium
from tests.support.paper_objectives import OBJECTIVES

CHROMIUM = pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs Chromium")


def content(root: Path, max_bytes: int = 10**7, stand_ins: Collection[str] = ()) -> browser.Content:
    with contextlib.chdir(root):
        declared = stage.shelves(params.load())
    shelves = [
        browser.Shelf(
            shelf.name,
            root / shelf.prompts,
            {name: root / path for name, path in shelf.pools.items()},
            {name: (pool, root / path) for name, (pool, path) in shelf.curated.items()},
        )
        for shelf in declared
    ]
    options = {"objectives": OBJECTIVES, "tradeoff": ["faithfulness", "instruction"], "stand_ins": stand_ins}
    return browser.content(shelves, verdicts=root / "data/verdicts", max_bytes=max_bytes, **options)


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
    means = {found.pools[pool]: score for pool, score in by_id["nq/test/2"][6].items()}
    assert means == {"mtl": 0.44, "mtl_reset": 0.74}
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


def test_equal_tables_give_equal_bytes(root: Path) -> None:
    assert content(root) == content(root)


def written(root: Path) -> Path:
    rows = measured.gather(
        metrics=folders.metrics(root),
        scores=root / "data/scores",
        systems=["mtl", "mtl_reset"],
        objectives=OBJECTIVES,
        tradeoff=["faithfulness", "instruction"],
        paper_rows={},
        pipelines={},
        stand_ins=[],
        pairs=[("mtl_reset", "mtl")],
        points=[],
        continued=[],
        **{"resamples": 50, "seed": 0, "much_longer": 10, "similar": 10, "similar_on": None, "seeds": []},
    )
    page.write(root / "out", rows, content(root))
    return root / "out/index.html"


def test_page_holds_answers_as_letters_only(root: Path) -> None:
    text = written(root).read_text()
    assert "document.title = 'gone'" not in text
    assert "200 of 200 prompts are in this page" in text
    assert "default-src 'none'" in text


def wait(page_: Chrome, expression: str) -> None:
    WebDriverWait(page_, 20).until(lambda one: one.execute_script(f"return {expression}"))


@pytest.fixture(scope="module", params=[(1300, "light"), (420, "dark")])
def opened(root: Path, request: pytest.FixtureRequest) -> Iterator[Chrome]:
    width, scheme = request.param
    with chromium(width, 1100) as page_:
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page_.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        page_.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 1100, "deviceScaleFactor": 1, "mobile": False},
        )
        page_.get(written(root).as_uri())
        wait(page_, "document.body.dataset.ready")
        yield page_
        page_.save_screenshot(str(root / f"{scheme}{width}.png"))


def find(page_: Chrome, words: str) -> None:
    field = page_.find_element(By.ID, "find")
    field.clear()
    field.send_keys(words, Keys.ENTER)


@pytest.mark.slow
@CHROMIUM
def test_reader_searches_opens_and_walks_with_the_keyboard(opened: Chrome) -> None:
    find(opened, "nq/test/7")
    wait(opened, "document.querySelector('#answer h3')?.textContent === 'nq/test/7'")
    assert opened.find_element(By.ID, "count").text == "1 of 200"
    assert opened.current_url.endswith("#nq%2Ftest%2F7")
    find(opened, "nq test thing")
    wait(opened, "document.querySelector('#answer h3')?.textContent === 'nq/test/0'")
    opened.find_element(By.ID, "list").send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    wait(opened, "document.querySelector('#answer h3').textContent === 'nq/test/2'")
    opened.find_element(By.ID, "list").send_keys(Keys.END)
    wait(opened, "document.querySelector('#answer h3').textContent === 'nq/test/39'")
    assert 10 < len(opened.find_elements(By.CSS_SELECTOR, ".row")) < 40  # not 40: only those in sight are there
    assert opened.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.slow
@CHROMIUM
def test_answers_stand_side_by_side_with_evidence_and_choice_and_stay_text(opened: Chrome) -> None:
    find(opened, "wikisum/train/3")
    wait(opened, "document.querySelector('#answer h3')?.textContent.startsWith('wikisum/train/3')")
    wait(opened, "document.querySelectorAll('article').length === 2")
    kept, other = opened.find_elements(By.CSS_SELECTOR, "article")
    assert "picked" in kept.get_attribute("class")
    assert "kept in reset: score 2.250 (faithfulness 0.900, task 0.450)" in kept.text
    assert kept.find_elements(By.TAG_NAME, "mark") == []
    assert lines.HOSTILE in kept.text
    assert opened.title == "ReSet: report"
    assert other.find_element(By.TAG_NAME, "mark").text == f"Said by k50: {lines.HOSTILE}"
    assert "It stands in a hall. (0.400)" in other.text.replace("“", "").replace("”", "")
    opened.execute_script("document.querySelector('mark').dispatchEvent(new Event('mouseenter'))")
    assert opened.find_element(By.CSS_SELECTOR, "blockquote strong").text == "It stands in a hall."


@pytest.mark.slow
@CHROMIUM
def test_list_is_filtered_and_sorted_by_what_two_systems_scored(opened: Chrome) -> None:
    opened.find_element(By.ID, "find").clear()
    Select(opened.find_element(By.ID, "dataset")).select_by_value("wikisum")
    Select(opened.find_element(By.ID, "shelf")).select_by_value("test")
    Select(opened.find_element(By.ID, "order")).select_by_visible_text("lowest first: mtl")
    assert opened.find_element(By.ID, "count").text == "40 of 200"
    assert "wikisum/test/0" in opened.find_element(By.CSS_SELECTOR, ".row").text
    for name in ("dataset", "shelf", "order"):
        Select(opened.find_element(By.ID, name)).select_by_value("")
