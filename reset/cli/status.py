"""`reset-lm status`: what a run has done, what it does, and what is left."""

import json
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from reset.status.run_status import Running, Status
    from reset.status.stage_graph import Node

from reset.cli.numbers import Finite
from reset.report import words

CLEAR = "\x1b[H\x1b[2J"  # of a terminal
WIDTH = 100  # columns of the graph
FAILURES = ("failed", "stopped")
BY = {
    "last runs": "the last runs of such stages",
    "plan": "the plan",
    "committed run": "the committed run's stages",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--watch",
    type=Finite(min=0.1),
    is_flag=False,
    flag_value=5.0,
    metavar="[SECONDS]",
    help="Look again every 5 or SECONDS seconds until nothing runs.",
)
@click.option("--graph", is_flag=True, help="Show which kinds of stages read from which, in place of the run.")
@click.pass_context
def status(context: click.Context, as_json: bool, watch: float | None, graph: bool) -> None:
    """Show what `dvc repro` has done, what it does now and what is left; takes no part in the run.

    Stages by kind; those that run with their answers, rows or steps and rates so far; time left and what it rests on,
    dollars; the page. The exit status is 0 if a run goes on, if all is done or if nothing was run, and 1 if stages are
    left of a run that failed or was stopped. Large files are not read:
    `dvc status` is the last word.

    \b
    Example:
      reset-lm status
      reset-lm status --watch 10
      reset-lm status --json
      reset-lm status --graph
    """  # noqa: D301  (click reads the \b)
    from reset.status import run_status, stage_graph  # Arrow takes a moment to import

    if graph:
        nodes = stage_graph.read()
        click.echo(json.dumps([asdict(node) for node in nodes], indent=2) if as_json else drawn(nodes))
        return
    while True:
        now = run_status.read()
        shown = json.dumps(as_document(now), indent=None if watch else 2) if as_json else text(now)
        click.echo((CLEAR if watch and not as_json and sys.stdout.isatty() else "") + shown)
        if watch is None or now.state != "running":
            break
        time.sleep(watch)
    if now.state in FAILURES:
        context.exit(1)


def as_document(now: "Status") -> dict[str, Any]:
    """Return the status ready for JSON."""
    return asdict(now)


def text(now: "Status") -> str:
    """Return the status for the terminal."""
    rows = [["stages", "done", "running", "left", "time left"]]
    for kind in now.kinds:
        figures = [str(kind.running or ""), str(kind.left or ""), duration(kind.seconds_left or None)]
        rows.append([kind.kind, f"{kind.done}/{kind.all}", *figures])
    blocks = [_head(now), words.aligned(rows)]
    if now.running:
        title = "running" if now.state == "running" else "stopped in"
        blocks.append(f"{title}\n{words.aligned([_running(one) for one in now.running])}")
    if now.failed:
        blocks.append("failed\n" + "\n".join(now.failed))
    return "\n\n".join([*blocks, "\n".join([_dollars(now), _page(now)])])


def drawn(nodes: Sequence["Node"]) -> str:
    """Return the kinds of stages, one a line: their number, and the kinds that they read from."""
    left = max((len(node.kind) for node in nodes), default=0)
    return "\n".join(
        textwrap.fill(
            ", ".join(node.reads_from) or words.DASH,
            WIDTH,
            initial_indent=f"{node.stages:5} {node.kind:{left}}  <- ",
            subsequent_indent=" " * (left + 11),
        )
        for node in nodes
    )


def _head(now: "Status") -> str:
    done, left = (sum(getattr(kind, name) for kind in now.kinds) for name in ("done", "left"))
    all_ = sum(kind.all for kind in now.kinds)
    parts = [f"{done} of {all_} stages done"]
    if now.state == "running" and now.began:
        parts.insert(0, f"for {duration(time.time() - now.began)}")
    if left or now.running:
        parts.append(_time_left(now))
    return f"scale {now.scale}: {now.state}: {', '.join(parts)}"


def _time_left(now: "Status") -> str:
    without = f"{now.unknown} stage{'s' if now.unknown > 1 else ''} without a figure" if now.unknown else ""
    if not now.basis:
        return f"time left not known: {without}"
    rests = f"about {duration(now.seconds_left)} left, by {' and '.join(BY[basis] for basis in now.basis)}"
    return f"{rests}; {without}" if without else rests


def _running(one: "Running") -> list[str]:
    far, figures = one.progress, []
    if far:
        figures = [f"{far.done:,} of {words.DASH if far.total is None else f'{far.total:,}'} {far.unit}"]
        figures += [f"{far.per_s:,.1f} {far.unit}/s"] if far.per_s else []
        figures += [f"{far.tokens_per_s:,.0f} tokens/s"] if far.tokens_per_s else []
    left = f"{duration(one.seconds_left)} left"
    return [one.stage, f"for {duration(one.seconds)}", ", ".join([*figures, left])]


def duration(seconds: float | None) -> str:
    """Return seconds in words: `40 s`, `12 min`, `3.5 h`; a dash for None, or if the clock was set back."""
    if seconds is None or seconds < 0:
        return words.DASH
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _dollars(now: "Status") -> str:
    spent = now.dollars
    judges = "not known yet" if spent.judges_left is None else f"{spent.judges_left:,.2f}"
    machine = "" if not spent.machine_left else f", and {spent.machine_left:,.2f} for the machine"
    return f"US dollars: {spent.spent:,.2f} spent on judges, {judges} to come{machine}"


def _page(now: "Status") -> str:
    if now.page is None:
        return "page: none yet"
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(now.page.at))
    return f"page: {now.page.path}, of {at}" + ("" if now.page.current else "; the report is still to be made again")
