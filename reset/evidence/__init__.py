"""After a run: trace one row, compare runs, summarise seeds, measure judges, export a model with its card."""
