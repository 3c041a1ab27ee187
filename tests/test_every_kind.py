"""Every registered kind of source, base, method, engine and judge runs through a whole line, report included."""

import json
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from tests.judges.test_llm import save as save_rater
from tests.judges.test_reward import save as save_reward
from tests.judges.test_summac import save as save_nli
from tests.support import records, whole_lines
from tests.support.chat_server import Server
from tests.support.checkers import save as save_checker
from tests.support.clones import clone, ran, run
from tests.support.families import FAMILIES
from tests.support.traces import holders

pytestmark = pytest.mark.slow

KEY = "-".join(("planted", "5d81c7"))  # whole in no file, this one included
CANDIDATES = "mtl_candidates"
SAID = ("red mill", "It is a mill by the river.", "Nobody knows.", "hello, the mill is red and old.")


def reply(body: dict[str, Any]) -> Any:
    """A completion, a comparison or a rating: each follows from what is asked."""
    if "prompt" not in body:
        mark = zlib.crc32(json.dumps(body["messages"]).encode())
        if "labelled by a person" in str(body["messages"]):
            return json.dumps({"spans": [], "verdict": ("faithful", "partly", "unfaithful")[mark % 3]})
        return f"[[{'AB'[mark % 2]}]]" if "[[A]]" in str(body["messages"]) else f"Good. Rating: [[{1 + mark % 10}]]"
    text = SAID[zlib.crc32(repr((body["prompt"][-9:], body["seed"])).encode()) % len(SAID)]
    usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": len(text.split()) + 1}
    choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": {"token_logprobs": [-1.0]}}
    return {"id": "1", "object": "text_completion", "created": 0, "choices": [choice], "usage": usage}


def models(folder: Path) -> None:
    """Save the models of the line: the one that is trained, and those that judge."""
    FAMILIES["llama_3"].save(folder / "tiny", hidden_size=64, num_attention_heads=2)  # a head that vLLM takes
    save_checker(folder / "checker", "t5")
    save_reward(folder / "reward")
    save_nli(folder / "claims", "bert")
    (folder / "llm").mkdir()
    save_rater(folder / "llm", {"hello, the mill is red.": "Rating: [[7]]"}, window=12)


@pytest.fixture(scope="module")
def line(composed: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, set[str]]]:
    """A finished line of the published records, and the stages that ran."""
    root = tmp_path_factory.mktemp("every")
    folder = clone(root / "line")
    (root / "mine").mkdir()
    for source in records.OF:
        rows = (json.dumps(row) for row in records.of(source))
        (root / "mine" / f"{source}.jsonl").write_text("\n".join(rows) + "\n")
    models(root / "models")
    (folder / "brief.py").write_text(whole_lines.OWN_CLASS)
    with Server(reply, models=["strong"]) as server, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "OPENAI_API_KEY", KEY)
        patch.setitem(os.environ, "RESET_TRACKING", "1")
        own = yaml.safe_load(composed("own").read_text())
        parameters = whole_lines.published_records(own, root / "mine", root / "models", server.base_url)
        write(folder, parameters)
        yield folder, ran(run(folder, "dvc", "repro"))
        server.shutdown()


def write(folder: Path, parameters: whole_lines.Rows) -> None:
    plain = json.loads(json.dumps(parameters))  # without what rows share, which YAML would write as anchors
    (folder / "params.yaml").write_text(yaml.safe_dump(plain, sort_keys=False))


def figures(folder: Path, name: str) -> Any:
    return json.loads((folder / "metrics" / f"{name}.json").read_text())


@pytest.mark.timeout(900)
def test_published_records_other_methods_a_server_s_answers_and_its_ratings_go_through(
    line: tuple[Path, set[str]],
) -> None:
    folder, stages = line
    assert {f"prepare@{source}" for source in records.OF} | {"train@kto", "train@weighted"} <= stages
    for source in records.OF:
        assert figures(folder, f"prepare/{source}")["rows_out"] == len(records.NAMES)
    for judge in ("rater", "own_words", "brief", "abstains", *whole_lines.JUDGING):
        verdicts = figures(folder, f"judge/kto/{judge}")["verdicts"]
        assert verdicts and all(one["n"] > one["nulls"] for one in verdicts.values())
    assert figures(folder, f"judge/{CANDIDATES}/checker")["set_aside"]["the prompt is unanswerable"] > 0
    alone, together = (figures(folder, f"judge/{pool}/agrees")["verdicts"]["agrees"] for pool in ("kto", CANDIDATES))
    assert alone["nulls"] == alone["n"] > 0 and together["nulls"] < together["n"]  # one answer to a prompt, and four
    scored = {row["system"]: row for row in figures(folder, "report/overview")}
    preferred = figures(folder, "judge/kto/rater")["verdicts"]["preference"]
    assert preferred["n"] > preferred["nulls"] and 0 <= scored["kto"]["preferred"] <= 1
    assert scored.keys() == {"kto", "half"} and None not in {scored["kto"]["instruction"], scored["kto"]["task"]}
    assert {row["dataset"] for row in figures(folder, "report/systems")} == records.OF.keys()


@pytest.mark.timeout(900)
def test_masked_sentences_and_a_mean_of_two_systems_go_through_and_are_counted(line: tuple[Path, set[str]]) -> None:
    folder, stages = line
    assert {"interpolate@half", "sample@half", "evaluate@half"} <= stages and "train@half" not in stages
    mean, weighted = figures(folder, "train/half"), figures(folder, "train/weighted")
    assert (mean["rows_out"], mean["tokens"], mean["trained_tokens"]) == (0, 0, 0)
    chosen = figures(folder, "select/weights")
    assert chosen["mask"]["sentences"] + chosen["candidates_barred"].get("no supported sentence", 0) > 0
    assert weighted["masked_tokens"] >= chosen["mask"]["sentences"]
    assert weighted["trained_tokens"] < weighted["tokens"] - weighted["masked_tokens"]


def test_the_key_of_a_server_is_in_no_file_that_the_line_wrote(line: tuple[Path, set[str]]) -> None:
    folder, _ = line
    assert holders(folder, KEY) == []
    told = {text: {Path(path).suffix for path in holders(folder, text)} for text in ("Good. Rating: [[", SAID[1])}
    assert told["Good. Rating: [["] >= {".parquet", ".sqlite"}  # the search looks into tables, ledgers and pages
    assert told[SAID[1]] >= {".parquet", ".sqlite", ".html"}


def test_every_registered_kind_is_in_a_whole_line(composed: Callable[[str], Path], tmp_path: Path) -> None:
    """The dress rehearsal is the line with vLLM."""
    own, smoke = (yaml.safe_load(composed(scale).read_text()) for scale in ("own", "smoke"))
    six = OmegaConf.to_container(OmegaConf.merge(own, whole_lines.six_families(tmp_path)))
    every = whole_lines.published_records(own, tmp_path, tmp_path, "")
    run_through = {kind for p in (own, smoke, six, every) for kind in whole_lines.kinds(p)} | {("ENGINES", "vllm")}
    assert run_through == whole_lines.registered()
