"""`reset-lm`: set up, inspect, compare and export runs."""

from importlib import import_module

import click

from reset import __version__
from reset.errors import nearest
from reset.runs import endings, quiet

COMMANDS = {
    "check": ("reset.cli.check:check", "Look for everything that a run needs before it starts."),
    "compose": ("reset.cli.compose:compose", "Write params.yaml from conf/."),
    "diff": ("reset.cli.diff:diff", "Compare two runs: parameters, scores, tables, winners, judges."),
    "doctor": (
        "reset.cli.doctor:doctor",
        "Compare the token ids that training and each engine read; fail if they differ.",
    ),
    "export": ("reset.cli.export:export", "Write a system, pool or curated set as a Hugging Face folder with a card."),
    "grid": ("reset.cli.grid:grid", "Propose a smaller decode grid from a judged pool."),
    "init": ("reset.cli.init:init", "Make a scale of your own files by five questions, and compose it."),
    "judge-quality": ("reset.cli.judge_quality:judge_quality", "Compare judges with human labels of faithfulness."),
    "label": ("reset.cli.label:label", "Let people label answers; hold judges, weights and floors against the labels."),
    "ledger": (
        "reset.cli.ledger:ledger",
        "Show spend of the judges that call a language model; export or re-parse replies.",
    ),
    "plan": ("reset.cli.plan:plan", "Show which stages would run, and their memory, disk, tokens, hours and cost."),
    "round": ("reset.cli.round:round_", "Add one more round to the parameters."),
    "seeds": ("reset.cli.seeds:seeds", "Summarise repeated runs: mean, spread, paired intervals."),
    "show": ("reset.cli.show:show", "Trace one row, from raw record to trained systems."),
    "status": ("reset.cli.status:status", "Show what a run has done, what it does and what is left."),
    "tidy": ("reset.cli.tidy:tidy", "Remove what renamed or removed rows of params.yaml have left behind."),
    "track": ("reset.cli.track:track", "Send records of stage runs to MLflow."),
    "tradeoff": (
        "reset.cli.tradeoff:tradeoff",
        "Show what other weights and floors would choose from a judged pool.",
    ),
}


class Lazy(click.Group):
    """A group that imports a subcommand only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands, in order."""
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
        """Find the subcommand; name the known ones if there is none of that name."""
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
    """Set up, inspect, compare and export ReSet runs. Each command has --help with an example."""
    endings.told()
    quiet.libraries()


if __name__ == "__main__":
    main()
