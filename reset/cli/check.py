"""`reset-lm check`: look for everything that a run needs before it starts."""

import json
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click
import psutil

from reset import params

if TYPE_CHECKING:
    from reset.checking.findings import Finding, Level
    from reset.checking.run import Report

HEADINGS: dict["Level", str] = {"error": "errors", "warning": "warnings", "skipped": "not looked at"}


@click.command()
@click.option("--offline", is_flag=True, help="Ask neither the hub nor any server; say what was not looked at.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def check(context: click.Context, offline: bool, as_json: bool) -> None:
    """Look for everything that params.yaml needs, before anything is downloaded; takes less than a minute.

    Data sets, models, judges and their servers, packages, memory and disk. An error is what would stop a stage; then
    the exit status is 1. A judge's server gets one short request per model, which a paid one charges. What a stage has
    made from the present parameters is not looked for again.

    \b
    Example:
      reset-lm check
      reset-lm compose scale=paper && reset-lm check
      reset-lm check --offline --json
    """  # noqa: D301  (click reads the \b)
    p = params.load()  # what is wrong with the file itself is said at once
    from reset.checking import run  # torch and the hub's client take seconds to import

    found = run.check(p, offline=offline)
    report = replace(found, seconds=time.time() - psutil.Process().create_time())  # what the user waits, imports too
    click.echo(as_document(report) if as_json else text(report))
    if report.of("error"):
        context.exit(1)


def as_document(report: "Report") -> str:
    """Return the findings as a JSON object."""
    lists = {
        heading.replace(" ", "_"): [_fields(finding) for finding in report.of(level)]
        for level, heading in HEADINGS.items()
    }
    return json.dumps({"scale": report.scale, "seconds": round(report.seconds, 2), **lists}, indent=2)


def _fields(finding: "Finding") -> dict[str, str]:
    return {name: value for name, value in asdict(finding).items() if name != "level"}


def text(report: "Report") -> str:
    """Return the findings for the terminal, a line each, and their counts."""
    lines = []
    for level, heading in HEADINGS.items():
        if found := report.of(level):
            lines += [heading, *(f"  {finding}" for finding in found)]
    counts = ", ".join(_count(len(report.of(level)), heading) for level, heading in HEADINGS.items())
    return "\n".join([*lines, f"check: scale {report.scale}: {counts}, in {report.seconds:.1f} s"])


def _count(number: int, heading: str) -> str:
    """`1 error`, `2 errors`, `1 not looked at`."""
    return f"{number} {heading.removesuffix('s') if number == 1 else heading}"


if __name__ == "__main__":
    check()
