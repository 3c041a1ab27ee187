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
@click.option("--again", is_flag=True, help="Try those that no test noticed before, after tests were added.")
def main(share: float, seed: int, again: bool) -> None:
    """Try a share of the mutants; takes some 20 minutes of a core."""
    if not again:
        run("no.such.mutant")  # makes them all
    names = survivors() if again else [one for _, names in sorted(made().items()) for one in draw(names, share, seed)]
    run(*names)
    publish(share, seed)


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


def survivors() -> list[str]:
    """Return the mutants that were tried and that no test noticed."""
    return [name for codes in made().values() for name, code in codes.items() if code in (0, 33)]


def publish(share: float, seed: int) -> None:
    """Write the figures of each module and the names of the mutants that no test noticed."""
    modules = {module: figures(codes) for module, codes in made().items()}
    tried, lived = sum(one["tried"] for one in modules.values()), survivors()
    checks = [result.check("killed / tried", 1 - len(lived) / tried, ">= 0.9")]
    told = {"share": share, "seed": seed, "tried": tried, "modules": modules, "survivors": lived}
    result.publish("mutants", checks, libraries=["mutmut", "pytest"], quick=False, **told)


def figures(codes: dict[str, int | None]) -> dict[str, int]:
    """Count the mutants of a module by what became of them."""
    tried = [code for code in codes.values() if code is not None]
    outcomes = Counter(OUTCOMES.get(code, "ended by a time limit or a signal") for code in tried)
    return {"mutants": len(codes), "tried": len(tried), **dict(sorted(outcomes.items()))}


if __name__ == "__main__":
    main()
