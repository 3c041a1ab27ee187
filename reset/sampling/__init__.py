"""From prompts to a pool of answers."""
