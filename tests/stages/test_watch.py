"""Stage `watch` as it runs: another NLI model, a MiniCheck model and a second LLM look at all pools."""

import json
import subprocess
import sys

import pytest
import yaml
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from reset.choosing.candidates import Bars
from reset.choosing.combining import Rule
from reset.choosing.select import keep_best
from reset.files import schemas, tables
from reset.objectives import read
from tests.support import chat_server, warm
from tests.support.paper_objectives import PLAIN

pytestmark = pytest.mark.slow

ANSWER = {"system": "mtl", "setting": "t0.1", "temperature": 0.1, "top_k": 0, "seed": 1, "sweep": 0}
ANSWER |= {"finish_reason": "stop", "mean_logprob": None, "tokens": 8}
PASSAGE = "mira lives in red forest . the old dog sleeps all day . toma has a grey cat in the house ."
TEXTS = ["mira lives in red forest .", "toma has an old dog .", "the grey cat sleeps all day ."]
BOTH = {**PLAIN, "verdicts": {"summarization": "oracle", "instruction": "rating"}}
OBJECTIVES = {"faithfulness": {**BOTH, "weight": 2.0}, "task": BOTH}


def write(folder, example_row, task):
    """Prompts, answers to them, the verdicts of a judge on these, and what was chosen."""
    paths = {
        "prompts": folder / "data/prompts/candidates.parquet",
        "answers": folder / "data/answers/mtl.parquet",
        "said": folder / "data/verdicts/mtl/rater.parquet",
        "curated": folder / "data/curated/reset.parquet",
    }
    for path in paths.values():
        path.parent.mkdir(parents=True)
    examples = [example_row(n, task=task, passages=[PASSAGE] if task == "summarization" else []) for n in range(4)]
    tables.write(paths["prompts"], schemas.EXAMPLES, examples)
    rows = [
        {**ANSWER, **{key: one[key] for key in ("example_id", "dataset", "task")}, "text": text}
        | {"answer_id": f"{one['example_id']}|{n}"}
        for one in examples
        for n, text in enumerate(TEXTS)
    ]
    tables.write(paths["answers"], schemas.ANSWERS, rows)
    name = "oracle" if task == "summarization" else "rating"
    said = [{"answer_id": row["answer_id"], "name": name, "score": (row["text"] == TEXTS[1]) * 0.5} for row in rows]
    tables.write(paths["said"], schemas.VERDICTS, [{**row, "reason": None, "detail": None} for row in said])
    options = {"sweeps": 1, "pick": "best", "share": 1.0, "seed": 0, "template": "micro", "rating": "rating"}
    files = (paths["answers"], [paths["said"]], paths["prompts"], paths["curated"])
    keep_best(*files, objectives=read(OBJECTIVES), bars=Bars(), rule=Rule(), **options)


@pytest.fixture
def watch(minimal, example_row, tmp_path):
    """A function that runs stage `watch` with one watcher, in the folder of the test."""

    def run(row, task="summarization", into="watched", **environment):
        if not (tmp_path / "data").is_dir():
            write(tmp_path, example_row, task)
        minimal["pools"] = {
            "mtl": {
                "model": "mtl",
                "prompts": "candidates",
                "decode": "greedy",
                "sweeps": 1,
                "until": None,
                "gold": False,
            }
        }
        minimal["curated"]["reset"] |= {"pool": "mtl"}
        minimal["objectives"] = OBJECTIVES
        minimal["report"] |= {"tradeoff": list(OBJECTIVES)}
        minimal["base"]["other"] = minimal["base"]["micro"]
        needs = f"models/{row['model']}" if "model" in row else "reset/judges"
        minimal["watchers"] = {"other": {"needs": needs, "model": None, "verdicts": None, **row}}
        minimal["judge"] |= {"chunk_answers": 3}
        minimal["evaluate"] |= {"prompts": "candidates"}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
        command = [sys.executable, "-m", "stages.watch", "other", into]
        around = {**warm.environment(), **environment}
        done = subprocess.run(command, cwd=tmp_path, env=around, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        found = list(tables.read(tmp_path / into / "mtl.parquet", schemas.VERDICTS))
        return found, json.loads((tmp_path / "metrics/watch/other.json").read_text()), done.stdout

    return run


@pytest.fixture
def classifier(micro_model, tmp_path):
    """A function that saves a random classifier of so many labels where models are."""

    def save(labels):
        folder = tmp_path / "models/base/other"
        named = dict(enumerate(("entailment", "neutral", "contradiction")[:labels]))
        model = AutoModelForSequenceClassification.from_pretrained(micro_model, num_labels=labels, id2label=named)
        for part in (model, AutoTokenizer.from_pretrained(micro_model)):
            part.save_pretrained(folder)
        return "base/other"

    return save


def nli(classifier):
    return {"kind": "summac", "model": classifier(3), "options": {"max_doc_sents": 100, "batch_tokens": 512}}


def check(found, metrics, name):
    """The watcher's verdicts are its own, on every answer, and the choice is held against them."""
    assert {row["name"] for row in found} == {name} and len(found) == 4 * len(TEXTS)
    assert len({row["score"] for row in found}) == len(TEXTS)
    assert metrics["pools"]["mtl"][name]["n"] == len(found)
    (said,) = metrics["choices"]["reset"].values()
    mean = {text: found[n]["score"] for n, text in enumerate(TEXTS)}
    assert said["means"][name]["winners"] == pytest.approx(mean[TEXTS[1]], abs=1e-3)
    assert said["means"][name]["pool"] == pytest.approx(sum(mean.values()) / 3, abs=1e-3)


def test_another_nli_model_watches(watch, classifier):
    found, metrics, said = watch(nli(classifier))
    check(found, metrics, "other")
    assert "watch other: 12 rows in, 12 out" in said


def test_a_minicheck_model_watches(watch, classifier):
    row = {"kind": "minicheck", "model": classifier(2), "options": {"batch_tokens": 512}}
    found, metrics, _ = watch(row)
    check(found, metrics, "other")
    assert all(one["supported"] == (one["support"] > 0.5) for one in json.loads(found[0]["detail"])["sentences"])


def test_a_second_llm_watches_and_is_paid_once(watch, tmp_path):
    def reply(body):
        return f"Rating: [[{2 + next(n for n, text in enumerate(TEXTS) if text in body['messages'][0]['content'])}]]"

    with chat_server.Server(reply) as server:
        options = {"model": "strong", "weak_model": None, "pairwise_model": None}
        row = {"kind": "openai", "options": {**options, "server": chat_server.settings(server)}}
        environment = {"OPENAI_API_KEY": "none", "RESET_LEDGER": str(tmp_path / "replies.sqlite")}
        found, metrics, said = watch(row, "instruction", **environment)
        check(found, metrics, "other:rating")
        assert [one["score"] for one in found[:3]] == [0.2, 0.3, 0.4]
        assert "watch other/mtl: 3 requests" in said
        asked = len(server.asked)
        assert watch(row, "instruction", "again", **environment)[0] == found
        assert len(server.asked) == asked == len(TEXTS)  # the prompts of the four examples are alike
        server.shutdown()


def test_a_watcher_says_the_same_by_two_workers_of_a_ray_cluster(watch, classifier, minimal):
    pytest.importorskip("ray", reason="requirements/cluster.txt")
    row = nli(classifier)
    alone, metrics, _ = watch(row)
    minimal["cluster"] |= {"workers": 2}
    spread, same, _ = watch(row, into="spread", RAY_USAGE_STATS_ENABLED="0")
    assert spread == alone and same == metrics
