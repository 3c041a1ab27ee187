"""What tests share: servers to talk to, small runs, clones of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"  # real records and the paper's text, which stay outside the project
