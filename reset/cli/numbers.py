"""Numbers of the command line."""

import math
from typing import Any

import click


class Finite(click.FloatRange):
    """A number in a range; `nan`, which is neither below nor above any number, and `inf` are refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; a `click.BadParameter` says what is wrong."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no number of the range {self._describe_range()}.", param, ctx)
        return number
