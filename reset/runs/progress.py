"""How far a long stage is: a bar on a terminal; in a log file plain lines, one in a while and one at the end."""

import logging
import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

log = logging.getLogger(__name__)
LINE_S, BAR_S = 30.0, 0.1  # between two lines of a log file, two pictures of the bar


class Progress:
    """Counts answers, of `total`, and their tokens; rates are of what this run did. Use as a context manager."""

    def __init__(self, name: str, total: int, *, line_s: float = LINE_S) -> None:
        self._name, self._total = name, total
        self._done = self._tokens = 0
        self._found = self._found_tokens = 0  # made by an earlier run
        self._started = self._told = time.monotonic()
        terminal = sys.stderr.isatty()
        self._every_s = BAR_S if terminal else line_s
        shape = "{desc} {percentage:3.0f}%|{bar}|"  # the bar has what room is left
        self._bar = tqdm(total=total, desc=name, disable=not terminal, bar_format=shape)

    def add(self, tokens: int) -> None:
        """Count one answer of so many tokens."""
        self._done += 1
        self._tokens += tokens
        self._tell()

    def reach(self, done: int, tokens: int = 0, *, found: bool = False) -> None:
        """Count so many answers and tokens in all; with `found`, those that are new were made by an earlier run."""
        if found:
            self._found += done - self._done
            self._found_tokens += tokens - self._tokens
        self._done, self._tokens = done, tokens
        self._tell()

    def __str__(self) -> str:
        passed = max(time.monotonic() - self._started, 1e-9)
        made, tokens = self._done - self._found, self._tokens - self._found_tokens
        left = (self._total - self._done) * passed / made if made else 0.0
        speed = f", {made / passed:,.1f} answers/s" + (f", {tokens / passed:,.0f} tokens/s" if tokens else "")
        rates = f"{speed}, {tqdm.format_interval(left)} left" if made else " answers"
        return f"{self._done:,} of {self._total:,}{rates}"

    def _tell(self) -> None:
        if time.monotonic() - self._told >= self._every_s:
            self._told = time.monotonic()
            self._show()

    def _show(self) -> None:
        if self._bar.disable:
            log.info("%s: %s", self._name, self)
        else:
            self._bar.n = self._done
            self._bar.set_description_str(f"{self._name}: {self}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._show()
        self._bar.close()


def lines_to_stderr() -> None:
    """Let the lines of a log file be seen; for the stages."""
    log.setLevel(logging.INFO)
    log.addHandler(logging.StreamHandler())
    log.propagate = False
