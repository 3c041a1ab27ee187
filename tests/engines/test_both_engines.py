"""Stage `sample` gives the same table with either engine, both in float32; vLLM runs from a plain command line."""

import random
import subprocess
import sys

import pytest
import yaml

from reset.files import schemas, tables
from reset.micro.words import ANIMALS, NAMES, TOWNS
from tests.support import warm

pytestmark = pytest.mark.slow
pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")

SAME = ["answer_id", "example_id", "dataset", "task", "system", "setting", "sweep", "temperature", "top_k", "seed"]


@pytest.fixture(scope="module")
def answers(micro_model, tmp_path_factory):
    """A function that samples twenty prompts with an engine and returns the rows of the answers table."""
    folder = tmp_path_factory.mktemp("line")

    def sample(minimal, example_row, engine):
        words = random.Random(0).choices
        rows = [example_row(i, passages=[" ".join(words(NAMES + TOWNS + ANIMALS, k=5 + i))]) for i in range(20)]
        tables.write(folder / "prompts.parquet", schemas.EXAMPLES, rows)
        minimal["pools"]["mtl"]["decode"], minimal["pools"]["mtl"]["sweeps"] = "both", 2
        minimal["sample"] |= {
            "engine": engine,
            "max_tokens": 24,
            "engines": {
                "transformers": {"batch": 16, "dtype": "float32"},
                "vllm": {"max_model_len": 256, "options": {"dtype": "float32"}},
            },
        }
        (folder / "params.yaml").write_text(yaml.safe_dump(minimal))
        into = folder / f"{engine}.parquet"
        files = ["prompts.parquet", str(into), "asked.parquet"]
        command = [sys.executable, "-m", "stages.sample", "mtl", str(micro_model), *files]
        run = subprocess.run(
            command,
            cwd=folder,
            env=warm.environment(cold=engine == "vllm"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr[-3000:]
        return list(tables.read(into, schemas.ANSWERS))

    return sample


def test_both_engines_answer_alike(answers, minimal, example_row):
    ours, theirs = (answers(minimal, example_row, engine) for engine in ("transformers", "vllm"))
    assert len(ours) == len(theirs) == 20 * 4
    certain = 0
    for one, other in zip(ours, theirs, strict=True):
        assert [one[name] for name in SAME] == [other[name] for name in SAME]
        assert other["finish_reason"] in ("stop", "length")
        if one["setting"] in ("greedy", "k1"):
            assert [one[name] for name in ("text", "tokens", "finish_reason")] == [
                other[name] for name in ("text", "tokens", "finish_reason")
            ]
            assert one["mean_logprob"] == pytest.approx(other["mean_logprob"], abs=1e-3)
            certain += 1
    assert certain == 40
    assert {row["finish_reason"] for row in ours if row["setting"] == "greedy"} == {"stop", "length"}
    sampled = [row["text"] for row in theirs if row["setting"] == "t0.7"]
    assert len(set(sampled)) > 10
