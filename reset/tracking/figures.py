"""Flatten nested parameters and figures to dotted names, as MLflow needs them."""

import json
import math
from collections.abc import Mapping
from typing import Any

SECRETS = ("api_key", "password", "secret")  # parameters whose names end with one of these are never written


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return parameters by dotted name, lists as JSON, without secrets (`SECRETS`)."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif not str(key).lower().endswith(SECRETS):
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value, default=str)
    return flat


def numbers(figures: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the finite numbers among `figures` by dotted name; other values are left out."""
    flat: dict[str, float] = {}
    for key, value in figures.items():
        if isinstance(value, Mapping):
            flat |= numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and math.isfinite(value):
            flat[f"{prefix}{key}"] = float(value)
    return flat
