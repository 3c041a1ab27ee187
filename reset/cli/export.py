"""`reset-lm export`: write a system or a table as a Hugging Face folder."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from reset.errors import ResetError
from reset.evidence.revisions import Run


@click.command()
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), help="Folder to write.  [default: exports/NAME]")
@click.option("--adapter", is_flag=True, help="Export only the adapter instead of merging it into its base model.")
@click.option(
    "--run", "rev", default=".", show_default=True, help="Run to read: a Git revision, a DVC experiment or a folder."
)
def export(name: str, into: Path | None, adapter: bool, rev: str) -> None:
    """Write NAME as a folder for the Hugging Face hub, with a card made of the run's records. Nothing is uploaded.

    A system becomes a folder that transformers and vLLM load: weights, tokenizer, chat template. A table becomes one
    that datasets loads: answers/POOL, verdicts/POOL (the answers with all verdicts), curated/NAME or mixtures/NAME.
    What differs from dvc.lock is refused.

    \b
    Example:
      reset-lm export mtl_reset
      reset-lm export curated/reset
      reset-lm export verdicts/mtl_candidates --run HEAD~1 --into ../published
    """  # noqa: D301  (click reads the \b)
    from reset.evidence import dataset_export  # pyarrow takes long to import

    table = dataset_export.is_table(name)
    if table and adapter:
        raise ResetError(f"--adapter is for systems; {name} is a table")
    folder = into or Path("exports") / (dataset_export.plain(name) if table else name)
    with TemporaryDirectory() as scratch:
        run = Run(rev, Path(scratch))
        if table:
            files = dataset_export.export(run, name, folder)
        else:
            from reset.evidence import export as exporting  # transformers takes seconds to import

            files = exporting.export(run, name, folder, apart=adapter)
    click.echo(f"{folder}: {', '.join(files)}")
    kind = "dataset" if table else "model"
    click.echo(f"To publish it: hf upload USER/{folder.name} {folder} . --repo-type {kind}")
