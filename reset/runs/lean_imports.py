"""Imports that leave out what a library would load along and can do without."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Hide `packages` from what is imported meanwhile, as if they were not installed; one that is loaded stays.

    NLTK and transformers take SciPy and scikit-learn where they find them, for work that no judge asks of them: of
    importing NLTK that is three quarters of the time.
    """
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: the import system's word for "not there"
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]
