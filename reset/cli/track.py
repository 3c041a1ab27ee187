"""`reset-lm track`: send records of stage runs to MLflow."""

import click

from reset import tracking


@click.command()
def track() -> None:
    """Send the records waiting in .tracking/ to MLFLOW_TRACKING_URI, or to mlflow.db in the project folder if unset.

    If the store does not answer, the records stay there for the next call.

    \b
    Example:
      reset-lm track && mlflow ui
    """  # noqa: D301  (click reads the \b)
    click.echo(tracking.send())
