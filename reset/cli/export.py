"""`reset-lm export`: write a system as a Hugging Face folder."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from reset.evidence.revisions import Run


@click.command()
@click.argument("system")
@click.option("--into", type=click.Path(path_type=Path), help="Folder to write.  [default: exports/SYSTEM]")
@click.option("--adapter", is_flag=True, help="Export only the adapter instead of merging it into its base model.")
@click.option(
    "--run", "rev", default=".", show_default=True, help="Run to read: a Git revision, a DVC experiment or a folder."
)
def export(system: str, into: Path | None, adapter: bool, rev: str) -> None:
    """Write SYSTEM as a folder that transformers and vLLM load: weights, tokenizer, chat template and model card.

    The card comes from the run's records: lineage with DVC's hashes, data and licences, settings, judges, scores with
    intervals, deviations from the paper. Weights that differ from dvc.lock are refused.

    \b
    Example:
      reset-lm export mtl_reset
      reset-lm export mtl_reset --run HEAD~1 --into ../published
    """  # noqa: D301  (click reads the \b)
    from reset.evidence import export as exporting  # transformers takes seconds to import

    folder = into or Path("exports") / system
    with TemporaryDirectory() as scratch:
        files = exporting.export(Run(rev, Path(scratch)), system, folder, apart=adapter)
    click.echo(f"{folder}: {', '.join(files)}")
