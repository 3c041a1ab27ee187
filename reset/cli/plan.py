"""`reset-lm plan`: which stages would run, and the resources they need."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from reset import params
from reset.cli.numbers import Finite
from reset.report import words

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_TABLES: dict[str, dict[str, str]] = {  # heading -> column -> key
    "systems": {
        "system": "system",
        "parameters": "parameters",
        "ZeRO": "zero_stage",
        "devices": "devices",
        "bytes/device": "bytes_per_device",
        "disk": "disk",
        "checkpoints": "checkpoints",
        "rows": "rows",
        "tokens": "tokens",
        "steps": "steps",
        "device hours": "device_hours",
        "rests on": "basis",
    },
    "pools": {
        "pool": "pool",
        "parameters": "parameters",
        "bytes/device": "bytes_per_device",
        "disk": "disk",
        "prompts": "prompts",
        "answers": "answers",
        "prompt tokens": "prompt_tokens",
        "tokens": "tokens",
        "device hours": "device_hours",
        "rests on": "basis",
    },
    "judges": {
        "judge": "judge",
        "pool": "pool",
        "requests": "requests",
        "prompt tokens": "prompt_tokens",
        "reply tokens": "reply_tokens",
        "US dollars": "usd",
    },
    "pairs": {
        "judge": "judge",
        "pool": "pool",
        "pairs of sentences": "pairs",
        "tokens/pair": "pair_tokens",
        "GFLOP/pair": "pair_gflop",
        "device hours": "device_hours",
    },
}


@click.command()
@click.option("--train-tokens-per-s", type=Finite(min=0, min_open=True), help="Training throughput of one device.")
@click.option("--sample-tokens-per-s", type=Finite(min=0, min_open=True), help="Sampling throughput of one device.")
@click.option(
    "--nli-tflop-per-s",
    type=Finite(min=0, min_open=True),
    default=100.0,
    show_default=True,
    help="Assumed speed of one device with an NLI model; an A100 has at most 312 in bfloat16, 19.5 in float32.",
)
@click.option("--offline", is_flag=True, help="Do not ask the hub; take the configurations that its cache has.")
@click.option("--no-status", is_flag=True, help="Skip the list of stages that would run.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def plan(
    train_tokens_per_s: float | None,
    sample_tokens_per_s: float | None,
    nli_tflop_per_s: float,
    offline: bool,
    no_status: bool,
    as_json: bool,
) -> None:
    """Show what `dvc repro` would run and the resources of each system, pool and judge in params.yaml; runs nothing.

    Parameters, bytes per device at the recipe's ZeRO stage, disk, tokens, device hours at the given throughput, judge
    requests and cost, pairs of sentences for an NLI model. A dash means not known yet. Tables have all rows, also of
    stages that would not run.

    \b
    Example:
      reset-lm plan
      reset-lm compose scale=paper && reset-lm plan --train-tokens-per-s 3000 --sample-tokens-per-s 2500
    """  # noqa: D301  (click reads the \b)
    p = params.load()  # what is wrong with the file itself is said at once
    from reset.planning import dvc_pending  # DVC, torch and the trainer take seconds to import
    from reset.planning import plan as planned

    rates = planned.Rates(train_tokens_per_s, sample_tokens_per_s, nli_tflop_per_s)
    resources = planned.plan(p, rates, offline=offline)
    stages = None if no_status else [asdict(stage) for stage in dvc_pending.pending(Path())]
    content = {"stages": stages, **resources}
    click.echo(json.dumps(content, indent=2) if as_json else text(content))


def text(content: Mapping[str, Any]) -> str:
    """Return the plan as tables for the terminal."""
    blocks = [f"scale {content['scale']}"]
    if content["stages"] is not None:
        blocks.append(_stages(content["stages"]))
    for name, columns in _TABLES.items():
        if rows := content[name]:
            cells = [[_cell(row[key], key) for key in columns.values()] for row in rows]
            blocks.append(f"{name}\n{words.aligned([list(columns), *cells])}")
    blocks.append("totals\n" + words.aligned([[key, _cell(value, key)] for key, value in content["totals"].items()]))
    if content["assumed"]:
        figures = [[key, _cell(value, key)] for key, value in content["assumed"].items()]
        blocks.append("whole run by the rates and lengths of section plan\n" + words.aligned(figures))
    return "\n\n".join([*blocks, *content["notes"]])


def _stages(stages: Sequence[Mapping[str, Any]]) -> str:
    if not stages:
        return "stages: nothing would run"
    certain = [[stage["stage"], stage["why"]] for stage in stages if stage["certain"]]
    downstream = Counter(stage["stage"].partition("@")[0] for stage in stages if not stage["certain"])
    lines = [f"stages: {len(certain)} have changed", words.aligned(certain)]
    if downstream:
        lines.append(
            "after them, unless their inputs come out the same: "
            + ", ".join(f"{n} {name}" for name, n in downstream.items())
        )
    return "\n".join(lines)


def _cell(value: Any, key: str) -> str:
    if value is None:
        return words.DASH
    if isinstance(value, float):
        return f"{value:,.2f}"
    if not isinstance(value, int) or value < 10_000 or key in ("rows", "steps", "prompts", "answers", "requests"):
        return f"{value:,}" if isinstance(value, int) else str(value)
    unit = next((size, name) for size, name in _UNITS if value >= size)
    return f"{value / unit[0]:.3g} {unit[1]}"
