"""Speed claims, each measured by a script: `python -m benchmarks.<name> [--quick]`."""
