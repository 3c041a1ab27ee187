"""From verdicts to curated rows, and what the choice did."""
