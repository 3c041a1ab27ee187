"""`reset-lm round`: add one more round to the parameters."""

from pathlib import Path

import click

from reset import params
from reset.cli.compose import compose
from reset.errors import ResetError
from reset.files import metrics
from reset.params.document import Params
from reset.params.training import PREFERENCES
from reset.planning import next_round

CONF = Path("conf")


@click.command()
@click.argument("name")
@click.option("--from", "sampler", required=True, help="System that samples the answers.")
@click.option("--init", help="Model that training starts from: a system or base/NAME.  [default: the sampler]")
@click.option("--prompts", help="Row of `prompts` to answer again.  [default: draw new prompts]")
@click.option("--overlap", default=0, show_default=True, help="Rows per data set that earlier rounds have drawn too.")
def round_(name: str, sampler: str, init: str | None, prompts: str | None, overlap: int) -> None:
    """Add the round NAME: write its rows to conf/rounds/NAME.yaml and compose params.yaml again.

    Existing rows do not change, so `dvc repro` runs only the new round's stages and the report.

    \b
    Example:
      reset-lm round mtl_reset_3 --from mtl_reset_2
      reset-lm round again --from mtl_reset --init mtl --prompts candidates
    """  # noqa: D301  (click reads the \b)
    p = params.load()
    made = next_round.rows(
        p, name, sampler=sampler, init=init, prompts=prompts, overlap=overlap, available=_available(p)
    )
    of_scale = CONF / "scale" / f"{p.scale}.yaml"
    before, composed = of_scale.read_text(encoding="utf-8"), params.FILE.read_text(encoding="utf-8")
    path = next_round.add(CONF, p.scale, name, made)
    try:
        compose.main([], standalone_mode=False)
        params.load()
    except ResetError:
        path.unlink()
        of_scale.write_text(before, encoding="utf-8")
        params.FILE.write_text(composed, encoding="utf-8")
        raise
    drawn = made.get("prompts", {}).get(f"{name}_prompts")
    answered = (
        f"rows {drawn['skip']} to {drawn['skip'] + max(drawn['rows'].values())} of each data set" if drawn else prompts
    )
    shared = (
        f", {overlap} of them drawn before" if overlap else ", none drawn before" if drawn else ", all drawn before"
    )
    system, row = made["systems"][name], made["curated"][name]
    how = f"by recipe {system['recipe']} on pick: {row['pick']}"
    if p.recipes[system["recipe"]].method in PREFERENCES:
        how += f", and is held to {system['init']}, its reference model"
    click.echo(f"{path}: {sampler} answers {answered}{shared}; {name} starts from {system['init']}, {how}")
    click.echo(f"dvc repro && reset-lm diff . --rounds {sampler} {name}")


def _available(p: Params) -> dict[str, int]:
    """Count the training rows of the data sets that stage `prepare` has made at this scale."""
    counted = {name: metrics.read(Path(f"metrics/prepare/{name}.json"), p.scale) for name in p.datasets}
    return {name: figures["splits"]["train"] for name, figures in counted.items() if figures}
