"""The `reset-lm` command: one file per subcommand, imported when used."""
