"""The page in a real browser: filters, links, two answers side by side, export, keyboard, print, a telephone."""

import csv
import json
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from reset.cli.main import main
from reset.files import schemas, tables
from reset.report import browser, charts, labels, lineage
from reset.report.story import Run
from tests.support import ROOT, folders, lines, picture
from tests.support.browser import chromium
from tests.support.pages import FACTS, page_of, written

pytestmark = pytest.mark.slow

CHROMIUM = pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs Chromium")


LIT = """
return [...CSS.highlights.get("found")].map(
  (range) => range.startContainer.data.slice(range.startOffset, range.endOffset))
"""


def wait(page_: Chrome, expression: str) -> None:
    WebDriverWait(page_, 20).until(lambda one: one.execute_script(f"return {expression}"))


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    with chromium(1300, 1100) as page_:
        yield page_


def look(page_: Chrome, path: Path, width: int = 1280, height: int = 800, scheme: str = "light", at: str = "") -> None:
    """Open a page afresh, `at` one of its places, in a window of a size and colour scheme."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page_.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", **media})
    page_.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page_.get("about:blank")
    page_.get(path.as_uri() + at)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lines.write(tmp_path_factory.mktemp("run"), prompts=40)


@pytest.fixture(scope="module")
def index(root: Path) -> Path:
    return written(root)


@pytest.fixture(params=[(1300, "light"), (390, "dark")])
def opened(chrome: Chrome, index: Path, request: pytest.FixtureRequest) -> Chrome:
    width, scheme = request.param
    look(chrome, index, width, 1100, scheme)
    wait(chrome, "document.body.dataset.ready")
    return chrome


def find(page_: Chrome, words: str) -> None:
    field = page_.find_element(By.ID, "find")
    field.clear()
    field.send_keys(words, Keys.ENTER)


def find_prompt(page_: Chrome, name: str) -> None:
    """Search for one prompt, and wait until it stands in place of the one that was there."""
    find(page_, name)
    wait(page_, f"document.querySelector('#answer h3')?.textContent === '{name}'")


def choose(page_: Chrome, **chosen: str) -> str:
    """Set filters by their ids; return how many prompts are left, as the page says."""
    page_.execute_script("document.getElementById('filters').open = true")
    page_.find_element(By.ID, "clear").click()
    for name, text in chosen.items():
        field = page_.find_element(By.ID, name)
        if field.tag_name == "select":
            Select(field).select_by_visible_text(text)
        else:
            field.send_keys(text)
    page_.execute_script(
        "delete document.body.dataset.filtered; arguments[0].dispatchEvent(new Event('input'))",
        page_.find_element(By.ID, "find"),
    )
    wait(page_, "document.body.dataset.filtered")
    return page_.find_element(By.ID, "count").text.partition(" of ")[0]


def quiet(page_: Chrome) -> bool:
    """Say whether the page asked for nothing, said nothing to the console and is no wider than the window."""
    asked = page_.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    wide = page_.execute_script("return document.documentElement.scrollWidth > innerWidth")
    return (asked, page_.get_log("browser"), wide) == ([], [], False)


@CHROMIUM
def test_reader_searches_opens_and_walks_with_the_keyboard(opened: Chrome) -> None:
    assert opened.find_elements(By.CSS_SELECTOR, "#answer h3") and "#" not in opened.current_url  # the first one
    find_prompt(opened, "nq/test/7")
    assert opened.find_element(By.ID, "count").text == "1 of 200"
    assert opened.current_url.endswith("#answers/nq/test/7")
    find(opened, "nq test thing")
    wait(opened, "document.querySelector('#answer h3')?.textContent === 'nq/test/0'")
    opened.find_element(By.ID, "list").send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    wait(opened, "document.querySelector('#answer h3').textContent === 'nq/test/2'")
    opened.find_element(By.ID, "list").send_keys(Keys.END)
    wait(opened, "document.querySelector('#answer h3').textContent === 'nq/test/39'")
    assert 10 < len(opened.find_elements(By.CSS_SELECTOR, ".row")) < 40  # not 40: only those in sight are there
    assert quiet(opened)


@CHROMIUM
def test_search_finds_words_of_whole_passages_and_of_folded_answers(chrome: Chrome, tmp_path: Path) -> None:
    root = lines.write(tmp_path / "run", prompts=4)
    prompts, answers = root / "data/prompts/test.parquet", root / "data/answers/mtl.parquet"
    rows = list(tables.read(prompts, schemas.EXAMPLES))
    long = [f"{'So it goes. ' * 40}The Kestrel sleeps."]  # beyond what the list shows
    tables.write(prompts, schemas.EXAMPLES, [*rows[:4], {**rows[4], "passages": long}, *rows[5:]])
    said = list(tables.read(answers, schemas.ANSWERS))
    tables.write(answers, schemas.ANSWERS, [*said[:9], {**said[9], "text": f"Of a Heron. {'So. ' * 40}"}, *said[10:]])
    look(chrome, written(root))
    wait(chrome, "document.body.dataset.ready")
    for words, found in (("kestrel", "wikisum/test/0"), ("heron of", "alpaca/test/1"), ("kestrel heron", None)):
        find(chrome, words)
        wait(chrome, f"document.getElementById('count').textContent === '{int(bool(found))} of 20'")
        if found:
            wait(chrome, f"document.querySelector('#answer h3').textContent === '{found}'")
            lit = chrome.execute_script(LIT)
            assert words.split()[0] in {one.lower() for one in lit}
    assert quiet(chrome)


@CHROMIUM
def test_answers_open_on_a_test_prompt_with_the_headlines_two_systems_side_by_side(opened: Chrome) -> None:
    assert opened.find_element(By.CSS_SELECTOR, "#answer h3").text == "nq/test/0"  # the first of some faithfulness
    header = opened.find_elements(By.CSS_SELECTOR, ".pair article header")
    assert [one.text.splitlines()[0].split()[0] for one in header] == ["mtl_reset", "mtl"]
    assert [one.text for one in opened.find_elements(By.CLASS_NAME, "differs")] == ["mtl_reset", "mtl"]


@CHROMIUM
@pytest.mark.parametrize(("judge", "opens"), [("summac", "wikisum/test/2"), ("rater", "alpaca/test/2")])
def test_answers_open_where_the_two_systems_differ_first_in_the_first_objective(
    chrome: Chrome, tmp_path: Path, judge: str, opens: str
) -> None:
    root = lines.write(tmp_path / "run", prompts=3, gain=0.0)
    for name in {"rater", judge}:
        path = root / f"data/verdicts/mtl_reset/{name}.parquet"
        rows = list(tables.read(path, schemas.VERDICTS))
        tables.write(path, schemas.VERDICTS, [*rows[:2], {**rows[2], "score": 0.9}])
    look(chrome, written(root))
    wait(chrome, "document.body.dataset.ready")
    assert chrome.find_element(By.CSS_SELECTOR, "#answer h3").text == opens


@CHROMIUM
def test_answers_stand_side_by_side_with_evidence_and_choice_and_stay_text(opened: Chrome) -> None:
    find_prompt(opened, "wikisum/train/3")
    wait(opened, "document.querySelector('#answer h3')?.textContent.startsWith('wikisum/train/3')")
    wait(opened, "document.querySelectorAll('article').length === 2")
    kept, other = opened.find_elements(By.CSS_SELECTOR, "article")
    assert "picked" in kept.get_attribute("class")
    assert "kept in reset: score 2.250 (faithfulness 0.900, task 0.450)" in kept.text
    assert kept.find_elements(By.TAG_NAME, "mark") == []
    assert lines.HOSTILE in kept.text
    assert opened.title == "ReSet: report"
    assert other.find_element(By.TAG_NAME, "mark").text == f"Said by k50: {lines.HOSTILE}"
    assert [one.text for one in other.find_elements(By.CLASS_NAME, "differs")] == ["k50:"]
    assert [one.text for one in kept.find_elements(By.CLASS_NAME, "differs")] == ["t0.1:"]
    assert "It stands in a hall. (0.400)" in other.text.replace("“", "").replace("”", "")
    assert quiet(opened)


@CHROMIUM
def test_answer_sentence_and_its_source_show_each_other(opened: Chrome) -> None:
    find_prompt(opened, "wikisum/train/3")
    wait(opened, "document.querySelectorAll('article').length === 2")
    opened.execute_script("document.querySelector('mark').dispatchEvent(new Event('mouseenter'))")
    assert opened.find_element(By.CSS_SELECTOR, "blockquote .lit").text == "It stands in a hall."
    opened.execute_script("document.querySelector('mark').dispatchEvent(new Event('mouseleave'))")
    assert opened.find_elements(By.CSS_SELECTOR, ".lit") == []
    opened.execute_script("document.querySelector('blockquote .source').focus()")
    assert len(opened.find_elements(By.CSS_SELECTOR, "article .sentence.lit")) == 2


@CHROMIUM
def test_extractive_answers_and_their_overlapping_places_in_the_passage_show_each_other(
    chrome: Chrome, tmp_path: Path
) -> None:
    root = lines.write(tmp_path / "run", prompts=1)
    for pool, text in (("mtl", "in a hall"), ("mtl_reset", "A hall.")):
        path = root / f"data/answers/{pool}.parquet"
        rows = [{**row, "text": text} for row in tables.read(path, schemas.ANSWERS)]
        tables.write(path, schemas.ANSWERS, rows)
    look(chrome, written(root), at="#answers/nq/test/0")
    wait(chrome, "document.querySelectorAll('article').length === 2")

    def lit(at: str, of: str) -> list[str]:
        chrome.execute_script("document.querySelector(arguments[0]).focus()", at)
        found = [one.text for one in chrome.find_elements(By.CSS_SELECTOR, f"{of}.lit")]
        chrome.execute_script("document.activeElement.blur()")
        return found

    assert [one.text for one in chrome.find_elements(By.CSS_SELECTOR, "blockquote .source")] == ["in ", "a hall"]
    assert lit("article:nth-of-type(1) .sentence", "blockquote .source") == ["a hall"]
    assert lit("article:nth-of-type(2) .sentence", "blockquote .source") == ["in ", "a hall"]
    assert lit("blockquote .source", "article .sentence") == ["in a hall"]
    assert lit("blockquote .source:nth-of-type(2)", "article .sentence") == ["A hall.", "in a hall"]
    assert chrome.find_elements(By.CLASS_NAME, "evidence") == []  # nobody doubts it
    assert quiet(chrome)


@CHROMIUM
def test_prompts_are_filtered_by_system_score_judges_and_choice(opened: Chrome) -> None:
    assert choose(opened, left="mtl", dataset="wikisum") == "40"
    assert choose(opened, left="mtl", right="mtl_reset", relation="system worse") == "120"
    assert choose(opened, left="mtl", right="mtl_reset", relation="system better") == "0"
    assert choose(opened, left="mtl_reset", objective="faithfulness", low="0.75") == str(2 * 40 * 2 // 5)
    assert choose(opened, left="mtl_reset", objective="instruction", high="0.7") == "24"
    assert choose(opened, differ="0.01") == "0"  # no judge has a second opinion here
    assert choose(opened, left="mtl", dataset="wikisum", order="lowest score") == "40"
    assert "wikisum/test/0" in opened.find_element(By.CSS_SELECTOR, ".row").text
    assert quiet(opened)


@CHROMIUM
def test_prompts_are_found_whose_kept_answer_is_another(chrome: Chrome, tmp_path: Path) -> None:
    root = lines.write(tmp_path / "run", prompts=6)
    lines.choose(root, "random", "random")
    look(chrome, written(root))
    wait(chrome, "document.body.dataset.ready")
    kept = [
        {
            row["example_id"]: row["response"]
            for row in tables.read(root / f"data/curated/{name}.parquet", schemas.CURATED)
        }
        for name in ("reset", "random")
    ]
    changed = sum(kept[0][one] != kept[1][one] for one in kept[0])
    assert 0 < changed < len(kept[0])
    (option,) = (one.text for one in Select(chrome.find_element(By.ID, "kept")).options if "differ" in one.text)
    assert choose(chrome, kept=option) == str(changed)
    assert quiet(chrome)


def label(name: str, who: str, failures: list[str], **values: float | None) -> str:
    """A line that `reset-lm label` keeps, of the answer of mtl to test prompt `name`."""
    hash_ = labels.digest(f"mtl on {name}. {lines.HOSTILE}")
    one = {"pool": "mtl", "answer_id": f"{name}|t0.0|0", "answer_hash": hash_, "who": who, "at": "2026-01-01"}
    return json.dumps({**one, "points": 2, "objectives": values, "failures": failures, "note": lines.HOSTILE}) + "\n"


@CHROMIUM
def test_labels_of_people_are_shown_and_filtered_by_answer_and_failure(chrome: Chrome, tmp_path: Path) -> None:
    root = lines.write(tmp_path)
    (root / "labels").mkdir()
    said = label("nq/test/1", "ana", ["invented"], faithfulness=0.0, overall=0.0)
    said += label("nq/test/1", "bo", [], faithfulness=1.0, overall=None)
    said += label("nq/test/2", "ana", ["paraphrase"], faithfulness=1.0)
    (root / "labels/mtl.jsonl").write_text(said)
    look(chrome, written(root), 1280, 1100)
    wait(chrome, "document.body.dataset.ready")
    assert choose(chrome, said="labelled") == "2"
    assert choose(chrome, said="faithfulness: no") == "1"
    assert choose(chrome, said="faithfulness: yes") == "2"
    assert choose(chrome, said="overall: yes") == "0"
    assert choose(chrome, failure="paraphrase") == "1"
    assert choose(chrome, said="labelled", left="mtl_reset") == "0"
    assert choose(chrome, failure="invented", left="mtl") == "1"
    chrome.find_element(By.CLASS_NAME, "row").click()
    wait(chrome, "document.querySelectorAll('#answer .label').length === 2")
    told = [one.text for one in chrome.find_elements(By.CSS_SELECTOR, "#answer .label")]
    assert told[0] == f"ana says: faithfulness 0.000, overall 0.000, invented; {lines.HOSTILE}"
    assert told[1] == f"bo says: faithfulness 1.000, overall cannot tell; {lines.HOSTILE}"
    assert quiet(chrome)


@CHROMIUM
def test_run_without_labels_offers_no_filter_of_labels(opened: Chrome) -> None:
    assert not opened.find_element(By.ID, "labels").is_displayed()


@CHROMIUM
def test_link_to_a_prompt_opens_it_and_one_to_an_unknown_says_so(chrome: Chrome, index: Path) -> None:
    look(chrome, index, at="#answers/nq/test/17")
    wait(chrome, "document.querySelector('#answer h3')?.textContent === 'nq/test/17'")
    assert chrome.execute_script("return document.querySelector('.tools').getBoundingClientRect().top") < 400
    header = chrome.find_elements(By.CSS_SELECTOR, "article header")
    assert [one.text.splitlines()[0].split()[0] for one in header] == ["mtl_reset", "mtl"]  # the pair of the headline
    chrome.execute_script("location.hash = '#answers/nq/test/999'")
    wait(chrome, "document.querySelector('#answer').textContent.includes('nq/test/999 is not in this page')")
    look(chrome, index, at="#answers/%E0%A4%A")  # no valid text
    wait(chrome, "document.body.dataset.ready")
    assert quiet(chrome)


@CHROMIUM
def test_what_is_filtered_is_exported_whole(chrome: Chrome, index: Path, tmp_path: Path) -> None:
    look(chrome, index)
    wait(chrome, "document.body.dataset.ready")
    chrome.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    choose(chrome, left="mtl", dataset="nq")
    for name in ("jsonl", "csv"):
        chrome.find_element(By.ID, name).click()
    WebDriverWait(chrome, 20).until(lambda _: len([*tmp_path.glob("answers.[jc]s*[lv]")]) == 2)
    found = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert len(found) == 40 and all(lines.HOSTILE in record["answers"][0]["text"] for record in found)
    rows = list(csv.DictReader((tmp_path / "answers.csv").read_text().splitlines()))
    assert len(rows) == 80 and {row["pool"] for row in rows} == {"mtl", "mtl_reset"}
    assert json.loads(rows[0]["verdicts"])["span_coverage"] == 0.4
    assert quiet(chrome)


@CHROMIUM
def test_a_spreadsheet_takes_no_answer_for_a_formula(chrome: Chrome, tmp_path: Path) -> None:
    root, formula = lines.write(tmp_path / "run", prompts=1), '=HYPERLINK("http://there", "me")'
    path = root / "data/answers/mtl.parquet"
    answers = [{**row, "text": formula} for row in tables.read(path, schemas.ANSWERS)]
    tables.write(path, schemas.ANSWERS, answers)
    look(chrome, written(root))
    wait(chrome, "document.body.dataset.ready")
    chrome.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    chrome.find_element(By.ID, "csv").click()
    WebDriverWait(chrome, 20).until(lambda _: (tmp_path / "answers.csv").is_file())
    rows = list(csv.DictReader((tmp_path / "answers.csv").read_text().splitlines()))
    assert {row["text"] for row in rows if row["pool"] == "mtl"} == {"'" + formula}


@CHROMIUM
def test_page_is_walked_by_keyboard_and_printed_without_its_tools(chrome: Chrome, index: Path) -> None:
    look(chrome, index)
    wait(chrome, "document.body.dataset.ready")
    chrome.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert chrome.switch_to.active_element.text == "Skip to the content"
    chrome.switch_to.active_element.send_keys(Keys.ENTER)
    assert chrome.execute_script("return document.activeElement.id") == "main"
    chrome.find_element(By.LINK_TEXT, "Answers").click()
    wait(chrome, "document.querySelector('.top [aria-current]')?.textContent === 'Answers'")
    chrome.find_element(By.TAG_NAME, "body").send_keys("/")
    assert chrome.execute_script("return document.activeElement.id") == "find"
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not chrome.find_element(By.CLASS_NAME, "top").is_displayed()
    assert not chrome.find_element(By.CLASS_NAME, "tools").is_displayed()
    assert chrome.find_element(By.TAG_NAME, "h1").is_displayed()


@CHROMIUM
def test_story_of_thirty_systems_fits_one_screen_and_a_telephone(chrome: Chrome, tmp_path: Path) -> None:
    names = [f"system_{n}" for n in range(30)]
    for n, name in enumerate(names):
        folders.add_system(tmp_path, name, faithfulness=0.3 + n % 7 / 20, instruction=0.3 + n % 5 / 12, prompts=12)
    folders.add_stages(tmp_path)
    many = lineage.lineage(
        {name: name for name in names}, {name: names[n // 3] for n, name in enumerate(names) if n}, names
    )
    pairs = [(name, names[0]) for name in names[1:]]
    path = page_of(tmp_path, names, pairs, browser.Content(), Run(FACTS, many))
    look(chrome, path)
    wait(chrome, "document.querySelector('.top [aria-current]')")
    assert chrome.execute_script("return document.querySelector('#story').getBoundingClientRect().bottom") <= 800
    assert len(chrome.find_elements(By.CSS_SELECTOR, ".plane.wide .point")) in (30, 30 + 29)
    chrome.execute_script("dispatchEvent(new Event('beforeprint'))")
    wait(chrome, "document.querySelectorAll('.chart svg').length === document.querySelectorAll('.chart').length")
    boxes = chrome.find_elements(By.CSS_SELECTOR, ".picker :checked")
    assert len(boxes) % charts.MOST == 0 and boxes  # at most seven at once
    assert quiet(chrome)
    look(chrome, path, 390, 844, "dark")
    assert chrome.find_element(By.CSS_SELECTOR, ".plane.narrow").is_displayed()
    assert quiet(chrome)


@CHROMIUM
def test_pages_of_two_runs_compared_are_as_quiet_and_as_narrow(chrome: Chrome, tmp_path: Path) -> None:
    runs = [str(lines.write(tmp_path / name, prompts=6, gain=gain)) for name, gain in (("a", 0.3), ("b", 0.1))]
    for command in ("diff", "seeds"):
        path = tmp_path / f"{command}.html"
        done = CliRunner().invoke(main, [command, *runs, "--resamples", "20", "--html", str(path)])
        assert done.exit_code == 0, done.output
        for width, scheme in ((1280, "light"), (390, "dark")):
            look(chrome, path, width, 844, scheme)
            wait(chrome, "document.querySelector('.top [aria-current]')?.textContent === 'Story'")
            assert chrome.find_element(By.CLASS_NAME, "forest").is_displayed()
            assert quiet(chrome)


@CHROMIUM
def test_the_readme_shows_the_first_screen_as_it_is_laid_out_now(chrome: Chrome, tmp_path: Path) -> None:
    recorded = json.loads(picture.text((ROOT / "docs/page.png").read_bytes()))
    assert len(recorded) > 20
    changed = picture.apart(recorded, picture.layout(chrome, tmp_path))
    assert not changed, "docs/page.png shows another page than the report is now: run make picture\n" + "\n".join(
        changed
    )


def test_a_picture_is_of_another_page_if_a_name_a_box_or_a_colour_differs() -> None:
    one = {"what": "h1", "box": [20, 60, 1240, 29], "look": ["black", "24px"]}
    assert picture.apart([one], [{**one, "box": [20, 60 + picture.NEAR, 1240, 29]}]) == []
    for other in ({"what": "h2"}, {"box": [20, 61 + picture.NEAR, 1240, 29]}, {"look": ["red", "24px"]}):
        assert len(picture.apart([one], [{**one, **other}])) == 1
    assert picture.apart([one], []) == ["now [], then ['h1']"]


def test_a_picture_with_its_layout_is_a_picture_still() -> None:
    png = picture.with_text((ROOT / "docs/page.png").read_bytes(), "[]")
    at, kinds = 8, []
    while at < len(png):
        (size,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        content, at = png[at + 8 : at + 8 + size], at + 12 + size
        assert png[at - 4 : at] == struct.pack(">I", zlib.crc32(kind + content))
        kinds.append(kind)
    assert (kinds[0], kinds[-2:]) == (b"IHDR", [b"tEXt", b"IEND"])
    assert picture.text(picture.with_text(b"x" * 12, "[1]")) == "[1]"
