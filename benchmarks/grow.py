"""A pool that grows: what is sampled and judged again, in answers, and what that costs beside a pool from nothing.

    python -m benchmarks.grow --run DIR [--quick]

In a copy of what stages `sample` and `judge` need of a finished run of the default scale, they sample and judge the
pool `mtl_candidates` on part of its prompts: from nothing with one sweep and with two, grown from one sweep to two,
then with one more decode setting, one more set of prompts and one more judge, and as it is. "Computed" counts answers
that an engine computed and distinct answers that a judge judged. CPU seconds are those of the stages' processes, with
their start, which is measured by a pool of four prompts. Answers are sampled at float32: there texts do not depend on
the batch, so the pool that grew must be the one from nothing, but for the last digits of the mean log-probability.
"""

import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pyarrow.parquet as pq
import yaml

from benchmarks.result import check, digits, publish

POOL, MODEL = "mtl_candidates", "models/mtl"
PROMPTS = (400, 24)  # of a quick run: the second
JUDGES = ("lexical", "rater", "summac")
COUNTS = re.compile(r"([\d,]+) taken from the store, ([\d,]+) computed")
Cost = dict[str, Any]


class Pool:
    """A folder in which the stages sample and judge the pool."""

    def __init__(self, finished: Path, folder: Path) -> None:
        self.folder = folder
        for model in (MODEL, "models/base/micro_nli"):
            shutil.copytree(finished / model, folder / model)
        (folder / "reset").symlink_to(Path("reset").resolve())
        self._params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
        self._params["tracking"]["enabled"] = False
        self._params["sample"]["engines"]["transformers"]["dtype"] = "float32"
        self._all = pq.read_table(finished / "data/prompts/candidates.parquet")
        self._order = random.Random(0).sample(range(len(self._all)), len(self._all))
        self.judges: list[str] = []

    def set(self, sweeps: int, prompts: int, more: list[float]) -> None:
        """Write the parameters of the pool, and `prompts` of the run's prompts in an order drawn once."""
        self._params["pools"][POOL]["sweeps"] = sweeps
        self._params["decode"]["intent"]["temperatures"] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, *more]
        summac = self._params["judges"]["summac"]
        options = {**summac["options"], "use_contradiction": True}
        self._params["judges"]["contradiction"] = {**summac, "options": options}
        (self.folder / "params.yaml").write_text(yaml.safe_dump(self._params), encoding="utf-8")
        pq.write_table(self._all.take(self._order[:prompts]), self.folder / "prompts.parquet")
        for judge in [] if self.judges else JUDGES:
            self.add(judge)

    def add(self, judge: str) -> None:
        """Judge the pool with a further row of `judges`."""
        self._run("identify", judge, f"{judge}.json")
        self.judges.append(judge)

    def cost(self, what: str) -> Cost:
        """Sample and judge the pool as it is set."""
        cost: Cost = {"what": what}
        cost["sample"] = self._run("sample", POOL, MODEL, "prompts.parquet", "answers.parquet", "asked.parquet")
        judged = []
        for judge in self.judges:
            names = [f"{judge}.json", "answers.parquet", "asked.parquet", f"{judge}.parquet"]
            judged.append(self._run("judge", judge, POOL, *names))
        cost["judge"] = {key: digits(sum(one[key] for one in judged)) for key in judged[0]}
        click.echo(json.dumps(cost))
        return cost

    def _run(self, stage: str, *arguments: str) -> dict[str, float]:
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        began, before = time.perf_counter(), _cpu()
        done = subprocess.run(
            [sys.executable, "-m", f"stages.{stage}", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise click.ClickException(f"{stage} {arguments[0]}: {done.stderr[-500:]}")
        took = {"wall_s": digits(time.perf_counter() - began), "cpu_s": digits(_cpu() - before)}
        found = COUNTS.search(done.stdout)
        kept, computed = (int(number.replace(",", "")) for number in found.groups()) if found else (0, 0)
        return {"from_store": kept, "computed": computed, **took}

    def rows(self) -> list[dict[str, Any]]:
        """All answers, without the mean log-probability, and all verdicts."""
        tables = [pq.read_table(self.folder / f"{name}.parquet") for name in ("answers", *JUDGES)]
        return [row for table in (tables[0].drop_columns(["mean_logprob"]), *tables[1:]) for row in table.to_pylist()]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(finished: Path, scratch: Path, prompts: int) -> tuple[dict[str, Cost], int]:
    """Return the cost of each step, and how many rows of the pool that grew are not those of the one from nothing."""
    costs = {}
    few = Pool(finished, scratch / "few")
    few.set(1, 4, [])
    costs["start"] = few.cost("from nothing, sweeps 1, 4 prompts")
    whole = Pool(finished, scratch / "whole")
    whole.set(2, prompts, [])
    costs["whole"] = whole.cost("from nothing, sweeps 2")
    pool = Pool(finished, scratch / "grown")
    pool.set(1, prompts, [])
    costs["half"] = pool.cost("from nothing, sweeps 1")
    pool.set(2, prompts, [])
    costs["grown"] = pool.cost("grown, sweeps 1 to 2")
    differing = sum(grown != row for grown, row in zip(pool.rows(), whole.rows(), strict=True))
    pool.set(2, prompts, [0.8])
    costs["setting"] = pool.cost("one more setting")
    pool.set(2, prompts * 5 // 4, [0.8])
    costs["prompts"] = pool.cost("a quarter more prompts")
    pool.add("contradiction")
    costs["judge"] = pool.cost("one more judge")
    costs["again"] = pool.cost("nothing new")
    return costs, differing


def checks(costs: dict[str, Cost], differing: int, prompts: int) -> list[dict[str, Any]]:
    """Hold growth to its new half, in answers and in CPU time without the stages' start."""
    held = [check("rows of the pool that grew that differ from those from nothing", differing, "<= 0")]
    for stage in ("sample", "judge"):
        whole, half, grown, start = (costs[name][stage] for name in ("whole", "half", "grown", "start"))
        new = whole["computed"] - half["computed"]
        held.append(check(f"{stage}, sweeps 1 to 2: computed / new", grown["computed"] / new, "<= 1.05"))
        work = (grown["cpu_s"] - start["cpu_s"]) / (half["cpu_s"] - start["cpu_s"])
        held.append(check(f"{stage}, sweeps 1 to 2: CPU time / that of a pool of one sweep", work, "<= 1.05"))
    for name, new in (("setting", prompts), ("prompts", prompts // 4 * 15), ("again", 0)):
        held.append(check(f"sample, {costs[name]['what']}: computed", costs[name]["sample"]["computed"], f"<= {new}"))
    return held


@click.command()
@click.option("--run", "finished", required=True, type=click.Path(path_type=Path), help="Folder of a finished run.")
@click.option("--quick", is_flag=True, help="Fewer prompts.")
def main(finished: Path, quick: bool) -> None:
    """Measure what a pool that grows computes again."""
    prompts = PROMPTS[quick]
    with TemporaryDirectory() as scratch:
        costs, differing = measure(finished.resolve(), Path(scratch), prompts)
    held = checks(costs, differing, prompts)
    publish("grow", held, libraries=["torch", "pyarrow"], quick=quick, prompts=prompts, costs=list(costs.values()))


if __name__ == "__main__":
    main()
