"""Before a run: estimates of its size and cost, the token check, a smaller decode grid, the next round."""
