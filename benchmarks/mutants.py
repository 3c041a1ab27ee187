"""Mutation testing of what decides rows: how many small changes of the code do the quick tests notice?

`mutmut` (not among the requirements: `pip install mutmut==3.8.1`) changes one operator, constant, argument or name at a
time and runs the tests that call the changed function. `[tool.mutmut]` in pyproject.toml names the modules and the
tests. It changes functions and methods, but neither properties nor constants of a module. Of each module a share of
the mutants is drawn with a seed, and at least `FEWEST`; the names of the survivors are in the result.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks import result

FEWEST = 25  # mutants of a module that are tried, if it has so many
MADE = Path("mutants")
OUTCOMES = {0: "survived", 33: "no test", 1: "killed", 3: "killed"}  # exit codes of mutmut; others end by a signal


@click.command()
@click.option("--share", default=0.25, show_default=True, help="Share of the mutants of each module.")
@click.option("--seed", default=0, show_default=True)
def main(share: float, seed: int) -> None:
    """Try a share of the mutants; takes some 20 minutes of a core."""
    run("no.such.mutant")
    drawn = [name for _, names in sorted(made().items()) for name in draw(names, share, seed)]
    run(*drawn)
    publish(set(drawn), share, seed)


def run(*names: str) -> None:
    """Let mutmut try the mutants called `names`."""
    subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "1", *names], check=False)


def made() -> dict[str, dict[str, int | None]]:
    """Return, by module, the exit code of each mutant; None for one that was not tried."""
    return dict(_made())


def _made() -> Iterator[tuple[str, dict[str, int | None]]]:
    for path in sorted(MADE.glob("reset/**/*.meta")):
        if codes := json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]:
            yield str(path.relative_to(MADE).with_suffix("")), codes


def draw(names: dict[str, Any], share: float, seed: int) -> list[str]:
    """Return the mutants of a module that are tried."""
    count = min(len(names), max(FEWEST, round(share * len(names))))
    return sorted(random.Random(seed).sample(sorted(names), count))


def publish(drawn: set[str], share: float, seed: int) -> None:
    """Write the figures of each module and the names of the mutants that no test noticed."""
    modules, survivors = {}, []
    for module, codes in made().items():
        tried = {name: code for name, code in codes.items() if name in drawn and code is not None}
        outcomes = Counter(OUTCOMES.get(code, "killed by a time limit or a signal") for code in tried.values())
        modules[module] = {"mutants": len(codes), "tried": len(tried), **outcomes}
        survivors += [name for name, code in tried.items() if OUTCOMES.get(code) in ("survived", "no test")]
    tried, lived = sum(one["tried"] for one in modules.values()), len(survivors)
    checks = [result.check("killed / tried", 1 - lived / tried, ">= 0.9")]
    figures = {"share": share, "seed": seed, "modules": modules, "survivors": survivors}
    result.publish("mutants", checks, libraries=["mutmut", "pytest"], quick=False, **figures)


if __name__ == "__main__":
    main()
