"""Labels of people: the sample, the page in a browser, the table, agreement with judges, and what they propose."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from reset.cli.main import main
from reset.evidence import label_sample, label_table, logistic
from reset.evidence.revisions import Run
from reset.files import fast_yaml
from reset.report import labels
from tests.support import ROOT, made_pools

pytestmark = pytest.mark.slow

POOL = "mtl_candidates"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged pool and a test pool with the committed params.yaml."""
    root = made_pools.write(tmp_path_factory.mktemp("label"), systems=("mtl",))
    shutil.copy(ROOT / "params.yaml", root)
    return root


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder as the working folder, from which `project` is read."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@cache
def pool(project: Path, name: str = POOL) -> label_sample.JudgedAnswers:
    run = Run(str(project), project)
    return label_sample.load(run, run.yaml("params.yaml"), name)


def run(project: Path, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["label", "--run", str(project), *map(str, arguments)])


def row(project: Path, answer_id: str, said: dict[str, float | None], who: str = "ana", **more: Any) -> dict[str, Any]:
    digest = labels.digest(pool(project).answers[answer_id]["text"])
    known = {"pool": POOL, "answer_id": answer_id, "answer_hash": digest, "who": who, "at": "2026-01-01T00:00:00Z"}
    return {**known, "points": 2, "objectives": said, "failures": [], "note": "", **more}


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


def test_strata_take_turns_and_a_text_comes_once(project: Path) -> None:
    drawn = label_sample.draw({POOL: pool(project), "mtl": pool(project, "mtl")}, size=60, seed=1)
    counts: dict[tuple[str, ...], int] = {}
    for one in drawn:
        counts[one.stratum] = counts.get(one.stratum, 0) + 1
    assert len(drawn) == 60
    assert {one.stratum[0] for one in drawn} == set(made_pools.TASKS)
    assert {one.stratum[2] for one in drawn} >= set(label_sample.LEVELS)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len({(one.answer["example_id"], one.answer["text"]) for one in drawn}) == 60


def test_the_sample_follows_the_seed_alone(project: Path) -> None:
    judged = pool(project)
    turned = label_sample.JudgedAnswers(dict(reversed(judged.answers.items())), judged.scores, judged.examples)
    ids = [
        [one.answer["answer_id"] for one in label_sample.draw({POOL: source}, size=20, seed=seed)]
        for source, seed in ((judged, 1), (turned, 1), (judged, 2))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_pool_without_verdicts_has_one_level_of_disagreement(project: Path) -> None:
    judged = pool(project)
    bare = label_sample.JudgedAnswers(judged.answers, {key: {} for key in judged.answers}, judged.examples)
    drawn = label_sample.draw({POOL: bare}, size=10, seed=0, by=("disagreement",))
    assert {one.stratum for one in drawn} == {("unknown",)}
    assert len(label_sample.draw({POOL: bare}, size=10**6, seed=0)) <= len(judged.answers)


def test_judges_disagree_where_their_ranks_differ() -> None:
    scores = [{"a": 0.1, "b": 0.8}, {"a": 0.2, "b": 0.9}, {"a": 0.3, "b": 0.7}, {"a": None, "b": 0.5}]
    spread = label_sample.disagreements(scores)
    # ranks of a: 1/3, 2/3, 1; of b: 3/4, 1, 2/4
    assert spread[:3] == pytest.approx([(3 / 4 - 1 / 3) / 2, (1 - 2 / 3) / 2, (1 - 1 / 2) / 2])
    assert spread[3] != spread[3]


def test_labels_become_a_table_and_are_compared_with_the_judges(project: Path, here: Path) -> None:
    judged = pool(project)
    ids = [key for key, one in judged.answers.items() if one["task"] == "summarization"][:60]
    known = [key for key in ids if judged.scores[key]["summac"] is not None]
    said = {key: float((judged.scores[key]["summac"] or 0) >= 0.35) for key in ids}
    said[known[0]] = 1 - said[known[0]]
    path = written(here / "new.jsonl", *(row(project, key, {"faithfulness": said[key], "task": None}) for key in ids))
    done = run(project, "--read", path, "--json", "--resamples", 50)
    content = json.loads(done.output)
    figures = content["judges"]["faithfulness"]
    truth, scores = [said[key] for key in known], [judged.scores[key]["summac"] or 0 for key in known]
    assert figures["as declared"] == figures["summac"]
    assert figures["summac"]["n"] == len(known)
    assert figures["summac"]["auroc"]["value"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-4)
    cut = [float(score >= 0.5) for score in scores]
    assert figures["summac"]["kappa"]["value"] == pytest.approx(cohen_kappa_score(truth, cut), abs=1e-4)
    low, high = (figures["summac"]["auroc"][end] for end in ("low", "high"))
    assert low < figures["summac"]["auroc"]["value"] <= high
    assert "task" not in content["judges"]  # nobody could tell
    floor = content["floors"]["faithfulness"]
    assert floor["floor"]["value"] == min(score for score in scores if score >= 0.35)
    assert floor["balanced_accuracy"] > floor["present_balanced_accuracy"] == 0.5
    assert (here / "labels" / f"{POOL}.jsonl").read_text().count("\n") == 60


def test_what_was_read_is_not_read_twice_and_people_are_kept_apart(project: Path, here: Path) -> None:
    ids = [key for key, one in pool(project).answers.items() if one["task"] == "summarization"][:30]
    first = written(here / "a.jsonl", *(row(project, key, {"faithfulness": 1.0}) for key in ids))
    other = [row(project, key, {"faithfulness": float(at % 3 > 0)}, "bo") for at, key in enumerate(ids)]
    later = row(project, ids[0], {"faithfulness": 0.0}, at="2026-02-01T00:00:00Z", failures=["invented"])
    assert run(project, "--read", first, "--name", "mine").exit_code == 0
    table = here / "labels/mine.jsonl"
    before = table.read_bytes()
    again = json.loads(run(project, "--read", first, "--name", "mine", "--json").output)
    assert (again["duplicates"], again["replaced"], table.read_bytes()) == (30, 0, before)
    second = written(here / "b.jsonl", *other, later)
    content = json.loads(run(project, "--read", second, "--name", "mine", "--json").output)
    assert (content["labels"], content["people"], content["replaced"]) == (60, ["ana", "bo"], 1)
    between = content["between_people"]["faithfulness"]
    assert (between["n"], between["differ"]) == (30, 9)
    assert content["failures"]["invented"] == 1
    itself = json.loads(run(project, "--read", table, "--name", "mine", "--json").output)
    assert itself == {**content, "duplicates": 0, "replaced": 0}


def test_few_labels_have_no_figure_and_say_so(project: Path, here: Path) -> None:
    ids = [*pool(project).answers][:5]
    path = written(here / "new.jsonl", *(row(project, key, {"overall": 1.0}) for key in ids))
    content = json.loads(run(project, "--read", path, "--json").output)
    assert all(one["too_few"] and "auroc" not in one for one in content["judges"]["overall"].values())
    assert content["floors"] == {}
    assert "too few, below 20" in run(project, "--read", path).output


def test_a_label_of_a_text_that_the_pool_no_longer_has_does_not_count(project: Path, here: Path) -> None:
    ids = [*pool(project).answers][:2]
    rows = [row(project, ids[0], {"task": 1.0}), row(project, ids[1], {"task": 1.0}, answer_hash="0" * 16)]
    done = run(project, "--read", written(here / "new.jsonl", *rows))
    assert "2 labels by ana, of 1 answers" in done.output
    assert "Set aside: 1 of texts that the pool no longer has" in done.output


def test_weights_follow_what_people_say_overall(project: Path, here: Path) -> None:
    """Overall is a yes where the task score is high, whatever the faithfulness."""
    judged = pool(project)
    ids = [key for key, one in judged.answers.items() if one["task"] == "summarization"]
    ids = [key for key in ids if None not in (judged.scores[key]["rouge_l"], judged.scores[key]["summac"])]
    rows = [row(project, key, {"overall": float((judged.scores[key]["rouge_l"] or 0) > 0.5)}) for key in ids]
    path = written(here / "new.jsonl", *rows)
    (found,) = json.loads(run(project, "--read", path, "--json", "--resamples", 20).output)["weights"]
    weights = {name: one["value"] for name, one in found["weights"].items()}
    assert sum(weights.values()) == pytest.approx(sum(found["present"].values()), abs=1e-3)
    assert weights["task"] > 4 * weights["faithfulness"]
    assert "Weights that follow the overall label" in run(project, "--read", path, "--resamples", 20).output


def test_without_scikit_learn_no_weights_are_proposed(
    project: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.linear_model", None)
    assert not logistic.available()
    path = written(here / "new.jsonl", row(project, next(iter(pool(project).answers)), {"overall": 1.0}))
    assert "No weights are proposed: scikit-learn is not installed" in run(project, "--read", path).output


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer_id": "nq/train/0|t9|0"}, "pool 'mtl_candidates' has no answer 'nq/train/0|t9|0', which ana labelled"),
        (
            {"pool": "mtl_candidate"},
            "Unknown pool 'mtl_candidate' (params.yaml: pools). Did you mean 'mtl_candidates'?",
        ),
        (
            {"objectives": {"instruction": 1.0}},
            "Unknown objective 'instruction' of extractive_qa, by ana. Known: faith",
        ),
        ({"objectives": {"task": 2.0}}, "new.jsonl:1: not a label: objectives.task: Input should be less than or equa"),
        ({"who": ""}, "new.jsonl:1: not a label: who: String should have at least 1 character"),
        ({"failures": ["inventd"]}, "new.jsonl:1: Unknown failure 'inventd'. Did you mean 'invented'?"),
        ({"more": 1}, "new.jsonl:1: not a label: more: Extra inputs are not permitted"),
    ],
)
def test_a_label_that_cannot_be_is_one_line_and_changes_no_table(
    project: Path, here: Path, change: dict[str, Any], said: str
) -> None:
    good = row(project, next(iter(pool(project).answers)), {"task": 1.0})
    done = run(project, "--read", written(here / "new.jsonl", {**good, **change}))
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert said in done.output
    assert not (here / "labels").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Which POOL?"),
        (["nobody"], "Unknown pool 'nobody'"),
        (["mtl_reset"], "has no data/answers/mtl_reset.parquet; run stage `sample` first"),
        ([POOL, "--name", "a/b"], "--name is 'a/b', must be made of letters"),
    ],
)
def test_a_page_that_cannot_be_written_is_one_line(project: Path, here: Path, arguments: list[str], said: str) -> None:
    done = run(project, *arguments)
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert said in done.output


def test_questions_are_the_objectives_of_the_task_and_one_of_the_whole(project: Path) -> None:
    from reset.objectives import read

    asked = label_table.questions(read(fast_yaml.load((project / "params.yaml").read_text())["objectives"]))
    assert asked["summarization"] == ["faithfulness", "task", "overall"]
    assert asked["instruction"] == ["instruction", "overall"]


def test_the_page_embeds_no_text_as_markup(project: Path, here: Path) -> None:
    done = run(project, POOL, "--size", 7, "--by", "dataset")
    assert done.output.startswith("label.html: 7 answers; alpaca ")
    html = (here / "label.html").read_text()
    assert "Thing 1 is blue" not in html  # packed
    assert "http" not in html.replace("http-equiv", "")


def test_two_answers_are_labelled_by_keyboard_and_read_back(project: Path, here: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    from tests.support.browser import chromium

    assert run(project, POOL, "--size", 4, "--by", "dataset").exit_code == 0
    with chromium() as browser:
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(here)})
        browser.get((here / "label.html").as_uri())
        wait = WebDriverWait(browser, 30)
        wait.until(lambda one: one.find_elements(By.CSS_SELECTOR, "body[data-ready]"))

        def press(*keys: str) -> None:
            ActionChains(browser).send_keys(*keys).perform()

        press("d")
        assert "Say who you are" in browser.find_element(By.ID, "warning").text
        press("ana", Keys.ENTER)
        first = browser.find_element(By.ID, "said").text
        told = dict(one.text.partition(": ")[::2] for one in browser.find_elements(By.CSS_SELECTOR, "#form legend"))
        assert told.pop("The answer") == "" and told["overall"] == "Would you train on it?"
        assert told == {name: label_table.WORDING.get(name, "") for name in told}
        asked = len(browser.find_elements(By.CSS_SELECTOR, "#form fieldset[class]"))
        press(*"y" * asked, "m", "fine <b>so</b>", Keys.ESCAPE, Keys.ARROW_RIGHT)
        assert browser.find_element(By.ID, "said").text != first
        press("n", "u", Keys.ARROW_UP, "a")
        browser.refresh()
        wait.until(lambda one: one.find_elements(By.CSS_SELECTOR, "body[data-ready]"))
        assert "answer 2 of 4" in browser.find_element(By.ID, "count").text
        press("d")
        path = here / f"{POOL}.ana.jsonl"
        wait.until(lambda _: path.is_file() and path.read_text().endswith("\n"))
        assert browser.get_log("browser") == []
    one, two = label_table.read(path)
    assert ({*one.objectives.values()}, one.note, one.failures, one.who) == ({1.0}, "fine <b>so</b>", [], "ana")
    assert [*two.objectives.values()][:2] == [0.0, None]
    texts = {labels.digest(answer["text"]): answer["text"] for answer in pool(project).answers.values()}
    assert texts[one.answer_hash] == first
    done = run(project, "--read", path)
    assert done.exit_code == 0, done.output
    assert "2 labels by ana, of 2 answers" in done.output
