"""The page on `reset-lm`: what each command says with --help."""

import click

from docs.generate.markdown import block, page
from reset.cli.main import COMMANDS, main


def pages() -> dict[str, str]:
    """Return the page by its path in the site."""
    group = click.Context(main, info_name="reset-lm", max_content_width=100, terminal_width=100)
    parts = [block(main.get_help(group))]
    for name in COMMANDS:
        command = main.get_command(group, name)
        assert command
        context = click.Context(command, info_name=name, parent=group, max_content_width=100, terminal_width=100)
        parts += [f"## `reset-lm {name}`", block(command.get_help(context))]
    return {"reference/commands.md": page("Commands", *parts)}
