"""What a stage of `dvc repro` costs beside its own work, and which stages an edit runs again.

In a copy of a finished run (`--run DIR`), this environment's `dvc` and DVC as it comes (`python -m dvc`) run in turn:

- a `repro` that has nothing to do;
- 3 and 15 `evaluate` stages forced, as a measure of a light stage: what one stage more takes, and apart from it the
  start of the command, which is paid once however many stages run;
- the same with the rows, files and lock of twenty rounds.

Then files are edited one at a time, and the stages are listed that DVC would run again for it.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import yaml

from benchmarks.result import check, publish

OURS, PLAIN = [str(Path(sys.executable).with_name("dvc"))], [sys.executable, "-m", "dvc"]
ROUNDS = 20
FEW, MANY = 3, 15  # stages that are forced
ROUND_OF = re.compile(r"reset_2\b|mtl_reset_candidates")  # entries of dvc.lock that belong to the second round
NEW_JUDGE = {  # of a kind whose verdict no other row gives
    "kind": "minicheck",
    "needs": "models/base/micro_nli",
    "model": "base/micro_nli",
    "options": {"batch_tokens": 4096},
}
EDITS = {
    "a new judge": "judges",
    "another weight": "weight",
    "a progress bar": "reset/runs/progress.py",
    "an error text": "reset/errors.py",
    "a command": "reset/cli/show.py",
    "the plan": "reset/planning/plan.py",
    "tracking": "reset/tracking/upload.py",
    "a prompt template": "reset/model/prompts.py",
    "a statistics function": "reset/scoring/bootstrap.py",
    "a source in use": "reset/sources/micro.py",
    "a source not in use": "reset/sources/dolly.py",
    "the engine in use": "reset/engines/transformers/engine.py",
    "another engine": "reset/engines/vllm/engine.py",
    "the lexical judge": "reset/judges/lexical.py",
    "the NLI judge": "reset/judges/sentences/nli.py",
    "selection": "reset/choosing/candidates.py",
    "the training loop": "reset/training/loop.py",
    "a text of the report": "reset/report/words.py",
}


def run(folder: Path, *command: str) -> str:
    """Run a command in the copy and return what it printed."""
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # plain DVC runs `python`
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command)}: {done.stderr[-500:]}")
    return done.stdout


def seconds(folder: Path, *command: str) -> float:
    """Wall seconds of a command."""
    start = time.perf_counter()
    run(folder, *command)
    return time.perf_counter() - start


def side_by_side(folder: Path, arguments: Sequence[str], rounds: int) -> dict[str, float]:
    """Median seconds of both programs with the same arguments, run in turn."""
    times = [(seconds(folder, *OURS, *arguments), seconds(folder, *PLAIN, *arguments)) for _ in range(rounds)]
    ours, plain = (statistics.median(side) for side in zip(*times, strict=True))
    return {"ours": round(ours, 2), "plain": round(plain, 2), "ratio": round(plain / ours, 2)}


def costs(folder: Path, rounds: int) -> dict[str, Any]:
    """The size of the lock, and seconds of a `repro` without work, of one light stage more and of the start."""
    systems = yaml.safe_load((folder / "params.yaml").read_text())["evaluate"]["systems"]
    done = [name for name in systems if (folder / f"data/answers/{name}.parquet").exists()]
    names = [f"evaluate@{name}" for name in done[:MANY]]
    few, many = (
        side_by_side(folder, ["repro", "--force", "--single-item", *names[:count]], rounds) for count in (FEW, MANY)
    )
    stage = {side: (many[side] - few[side]) / (len(names) - FEW) for side in ("ours", "plain")}
    return {
        "lines of dvc.lock": len((folder / "dvc.lock").read_text().splitlines()),
        "no-op": side_by_side(folder, ["repro", "--dry"], rounds),
        "light stage": {
            **{side: round(each, 3) for side, each in stage.items()},
            "ratio": round(stage["plain"] / stage["ours"], 2),
        },
        "start of the command": {side: round(few[side] - FEW * stage[side], 2) for side in ("ours", "plain")},
    }


def renamed(text: str, number: int) -> str:
    """A name of the second round as that of round `number`."""
    pool = text.replace("mtl_reset_candidates", f"mtl_reset_{number}_candidates")
    return re.sub(r"(mtl_)?reset_2(?!\d)", f"mtl_reset_{number}", pool)


def lengthen(folder: Path) -> None:
    """Give the copy the rows, files and entries of dvc.lock that `ROUNDS` rounds would have left.

    The files of the second round stand for those of every later one, and `dvc commit` records them as if they had run.
    """
    lock = yaml.load((folder / "dvc.lock").read_text(), yaml.CSafeLoader)
    second = [entry for name, entry in lock["stages"].items() if ROUND_OF.search(name)]
    written = {out["path"] for entry in second for out in entry["outs"]}
    for number in range(3, ROUNDS + 1):
        former = f"mtl_reset_{number - 1}"
        command = ["round", f"mtl_reset_{number}", "--from", former, "--prompts", "candidates"]
        run(folder, sys.executable, "-m", "reset.cli.main", *command)
        for path in written:
            copy(folder / path, folder / renamed(path, number))
    run(folder, *PLAIN, "commit", "--force")


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder."""
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def edited(folder: Path, what: str) -> Callable[[], None]:
    """Make one edit; returns what undoes it."""
    path = folder / ("params.yaml" if "/" not in what else what)
    before = path.read_text()
    params = yaml.safe_load(before) if "/" not in what else {}
    if what == "judges":
        params["judges"]["second"] = NEW_JUDGE
    elif what == "weight":
        params["objectives"]["faithfulness"]["weight"] += 1.0
    path.write_text(yaml.safe_dump(params, sort_keys=False) if params else f"{before}\n# an edit\n")
    return lambda: path.write_text(before) and None


def reruns(folder: Path, what: str) -> dict[str, int]:
    """Stages that the edit runs again, by kind; `identify` has run, as it decides which judges follow."""
    lock, before = (folder / "dvc.lock").read_text(), json.loads(run(folder, *OURS, "status", "--json"))
    undo = edited(folder, what)
    names = [f"identify@{name}" for name in yaml.safe_load((folder / "params.yaml").read_text())["judges"]]
    said = run(folder, *OURS, "repro", "--single-item", *names)
    ran = re.findall(r"Running stage '(identify)@", said)
    changed = json.loads(run(folder, *OURS, "status", "--json"))
    undo()
    run(folder, *OURS, "repro", "--single-item", *names[:3])
    (folder / "dvc.lock").write_text(lock)
    return dict(Counter([*ran, *(name.partition("@")[0] for name in changed if name not in before)]))


@click.command()
@click.option("--run", "finished", default=".", type=click.Path(path_type=Path), help="Folder of a finished run.")
@click.option("--quick", is_flag=True, help="One round instead of three, and four edits.")
def main(finished: Path, quick: bool) -> None:
    """Measure what DVC costs per stage, side by side, and list what edits run again."""
    rounds = 1 if quick else 3
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        ignored = shutil.ignore_patterns(
            ".venv", "mlruns", "mlflow.db*", ".chunks", ".store", "exports", "*_cache", "__pycache__"
        )
        shutil.copytree(finished, folder, symlinks=True, ignore=ignored)
        edits = list(EDITS.items())[:: 5 if quick else 1]
        again = {}
        for name, what in edits:
            again[name] = reruns(folder, what)
            click.echo(f"{name}: {again[name] or 'nothing'}")
        tables = {"two rounds": costs(folder, rounds)}
        click.echo(json.dumps(tables))
        lengthen(folder)
        tables["twenty rounds"] = costs(folder, rounds)
        click.echo(json.dumps(tables["twenty rounds"]))
    light = [tables[name]["light stage"] for name in tables]
    checks = [
        check("a light stage, plain DVC over ours", light[0]["ratio"], ">= 1.5"),
        check("a light stage, twenty rounds over two", light[1]["ours"] / light[0]["ours"], "<= 1.25"),
        check("stages that a progress bar runs again", sum(again["a progress bar"].values()), "<= 0")
        if not quick
        else None,
    ]
    held = [one for one in checks if one]
    publish("repro", held, libraries=["dvc", "ruamel.yaml"], quick=quick, costs=tables, edits=again)


if __name__ == "__main__":
    main()
