"""Selection: from verdicts to curated rows, and statistics about the choice."""
