"""`reset-lm label`: let people label answers of a pool; hold judges, weights and floors against their labels."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from reset import objectives as declared
from reset.cli.numbers import Finite
from reset.errors import ResetError
from reset.evidence import label_agreement, label_sample, label_table, label_weights, logistic
from reset.evidence.label_agreement import Options
from reset.evidence.label_sample import Drawn, JudgedAnswers
from reset.evidence.revisions import Run
from reset.judges.verdict_names import stand_ins
from reset.report import label_page, label_tables, labels

FILE = click.Path(dir_okay=False, path_type=Path)
NAME = re.compile(r"[\w.-]+")


@click.command()
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--size", default=100, show_default=True, type=click.IntRange(1), help="Answers on the page.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Seed of the sample and bootstrap.")
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(label_sample.STRATA),
    help="What strata are made of; may be repeated.  [default: all]",
)
@click.option("--scale", default=2, show_default=True, type=click.IntRange(2, 9), help="Points; 2: yes or no.")
@click.option("--html", default="label.html", show_default=True, type=FILE, help="The page.")
@click.option("--read", "files", multiple=True, type=FILE, help="Labels from the page, instead; may be repeated.")
@click.option("--name", help="Name of the table, labels/NAME.jsonl.  [default: the pools]")
@click.option("--threshold", default=0.5, show_default=True, type=Finite(0, 1), help="Score that means yes.")
@click.option("--least", default=20, show_default=True, type=click.IntRange(2), help="Fewest labels for a figure.")
@click.option("--resamples", default=1000, show_default=True, type=click.IntRange(1), help="Bootstrap resamples.")
@click.option(
    "--run", "rev", default=".", show_default=True, help="Run to read: a Git revision, a DVC experiment or a folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def label(
    pools: tuple[str, ...],
    size: int,
    seed: int,
    by: tuple[str, ...],
    scale: int,
    html: Path,
    files: tuple[Path, ...],
    name: str | None,
    threshold: float,
    least: int,
    resamples: int,
    rev: str,
    as_json: bool,
) -> None:
    """Write a sample of the answers of each POOL as one offline page on which a person labels them.

    The strata of the sample are the data set, the system and how far judges disagree. The page asks for each objective
    of params.yaml, and downloads the labels. With --read they are checked, added to labels/NAME.jsonl, and compared
    with the judges' verdicts; weights and floors are proposed from them.

    \b
    Example:
      reset-lm label mtl_candidates --size 60
      reset-lm label mtl mtl_reset --by system --by dataset --scale 5 --html sheet.html
      reset-lm label --read mtl_candidates.ana.jsonl --read mtl_candidates.bo.jsonl
    """  # noqa: D301  (click reads the \b)
    with TemporaryDirectory() as scratch:
        run = Run(rev, Path(scratch))
        params = run.yaml("params.yaml")
        if files:
            options = Options(threshold, least, resamples, seed)
            content = figures(run, params, files, _name(name), options)
            click.echo(json.dumps(content, indent=2) if as_json else label_tables.text(content))
            return
        if not pools:
            raise ResetError("Which POOL? `reset-lm label --help` has examples")
        content = page(run, params, pools, html, _name(name), size=size, seed=seed, by=by, points=scale)
    said = ", ".join(f"{level} {count}" for level, count in content["strata"].items())
    click.echo(json.dumps(content, indent=2) if as_json else f"{html}: {content['answers']} answers; {said}")


def _name(name: str | None) -> str | None:
    if name is not None and not NAME.fullmatch(name):
        raise ResetError(f"--name is '{name}', must be made of letters, digits, '_', '-' and '.'")
    return name


def page(
    run: Run,
    params: Mapping[str, Any],
    pools: Sequence[str],
    html: Path,
    name: str | None,
    *,
    size: int,
    seed: int,
    by: Sequence[str],
    points: int,
) -> dict[str, Any]:
    """Write the page; return the number of its answers, and how many each stratum has."""
    loaded = {pool: label_sample.load(run, params, pool) for pool in dict.fromkeys(pools)}
    drawn = label_sample.draw(loaded, size=size, seed=seed, by=by or label_sample.STRATA)
    if not drawn:
        raise ResetError(f"pool '{pools[0]}' has no answer to label")
    strata: dict[str, int] = {}
    for one in sorted(drawn, key=lambda one: one.stratum):
        strata[" / ".join(one.stratum)] = strata.get(" / ".join(one.stratum), 0) + 1
    label_page.write(
        html,
        [_shown(one) for one in drawn],
        name=name or "-".join(loaded),
        points=points,
        questions=label_table.questions(declared.read(params["objectives"])),
        overall=label_table.OVERALL,
        wording=label_table.WORDING,
        failures=label_table.FAILURES,
        in_context=label_table.CONTEXT,
    )
    return {"page": str(html), "answers": len(drawn), "strata": strata}


def _shown(one: Drawn) -> dict[str, Any]:
    example = {key: one.example[key] for key in ("task", "instruction", "question", "passages", "references")}
    text = one.answer["text"]
    known = {"pool": one.pool, "answer_id": one.answer["answer_id"], "answer_hash": labels.digest(text)}
    return {**known, "text": text, **example}


def figures(
    run: Run, params: Mapping[str, Any], files: Sequence[Path], name: str | None, options: Options
) -> dict[str, Any]:
    """Check the labels in `files`, add them to their table, and return all figures of the table."""
    new = [one for path in files for one in label_table.read(path)]
    if not new:
        raise ResetError(f"{files[0]}: no labels")
    table = label_table.FOLDER / f"{name or '-'.join(dict.fromkeys(one.pool for one in new))}.jsonl"
    old = label_table.read(table) if table.is_file() and table.resolve() not in {p.resolve() for p in files} else []
    names = sorted({one.pool for one in (*old, *new)})
    pools = {pool: label_sample.load(run, params, pool) for pool in names}
    objectives = declared.read(params["objectives"])
    label_table.check(new, pools, label_table.questions(objectives))
    merged, counts = label_table.merged([*old, *new])
    label_table.write(table, merged)
    stand, changed = label_table.standing(merged, pools)
    return {
        "table": str(table),
        "labels": len(merged),
        "people": sorted({one.who for one in merged}),
        **counts,
        "answer_changed": changed,
        "failures": label_table.failures(stand),
        **_compared(stand, pools, objectives, sorted(stand_ins(params)), options),
    }


def _compared(
    given: Sequence[label_table.Label],
    pools: Mapping[str, JudgedAnswers],
    objectives: declared.Objectives,
    standing_in: Sequence[str],
    options: Options,
) -> dict[str, Any]:
    """The figures of the labels that hold, and what they propose."""
    rows = label_agreement.gather(given, pools, declared.by_task(objectives))
    points = max((one.points for one in given), default=2)
    weights = declared.weights(objectives)
    return {
        "answers": len(rows),
        "threshold": options.threshold,
        "least": options.least,
        "stand_ins": [*standing_in],
        "judges": label_agreement.judges(rows, options),
        "between_people": label_agreement.people(rows, points, options),
        "floors": label_agreement.floors(rows, declared.floors(objectives, {}), options),
        "weights": label_weights.weights(rows, weights, options) if logistic.available() else None,
    }
