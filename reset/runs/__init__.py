"""How long-running work is distributed, resumed, counted and stopped."""
