"""`reset-lm`: questions about runs, answered from what DVC has."""

from importlib import import_module

import click

from reset import __version__
from reset.errors import nearest

COMMANDS = {
    "compose": ("reset.cli.compose:compose", "Write params.yaml anew from conf/."),
    "diff": ("reset.cli.diff:diff", "Say what one run did otherwise than another."),
    "doctor": (
        "reset.cli.doctor:doctor",
        "Show the token ids that training and each engine read; fail where they differ.",
    ),
    "export": ("reset.cli.export:export", "Write a system as a Hugging Face folder with its model card."),
    "grid": ("reset.cli.grid:grid", "Propose a smaller decode grid from a judged pool."),
    "judge-quality": ("reset.cli.judge_quality:judge_quality", "Hold a judge against human labels."),
    "ledger": ("reset.cli.ledger:ledger", "Spend of the judges that ask a language model, export, re-parsing."),
    "plan": ("reset.cli.plan:plan", "Tell what a run would do and take, before it starts."),
    "round": ("reset.cli.round:round_", "Add a further round to the parameters."),
    "seeds": ("reset.cli.seeds:seeds", "Gather repeated runs into mean, spread and paired intervals."),
    "show": ("reset.cli.show:show", "Tell one row's story, from raw record to trained systems."),
    "track": ("reset.cli.track:track", "Send the records of stage runs to MLflow."),
}


class Lazy(click.Group):
    """A group that imports a subcommand only when it is run or asked for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the subcommands, in order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the subcommand `cmd_name`."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand, or say which there are."""
        if args and args[0] not in COMMANDS:
            raise click.UsageError(f"Unknown command '{args[0]}'. {nearest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Lazy)
@click.version_option(__version__, prog_name="reset-lm")
def main() -> None:
    """Ask about ReSet runs. Each command has --help with an example."""


if __name__ == "__main__":
    main()
