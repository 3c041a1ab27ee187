"""Verifiable instructions (Zhou et al. 2023, "Instruction-Following Evaluation for Large Language Models", Table 4)."""
