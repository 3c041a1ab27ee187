"""`reset-lm show`: one id leads to everything the line did with that row."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner, Result

from reset.choosing.curated_rows import Pick
from reset.cli.main import main
from reset.files import schemas, tables
from stages import fetch, prepare
from tests.support import lines

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run whose mixture holds wikisum/train/3 twice."""
    root = lines.write(tmp_path_factory.mktemp("run"))
    row = {"example_id": "wikisum/train/3", "dataset": "wikisum", "task": "summarization", "prompt": "p"}
    row |= {"context_start": 0, "context_end": 0, "response": "r"}
    tables.write(root / "data/mixtures/mtl.parquet", schemas.MIXTURES, [{**row, "repeat": n} for n in range(2)])
    return root


def cli(run: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["show", "--run", str(run), *arguments])


def told(run: Path, name: str) -> dict[str, Any]:
    shown = cli(run, name, "--json")
    assert shown.exit_code == 0, shown.output
    found: dict[str, Any] = json.loads(shown.output)
    return found


def test_story_goes_from_the_example_to_the_systems_trained_on_it(run: Path) -> None:
    found = told(run, "wikisum/train/3")
    assert found["example"]["passages"] == ["Thing 3 is blue. It stands in a hall."]
    assert found["mixtures"] == [{"mixture": "mtl", "rows": 2, "systems": ["mtl"]}]
    assert found["prompts"] == ["candidates"]
    (pool,) = found["pools"]
    assert [answer["setting"] for answer in pool["answers"]] == ["t0.1", "k50"]
    said = {(verdict["judge"], verdict["name"]): verdict["score"] for verdict in pool["answers"][0]["verdicts"]}
    assert said == {("lexical", "rouge_l"): 0.45, ("summac", "summac"): 0.9}
    (curated,) = found["curated"]
    assert (curated["curated"], curated["setting"], curated["systems"]) == ("reset", "t0.1", ["reset", "mtl_reset"])
    by = {row["system"]: row["by"] for row in found["trained"]}
    assert by["mtl_reset"] == "curated/reset"
    assert by["mtl_reset_2"] == "starts from mtl_reset"
    assert "cd" not in by


def test_rows_of_several_answers_say_which_was_rejected_labelled_or_weighted(tmp_path: Path) -> None:
    root = lines.write(tmp_path)
    text = (root / "params.yaml").read_text()
    for pick in ("labelled", "weighted"):
        text = text.replace("\ncurated:\n", f"\ncurated:\n  {pick}:\n    pick: {pick}\n")
    (root / "params.yaml").write_text(text)
    picks: tuple[Pick, ...] = ("pairs", "labelled", "weighted")
    for pick in picks:
        lines.choose(root, pick, pick)
    shown = [line for line in cli(root, "wikisum/train/3").output.splitlines() if line.startswith("curated ")]
    assert [line.split(";")[0].split(", margin ")[1] for line in shown] == [
        "1.250, desirable",
        "−1.250, undesirable",  # noqa: RUF001
        "1.250, rejected k50|0, score 1.000",
        "1.250",
        "1.250, weight 0.777",
        "−1.250, weight 0.223",  # noqa: RUF001
    ]
    assert "trains mtl_dpo" in shown[2]


def test_rows_of_a_mixture_with_a_dot_in_its_name_are_told_and_dev_rows_are_not(tmp_path: Path) -> None:
    root = lines.write(tmp_path)
    row = {"example_id": "wikisum/train/3", "dataset": "wikisum", "task": "summarization", "prompt": "p", "repeat": 0}
    row |= {"context_start": 0, "context_end": 0, "response": "r"}
    for name in ("mtl", "mtl.dev", "small.devices"):
        tables.write(root / f"data/mixtures/{name}.parquet", schemas.MIXTURES, [row])
    assert [mixture["mixture"] for mixture in told(root, "wikisum/train/3")["mixtures"]] == ["mtl", "small.devices"]


def test_verdicts_of_stand_ins_are_called_so(tmp_path: Path) -> None:
    root = lines.write(tmp_path)
    text = (root / "params.yaml").read_text()
    (root / "params.yaml").write_text(text.replace("stand_ins: []", "stand_ins: [summac]"))
    shown = cli(root, "wikisum/train/3").output
    assert "summac: summac (stand-in) 0.900\n" in shown
    assert "lexical: rouge_l 0.450\n" in shown


def test_answer_is_shown_alone(run: Path) -> None:
    (pool,) = told(run, "wikisum/train/3|k50|0")["pools"]
    assert [answer["answer_id"] for answer in pool["answers"]] == ["wikisum/train/3|k50|0"]


def test_test_prompt_has_each_systems_answer_and_trained_nothing(run: Path) -> None:
    found = told(run, "nq/test/0")
    assert [pool["pool"] for pool in found["pools"]] == ["mtl", "mtl_reset"]
    assert found["trained"] == []


def test_terminal_tells_it_in_lines(run: Path) -> None:
    shown = cli(run, "wikisum/train/3").output
    assert "mixture      mtl: 2 rows; trains mtl\n" in shown
    assert "summac: summac 0.900\n" in shown
    assert "curated      reset: t0.1|0 of 2 answers, score 2.250 (faithfulness 0.900, task 0.450), " in shown
    assert "system       mtl_reset_2: starts from mtl_reset\n" in shown


@pytest.mark.parametrize("name", ["wikisum/train/300", "nowhere/train/1", "wikisum/train/3|k51|0", "word"])
def test_id_that_nothing_holds_is_told(run: Path, name: str) -> None:
    refused = cli(run, name)
    assert refused.exit_code == 1
    assert (
        f"holds no '{name}'. Ids: dataset/split/id for an example, plus |setting|sweep for an answer" in refused.output
    )


def test_raw_record_is_found_by_its_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESET_TRACKING", "0")
    text = (lines.ROOT / "params.yaml").read_text().replace("train: 5000", "train: 30")
    (tmp_path / "params.yaml").write_text(text)
    for stage, folders in ((fetch, ["data/raw/nq"]), (prepare, ["data/raw/nq", "data/examples/nq"])):
        done = CliRunner().invoke(stage.main, ["nq", *folders])
        assert done.exit_code == 0, done.output
    example = list(tables.read(tmp_path / "data/examples/nq/train.parquet", schemas.EXAMPLES))[7]
    raw = told(tmp_path, example["example_id"])["raw"]
    assert raw["file"] == "data/raw/nq/train.jsonl"
    line = (tmp_path / raw["file"]).read_text().splitlines()[raw["line"] - 1]
    assert json.loads(line) == raw["record"]
    assert raw["record"]["question"] == example["question"]


def test_what_is_not_trained_of_an_answer_and_a_mean_of_systems_are_told(tmp_path: Path) -> None:
    root = lines.write(tmp_path)
    path, text = root / "data/curated/reset.parquet", (root / "params.yaml").read_text()
    content = yaml.safe_load(text)
    content["curated"]["reset"]["mask"] = {"verdict": "summac", "below": 0.5}
    content["interpolated"] = {"half": {"init": "mtl", "other": "mtl_reset", "weight": 0.5}}
    (root / "params.yaml").write_text(yaml.safe_dump(content))
    rows = [{**row, "untrained": [[0, 5]]} for row in tables.read(path, schemas.CURATED)]
    tables.write(path, pa.schema([*schemas.CURATED, *schemas.UNTRAINED]), rows)
    shown = cli(root, "wikisum/train/3").output
    own = next(row["response"] for row in rows if row["example_id"] == "wikisum/train/3")
    assert f", not trained: '{own[:5]}'; trains" in shown
    assert "system       half: is the mean of mtl and mtl_reset" in shown
