"""Before a run: everything that params.yaml needs is looked for, so that no stage stops late."""
