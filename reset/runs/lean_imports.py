"""Skip slow optional dependencies (SciPy, scikit-learn) while importing NLTK or transformers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Make `packages` look uninstalled to imports inside the block; packages that are already imported stay.

    NLTK and transformers import SciPy and scikit-learn if installed, for functions that no judge uses. That is three
    quarters of NLTK's import time.
    """
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]
