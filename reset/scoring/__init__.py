"""From verdicts to scores and intervals."""
