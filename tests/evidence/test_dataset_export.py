"""An exported table loads with `datasets` as it was here, and its card says what the run's record says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result
from huggingface_hub import DatasetCard

from reset.cli.main import main
from reset.evidence import dataset_files, lineage
from reset.files import schemas, tables
from tests.evidence.test_export import change, stage, write
from tests.support import lines

pytestmark = pytest.mark.slow

JUDGES = ("lexical", "rater", "summac")
KEY = "sk-not-to-be-told"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small finished run, with a dvc.lock that tells of its pool, judges and curated rows."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    root = lines.write(tmp_path / "run")
    rows = [{"example_id": "nq/train/0", "repeat": 0, "dataset": "nq", "task": "extractive_qa", "prompt": "p"}]
    rows = [{**row, "context_start": 0, "context_end": 1, "response": "r"} for row in rows]
    tables.write(root / "data/mixtures/mtl.parquet", schemas.MIXTURES, rows)
    tables.write(root / "data/mixtures/mtl.dev.parquet", schemas.MIXTURES, [])
    write(root, dict(_stages(root)))
    for name, licence, origin in (("nq", "CC-BY-SA-3.0", "acme/nq"), ("wikisum", "MIT", "/home/ana/wikisum")):
        path = root / f"metrics/fetch/{name}.json"
        tables.write_json(path, {"licence": licence, "origin": origin, "revision": "c0ffee" if name == "nq" else None})
        aside = {"rows_in": 20, "rows_out": 12, "set_aside": {"duplicate": 8}, "splits": {"train": 12}}
        tables.write_json(root / f"metrics/prepare/{name}.json", aside)
    return root


def marks(root: Path, *paths: str) -> dict[str, str]:
    return {path: lineage.file_hash(root / path) for path in paths}


def _stages(root: Path) -> Iterator[tuple[str, Any]]:
    prompts, answers = "data/prompts/candidates.parquet", "data/answers/mtl_candidates.parquet"
    verdicts = [f"data/verdicts/mtl_candidates/{judge}.parquet" for judge in JUDGES]
    for name in ("nq", "wikisum"):
        path = {"path": f"/home/ana/{name}", "hub": None, "options": {"api_key": KEY}}
        yield f"fetch@{name}", stage({f"data/raw/{name}": "raw.dir"}, {}, **{f"datasets.{name}": path})
        yield f"prepare@{name}", stage({f"data/examples/{name}": "ex.dir"}, {f"data/raw/{name}": "raw.dir"})
    drawn = {"split": "train", "skip": 0, "rows": {"nq": 12, "wikisum": 12}}
    yield "draw@candidates", stage(marks(root, prompts), {"data/examples": "a.dir"}, **{"prompts.candidates": drawn})
    mixed = marks(root, "data/mixtures/mtl.parquet", "data/mixtures/mtl.dev.parquet")
    yield "mix@mtl", stage(mixed, {"data/examples": "a.dir"}, **{"mixtures.mtl": {"parts": {"nq": ["nq"]}}})
    yield "sample@mtl_candidates", stage(marks(root, answers), marks(root, prompts), seed=0)
    for judge in JUDGES:
        row = {"kind": judge if judge != "rater" else "openai", "model": None, "options": {}}
        if judge == "rater":
            server = {"base_url": "http://ana:pass@10.0.0.7/v1", "api_key": KEY}
            row["options"] = {"model": "acme-judge-1", "server": server}
        if judge == "summac":
            row["model"] = "base/nli"
        yield f"identify@{judge}", stage({f"data/judges/{judge}.json": f"id-{judge}"}, {}, **{f"judges.{judge}": row})
    nli = {"kind": "hub", "options": {"id": "acme/nli", "revision": "main"}}
    yield "base@nli", stage({"models/base/nli": "nli.dir"}, {}, **{"base.nli": nli})
    for judge, path in zip(JUDGES, verdicts, strict=True):
        used = marks(root, answers) | {f"data/judges/{judge}.json": f"id-{judge}"}
        used |= {"models/base/nli": "nli.dir"} if judge == "summac" else {}
        yield f"judge@{judge}-mtl_candidates", stage(marks(root, path), used)
    made = marks(root, "data/curated/reset.parquet")
    used = marks(root, answers, prompts) | {"data/verdicts/mtl_candidates": "v.dir"}
    yield "select@reset", stage(made, used, **{"curated.reset": {"pool": "mtl_candidates", "pick": "best"}})


def export(run: Path, name: str, *more: str) -> Result:
    return CliRunner().invoke(main, ["export", name, "--run", str(run), "--into", str(run / "out"), *more])


def exported(run: Path, name: str) -> Path:
    done = export(run, name)
    assert done.exit_code == 0, done.output
    return run / "out"


def load(folder: Path, config: str | None = None) -> Any:
    import datasets

    return datasets.load_dataset(str(folder), config, cache_dir=str(folder.parent / "cache"))


def plain(rows: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]


def test_curated_rows_load_with_every_column_and_the_value_of_each_objective(run: Path) -> None:
    loaded = load(exported(run, "curated/reset"))
    assert list(loaded) == ["train"]
    ours = list(tables.read(run / "data/curated/reset.parquet", schemas.CURATED))
    assert len(ours) == 24
    theirs = plain(loaded["train"])
    for row in theirs:
        row["objectives"] = {name: value for name, value in row["objectives"].items() if value is not None}
    assert theirs == ours


def test_a_pool_loads_as_answers_and_prompts(run: Path) -> None:
    folder = exported(run, "data/answers/mtl_candidates.parquet")
    answers, prompts = load(folder), load(folder, "prompts")
    assert plain(answers["train"]) == list(tables.read(run / "data/answers/mtl_candidates.parquet", schemas.ANSWERS))
    assert plain(prompts["train"]) == list(tables.read(run / "data/prompts/candidates.parquet", schemas.EXAMPLES))


def test_judged_answers_load_with_all_verdicts_on_each(run: Path) -> None:
    rows = plain(load(exported(run, "verdicts/mtl_candidates"))["train"])
    said = {}
    for judge in JUDGES:
        for row in tables.read(run / f"data/verdicts/mtl_candidates/{judge}.parquet", schemas.VERDICTS):
            answer_id = row.pop("answer_id")
            said[answer_id, row["name"]] = {"judge": judge, **row}
    assert {(row["answer_id"], one["name"]): one for row in rows for one in row["verdicts"]} == said
    assert any(one["detail"] for one in said.values())


def test_a_split_without_rows_is_left_out_and_the_card_says_so(run: Path) -> None:
    folder = exported(run, "mixtures/mtl")
    assert {name: len(rows) for name, rows in load(folder).items()} == {"train": 1}
    assert "Split `validation` of `default` has no rows and is left out." in (folder / "README.md").read_text()


def test_a_large_table_is_written_as_several_files(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_files, "SHARD_BYTES", 1)
    monkeypatch.setattr(dataset_files, "ROW_GROUP", 10)
    folder = exported(run, "curated/reset")
    names = sorted(path.name for path in (folder / "default").iterdir())
    assert names == [f"train-{n:05d}-of-00003.parquet" for n in range(3)]
    assert len(load(folder)["train"]) == 24


def test_front_matter_is_what_the_hub_reads(run: Path) -> None:
    folder = exported(run, "verdicts/mtl_candidates")
    front = DatasetCard.load(folder / "README.md").data.to_dict()
    assert [(one["config_name"], one.get("default")) for one in front["configs"]] == [
        ("judged", True),
        ("prompts", None),
    ]
    infos = {one["config_name"]: one for one in front["dataset_info"]}
    assert [one["name"] for one in infos["judged"]["features"]] == [*schemas.ANSWERS.names, "verdicts"]
    ((split),) = infos["judged"]["splits"]
    assert (split["name"], split["num_examples"]) == ("train", 48)
    assert infos["judged"]["download_size"] == sum(one.stat().st_size for one in (folder / "judged").iterdir())
    assert (front["license"], front["source_datasets"]) == ("other", ["acme/nq"])


def test_card_has_columns_judges_sources_and_what_was_left_out(run: Path) -> None:
    text = (exported(run, "curated/reset") / "README.md").read_text()
    assert "| `margin` | double | yes | score above the best answer with another text; null if there is none |" in text
    assert "| `objectives.faithfulness` | double | yes |" in text
    assert "| `example_id` | string | no | dataset/split/id, where id is the source's own" in text
    assert "| lexical | lexical | no model | " in text
    assert "| rater | openai | acme-judge-1 | rating | id-rater |" in text
    assert "| summac | summac | acme/nli at main | summac | id-summac |" in text
    assert "| nq | CC-BY-SA-3.0 | acme/nq | c0ffee | 12 | raw.dir |" in text
    assert "| wikisum | MIT | a local copy |  | 12 | raw.dir |" in text
    assert "| prepare@nq | 20 | 12 | 8 | 8 duplicate |" in text
    assert "| default | train | nq | extractive_qa | 12 |" in text
    assert "dvc repro select@reset\n" in text


def test_neither_a_key_nor_a_path_of_the_machine_nor_a_server_is_told(run: Path) -> None:
    folder = exported(run, "curated/reset")
    texts = [path.read_text() for path in (folder / "README.md", folder / "lineage.json")]
    for secret in (KEY, "/home/ana", "10.0.0.7", "ana:pass", str(run)):
        assert not any(secret in text for text in texts), secret
    steps = json.loads(texts[1])
    (row,) = [step["params"]["datasets.nq"] for step in steps if step["stage"] == "fetch@nq"]
    assert row == {"path": "a local path", "hub": None, "options": {}}


def test_last_line_says_how_to_publish_it(run: Path) -> None:
    into = run / "out"
    last = export(run, "curated/reset").output.splitlines()[-1]
    assert last == f"To publish it: hf upload USER/out {into} . --repo-type dataset"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("curated/rest", "has made no curated/rest. Did you mean 'reset'? Known: reset"),
        ("verdicts/mtl", "has made no verdicts/mtl. Known: mtl_candidates"),
    ],
)
def test_unknown_table_is_refused_with_those_that_there_are(run: Path, name: str, message: str) -> None:
    done = export(run, name)
    assert (done.exit_code, message in done.output) == (1, True), done.output


def test_table_that_differs_from_the_lock_or_is_not_here_is_refused(run: Path) -> None:
    path = run / "data/curated/reset.parquet"
    change(run, "select@reset", outs=[{"path": "data/curated/reset.parquet", "md5": "another"}])
    assert "data/curated/reset.parquet differs from dvc.lock (another)" in export(run, "curated/reset").output
    assert not (run / "out").exists()
    path.unlink()
    assert "try `dvc checkout` or `dvc pull data/curated/reset.parquet`" in export(run, "curated/reset").output


def test_adapter_of_a_table_and_a_taken_folder_are_refused(run: Path) -> None:
    assert "--adapter is for systems; curated/reset is a table" in export(run, "curated/reset", "--adapter").output
    (run / "out").mkdir()
    assert "out exists; name another folder with --into" in export(run, "curated/reset").output


def test_pairs_keep_the_columns_of_the_rejected_answer(run: Path) -> None:
    pairs = run / "data/curated/pairs.parquet"
    rows = list(tables.read(run / "data/curated/reset.parquet", schemas.CURATED))
    worst = {"rejected": "no", "rejected_answer_id": "x", "rejected_setting": "k", "rejected_sweep": 0}
    tables.write(pairs, schemas.PAIRS, [{**row, **worst, "rejected_score": 0.0} for row in rows])
    stages = yaml.safe_load((run / "dvc.lock").read_text())["stages"]
    used = {one["path"]: one["md5"] for one in stages["select@reset"]["deps"]}
    write(run, {**stages, "select@pairs": stage(marks(run, "data/curated/pairs.parquet"), used)})
    folder = exported(run, "curated/pairs")
    assert load(folder)["train"].column_names == schemas.PAIRS.names
    assert pq.read_table(folder / "default").num_rows == 24
