"""After a run: one row's story, two runs compared, seeds gathered, a model exported with its card."""
