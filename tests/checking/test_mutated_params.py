"""A params.yaml with any mistake: one line per problem with its key, exit status 1, and never a traceback."""

import copy
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from click.testing import CliRunner, Result

from reset.cli.main import main
from tests.support import ROOT

pytestmark = pytest.mark.slow

SEED, COUNT = 20, 200
FAST = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
ODD: list[Any] = [None, [], ["x"], [None], [[1]], "", "text", -1, -0.5, 10**400, float("nan"), float("inf"), True]
ODD += [{}, {"a": {"b": 1}}, {1: 2}, [{}], "../x", "base/nope"]
Path_ = tuple[str | int, ...]
OWN = {"recipes", "base", "datasets", "sample", "judges", "watchers", "train", "prepare", "judge", "cluster", "screen"}


def places(node: Any, at: Path_ = ()) -> Iterator[Path_]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from places(value, (*at, key))


def mutated(content: dict[str, Any], number: int) -> tuple[dict[str, Any], Path_, str]:
    """Change one place of a file: the key is dropped or misspelt, or its value is replaced."""
    rng = random.Random(f"{SEED}/{number}")
    content = copy.deepcopy(content)
    at = rng.choice(list(places(content)))
    holder: Any = content
    for key in at[:-1]:
        holder = holder[key]
    how, key = rng.choice(["drop", "misspell", "replace", "replace", "replace"]), at[-1]
    if how == "drop":
        del holder[key]
    elif how == "misspell" and isinstance(key, str):
        holder[key[1:] + key[:1] + "z"] = holder.pop(key)
    else:
        holder[key] = rng.choice(ODD)
    return content, at, how


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    return loaded


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Run `reset-lm check` on a params.yaml of this content."""
    monkeypatch.chdir(tmp_path)

    def run(content: dict[str, Any] | str) -> Result:
        text = content if isinstance(content, str) else yaml.dump(content, Dumper=FAST, sort_keys=False)
        Path("params.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
        return CliRunner().invoke(main, ["check", "--offline"])

    return run


def refused(result: Result) -> bool:
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code in (0, 1)
    assert "Traceback" not in result.output
    return result.exit_code == 1


@pytest.mark.slow  # 12 s
def test_two_hundred_mutated_files_are_refused_with_the_key_or_are_sound(check, content):
    unnamed, sound = [], 0
    for number in range(COUNT):
        changed, at, how = mutated(content, number)
        result = check(changed)
        if not refused(result):
            sound += 1
        elif not any(str(key) in result.output for key in reversed(at) if isinstance(key, str)):
            unnamed.append((at, how, result.output))
    assert not unnamed
    assert 0 < sound < COUNT / 4


def test_the_seconds_that_are_said_are_those_of_the_whole_process(check, content):
    age = time.time() - psutil.Process().create_time()
    seconds = float(re.search(r", in ([0-9.]+) s$", check(content).output.strip())[1])
    assert age < seconds + 0.1 < age + 60


def with_value(content, at, value):
    """`content` with another value at a key with dots."""
    changed = copy.deepcopy(content)
    holder = changed
    *keys, last = at.split(".")
    for key in keys:
        holder = holder[key]
    holder[last] = value
    return changed


def on_hub(files):
    """A row `hub` of a data set with this pattern of files."""
    place = {"id": "a/b", "config": None, "data_files": files, "splits": {"train": "train"}}
    return {**place, "take": {}, "licence": "x"}


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        ("judges.summac.options.batch_tokens", 0, "should be greater than or equal to 1 (it is 0)"),
        ("judges.summac.options.use_contradiction", "no", "should be a valid boolean (it is 'no')"),
        ("judges.summac.options.dtype", "float16", "should be 'float32', 'bfloat16' or 'checked'"),
        ("judges.lexical.options.more", None, "judges.lexical.options.more: Input should be"),
        ("judges.lexical.options.more", [["x"]], "judges.lexical.options.more.0: Input should be a valid string"),
        ("base.micro.options.recipe.epochs", "two", "base.micro.options.recipe.epochs: Input should be a valid number"),
        ("base.micro.options.recipe.epoch", 2, "unknown key 'base.micro.options.recipe.epoch'. Did you mean 'epochs'"),
        ("base.micro.options.recipe", None, "base.micro.options.recipe: must be a table of learning_rate, epochs, "),
        ("base.micro.options.tokenizer", "words", "should be 'word' or 'byte' (it is 'words')"),
        ("base.micro_nli.options.learning_rate", float("nan"), "should be a finite number (it is nan)"),
        ("datasets.nq.options.noise.famous", 1.5, "datasets.nq.options.noise.famous: Input should be less than or"),
        ("datasets.nq.options.rows.tests", 5, "datasets.nq.options.rows.tests.[key]: Input should be 'train', 'dev'"),
        ("sample.engines.transformers.dtype", "half", "sample.engines.transformers.dtype: Input should be 'auto', "),
        ("sample.engines.openai.timeout", 5, "unknown key 'sample.engines.openai.timeout'. Did you mean 'timeout_s'"),
        ("sample.engines.vlm", {}, "sample.engines: no engine 'vlm'. Did you mean 'vllm'?"),
        ("decode.greedy.temperatures", [-1.0], "decode.greedy.temperatures.0: Input should be greater than or equal"),
        ("seed", -1, "seed: Input should be greater than or equal to 0 (it is -1)"),
        ("seed", 10**400, "seed: Input should be less than 4294967296"),
        (
            "datasets.nq.hub",
            on_hub("{split"),
            "datasets.nq.hub.data_files: Value error, must be a pattern in which {split}",
        ),
        ("datasets.nq.hub", on_hub("{name}/{split}.parquet"), "datasets.nq.hub.data_files"),
        ("datasets.nq.hub", on_hub("{0}.parquet"), "datasets.nq.hub.data_files"),
        ("datasets.nq.hub", on_hub("{split[x]}.parquet"), "datasets.nq.hub.data_files"),
        ("datasets.nq.hub", on_hub("{split.x}.parquet"), "datasets.nq.hub.data_files"),
        ("datasets.nq.hub", on_hub("{split:>99999999999}.parquet"), "datasets.nq.hub.data_files"),
        ("prepare.max_passages", 0, "prepare.max_passages: Input should be greater than or equal to 1 (it is 0)"),
        ("recipes.full.micro_batch_size", 7, "recipes.full.batch_size is 40, must be a multiple of 7"),
        ("mixtures.mtl.parts", {}, "mixtures.mtl.parts is empty"),
        ("mixtures.mtl.parts", {"a": []}, "mixtures.mtl.parts.a is empty"),
        ("prompts.candidates.rows", {}, "prompts.candidates.rows is empty"),
        ("evaluate.systems", ["mtl", "mtl"], "evaluate.systems names 'mtl' twice"),
        ("report.comparisons", [["mtl", "mtl"]], "report.comparisons has 'mtl' against itself"),
        ("recipes.full.learning_rate", float("inf"), "recipes.full.learning_rate: Input should be a finite number"),
    ],
)
def test_a_wrong_option_is_told_with_its_place_and_what_would_be_right(check, content, at, value, said):
    result = check(with_value(content, at, value))
    assert refused(result)
    assert said in result.output
    assert len(result.output) < 2000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 1\nseed: 2\n", "the key 'seed' is there twice"),
        ("seed: " + "1" * 5000, "not YAML (Exceeds the limit"),
        ("seed: " + "[" * 5000, "not YAML (nested too deeply)"),
        ("seed: 2024-05-40", "not YAML ("),
        ("seed: \0", "not YAML ("),
        ("seed: \ud83d", "not YAML ("),
        ("[1]: 2", "not YAML ("),
        ("- 1", "Input should be a valid dictionary"),
        ("1: 2", "1: a key must be a text (it is 1)"),
        ("", "Input should be a valid dictionary"),
    ],
)
def test_a_file_that_is_no_table_of_parameters_is_told_in_a_line(check, text, said):
    result = check(text)
    assert refused(result)
    assert said in result.output
    assert result.output.count("\n") == 1 and len(result.output) < 20_000


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("recipes.full.epochs", 3),
        ("datasets.nq.options.noise", None),
        ("datasets.nq.options.noise.famous", 0),
        ("judges.lexical.options", {"references": "first"}),
        ("judges.summac.options.dtype", "checked"),
        ("report.similar_on", None),
        ("systems.mtl.keep", [0.25, 1.0]),
        ("mixtures.if.rows", 10),
        ("decode.paper.top_ks", []),
        ("cluster.workers", None),
    ],
)
def test_a_change_that_means_something_is_accepted(check, content, at, value):
    result = check(with_value(content, at, value))
    assert not refused(result), result.output


@pytest.mark.parametrize("command", ["check --offline", "plan", "doctor mtl"])
def test_the_command_itself_ends_in_a_line(tmp_path, content, command):
    content = copy.deepcopy(content)
    content["judges"]["lexical"]["options"]["more"] = 5
    content["pools"]["mtl"]["sweeps"] = "two"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    asked = [sys.executable, "-m", "reset.cli.main", *command.split()]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, env=_env())
    assert done.returncode == 1
    assert done.stderr.startswith("Error: params.yaml: pools.mtl.sweeps: Input should be a valid integer (it is 'two')")
    assert done.stderr.count("\n") == 1


def _env() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}
