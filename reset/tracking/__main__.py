"""`python -m reset.tracking upload`: send the records of stage runs to MLflow."""

import click

from reset.tracking import send


@click.group()
def main() -> None:
    """Send the records of stage runs to MLflow."""


@main.command()
def upload() -> None:
    """Send what waits in .tracking/ to MLFLOW_TRACKING_URI, else to mlflow.db in the project's folder."""
    click.echo(send())


if __name__ == "__main__":
    main()
