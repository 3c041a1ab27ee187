"""Stage `report`: tables, plots and one page of what was measured; then send what tracking recorded."""

from pathlib import Path

import click

from reset import comparison, params, tracking
from reset.report import page, table4


@click.command()
@click.argument("into", type=click.Path(file_okay=False, path_type=Path))
def main(into: Path) -> None:
    """Write index.html, report.md and the rows of tables and plots to INTO."""
    p = params.load()
    settings = {"resamples": p.evaluate.bootstrap, "seed": p.seed}
    files = [into / "report.md", into / "table4.csv"]
    with tracking.run("report", "report", settings, artifacts=files, enabled=p.tracking.enabled):
        headline = page.write(
            into,
            metrics=Path("metrics"),
            scores=Path("data/scores"),
            systems=p.evaluate.systems,
            paper_rows=table4.ROWS,
            pairs=comparison.PAIRS,
            **settings,
        )
    click.echo(f"report: {into / 'index.html'}: {headline}")
    if p.tracking.enabled:
        click.echo(tracking.send())


if __name__ == "__main__":
    main()
