"""A training row: an example's rendered prompt with a response, in the columns of the mixtures table."""

from collections.abc import Mapping
from typing import Any

from reset.model.prompts import render


def training_row(
    example: Mapping[str, Any], template: str, *, repeat: int = 0, response: str | None = None
) -> dict[str, Any]:
    """A row of the mixtures table: the rendered prompt with `response`, or else with the first reference."""
    prompt = render(example, template)
    return {
        "example_id": example["example_id"],
        "repeat": repeat,
        "dataset": example["dataset"],
        "task": example["task"],
        "prompt": prompt.text,
        "context_start": prompt.start,
        "context_end": prompt.end,
        "response": example["references"][0] if response is None else response,
    }
