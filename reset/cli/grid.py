"""`reset-lm grid`: win rates of a judged pool's decode settings, and a proposal for a smaller grid."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import yaml

from reset.choosing import judged_pool
from reset.choosing.candidates import bars_of
from reset.choosing.combining import rule_of
from reset.errors import ResetError
from reset.evidence.revisions import Run
from reset.judges.verdict_names import stand_ins
from reset.objectives import by_task, read
from reset.params import row as row_of
from reset.planning import smaller_grid as grids
from reset.report import words
from reset.sampling import decode_settings


@click.command()
@click.argument("pool")
@click.option(
    "--max-loss", default=0.05, show_default=True, help="Largest share of the gain from choosing that may be lost."
)
@click.option(
    "--run", "rev", default=".", show_default=True, help="Run to read: a Git revision, a DVC experiment or a folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def grid(pool: str, max_loss: float, rev: str, as_json: bool) -> None:
    """Show the win rate of each decode setting of the judged POOL, and propose a smaller grid for the next round.

    The expected loss is that of the mean score of the best answer to a prompt, by the score that `select` uses. It is
    measured on prompts of the pool that were not used to decide which settings to leave out (cross-validation).

    \b
    Example:
      reset-lm grid mtl_candidates
      reset-lm grid mtl_candidates --max-loss 0.1 --json
    """  # noqa: D301  (click reads the \b)
    with TemporaryDirectory() as scratch:
        content = figures(Run(rev, Path(scratch)), pool, max_loss)
    click.echo(json.dumps(content, indent=2) if as_json else text(content))


def figures(run: Run, pool: str, max_loss: float) -> dict[str, Any]:
    """Return all figures of the command; raises `ResetError` if the pool is unknown or not judged."""
    params = run.yaml("params.yaml")
    row = row_of(params.get("pools", {}), pool, "pools")
    decode = params["decode"][row["decode"]]
    judged = table(run, params, pool, decode)
    rows = grids.smaller(judged)
    best = grids.proposed(rows, max_share=max_loss)
    kept = {
        "temperatures": [
            t for t in decode["temperatures"] if decode_settings.arms([t], [], 0.0)[0][0].name in best["settings"]
        ],
        "top_ks": [k for k in decode["top_ks"] if f"k{k}" in best["settings"]],
        "top_k_temperature": decode["top_k_temperature"],
    }
    return {
        "pool": pool,
        "first_sweep": bool(row.get("until")),  # prompts have unequal numbers of sweeps, so only the first is counted
        "prompts": len(judged.scores),
        "best_score": float(judged.scores.max(axis=1).mean()),
        "random_score": float(judged.random.mean()),
        "stand_ins": sorted(stand_ins(params)) if params["select"].get("stand_ins") else [],
        "settings": grids.of_settings(judged),
        "grids": rows,
        "proposal": {**best, "decode": kept},
    }


def table(run: Run, params: Mapping[str, Any], pool: str, decode: Mapping[str, Any]) -> grids.Table:
    """Score the pool's answers as its first curated set with pick `best` does, and arrange them by setting.

    References are left out, and of a pool with `until` all sweeps but the first: only hard prompts have more.
    """
    answers = run.path(f"data/answers/{pool}.parquet")
    verdicts = [path for name in run.files(f"data/verdicts/{pool}") if (path := run.path(name))]
    if answers is None or not verdicts:
        raise ResetError(f"'{run.name}' has no judged answers of pool '{pool}'; run `dvc repro`")
    curated = [row for row in params["curated"].values() if row["pool"] == pool and row["pick"] == "best"]
    row: dict[str, Any] = curated[0] if curated else {"rating": "rating"}
    own = params["pools"][pool]
    without = () if params["select"].get("stand_ins", True) else stand_ins(params)
    objectives = read(params["objectives"])
    judged = judged_pool.read(
        answers,
        verdicts,
        objectives=objectives,
        speakers=by_task(objectives, row["rating"], without),
        sweeps=1 if own.get("until") else own["sweeps"],
        bars=bars_of(row),
        rule=rule_of(params["select"], row),
        seed=params["seed"],
    )
    return grids.table(judged.candidates, decode_settings.arms(**decode))


def text(content: Mapping[str, Any]) -> str:
    """Return the figures as tables for the terminal."""
    gain = content["best_score"] - content["random_score"]
    head = ["setting", "prompts", "wins", "win rate", "mean score", "loss without it"]
    settings = [
        [row["setting"], str(row["prompts"]), f"{row['wins']:.1f}", *_figures(row)] for row in content["settings"]
    ]
    heads = ["settings", "then without", "answers", "expected loss", "of the gain", "prompts lost"]
    sizes = [
        [str(len(row["settings"])), row["left_out"] or "", f"{row['answers']:.1f}", *_losses(row)]
        for row in content["grids"]
    ]
    proposal, whole = content["proposal"], content["grids"][0]
    saved = 1 - proposal["answers"] / whole["answers"]
    decode = {"decode": {"proposed": proposal["decode"]}}
    blocks = [
        f"{content['pool']}: {content['prompts']} prompts; "
        f"the best answer scores {words.figure(content['best_score'])}, "
        f"a random one {words.figure(content['random_score'])}: choosing brings {words.figure(gain)}"
        + ("; of the first sweep alone, which all prompts have" if content["first_sweep"] else "")
        + (f"; by stand-ins too: {', '.join(content['stand_ins'])}" if content["stand_ins"] else ""),
        words.aligned([head, *settings]),
        words.aligned([heads, *sizes]),
        f"Proposed: {len(proposal['settings'])} of {len(whole['settings'])} settings, {saved:.0%} fewer answers, "
        f"expected loss {_with_error(proposal)} ({proposal['expected_share']:.1%} of what choosing brings)\n"
        + yaml.safe_dump(decode, default_flow_style=None, sort_keys=False).rstrip(),
    ]
    return "\n\n".join(blocks)


def _figures(row: Mapping[str, Any]) -> list[str]:
    return [words.figure(row["win_rate"]), words.figure(row["mean_score"]), _four_decimals(row["loss_without"])]


def _losses(row: Mapping[str, Any]) -> list[str]:
    return [_with_error(row), f"{row['expected_share']:.1%}", str(row["prompts_lost"])]


def _with_error(row: Mapping[str, Any]) -> str:
    error = row["standard_error"]
    return f"{_four_decimals(row['expected_loss'])} " + ("(too few prompts)" if error is None else f"± {error:.4f}")


def _four_decimals(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
