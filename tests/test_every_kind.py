"""Every registered kind of source, base, method, engine and judge runs through a whole line, report included."""

import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from tests.support import records, whole_lines
from tests.support.chat_server import Server
from tests.support.checkers import save as save_checker
from tests.support.clones import clone, ran, run
from tests.support.families import FAMILIES
from tests.test_own_line import english

SAID = ("red mill", "It is a mill by the river.", "Nobody knows.", "hello, the mill is red and old.")
OPTIONS = ("scale=own", "data_folder=../mine", "template=chat", "+studies=every_kind")


def reply(body: dict[str, Any]) -> Any:
    """A completion, or a rating: both follow from what is asked."""
    if "prompt" not in body:
        mark = zlib.crc32(json.dumps(body["messages"]).encode())
        return "[[A]]" if "[[A]]" in str(body["messages"]) else f"Good. Rating: [[{1 + mark % 10}]]"
    text = SAID[zlib.crc32(repr((body["prompt"][-9:], body["seed"])).encode()) % len(SAID)]
    usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": len(text.split()) + 1}
    choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": {"token_logprobs": [-1.0]}}
    return {"id": "1", "object": "text_completion", "created": 0, "choices": [choice], "usage": usage}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, set[str]]]:
    """A finished line of the published records, and the stages that ran."""
    root = tmp_path_factory.mktemp("every")
    folder = clone(root / "line")
    english(root / "mine")
    for source in records.OF:
        rows = (json.dumps(row) for row in records.of(source))
        (root / "mine" / f"{source}.jsonl").write_text("\n".join(rows) + "\n")
    FAMILIES["llama_3"].save(root / "models/tiny", hidden_size=64, num_attention_heads=2)  # a head that vLLM takes
    save_checker(root / "models/checker", "t5")
    with Server(reply) as server, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "OPENAI_API_KEY", "none")
        rows_ = whole_lines.published_records(root / "mine", root / "models", server.base_url)
        study = yaml.safe_dump(rows_, sort_keys=False)
        (folder / "conf/studies/every_kind.yaml").write_text(f"# @package _global_\n{study}")
        run(folder, sys.executable, "-m", "reset.cli.compose", *OPTIONS)
        stages = ran(run(folder, "dvc", "repro", "describe", "evaluate@mtl", "evaluate@kto"))
        run(folder, "dvc", "repro", "--single-item", "report")
        yield folder, stages
        server.shutdown()


def figures(folder: Path, name: str) -> Any:
    return json.loads((folder / "metrics" / f"{name}.json").read_text())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_published_records_other_methods_a_server_s_answers_and_its_ratings_go_through(
    line: tuple[Path, set[str]],
) -> None:
    folder, stages = line
    assert {f"prepare@{source}" for source in records.OF} | {"train@kto", "train@weighted"} <= stages
    for source in records.OF:
        assert figures(folder, f"prepare/{source}")["rows_out"] == len(records.NAMES)
    for judge in ("rater", "checker"):
        verdicts = figures(folder, f"judge/kto/{judge}")["verdicts"]
        assert verdicts and all(one["n"] > one["nulls"] for one in verdicts.values())
    scored = {row["system"]: row for row in figures(folder, "report/overview")}
    assert scored.keys() == {"mtl", "kto"} and None not in {scored["kto"]["instruction"], scored["kto"]["task"]}
    assert {row["dataset"] for row in figures(folder, "report/systems")} == records.OF.keys()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_system_answers_by_vllm_and_stands_in_the_report(line: tuple[Path, set[str]]) -> None:
    pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")
    folder, _ = line
    run(folder, sys.executable, "-m", "reset.cli.compose", "sample.engine=vllm")
    assert {"sample@mtl", "judge@rater-mtl", "evaluate@mtl"} <= ran(run(folder, "dvc", "repro", "evaluate@mtl"))
    run(folder, "dvc", "repro", "--single-item", "report")
    assert "mtl" in {row["system"] for row in figures(folder, "report/overview")}


def test_every_registered_kind_is_in_a_whole_line(composed: Callable[[str], Path], tmp_path: Path) -> None:
    own, smoke = (yaml.safe_load(composed(scale).read_text()) for scale in ("own", "smoke"))
    six = OmegaConf.to_container(OmegaConf.merge(own, whole_lines.six_families(tmp_path)))
    every = OmegaConf.to_container(OmegaConf.merge(own, whole_lines.published_records(tmp_path, tmp_path, "")))
    run_through = {kind for p in (own, smoke, six, every) for kind in whole_lines.kinds(p)} | {("ENGINES", "vllm")}
    assert run_through == whole_lines.registered()
