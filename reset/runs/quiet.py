"""Leave to a command its own lines: what imported libraries log, warn of and draw is no part of its output.

DeepSpeed logs to stdout when it is imported, which broke `--json`; transformers draws a bar for each model. Errors of
libraries are shown, and so is what this package logs.
"""

import logging
import os
import sys
import warnings

OURS = "reset"


class Quiet(logging.Logger):
    """A logger that shows errors alone, whatever level its library sets, unless it is this package's."""

    def isEnabledFor(self, level: int) -> bool:
        """Return whether a record of `level` is shown."""
        return (level >= logging.ERROR or self.name.partition(".")[0] == OURS) and super().isEnabledFor(level)


def libraries() -> None:
    """Silence libraries that are imported from here on; Python's warnings stay if they are asked for (`-W`)."""
    logging.setLoggerClass(Quiet)
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the bars of transformers too
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
