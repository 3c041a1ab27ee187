"""Loads a model to train, in processes of its own (run as a module); prints what it takes and what it is."""

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from reset.runs.launcher import launcher
from reset.training import loop
from reset.training.recipe import Recipe
from reset.training.start import start
from tests.support import ROOT, warm

# memory that is freed goes back at once, as that of a large model's layers does
AS_LARGE = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}


def load(init: Path, recipe: Recipe, processes: int) -> list[dict[str, Any]]:
    """Load `init` on so many ranks; return of each the host memory at most, and the dtypes of weights and buffers."""
    done = subprocess.run(
        warm.command("tests.support.load_alone", str(init), json.dumps(asdict(recipe)), ranks=launcher(processes)),
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **_server().variable},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line) for line in re.findall(r'{"bytes".*?}', done.stdout)]
    assert len(found) == processes, done.stdout + done.stderr
    return found


@cache
def _server() -> warm.Server:
    return warm.start({**os.environ, **AS_LARGE})


def _memory() -> int:
    """Bytes of this process that are no pages of a file, which the kernel may drop and ranks share."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def main() -> None:
    """Load as the command line says, and look at the memory every few milliseconds."""
    loop.rendezvous()
    before = highest = _memory()
    loaded = threading.Event()

    def look() -> None:
        nonlocal highest
        while not loaded.wait(0.005):
            highest = max(highest, _memory())

    looking = threading.Thread(target=look)
    looking.start()
    model = start(Path(sys.argv[1]), Recipe(**json.loads(sys.argv[2])), None, 0)
    loaded.set()
    looking.join()
    weights, buffers = ({str(one.dtype) for one in some} for some in (model.parameters(), model.buffers()))
    print(json.dumps({"bytes": highest - before, "weights": [*weights], "buffers": [*buffers]}), flush=True)
    loop.leave()


if __name__ == "__main__":
    main()
