"""Mutation testing of what decides rows: how many small changes of the code do the tests notice?

`mutmut` (not among the requirements: `pip install mutmut==3.8.1`) changes one operator, constant, argument or name at a
time and runs the tests that call the changed function. `[tool.mutmut]` in pyproject.toml names the modules and the
tests. It changes functions and methods, but neither properties nor constants of a module. Of each module a share of
the mutants is drawn with a seed, and at least `FEWEST`. The result names the survivors; why one of them cannot be
noticed is written beside its name by hand, and kept.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks import result

FEWEST = 25  # mutants of a module that are tried, if it has so many
MADE = Path("mutants")
UNNOTICED = (0, 33)  # exit codes of mutmut: the tests passed, or none calls the function


@click.command()
@click.option("--share", default=0.25, show_default=True, help="Share of the mutants of each module.")
@click.option("--seed", default=0, show_default=True)
@click.option("--again", is_flag=True, help="Try the survivors of the last result, after tests were added.")
def main(share: float, seed: int, again: bool) -> None:
    """Try a share of the mutants; takes some 20 minutes of a core."""
    before = result.result_file("mutants", quick=False)
    known: dict[str, Any] = json.loads(before.read_text(encoding="utf-8")) if before.is_file() else {"survivors": {}}
    if again:
        run(*known["survivors"])
        tried = {module: one["tried"] for module, one in known["modules"].items()}
        share, seed = known["share"], known["seed"]
        names = set(known["survivors"])
    else:
        run("no.such.mutant")  # makes them all
        names = {name for _, of_module in sorted(made().items()) for name in draw(of_module, share, seed)}
        run(*sorted(names))
        tried = {module: len(names & of_module.keys()) for module, of_module in made().items()}
    publish(names, tried, known["survivors"], share=share, seed=seed)


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


def draw(names: Iterable[str], share: float, seed: int) -> list[str]:
    """Return the mutants of a module that are tried."""
    ordered = sorted(names)
    count = min(len(ordered), max(FEWEST, round(share * len(ordered))))
    return sorted(random.Random(seed).sample(ordered, count))


def publish(names: set[str], tried: dict[str, int], reasons: dict[str, str], **drawn: Any) -> None:
    """Write the figures of each module, and those of the mutants `names` that no test noticed, each with its reason."""
    codes = {name: code for of_module in made().values() for name, code in of_module.items()}
    if left := sorted(name for name in names if codes.get(name) is None):
        raise click.ClickException(f"{len(left)} mutants were not tried, such as {left[0]}")
    lived = {name: reasons.get(name, "") for name in sorted(names) if codes[name] in UNNOTICED}
    by_module = Counter(f"{name.rpartition('.')[0].replace('.', '/')}.py" for name in lived)
    modules = {
        module: {"mutants": len(of_module), "tried": tried[module], "noticed": tried[module] - by_module[module]}
        for module, of_module in made().items()
    }
    whole = sum(tried.values())
    checks = [
        result.check("noticed / tried", 1 - len(lived) / whole, ">= 0.9"),
        result.check("survivors without a reason", sum(not why for why in lived.values()), "<= 0"),
    ]
    told = {**drawn, "tried": whole, "modules": modules, "survivors": lived}
    result.publish("mutants", checks, libraries=["mutmut", "pytest"], quick=False, **told)


if __name__ == "__main__":
    main()
