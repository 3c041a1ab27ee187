"""The stages of the pipeline: one entry point each, run as `python -m stages.<name>`.

Under a `dvc repro` a stage is run by a process that has the heavy libraries loaded, if there is one.
"""

import os
import sys

from reset.runs import endings

endings.told()
if "DVC_ROOT" in os.environ:  # a `dvc` runs this: when it is killed, nothing goes on behind the back of the next one
    endings.with_parent()

if sys.argv[0] == "-m" and "RESET_STAGE_SERVER" in os.environ:
    from reset.runs.stage_server import ask

    _module, *_arguments = sys.orig_argv[sys.orig_argv.index("-m") + 1 :]
    if (_status := ask(os.environ["RESET_STAGE_SERVER"], _module, _arguments)) is not None:
        sys.exit(128 - _status if _status < 0 else _status)
