"""The command `dvc` of this environment: DVC's own, with what makes a long line light.

- Stages run under the interpreter that runs DVC, whether or not its environment is activated: the interpreter's folder
  comes first on PATH.
- dvc.lock is updated in place (`lock_file.py`), and params.yaml is parsed once, not once per stage.
- On Linux without a GPU, the stages of `dvc repro` and `dvc exp run` are started by a process that has torch and others
  loaded (`stage_processes.py`); RESET_STAGE_SERVER=0 in the environment turns that off.
- Before the first stage of a run that needs models of the hub or a judge's server, `reset-lm check` looks for all that
  it needs; RESET_CHECK=0 leaves that out, and so does naming targets. Beginning and end of a run and of its stages are
  noted for `reset-lm status`. What belongs to no stage any more is told at the end (`whole_runs.py`).
- DVC's list of locks survives a kill (`rwlock.py`), and a damaged file of its cache is found (`cached_files.py`).
- `dvc exp show` without flags shows the scores that sum up a run and the parameters that differ (`exp_show.py`).

A `dvc` that was installed elsewhere does without: slower, with the same result.
"""

import os
import sys
from pathlib import Path

from reset.dvc_command.cached_files import hash_cached_files
from reset.dvc_command.exp_show import show_few
from reset.dvc_command.lock_file import update_in_place
from reset.dvc_command.parsed_params import parse_params_once
from reset.dvc_command.rwlock import write_rwlock_whole
from reset.dvc_command.stage_processes import fork_stages
from reset.dvc_command.whole_runs import watch_runs
from reset.runs import endings


def main() -> int:
    """Run DVC with the arguments of the command line and return its exit status."""
    endings.told()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin stop everybody on a machine that is busy
    from dvc.cli import main as dvc

    hash_cached_files()
    if sys.argv[1:2] in (["repro"], ["exp"]):
        for change in (fork_stages, update_in_place, write_rwlock_whole, parse_params_once, watch_runs, show_few):
            change()
    return int(dvc())


if __name__ == "__main__":
    sys.exit(main())
