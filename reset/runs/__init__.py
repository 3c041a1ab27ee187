"""How long work is spread, resumed, counted and stopped."""
