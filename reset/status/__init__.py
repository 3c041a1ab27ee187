"""During a run: which stages are done, running and left, how fast they are, and what they cost."""
