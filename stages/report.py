"""Stage `report`: write tables, plots and one page of all results; then send the tracking records."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

from reset import checkpoint_names, params, tracking
from reset.files import stage_times
from reset.files.metrics import Metrics, of_another
from reset.llm.ledger import Ledger, location
from reset.params.document import Params
from reset.report import browser, costs, gains, lineage, measured, page, seed_table
from reset.report.story import Run
from reset.runs import machine


@click.command()
@click.argument("into", type=click.Path(file_okay=False, path_type=Path))
def main(into: Path) -> None:
    """Write index.html, report.md and the rows of tables and plots to INTO."""
    p = params.load()
    settings: dict[str, Any] = {"resamples": p.evaluate.bootstrap, "seed": p.seed}
    names = ("report.md", "table4.csv", "overview.json", "systems.json", "differences.json")
    files = [params.FILE, *(into / name for name in names)]
    pages = [into / "index.html"]
    with tracking.run("report", "report", settings, artifacts=files, pages=pages, enabled=p.tracking.enabled):
        content = browser.content(
            shelves(p),
            verdicts=Path("data/verdicts"),
            objectives=params.objectives_of(p),
            tradeoff=p.report.tradeoff,
            max_bytes=int(p.report.browser_mb * 1e6),
            stand_ins=params.stand_ins(p),
            labels=Path("labels"),
        )
        headline = page.write(into, measured.gather(**sources(p), **settings), content, run(p))
    click.echo(f"report: {into / 'index.html'}: {headline}")
    if p.tracking.enabled:
        click.echo(tracking.send())


def sources(p: Params) -> dict[str, Any]:
    """Return the arguments of `measured.gather`: what the report reads, and what it shows."""
    rows = p.model_dump()
    return {
        "metrics": Metrics(Path("metrics"), p.scale, declared(p)),
        "scores": Path("data/scores"),
        "systems": p.evaluate.systems,
        "objectives": params.objectives_of(p),
        "tradeoff": p.report.tradeoff,
        "paper_rows": p.report.paper_rows,
        "pairs": p.report.comparisons,
        "pipelines": p.report.pipelines,
        "stand_ins": params.stand_ins(p),
        "points": points(p),
        "continued": gains.continued(rows["systems"], rows["curated"], p.evaluate.systems),
        "much_longer": p.report.much_longer,
        "similar": p.report.similar,
        "similar_on": p.report.similar_on,
        "verified": verified(p),
        "rated_by": {name: row.rating for name, row in p.curated.items() if row.pick != "random"},
        "seeds": seed_table.read_table(Path(p.report.seeds), p.scale),
    }


def verified(p: Params) -> dict[str, Path]:
    """Return the verdicts of the first judge of kind `verifiable`, by evaluated pool; empty if there is none."""
    judges = [name for name, row in p.judges.items() if row.kind == "verifiable"]
    return {pool: Path(f"data/verdicts/{pool}/{judges[0]}.parquet") for pool in p.evaluate.systems if judges}


def run(p: Params) -> Run:
    """Return what the page says of the run besides its metrics: what was run, on what, and what it took."""
    metrics = Metrics(Path("metrics"), p.scale, declared(p))
    seconds, dollars = stage_times.seconds(tracking.root(), p.scale), spent(p)
    models = {pool: row.model for pool, row in p.pools.items()}
    inits = {name: row.init for table in (p.systems, p.interpolated) for name, row in table.items()}
    started = dict.fromkeys(
        row.init.removeprefix("base/") for row in p.systems.values() if row.init.startswith("base/")
    )
    what = {
        "scale": p.scale,
        "model": ", ".join(str(p.base[name].options.get("id", name)) for name in started),
        "seed": p.seed,
        "systems": len(metrics.of("systems")),
        "judges": ", ".join(p.judges),
        "training rows": f"up to {max((one['rows_out'] for one in metrics.of('mix').values()), default=0):,}",
        "test prompts": f"{metrics.read(f'draw/{p.evaluate.prompts}').get('rows_out', 0):,}",
    }
    where = {"machine": machine.described(), "commit": tracking.commit()[:10]}
    return Run(
        costs.facts(metrics, what, where, seconds, dollars),
        lineage.lineage(models, inits, p.evaluate.systems),
        costs.rows(metrics, seconds),
        costs.longest(seconds),
        dollars,
    )


def spent(p: Params) -> list[dict[str, Any]]:
    """Return what the ledger says of the judges of this run, if it has any: pools, replies, tokens and dollars."""
    if not location().is_file():
        return []
    with Ledger(location()) as ledger:
        found = [row for row in ledger.spend() if row["judge"] in p.judges and row["pool"] in p.pools]
    keys = ("judge", "pool", "model", "replies", "prompt_tokens", "completion_tokens", "usd")
    return [{key: row[key] for key in keys} for row in found]


def declared(p: Params) -> dict[str, Collection[str]]:
    """Return the rows of params.yaml whose metrics the report shows, by folder of metrics/."""
    return {
        **{
            "fetch": p.datasets,
            "prepare": p.datasets,
            "mix": p.mixtures,
            "draw": p.prompts,
            "train": [*p.systems, *p.interpolated],
        },
        **{"sample": p.pools, "select": p.curated, "systems": p.evaluate.systems, "watch": p.watchers},
        **{"screen": ["examples"], "judge": [f"{pool}/{judge}" for pool in p.pools for judge in p.judges]},
    }


def points(p: Params) -> list[checkpoint_names.Point]:
    """Return the evaluated checkpoints of all systems."""
    inits = {name: row.init for name, row in p.systems.items()}
    keep = {name: row.keep for name, row in p.systems.items()}
    return checkpoint_names.ways(inits, keep, {pool: p.pools[pool].model for pool in p.evaluate.systems})


def shelves(p: Params) -> list[browser.Shelf]:
    """Return each table of prompts with its pools and curated sets, the evaluated prompts first.

    Of the evaluated prompts only the evaluated pools are shown.
    """
    answers, curated = Path("data/answers"), Path("data/curated")

    def own(pool: str) -> bool:
        return not of_another(answers / f"{pool}.parquet", p.scale)

    return [
        browser.Shelf(
            name,
            Path(f"data/prompts/{name}.parquet"),
            {
                pool: answers / f"{pool}.parquet"
                for pool, row in p.pools.items()
                if row.prompts == name and (name != p.evaluate.prompts or pool in p.evaluate.systems) and own(pool)
            },
            {
                key: (row.pool, curated / f"{key}.parquet")
                for key, row in p.curated.items()
                if row.prompts == name and own(row.pool) and not of_another(curated / f"{key}.parquet", p.scale)
            },
        )
        for name in sorted(p.prompts, key=lambda one: one != p.evaluate.prompts)
    ]


if __name__ == "__main__":
    main()
