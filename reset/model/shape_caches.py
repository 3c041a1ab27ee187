"""Bound the memory that matrix shapes cost on a CPU.

oneDNN and PyTorch's layer over it keep half a megabyte and more for each of the last 1,024 matrix shapes. Passes of
training, and prompts, differ in length, so a process grows by hundreds of megabytes without becoming faster.
"""

import os

SHAPES = 64  # more than the layers of one pass have
_VARIABLES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")  # both libraries read theirs when first used


def bound() -> None:
    """Keep at most `SHAPES` shapes, here and in processes that are started, unless the environment says how many."""
    for variable in _VARIABLES:
        os.environ.setdefault(variable, str(SHAPES))
