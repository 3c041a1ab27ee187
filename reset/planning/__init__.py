"""Before a run: what it would take, whether tokens agree, a smaller grid, the next round."""
