"""What else a system can do: tasks of other benchmarks, which no choice reads."""
