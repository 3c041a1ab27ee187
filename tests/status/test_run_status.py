"""`reset-lm status` on real runs: it agrees with DVC, and tells a run that goes on from one that was killed."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from reset.cli.status import text
from reset.planning import dvc_pending
from reset.status import lock, pipeline, run_status
from reset.status.done import Project
from reset.status.progress import Chunk, _of_chunks
from tests.support import ROOT
from tests.support.clones import clone, run
from tests.support.pace import at_most

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-P", "-m", "reset.cli.main", "status")


def environment(folder: Path) -> dict[str, str]:
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": beside, "PYTHONPATH": str(folder), "DVC_NO_ANALYTICS": "1"}


def status(folder: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *options], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def document(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(status(folder, "--json")[1])
    return content


def until(folder: Path, true: Callable[[dict[str, Any]], object], seconds: float = 120.0) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while not true(now := document(folder)):
        assert time.monotonic() < end, now
        time.sleep(1.5)
    return now


def test_stages_are_those_that_dvc_reads_from_dvc_yaml() -> None:
    content = pipeline.load_yaml(ROOT / "params.yaml")
    ours = {stage.name: stage for stage in pipeline.stages(pipeline.load_yaml(ROOT / "dvc.yaml"), content)}
    theirs = {stage.addressing: stage for stage in Repo(str(ROOT)).index.stages}
    assert ours.keys() == theirs.keys() and len(ours) > 100
    for name, stage in theirs.items():
        deps = sorted(dep.def_path for dep in stage.deps if dep.def_path != "params.yaml")
        keys = sorted(key for dep in stage.deps if dep.def_path == "params.yaml" for key in dep.params)
        assert sorted(ours[name].deps) == deps
        assert sorted(ours[name].outs) == sorted(out.def_path for out in stage.outs)
        assert (sorted(ours[name].params), ours[name].cmd) == (keys, " ".join(stage.cmd.split()))


def test_the_lock_reads_as_a_yaml_parser_reads_it() -> None:
    whole = pipeline.load_yaml(ROOT / "dvc.lock")["stages"]
    read = lock.read(ROOT / "dvc.lock")
    assert read.keys() == whole.keys()
    for name, entry in read.items():
        assert {path: file.md5 for path, file in entry.deps.items()} == {
            dep["path"]: dep["md5"] for dep in whole[name]["deps"]
        }
        assert list(entry.outs) == [out["path"] for out in whole[name]["outs"]]
        assert entry.params == whole[name].get("params", {}).get("params.yaml", {})


def test_rates_are_of_this_run_and_leave_out_the_start() -> None:
    earlier, first, second = Chunk(50.0, 100, 1000), Chunk(130.0, 100, 1000), Chunk(140.0, 100, 2000)
    found = _of_chunks([earlier, first, second], 100.0, 400)
    assert (found.done, found.per_s, found.tokens_per_s, found.seconds_left) == (300, 10.0, 200.0, 10.0)
    assert _of_chunks([earlier], 100.0, 400).per_s is None


def large_run(root: Path, pools: int) -> list[pipeline.Stage]:
    """A finished run of the committed pipeline with so many pools more; files have their sizes, and no content."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in filter(lambda name: name.startswith(("reset/", "stages/", "conf/", "docs/seeds", "labels/")), listed):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "dvc.yaml", root)
    values = pipeline.load_yaml(ROOT / "params.yaml")
    more = {f"mtl_{number}": values["pools"]["mtl"] for number in range(pools)}
    values["pools"] |= more
    values["evaluate"]["systems"] += more
    (root / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    stages = pipeline.stages(pipeline.load_yaml(root / "dvc.yaml"), values)
    made = {out: made_at(root, out) for stage in stages for out in stage.outs}
    outs = {stage.name: {"cmd": stage.cmd, "outs": [made[out] for out in stage.outs]} for stage in stages}
    write_lock(root, outs)
    project = Project(root, stages, lock.read(root / "dvc.lock"), values)
    for stage in stages:
        found = {dep: project._now(dep) for dep in stage.deps}
        assert all(found.values()), found
        deps = [
            {"path": dep, **{k: v for k, v in asdict(file).items() if v is not None}} for dep, file in found.items()
        ]
        params = {key: pipeline.value(values, key) for key in stage.params}
        outs[stage.name] |= {"deps": deps, "params": {"params.yaml": params}}
    write_lock(root, outs)
    return stages


def write_lock(root: Path, stages: dict[str, Any]) -> None:
    content = json.loads(json.dumps({"schema": "2.0", "stages": stages}))  # without YAML's aliases
    (root / "dvc.lock").write_text(yaml.safe_dump(content, sort_keys=False, width=10**6))


def made_at(root: Path, out: str) -> dict[str, Any]:
    """Make what a stage writes: a file, or a folder whose content DVC's cache lists."""
    md5 = hashlib.md5(out.encode()).hexdigest()
    path = root / out
    if Path(out).suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
        return {"path": out, "md5": md5, "size": 2}
    (path / "at/50").mkdir(parents=True)  # where a checkpoint of a system lies
    kept = root / f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}.dir"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps([{"md5": md5, "relpath": name} for name in ("a", "at/50/a")]))
    return {"path": out, "md5": f"{md5}.dir", "size": 4, "nfiles": 2}


def test_five_hundred_stages_are_told_in_forty_lines_and_two_seconds(tmp_path: Path) -> None:
    stages = large_run(tmp_path, pools=75)
    assert len(stages) > 500
    with at_most(2):
        shown = text(run_status.read(tmp_path))
    assert f"{len(stages)} of {len(stages)} stages done" in shown
    assert len(shown.splitlines()) <= 40
    (tmp_path / "data/answers/mtl_7.parquet").unlink()
    left = text(run_status.read(tmp_path)).splitlines()
    assert f"scale micro: not started: {len(stages) - 7} of {len(stages)} stages done" in left[0]
    assert len(left) <= 40


@pytest.mark.timeout(400)
def test_a_run_is_running_then_stopped_where_it_was_killed_and_what_is_done_is_what_dvc_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clone(tmp_path / "line")
    run(folder, sys.executable, "-m", "reset.cli.compose", "scale=smoke")
    (folder / "dvc.lock").unlink()
    assert document(folder)["state"] == "not started"
    run(folder, "dvc", "repro", "prepare@nq")
    going = subprocess.Popen(
        ["dvc", "repro", "base@micro"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    now = until(folder, lambda now: any((one["progress"] or {}).get("per_s") for one in now["running"]))
    assert (now["state"], [one["stage"] for one in now["running"]]) == ("running", ["base@micro"])
    progress = now["running"][0]["progress"]
    assert 0 < progress["done"] <= progress["total"] == 150 and progress["tokens_per_s"] > 0
    going.send_signal(signal.SIGKILL)
    going.wait()
    code, shown = status(folder)
    assert code == 1 and "scale smoke: stopped: 2 of 136 stages done" in shown
    assert "stopped in\nbase@micro" in shown
    monkeypatch.chdir(folder)  # DVC names stages as seen from the working folder
    values = pipeline.load_yaml(folder / "params.yaml")
    stages = pipeline.stages(pipeline.load_yaml(folder / "dvc.yaml"), values)
    done = Project(folder, stages, lock.read(folder / "dvc.lock"), values).done()
    assert done == {stage.name for stage in stages} - {stage.stage for stage in dvc_pending.pending(Path())}
    assert done == {"fetch@nq", "prepare@nq"}


def test_a_stage_that_failed_is_named_until_it_is_done(tmp_path: Path) -> None:
    folder = clone(tmp_path / "line")
    run(folder, sys.executable, "-m", "reset.cli.compose", "scale=smoke", "datasets.nq.options.rows.train=-1")
    subprocess.run(["dvc", "repro", "fetch@nq"], cwd=folder, env=environment(folder), capture_output=True, check=False)
    now = document(folder)
    assert (now["state"], now["failed"], status(folder)[0]) == ("failed", ["fetch@nq"], 1)
    run(folder, sys.executable, "-m", "reset.cli.compose", "scale=smoke")
    run(folder, "dvc", "repro", "fetch@nq")
    assert document(folder)["failed"] == []
