"""From verdicts to scores, macro averages and intervals."""
