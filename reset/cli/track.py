"""`reset-lm track`: send the records of stage runs to MLflow."""

import click

from reset import tracking


@click.command()
def track() -> None:
    """Send what waits in .tracking/ to MLFLOW_TRACKING_URI, else to mlflow.db in the project's folder.

    A store that does not answer costs nothing: the records wait for the next time.

    \b
    Example:
      reset-lm track && mlflow ui
    """  # noqa: D301  (click reads the \b)
    click.echo(tracking.send())
