"""The tables of docs/real-text.md: python -m benchmarks.real_text_tables.

From docs/real_text.json, of runs in which words choose, and docs/real_text_nli.json, of one in which an NLI model does.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from reset.report import words

FILE = Path("docs/real_text.json")
NLI = Path("docs/real_text_nli.json")
ORDER = ("base", "mtl", "mtl_unfiltered", "mtl_random", "mtl_reset", "mtl_dpo")  # others come after these
SCORES = ("faithfulness_seen", "faithfulness_unseen", "copied_seen", "copied_unseen", "instruction", "task")
MEASURES = ("seen faithfulness", "unseen faithfulness", "instruction", "task")  # of README's table
README = (("mtl_reset", "mtl"), ("mtl_reset", "mtl_random"), ("mtl_dpo", "mtl"))
Figures = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ordered(systems: Iterable[str]) -> list[str]:
    """All of the systems, in the order of the tables."""
    return sorted(systems, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def scores(content: Figures) -> str:
    """Macro averages, the mean of the runs."""
    found = {(row["system"], row["score"]): row["mean"] for row in content["seeds"]["scores"]}
    names = ordered({system for system, _ in found})
    rows = [[name, *(words.figure(found[name, score]) for score in SCORES)] for name in names]
    return table(["system", *(score.replace("_", ", ") for score in SCORES)], rows)


def differences(content: Figures, measures: Sequence[str] | None = None, pairs: Sequence[Any] | None = None) -> str:
    """Paired differences with their intervals, all of them or those of these measures and pairs."""
    found = content["seeds"]["differences"]
    kept = [row for row in found if pairs is None or (row["system"], row["against"]) in pairs]
    names = measures or list(found[0]["measures"])
    return table(
        ["difference", *names],
        (
            [f"{row['system']} {words.MINUS} {row['against']}", *(_told(row["measures"][name]) for name in names)]
            for row in kept
        ),
    )


def _told(figures: dict[str, float | None]) -> str:
    return f"{words.signed(figures)} {words.interval(figures)}"


def watched(content: Figures) -> str:
    """What the second NLI model says of the systems' abstractive answers and summaries; it chose nothing."""
    found = content["watched"]["means"]
    names = ordered(found)
    datasets = list(found[names[0]])
    return table(
        ["system", *datasets], ([name, *(words.figure(found[name][one]) for one in datasets)] for name in names)
    )


def watched_differences(content: Figures) -> str:
    """Paired differences in what the second NLI model says."""
    rows = content["watched"]["differences"]
    return table(
        ["difference", "second NLI model"],
        ([f"{row['system']} {words.MINUS} {row['against']}", _told(row)] for row in rows),
    )


def watched_choices(content: Figures) -> str:
    """What the choice did to the verdict of the second NLI model."""
    return table(
        ["chosen by", "task", "all candidates", "chosen"],
        (
            [*name.split("/"), words.figure(row["pool"]), words.figure(row["winners"])]
            for name, row in content["watched"]["choices"].items()
        ),
    )


def choices(content: Figures) -> str:
    """What there was to choose from: of seven candidates, and of a random and the best one the score."""
    rows = []
    for dataset, row in content["choice"].items():
        pairs = content["alike"][dataset]
        figures = (row["distinct"], row["matters"], pairs["rouge_l"], row["random"], row["best"])
        rows.append([dataset, *map(words.figure, figures), words.figure(row["best"] - row["random"])])
    return table(["data set", "distinct", "choice matters", "alike", "random", "best", "gain"], rows)


def winners(content: Figures) -> str:
    """Words of the candidates and of the chosen answers, and the verdicts that each task was chosen by or watched."""
    rows = [
        [*name.split("/"), words.figure(row["pool"]), words.figure(row["winners"])]
        for name, row in content["winners"].items()
    ]
    return table(["task", "verdict", "all candidates", "chosen"], rows)


def ended(content: Figures) -> str:
    """Faithfulness of summaries and abstractive answers where `mtl` ended its answer, and where it was cut off."""
    keys = ("ended_prompts", "ended_faithfulness", "cut_prompts", "cut_faithfulness")
    rows = [
        [name, *(f"{row[key]:g}" if "prompts" in key else words.figure(row[key]) for key in keys)]
        for name in ordered(content["ended"])
        if (row := content["ended"][name])
    ]
    return table(["system", "`mtl` ended", "faithfulness", "`mtl` was cut off", "faithfulness"], rows)


def costs(content: Figures) -> str:
    """What the stages of all runs took."""
    rows = [
        [
            f"`{kind}`",
            str(row["stages"]),
            *(f"{row[key] / 60:.1f}" for key in ("wall_s", "cpu_s")),
            f"{row['peak_bytes'] / 1e9:.2f}",
        ]
        for kind, row in content["costs"].items()
    ]
    return table(["stage", "times run", "minutes", "minutes of processor", "largest peak, GB"], rows)


BY_WORDS = (scores, differences, choices, ended, winners, costs)
BY_NLI = (scores, differences, choices, winners)
WATCHED = (watched, watched_differences, watched_choices)


def page(content: Figures) -> list[str]:
    """The tables of the runs in which words choose, in their order."""
    return [make(content) for make in BY_WORDS]


def nli_page(content: Figures) -> list[str]:
    """The tables of the run in which an NLI model chooses; those of its watcher if it has ended."""
    return [make(content) for make in (*BY_NLI, *(WATCHED if "watched" in content else ()))]


def readme(content: Figures) -> str:
    """The table of README."""
    return differences(content, MEASURES, README)


@click.command()
def main() -> None:
    """Print the tables."""
    words_chose, nli_chose = (json.loads(file.read_text(encoding="utf-8")) for file in (FILE, NLI))
    click.echo("\n\n".join([*page(words_chose), readme(words_chose), *nli_page(nli_chose)]))


if __name__ == "__main__":
    main()
