"""From a pool of answers to verdicts."""
