"""The whole scale `paper` on tiny models and rows, without GPU or network: every stage, then a run that does nothing.

What it asks of the network is answered on the loopback (`tests.support.dress_rehearsal`). `--quick` leaves out rows of
params.yaml whose kind another row has. The folder keeps the project, and `dress_rehearsal.log`; given again, a run that
stopped goes on there.
"""

import time
from collections import defaultdict
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import click

from benchmarks.result import check, publish
from reset.errors import ResetError
from tests.support.clones import clone
from tests.support.dress_rehearsal import Ran, Unexpected, World, keep, world


@click.command()
@click.option("--quick", is_flag=True, help="Rows of params.yaml that differ in kind, as in the tests.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to run; a new temporary folder by default.",
)
@click.argument("overrides", nargs=-1)
def main(quick: bool, folder: Path | None, overrides: tuple[str, ...]) -> None:
    """Rehearse scale `paper`, with OVERRIDES such as raters=gpt nli=deberta."""
    folder = (folder or Path(mkdtemp(prefix="dress_rehearsal_"))).resolve()
    click.echo(f"dress rehearsal in {folder}")
    if not (folder / "line/.git").is_dir():
        clone(folder / "line")
    log = folder / "dress_rehearsal.log"
    with world(folder, folder / "line") as here:
        try:
            compose(here, overrides, quick)
            first, again, seconds = rehearse(here, log)
        except Unexpected as failed:
            log.write_text(failed.ran.text, encoding="utf-8")
            raise ResetError(f"{complaint(failed.ran.text)} (all of it: {log})") from failed
        checks = [
            check("stages of a second run", len(again.stages()), "<= 0"),
            check("hosts asked that the scale does not name", len(here.net.refused), "<= 0"),
        ]
    figures = {"overrides": overrides, "seconds": seconds, "stages": summary(first)}
    publish("dress_rehearsal", checks, libraries=["torch", "transformers", "deepspeed"], quick=quick, **figures)


def complaint(text: str) -> str:
    """Return the line that says why a command failed: the last one of an error, else the last."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error:")]
    return (errors or lines or ["no word"])[-1].removeprefix("Error: ")


def compose(here: World, overrides: tuple[str, ...], quick: bool) -> None:
    """Write params.yaml, with `quick` without the rows whose kind another row has."""
    here.compose(*overrides)
    if quick:
        content = here.read()
        keep(content)
        here.write(content)


def rehearse(here: World, log: Path) -> tuple[Ran, Ran, int]:
    """Run, and run again; what both printed, and the seconds of all."""
    started = time.monotonic()
    first = here.run("dvc", "repro")
    click.echo(first.text.partition("Running stage")[0])  # what the check before the first stage found
    again = here.run("dvc", "repro")
    seconds = round(time.monotonic() - started)
    times = "".join(f"{took:8.1f} s  {stage}\n" for stage, took in first.stages().items())
    log.write_text(f"{first.text}\n{times}", encoding="utf-8")
    return first, again, seconds


def summary(ran: Ran) -> dict[str, dict[str, Any]]:
    """Stages, and their seconds together, by kind."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for stage, took in ran.stages().items():
        kinds[stage.partition("@")[0]].append(took)
    return {kind: {"stages": len(times), "seconds": round(sum(times))} for kind, times in kinds.items()}


if __name__ == "__main__":
    main()
