"""The long form of tests/trials: stages and `dvc repro` killed at random moments, run again and compared.

    python -m benchmarks.trials [--kills 20] [--stages fetch,prepare] [--repro fetch,prepare]

Each stage gets SIGKILL `--kills` times, `dvc repro` of some stages as often in each of three ways: SIGINT and SIGKILL
to its process group, as a terminal sends them, and SIGKILL to itself alone. Two kills fall into each round, which ends
with a run to the end. Checked: results equal row for row to an undisturbed run, no process, lock, chunk or temporary
file left, and no request for a reply that the ledger had. Trials of other stages stay in the results file.
"""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.result import check, publish, result_file
from tests.support.trial_rounds import STOPS, Trial, by_dvc, rounds
from tests.support.trials import NEEDS, STAGES


@click.command()
@click.option("--kills", default=20, help="How often each is killed.")
@click.option("--stages", default=",".join(STAGES), help="The stages that are killed.")
@click.option("--repro", default=",".join(STAGES), help="The stages that `dvc repro` runs when it is stopped.")
@click.option("--quick", is_flag=True, help="Write a file that Git leaves alone.")
def main(kills: int, stages: str, repro: str, quick: bool) -> None:
    """Run the trials and write benchmarks/results/trials.json."""
    killed, by = ([name for name in names.split(",") if name] for names in (stages, repro))
    seed, trials = int(time.time()), list[Trial]()
    with (
        TemporaryDirectory() as folder,
        rounds(Path(folder) / "all", seed, _with_needs([*killed, *by])) as made,
    ):
        trials += [made.stage(name, kills=kills) for name in killed]
        if by:
            base = by_dvc(made, Path(folder) / "all/by-dvc", by)
            trials += [made.repro(base, by, how, kills=kills) for how in STOPS]
    found = {**_before(quick), **{trial.what: trial.as_dict() for trial in trials}}
    totals = {name: sum(trial[name] for trial in found.values()) for name in ("kills", "runs", "repeated")}
    wrong = sum(len(trial["wrong"]) for trial in found.values())
    checks = [check("things wrong after a kill", wrong, "<= 0"), check("repeats", totals["repeated"], "<= 0")]
    publish("trials", checks, libraries=["dvc", "pyarrow"], quick=quick, seed=seed, **totals, trials=found)


def _with_needs(names: list[str]) -> list[str]:
    needed = {*names, *(other for name in names for other in NEEDS.get(name, []))}
    return [name for name in STAGES if name in needed]


def _before(quick: bool) -> dict[str, Any]:
    path = result_file("trials", quick)
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    trials: dict[str, Any] = content.get("trials", {})
    return trials


if __name__ == "__main__":
    main()
