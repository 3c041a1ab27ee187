"""Scale `paper` runs to its report on tiny models of the real kinds, with nothing that it asks of the network missing.

`python -m benchmarks.dress_rehearsal` runs the whole composition; here are the rows of params.yaml that differ in kind.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support import dress_rehearsal, paper_models, warm
from tests.support.clones import clone
from tests.support.dress_rehearsal import DATASETS, GPT, STRONG, WEAK, Ran, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Ran]]:
    """The world after a run, and what the run printed."""
    root = tmp_path_factory.mktemp("dress")
    with dress_rehearsal.world(root, clone(root / "line")) as world:
        world.compose()
        content = world.read()
        dress_rehearsal.keep(content)
        world.write(content)
        world.more |= {"RESET_TRACKING": "0", **warm.start(world.environment).variable}
        yield world, world.run("dvc", "repro")


def figures(world: World, name: str) -> Any:
    return json.loads((world.folder / "metrics" / f"{name}.json").read_text())


def test_every_stage_runs_to_the_report_and_then_none(line: tuple[World, Ran]) -> None:
    world, ran = line
    expected = {f"{stage}@{name}" for stage in ("fetch", "prepare") for name in DATASETS}
    expected |= {f"train@{name}" for name in ("cd", "mtl", "mtl_reset_s")}
    expected |= {f"sample@{name}" for name in ("mtl_candidates", "base", "cd_25", "mtl_reset_s")}
    expected |= {f"base@{name}" for name in ("llama", "vicuna", "nli")} | {"select@reset_s", "report"}
    before = ran.text.partition("Running stage")[0]
    assert re.search(r"check: scale paper: 0 errors, [3-4] warnings, 0 not looked at", before)  # one if no GPU is there
    assert expected <= ran.stages().keys()
    scored = {row["system"]: row for row in figures(world, "report/overview")}
    assert scored.keys() == {"base", "cd_25", "mtl_reset_s"}
    assert all(row["instruction"] is not None and row["task"] is not None for row in scored.values())
    assert world.run("dvc", "repro").stages() == {}


def test_the_network_is_asked_for_nothing_else(line: tuple[World, Ran]) -> None:
    world, _ = line
    assert world.net.refused == set()
    assert {"huggingface.co", "dl.fbaipublicfiles.com"} <= world.net.asked
    assert world.raters[STRONG].asked and world.raters[WEAK].asked and not world.raters[GPT[0]].asked


def test_the_commit_that_was_loaded_is_recorded(line: tuple[World, Ran]) -> None:
    world, _ = line
    for name, repository in (("vicuna", paper_models.VICUNA), ("nli", paper_models.ALBERT)):
        assert figures(world, f"base/{name}")["revision"] == world.hub.commit(repository)
    assert figures(world, "fetch/dolly")["revision"] == world.hub.commit("datasets/databricks/databricks-dolly-15k")


def test_todays_api_and_the_smaller_nli_model_judge_the_same_answers(line: tuple[World, Ran]) -> None:
    world, _ = line
    before = world.read()
    world.compose("raters=gpt", "nli=deberta")
    content = world.read()
    dress_rehearsal.keep(content)
    world.write(content)
    targets = {"judge@rater-mtl_candidates", "judge@rater-base", "judge@summac-base"}
    ran = world.run("dvc", "repro", *targets)
    assert ran.stages().keys() == {*targets, "base@nli", "identify@rater", "identify@summac"}
    assert {body["model"] for body in world.raters[GPT[0]].asked} == set(GPT)
    for judged in ("mtl_candidates/rater", "base/rater", "base/summac"):
        verdicts = figures(world, f"judge/{judged}")["verdicts"]
        assert verdicts and all(one["n"] > one["nulls"] for one in verdicts.values())
    world.write(before)


def test_vllm_samples_in_workers_of_ray_as_it_would_on_gpus(line: tuple[World, Ran]) -> None:
    """Scale `paper` has that engine, and as many workers as GPUs; the rest of the rehearsal is without both.

    tests/runs/test_cluster.py judges in such workers.
    """
    for name in ("vllm", "ray"):
        pytest.importorskip(name, reason="needs the opt-in builds (make test installs them)")
    world, _ = line
    before, sampled = world.read(), figures(world, "sample/base")
    content = world.read()
    dress_rehearsal.as_on_gpus(content)
    world.write(content)
    with TemporaryDirectory(prefix="ray") as folder:  # a short path: Ray's sockets lie below it
        ran = world.run("dvc", "repro", "sample@base", RAY_TMPDIR=folder)
        assert len(list(Path(folder).rglob("session_2*/logs/raylet.out"))) == 1
    assert ran.stages().keys() == {"sample@base"}
    again = figures(world, "sample/base")
    assert again["rows_out"] == sampled["rows_out"] > 0 and again["tokens"] > 0
    world.write(before)
