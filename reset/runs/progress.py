"""Progress of a long stage: a bar on a terminal; in a log file a line every `LINE_S` seconds and one at the end."""

import logging
import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

log = logging.getLogger(__name__)
LINE_S, BAR_S = 30.0, 0.1  # seconds between two lines of a log file, and between two updates of the bar


class Progress:
    """Counts answers, out of `total`, and their tokens; rates are those of this run only. Use as a context manager."""

    def __init__(self, name: str, total: int, *, line_s: float = LINE_S) -> None:
        self._name, self._total = name, total
        self._done = self._tokens = 0
        self._earlier = self._earlier_tokens = 0  # answers and tokens of an earlier run
        self._started = self._last_shown = time.monotonic()
        terminal = sys.stderr.isatty()
        self._interval_s = BAR_S if terminal else line_s
        bar_format = "{desc} {percentage:3.0f}%|{bar}|"  # the bar fills the rest of the line
        self._bar = tqdm(total=total, desc=name, disable=not terminal, bar_format=bar_format)

    def add(self, tokens: int) -> None:
        """Count one more answer of `tokens` tokens."""
        self._done += 1
        self._tokens += tokens
        self._show_if_due()

    def reach(self, done: int, tokens: int = 0, *, found: bool = False) -> None:
        """Set the total counts; with `found`, the increase was made by an earlier run and does not count in rates."""
        if found:
            self._earlier += done - self._done
            self._earlier_tokens += tokens - self._tokens
        self._done, self._tokens = done, tokens
        self._show_if_due()

    def __str__(self) -> str:
        seconds = max(time.monotonic() - self._started, 1e-9)
        answers, tokens = self._done - self._earlier, self._tokens - self._earlier_tokens  # of this run
        seconds_left = (self._total - self._done) * seconds / answers if answers else 0.0
        speed = f", {answers / seconds:,.1f} answers/s" + (f", {tokens / seconds:,.0f} tokens/s" if tokens else "")
        rates = f"{speed}, {tqdm.format_interval(seconds_left)} left" if answers else " answers"
        return f"{self._done:,} of {self._total:,}{rates}"

    def _show_if_due(self) -> None:
        if time.monotonic() - self._last_shown >= self._interval_s:
            self._last_shown = time.monotonic()
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
    """Send the progress lines to standard error; called by the stages."""
    log.setLevel(logging.INFO)
    log.addHandler(logging.StreamHandler())
    log.propagate = False
