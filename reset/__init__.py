"""ReSet: rejection sampling for continued self-instruction tuning (Wu et al. 2024, arXiv 2407.21417)."""

__version__ = "0.1.0"
