"""Shared shorthands: run one record through a source, and find the real samples where a checkout has them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reset.sources import Example, SetAside, Source
from tests.support import SHARED

Outcome = Callable[..., Any]


@pytest.fixture
def example() -> Outcome:
    """The example that a source makes of one record."""

    def run(source: Source, record: dict[str, Any]) -> Example:
        (outcome,) = source.outcomes([record])
        assert isinstance(outcome, Example), outcome
        return outcome

    return run


@pytest.fixture
def reason() -> Outcome:
    """Why a source sets one record aside."""

    def run(source: Source, record: dict[str, Any]) -> str:
        (outcome,) = source.outcomes([record])
        assert isinstance(outcome, SetAside), outcome
        return outcome.reason

    return run


@pytest.fixture
def real() -> Path:
    """The folder of real samples; tests over them are skipped where a checkout has none."""
    default = SHARED / "data/real"
    folder = Path(os.environ.get("RESET_REAL_DATA", default)).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real samples in {folder}")
    return folder
