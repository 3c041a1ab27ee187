"""Nested parameters and figures as flat names, the form in which MLflow takes them."""

import json
import math
from collections.abc import Mapping
from typing import Any

SECRETS = ("api_key", "password", "secret")  # parameters with names that end like this are never written


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Parameters under dotted names; lists as JSON; those that hold a secret are left out."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif not str(key).lower().endswith(SECRETS):
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value, default=str)
    return flat


def numbers(figures: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The finite numbers among `figures`, under dotted names; everything else stays in the file itself."""
    flat: dict[str, float] = {}
    for key, value in figures.items():
        if isinstance(value, Mapping):
            flat |= numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and math.isfinite(value):
            flat[f"{prefix}{key}"] = float(value)
    return flat
