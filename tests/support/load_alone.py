"""Loads a model to train, in a process of its own (run as a script); prints the host memory that this takes at most."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from reset.runs.launcher import launcher
from reset.training import loop
from reset.training.recipe import Recipe
from reset.training.start import start
from tests.support import ROOT


def peaks(init: Path, recipe: Recipe, processes: int) -> list[int]:
    """Load `init` on so many ranks; return the bytes at most of each, in order of size."""
    done = subprocess.run(
        [*launcher(processes), __file__, str(init), json.dumps(asdict(recipe))],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    marked = [line.partition("PEAK ")[2].split() for line in done.stdout.splitlines() if "PEAK " in line]
    assert len(marked) == processes, done.stdout + done.stderr
    return sorted(int(words[0]) for words in marked)


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
    start(Path(sys.argv[1]), Recipe(**json.loads(sys.argv[2])), None, 0)
    loaded.set()
    looking.join()
    print(f"PEAK {highest - before} .", flush=True)
    loop.leave()


if __name__ == "__main__":
    main()
