"""The report shows what was measured, leaves dashes where nothing was, and runs nothing that a name holds."""

import csv
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner

from reset import checkpoint_names, params
from reset.errors import ResetError
from reset.files.metrics import Metrics
from reset.llm import Question, Reply
from reset.llm.ledger import Ledger
from reset.objectives import Objective, Speaker
from reset.params.report import Report
from reset.report import choices, gains, judges, lengths, measured, page, table4, tables, words
from reset.report.browser import Content
from reset.report.story import Run
from stages import report as stage
from tests.support import ROOT, folders
from tests.support.paper_objectives import OBJECTIVES

pytestmark = pytest.mark.slow

PAIRS = (("mtl_reset", "mtl"), ("mtl_reset", "mtl_random"))
PIPELINES = {"CD, then IF": ["cd", "cd_if"], "IF, then CD": ["if", "if_cd"]}
PAPER_ROWS = {
    **{"if": "Vicuna-7B", "if_cd": "w/o MTL", "mtl": "w/ MTL", "reset": "w/ ReSet"},
    **{"mtl_reset": "w/ MTL+ReSet", "mtl_reset_s": "w/ MTL+ReSet-S"},
}
PAIR = ["faithfulness", "instruction"]
HOSTILE = "<img src=x onerror=alert(1)>"


def report(root: Path, into: str = "out", **changes: Any) -> Path:
    systems = [path.stem for path in (root / "metrics/systems").glob("*.json")]
    settings = {"systems": systems, "paper_rows": PAPER_ROWS, "pairs": PAIRS, "resamples": 200, "seed": 0}
    settings |= {"pipelines": PIPELINES, "stand_ins": [], "objectives": OBJECTIVES, "tradeoff": PAIR}
    settings |= {"much_longer": 10, "similar": 10, "similar_on": None, "seeds": [], "points": [], "continued": []}
    settings |= {"verified": {}, "rated_by": {"reset": "rating"}}
    rows = measured.gather(metrics=folders.metrics(root), scores=root / "data/scores", **settings | changes)
    page.write(root / into, rows, Content(), Run())
    return root / into


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two evaluated systems and the metrics of the stages before."""
    folders.add_system(tmp_path, "mtl", faithfulness=0.5, instruction=0.6)
    folders.add_system(tmp_path, "mtl_reset", faithfulness=0.7, instruction=0.6)
    folders.add_stages(tmp_path)
    return tmp_path


def test_table4_has_our_means_beside_the_papers(project: Path) -> None:
    rows = {row["system"]: row for row in csv.DictReader((report(project) / "table4.csv").read_text().splitlines())}
    summary = json.loads((project / "metrics/systems/mtl_reset.json").read_text())
    row = rows["mtl_reset"]
    assert float(row["nq"]) == summary["datasets"]["nq"]["scores"]["faithfulness"]["mean"]
    assert float(row["faithfulness_abstractive"]) == summary["macro"]["faithfulness_abstractive"]["mean"]
    assert (row["paper_row"], row["nq_paper"]) == ("w/ MTL+ReSet", "0.96")
    assert row["faithfulness_abstractive_paper"] == "0.85 (its cells: 0.88)"
    assert list(rows) == list(PAPER_ROWS)


def test_only_one_overall_of_the_paper_does_not_follow_from_its_cells() -> None:
    assert table4.note() == "The paper prints 0.85 as the overall of w/ MTL+ReSet; the mean of its cells is 0.88."
    assert len(table4.paper()) == 6


def test_params_know_the_rows_of_the_papers_table() -> None:
    annotation = Report.model_fields["paper_rows"].annotation
    assert list(get_args(get_args(annotation)[1])) == list(table4.paper())


def test_columns_are_the_papers_and_then_our_own_data_sets() -> None:
    mine = {"task": "summarization", "group": "unseen"}
    summaries = {"mtl": {"datasets": {"minutes": mine, "nq": {"task": "extractive_qa", "group": "seen"}}}}
    shown = table4.columns(summaries, OBJECTIVES, PAIR)
    assert [column.name for column in shown] == [
        *("cnn_dailymail", "ms_marco", "wikisum", "minutes", "faithfulness_abstractive"),
        *("nq", "searchqa", "bioasq", "faithfulness_extractive", "instruction"),
    ]
    assert [column.title for column in shown if column.unseen] == ["WikiSum", "minutes", "SearchQA", "BioASQ"]


def test_system_that_was_not_trained_leaves_dashes(project: Path) -> None:
    into = report(project)
    assert re.search(rf"\| reset \(w/ ReSet\) \| {words.DASH} \(0.80\) \|", (into / "report.md").read_text())
    assert {row["against"] for row in json.loads((into / "differences.json").read_text())} == {"mtl"}


def test_system_left_over_from_an_earlier_run_is_not_shown(project: Path) -> None:
    into = report(project, systems=["mtl"])
    assert [row["system"] for row in json.loads((into / "tradeoff.json").read_text())] == ["mtl"]
    assert json.loads((into / "differences.json").read_text()) == []


def test_declared_comparison_of_a_system_that_is_not_evaluated_is_named(project: Path) -> None:
    text = (report(project) / "report.md").read_text()
    assert f"- Not compared, because not both are evaluated: mtl_reset {words.MINUS} mtl_random." in text
    assert "Not compared" not in (report(project, pairs=PAIRS[:1]) / "report.md").read_text()


def test_empty_project_gives_a_page_that_says_so(tmp_path: Path) -> None:
    into = report(tmp_path)
    assert "No system has been evaluated yet." in (into / "index.html").read_text()
    assert json.loads((into / "tradeoff.json").read_text()) == []


def test_report_and_page_say_that_another_machine_makes_other_figures(project):
    into = report(project)
    for name in ("report.md", "index.html"):
        assert words.ONE_RUN in (into / name).read_text()


def test_headline_is_made_of_the_first_pair(project: Path) -> None:
    first = (report(project) / "report.md").read_text().splitlines()[0]
    assert re.fullmatch(
        r"# mtl_reset against mtl: seen faithfulness up by 0\.\d{3} \[.*?\], "
        r"unseen faithfulness up by 0\.\d{3} \[.*?\], instruction no clear change, .*\.",
        first,
    )


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.1, 0.2, "up by 0.150"), (-0.2, -0.1, "down by 0.150"), (-0.2, 0.1, "no clear change")]
)
def test_only_an_interval_without_zero_is_called_a_change(low: float, high: float, said: str) -> None:
    mean = {"up by 0.150": 0.15, "down by 0.150": -0.15}.get(said, 0.0)
    figures = {"instruction": {"mean": mean, "low": low, "high": high}}
    (sentence,) = words.sentences([{"system": "b", "against": "a", "measures": figures}], ["a", "b"])
    assert sentence.startswith(f"b against a: instruction {said}")


def test_difference_is_the_difference_of_the_macro_means(project: Path) -> None:
    (pair,) = json.loads((report(project) / "differences.json").read_text())
    a, b = (json.loads((project / f"metrics/systems/{name}.json").read_text()) for name in ("mtl_reset", "mtl"))
    found = pair["measures"]["unseen faithfulness"]
    expected = a["macro"]["faithfulness_unseen"]["mean"] - b["macro"]["faithfulness_unseen"]["mean"]
    assert found["mean"] == pytest.approx(expected, abs=2e-4)
    assert found["low"] < found["mean"] < found["high"]


def test_equal_input_gives_equal_bytes(project: Path) -> None:
    one, two = report(project, "one"), report(project, "two")
    assert {path.name: path.read_bytes() for path in one.iterdir()} == {
        path.name: path.read_bytes() for path in two.iterdir()
    }


def test_plots_are_plain_rows(project: Path) -> None:
    into = report(project)
    assert [row["system"] for row in json.loads((into / "tradeoff.json").read_text())] == ["mtl", "mtl_reset"]
    wins = json.loads((into / "wins.json").read_text())
    assert [row["setting"] for row in wins if row["curated"] == "reset"] == ["k5", "k100", "t0.1", "t0.7"]
    scores = json.loads((into / "scores.json").read_text())
    shares = [row["share"] for row in scores if (row["system"], row["objective"]) == ("mtl", "faithfulness")]
    assert sum(shares) == pytest.approx(1.0, abs=1e-2)
    assert sum(row["answers"] for row in scores if row["system"] == "mtl") == 7 * 59  # null scores are no scores
    assert {row["system"] for row in json.loads((into / "loss.json").read_text())} == {"mtl", "mtl_reset"}


def test_accounts_follow_the_line_and_balance(project: Path) -> None:
    rows = tables.accounts(folders.metrics(project))
    assert [(row["stage"], row["name"]) for row in rows] == [
        *(("prepare", "nq"), ("select", "reset"), ("select", "reset_s")),
        *(("evaluate", "mtl"), ("evaluate", "mtl_reset")),
    ]
    assert rows[0]["reasons"] == "3 no <b>answer</b>"
    assert all(row["rows_in"] == row["rows_out"] + row["set_aside"] for row in rows)


def test_markup_in_names_stays_text(project: Path) -> None:
    folders.add_system(project, HOSTILE, faithfulness=0.3, instruction=0.3)
    into = report(project, pairs=((HOSTILE, "mtl"),))
    page_ = (into / "index.html").read_text()
    assert HOSTILE not in page_
    assert "&lt;img src=x onerror=alert(1)&gt; against mtl" in page_
    assert "no &lt;b&gt;answer&lt;/b&gt;" in page_
    assert HOSTILE not in (into / "report.md").read_text().replace("\\", "\\\\")
    assert "\\<img src=x onerror=alert(1)\\> against mtl" in (into / "report.md").read_text()


def test_page_holds_its_scripts_once_and_fetches_nothing(project: Path) -> None:
    text = (report(project) / "index.html").read_text()
    assert len(text) < 1_200_000
    assert text.count("<script") == 3  # the plots' rows, Vega, our own; a page with answers has more
    outside = re.sub(r"(<script[^>]*>).*?</script>", r"\1", text, flags=re.DOTALL)
    assert len(outside) < 60_000
    assert not re.findall(r'(?:src|href)="(?!data:|#)|@import|url\((?!#)', outside)


OWN = {
    "polite": Objective({"abstractive_qa": Speaker(("politeness",)), "summarization": Speaker(("politeness",))}),
    "brief": Objective({"summarization": Speaker(("brevity",))}, compare=("seen", "unseen")),
}


@pytest.mark.parametrize(
    "changes",
    [
        {"systems": ["mtl"], "pairs": []},
        {"pairs": [], "pipelines": {}},
        {"paper_rows": {}, "objectives": OWN, "tradeoff": list(OWN)},
        {"systems": []},
    ],
    ids=["one system", "nothing to compare", "own objectives without scores", "no system"],
)
def test_page_of_any_run_has_its_first_screen_and_links_only_to_what_is_there(
    project: Path, changes: dict[str, Any]
) -> None:
    text = (report(project, **changes) / "index.html").read_text()
    assert text.count("<h1") == 1
    links = re.findall(r'<a href="#([\w-]+)"', text)
    assert links[:1] == ["story"] and all(f'id="{link}"' in text for link in links)
    titles = re.findall(r"<h3>(.*?)</h3>", text)
    assert titles and all(title.endswith("?") for title in titles)  # each drawing asks one question


def test_unknown_row_of_the_paper_is_told(project: Path) -> None:
    with pytest.raises(ResetError, match=r"The paper's Table 4 has no row 'w/ MTL\+'. It has: Vicuna-7B, w/o MTL"):
        report(project, paper_rows={"mtl": "w/ MTL+"})


def test_difference_that_holm_does_not_clear_is_said_so_and_not_coloured() -> None:
    figures = {"mean": 0.04, "low": 0.01, "high": 0.07, "p": 0.01, "p_holm": 0.2}
    (sentence,) = words.sentences([{"system": "b", "against": "a", "measures": {"task": figures}}], ["a", "b"])
    assert sentence == "b against a: task up by 0.040 [0.010, 0.070], not significant after Holm's correction."
    assert (words.direction(figures), words.direction({**figures, "p_holm": 0.01})) == ("", "up")


def test_p_value_is_never_zero() -> None:
    assert [words.p_value(p) for p in (None, 0.0, 0.00099, 0.001, 0.25)] == [
        *(words.DASH, "below 0.001", "below 0.001", "0.001", "0.250"),
    ]


@pytest.mark.parametrize(
    ("prompts", "said"),
    [(1, "too few prompts to tell"), (9, "too few prompts to tell"), (200, "the same on every prompt")],
)
def test_difference_that_cannot_be_told_says_so(prompts: int, said: str) -> None:
    figures = {"mean": 1.0, "low": None, "high": None, "p": None, "prompts": prompts}
    (sentence,) = words.sentences([{"system": "b", "against": "a", "measures": {"task": figures}}], ["a", "b"])
    assert sentence == f"b against a: task +1.000, {said}."
    assert words.direction(figures) == ""


def test_run_of_one_test_prompt_claims_nothing(tmp_path: Path) -> None:
    for name, level in (("mtl", 0.0), ("mtl_reset", 1.0)):
        folders.add_system(tmp_path, name, faithfulness=level, instruction=level, prompts=2)  # the first has no score
    into = report(tmp_path)
    text = (into / "report.md").read_text()
    assert text.splitlines()[0].count("too few prompts to tell") == 3
    assert "up by" not in text
    page_ = (into / "index.html").read_text()
    assert "too few prompts to tell" in page_ and "<small>p " not in page_


def test_figures_of_stand_ins_are_marked_wherever_they_are_shown(project: Path) -> None:
    resting = [(task, "faithfulness") for task in ("summarization", "abstractive_qa")]
    for name, faithfulness in (("mtl", 0.5), ("mtl_reset", 0.7)):
        folders.add_system(project, name, faithfulness=faithfulness, instruction=0.6, resting=resting)
    folders.write(project / "metrics/train/mtl_reset.json", {"rows_out": 1200, "steps": 8, "best_step": 8})
    more = {"continued": gains.continued(SYSTEMS, CURATED, ["mtl", "mtl_reset"]), "stand_ins": ["summac"]}
    more["points"] = [checkpoint_names.Point("mtl_reset", "mtl_reset", None)]
    into = report(project, pipelines={"one": ["mtl", "mtl_reset"]}, **more)

    def rows(name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((into / f"{name}.json").read_text())
        return found

    mark = " (stand-in)"
    assert f"faithfulness_abstractive{mark}" in rows("overview")[0]
    assert "faithfulness_extractive" in rows("overview")[0]
    assert {row["dataset"] for row in rows("systems") if row.get("stand_in")} == {
        "cnn_dailymail",
        "ms_marco",
        "wikisum",
    }
    assert {row["score"] for row in rows("pipelines") if row["score"].endswith(mark)} == {
        f"faithfulness_abstractive{mark}"
    }
    assert rows("tradeoff")[0]["stand_in"] == "faithfulness"
    assert f"faithfulness_abstractive{mark}" in rows("checkpoints")[0]
    panels = {row["panel"] for row in rows("checkpoint_scores") if row["panel"].endswith(mark)}
    assert panels == {f"mtl_reset: faithfulness, abstractive{mark}"}
    assert {row["panel"] for row in rows("gains") if row["panel"].endswith(mark)} == {
        *(f"seen faithfulness{mark}", f"unseen faithfulness{mark}"),
    }
    assert all(row["stand_in"] for row in rows("lengths"))
    assert not any("stand_in" in row for row in rows("matched"))  # its ratings are real
    assert {row["objective"] for row in rows("scores")} == {f"faithfulness{mark}", "instruction"}
    (pair,) = rows("differences")
    assert {name for name, figures in pair["measures"].items() if figures.get("stand_in")} == {
        *("seen faithfulness", "unseen faithfulness"),
    }
    head = (into / "table4.csv").read_text().splitlines()[0].split(",")
    assert f"cnn_dailymail{mark}" in head and "nq" in head
    said = "Stand-ins: summac. These verdicts come from judges that take the place of a real one"
    for name in ("report.md", "index.html"):
        text = (into / name).read_text()
        assert said.split(". ")[0] in text
        assert f"seen faithfulness{mark} up by" in text


def test_overview_has_macro_averages_lengths_and_nulls(project: Path) -> None:
    (row, _) = json.loads((report(project) / "overview.json").read_text())
    summary = json.loads((project / "metrics/systems/mtl.json").read_text())
    assert row["faithfulness_unseen"] == summary["macro"]["faithfulness_unseen"]["mean"]
    assert (row["tokens"], row["nulls"], row["oracle"]) == (20.0, 7, None)
    rows = json.loads((project / "out/systems.json").read_text())
    assert {(one["n"], one["nulls"]) for one in rows} == {(59, 1)}
    assert len(rows) == 2 * 7


def test_two_stage_pipeline_is_shown_where_both_its_systems_are(project: Path) -> None:
    for name, faithfulness, instruction in (("cd", 0.6, 0.3), ("cd_if", 0.4, 0.7), ("if", 0.1, 0.8)):
        folders.add_system(project, name, faithfulness=faithfulness, instruction=instruction)
    into = report(project)
    rows = json.loads((into / "pipelines.json").read_text())
    assert {row["pipeline"] for row in rows} == {"CD, then IF"}
    means = {(row["stage"], row["score"]): row["mean"] for row in rows}
    assert means["before", "instruction"] == pytest.approx(0.3, abs=0.03)
    assert means["after", "faithfulness_abstractive"] == pytest.approx(0.4, abs=0.03)
    assert "Before and after the second stage" in (into / "report.md").read_text()


def test_trainings_are_shown_along_their_evaluated_checkpoints(project: Path) -> None:
    for name, faithfulness, instruction in (("cd", 0.8, 0.1), ("cd_if_25", 0.6, 0.4), ("cd_if", 0.3, 0.7)):
        folders.add_system(project, name, faithfulness=faithfulness, instruction=instruction)
    folders.write(project / "metrics/train/cd_if.json", {"steps": 109, "best_step": 100})
    ways = checkpoint_names.ways(
        {"cd_if": "cd"}, {"cd_if": [0.25]}, {"cd": "cd", "cd_if_25": "cd_if/at/25", "cd_if": "cd_if"}
    )
    into = report(project, points=ways)
    rows = json.loads((into / "checkpoints.json").read_text())
    assert [(row["system"], row["checkpoint"], row["step"]) for row in rows] == [
        *(("cd", "start", 0), ("cd_if_25", "25 %", 27), ("cd_if", "lowest dev loss", 100)),
    ]
    assert [row["instruction"] for row in rows] == pytest.approx([0.1, 0.4, 0.7], abs=0.05)
    scores = json.loads((into / "checkpoint_scores.json").read_text())
    assert {row["panel"] for row in scores} == {
        *("cd_if: faithfulness, abstractive", "cd_if: faithfulness, extractive", "cd_if: instruction"),
    }
    assert [row["mean"] for row in scores if row["series"] == "nq"] == pytest.approx([0.8, 0.6, 0.3], abs=0.05)
    lengths_ = json.loads((into / "checkpoint_lengths.json").read_text())
    assert {(row["panel"], row["tokens"]) for row in lengths_} == {("cd_if", 20.0)}
    assert "## Along the training" in (into / "report.md").read_text()


def test_chosen_model_that_is_also_the_last_is_called_so(project: Path) -> None:
    folders.write(project / "metrics/train/mtl.json", {"steps": 8, "best_step": 8})
    ways = [checkpoint_names.Point("mtl", "mtl_reset", 1.0), checkpoint_names.Point("mtl", "mtl", None)]
    rows = json.loads((report(project, points=ways) / "checkpoints.json").read_text())
    assert [row["checkpoint"] for row in rows] == ["last", "lowest dev loss, last"]


def test_faithfulness_is_grouped_by_length_beyond_the_gold_answer(project: Path) -> None:
    rows = [row for row in json.loads((report(project) / "lengths.json").read_text()) if row["system"] == "mtl"]
    assert [row["length"] for row in rows] == [
        *("no longer than gold", "up to 10 words longer", "over 10 words longer"),
    ]
    # answers have 15 words, gold answer n has n, and number 0 is null; three data sets are abstractive
    assert [row["n"] for row in rows] == [3 * 45, 3 * 10, 3 * 4]
    assert all(0.4 < row["faithfulness"] < 0.6 for row in rows)


def test_instruction_scores_are_compared_at_like_length() -> None:
    def scored(system: str, tokens: list[int]) -> list[dict[str, Any]]:
        level = 0.8 if system == "if" else 0.4
        return [
            {
                "example_id": str(n),
                "score": level + n / 100,
                "tokens": t,
                "dataset": "alpaca",
                "objective": "instruction",
            }
            for n, t in enumerate(tokens)
        ]

    found = {"if": scored("if", [50, 30, 20]), "if_cd": scored("if_cd", [12, 20, 29])}
    rows = list(lengths.matched(found, [("if_cd", "if"), ("mtl", "if")], "instruction", 10))
    assert [(row["prompts"], row["n"], row["before"], row["after"]) for row in rows] == [
        ("all", 3, 0.81, 0.41),
        ("within 10 tokens", 2, 0.815, 0.415),
    ]
    assert [row["n"] for row in lengths.matched(found, [("if_cd", "if")], "instruction", 10, on=["alpaca"])] == [3, 2]
    assert [row["n"] for row in lengths.matched(found, [("if_cd", "if")], "instruction", 10, on=["koala_eval"])] == [
        0,
        0,
    ]


def test_figure_7_is_about_alpaca_alone_in_the_scales_of_the_paper(composed: Callable[[str], Path]) -> None:
    found = {name: params.load(composed(name)).report.similar_on for name in ("micro", "paper", "own")}
    assert found == {"micro": ["alpaca"], "paper": ["alpaca"], "own": None}


def test_table_4_over_runs_stands_below_that_of_the_run(project: Path) -> None:
    row = {"system": "mtl (w/ MTL)", "runs": 3, "NQ": "0.901 [0.880, 0.920] (0.90)"}
    report(project, seeds=[row])
    text = (project / "out/report.md").read_text()
    assert text.index("## Table 4: ours") < text.index("## Table 4: means of several runs") < text.index("## Paired")
    assert "| mtl (w/ MTL) | 3 | 0.901 [0.880, 0.920] (0.90) |" in text
    assert "0.901 [0.880, 0.920] (0.90)" in (project / "out/index.html").read_text()
    report(project)
    assert "means of several runs" not in (project / "out/report.md").read_text()


def test_curves_of_one_pool_are_shown_once(project: Path) -> None:
    for name in ("random", "reset", "reset_2"):
        curve = [1.0, 1.5] if name == "reset_2" else [1.0, 1.2, 1.3]
        figures = {"rows": 5, "winner_score": 1.3, "candidate_score": 1.0, "distinct_texts": 2.0}
        figures |= {"choice_matters": 1.0, "best_of": curve}
        account = {"rows_in": 5, "rows_out": 5, "set_aside": {}, "wins": {}}
        folders.write(project / f"metrics/select/{name}.json", {**account, "datasets": {"nq": figures}})
    (project / "metrics/select/reset_s.json").unlink()
    rows = json.loads((report(project) / "best_of.json").read_text())
    assert [(row["curated"], row["n"], row["score"]) for row in rows] == [
        *(("random", 1, 1.0), ("random", 2, 1.2), ("random", 3, 1.3)),
        *(("reset_2", 1, 1.0), ("reset_2", 2, 1.5)),
    ]


def test_references_that_won_stand_beside_the_chosen_answers_and_in_no_setting(project: Path) -> None:
    plain = (report(project) / "index.html").read_text()
    assert "whose reference won" not in plain
    path = project / "metrics/select/reset.json"
    choice = json.loads(path.read_text())
    won = {name: {"prompts": 9, "winners": 4} for name in choice["datasets"]}
    folders.write(path, choice | {"gold": {"datasets": won}, "prompts_by_sweeps": {"1": 3, "2": 6}})
    into = report(project)
    rows = {row["curated"]: row for row in json.loads((into / "curated.json").read_text())}
    assert (rows["reset"]["gold"], rows["reset"]["pool_figures_of"]) == (4, "first sweep")
    assert (rows["reset_s"]["gold"], rows["reset_s"]["pool_figures_of"]) == (None, "all")
    assert "Prompts whose reference won are left out." in (into / "index.html").read_text()
    assert "| gold | pool figures of |" in (into / "report.md").read_text()


def test_winners_of_the_value_0_are_counted_per_curated_set_and_objective(project: Path) -> None:
    low = {"nq": {"faithfulness": {"zero": 88, "below": 90}, "task": {"zero": 0, "below": 3}}}
    low |= {"instructions": {"instruction": {"zero": 2, "below": 5}}}
    datasets = {name: {"rows": 300, "low": values} for name, values in low.items()}
    folders.write(project / "metrics/select/reset.json", {"datasets": datasets})
    rows = json.loads((report(project) / "curated.json").read_text())
    counts = {
        (row["curated"], row["dataset"]): [row[f"{name} 0"] for name in ("faithfulness", "instruction", "task")]
        for row in rows
    }
    assert counts["reset", "nq"] == [88, None, 0]
    assert counts["reset", "instructions"] == [None, 2, None]
    assert all(values == [None] * 3 for (name, _), values in counts.items() if name != "reset")  # of older metrics
    assert '<th scope="col">faithfulness 0</th>' in (project / "out/index.html").read_text()


@pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs Chromium")
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (390, "light")])
def test_page_draws_its_charts_offline(project: Path, width: int, scheme: str) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    from tests.support.browser import chromium

    folders.add_system(project, HOSTILE, faithfulness=0.3, instruction=0.3)
    folders.write(project / "metrics/train/mtl_reset.json", {"rows_out": 1200, "curve": []})
    continued = gains.continued(SYSTEMS, CURATED, ["mtl", "mtl_reset"])
    into = report(project, pairs=((HOSTILE, "mtl"), *PAIRS), continued=continued)
    with chromium(width, 2500) as browser:
        size = {"width": width, "height": 2500, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        browser.get((into / "index.html").as_uri())
        charts = len(browser.find_elements(By.CLASS_NAME, "chart"))
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")  # else those far below wait
        drawn = WebDriverWait(browser, 30).until(
            lambda page_: (
                (found := page_.find_elements(By.CSS_SELECTOR, ".chart svg")) and len(found) == charts and found
            )
        )
        time.sleep(0.5)  # a late message would come now
        assert charts == 4  # loss, lengths, two histograms
        assert all(svg.size["width"] > 150 and svg.size["height"] > 50 for svg in drawn)
        assert len(browser.find_elements(By.CSS_SELECTOR, ".chart path")) > 50
        assert browser.get_log("browser") == []
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        fills = browser.execute_script(
            "return [...document.querySelectorAll('.chart text')].map((text) => getComputedStyle(text).fill)"
        )
        shades = [sum(map(int, re.findall(r"\d+", fill)[:3])) / 3 for fill in fills]  # of 255
        assert max(shades) < 120 if scheme == "light" else min(shades) > 120
        body = browser.find_element(By.TAG_NAME, "body")
        assert f"{HOSTILE} against mtl" in body.text
        assert (body.value_of_css_property("background-color") == "rgba(255, 255, 255, 1)") == (scheme == "light")
        browser.save_screenshot(str(project / f"{scheme}{width}.png"))


def test_stage_writes_the_report_of_the_declared_systems(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "params.yaml", project)
    monkeypatch.chdir(project)
    monkeypatch.setenv("RESET_TRACKING", "0")
    monkeypatch.delenv("DVC_ROOT", raising=False)
    done = CliRunner().invoke(stage.main, ["metrics/report"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(
        "report: metrics/report/index.html: mtl_reset against mtl: seen faithfulness up by 0."
    )
    assert (project / "metrics/report/report.md").is_file()


def test_stage_tells_what_was_run_and_what_its_judges_were_paid(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "params.yaml", project)
    monkeypatch.chdir(project)
    monkeypatch.setenv("RESET_LEDGER", str(project / "ledger.sqlite"))
    p = params.load()
    assert dict(stage.run(p).facts)["cost"] == "no paid judge"
    assert not (project / "ledger.sqlite").exists()  # looking makes none
    reply = Reply("7", "stop", "m", None, 10, 2, 0.1, 1)
    with Ledger(project / "ledger.sqlite") as ledger:
        for judge, usd in (("rater", 0.25), ("of another scale", 9.0)):
            ledger.put(Question(judge, "m", "?", "{}"), reply, pool="mtl", base_url="http://127.0.0.1/v1", usd=usd)
    run = stage.run(p)
    facts = dict(run.facts)
    assert (facts["scale"], facts["model"], facts["seed"]) == ("micro", "micro", "0")
    assert (facts["cost"], [row["judge"] for row in run.dollars]) == ("$0.25 in the ledger", ["rater"])
    assert run.lineage.parents["mtl_reset_2"] == "mtl_reset" and run.lineage.families["mtl_candidates"] == "mtl"


SYSTEMS = {
    "mtl": {"init": "base/micro", "data": "mixtures/mtl", "recipe": "full"},
    "mtl_reset": {"init": "mtl", "data": "curated/reset", "recipe": "continued"},
    "mtl_half": {"init": "mtl", "data": "curated/half", "recipe": "continued"},
    "mtl_gold": {"init": "mtl", "data": "mixtures/gold", "recipe": "continued"},
    "mtl_more": {"init": "mtl", "data": "mixtures/mtl", "recipe": "full"},
    "reset": {"init": "if", "data": "curated/reset", "recipe": "continued"},
}
CURATED = {name: {"pool": "mtl_candidates", "pick": "best", "rating": "rating"} for name in ("reset", "half")}


def test_systems_that_went_on_from_an_evaluated_one_are_shown_with_their_kind_of_rows() -> None:
    found = gains.continued(SYSTEMS, CURATED, list(SYSTEMS))
    best = "mtl on best of mtl_candidates by rating"
    assert [(one.system, one.series) for one in found] == [  # `if` is not evaluated, mtl_more trains as no other does
        *(("mtl_reset", best), ("mtl_half", best), ("mtl_gold", "mtl on gold")),
    ]


def test_gain_over_the_start_stands_beside_the_rows_it_took(project: Path) -> None:
    folders.write(project / "metrics/train/mtl_reset.json", {"rows_out": 1200})
    continued = gains.continued(SYSTEMS, CURATED, ["mtl", "mtl_reset"])
    rows = json.loads((report(project, continued=continued) / "gains.json").read_text())
    assert {(row["system"], row["against"], row["rows"]) for row in rows} == {("mtl_reset", "mtl", 1200)}
    (pair,) = json.loads((project / "out/differences.json").read_text())
    assert {row["panel"]: row["gain"] for row in rows} == {
        name: figures["mean"] for name, figures in pair["measures"].items() if figures["mean"] is not None
    }
    assert "What does continued training bring?" in (project / "out/index.html").read_text()


def test_curated_sets_come_in_the_order_of_the_parameters(tmp_path: Path) -> None:
    for name in ("a", "b"):
        means = {"rouge_l": {"pool": 0.1, "winners": 0.2, "change": 0.1, "low": 0.0, "high": 0.2}}
        judged = {"summarization": {"means": means, "agreement": {}, "spread": {}, "warnings": []}}
        figures = {"wins": {"t0.1": 1, "t0.2": 2}, "judges": judged}
        folders.write(tmp_path / f"select/{name}.json", figures)
    found = Metrics(tmp_path, folders.SCALE, {"select": {"b": 1, "not_run": 1, "a": 1}})
    assert [row["curated"] for row in choices.wins(found)] == ["b", "b", "a", "a"]
    assert [row["curated"] for row in judges.means(found)] == ["b", "a"]
