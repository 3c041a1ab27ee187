"""Training rows: the rendered prompt of an example with a response, in the columns of the mixtures table."""

from collections.abc import Mapping
from typing import Any

from reset.model.prompts import render


def training_row(
    example: Mapping[str, Any], template: str, *, repeat: int = 0, response: str | None = None
) -> dict[str, Any]:
    """Return a row of the mixtures table: the rendered prompt with `response`, by default the first reference."""
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
