"""The figures of `reset-lm label --read` as tables of text for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reset.report import words

FIGURES = ("auroc", "accuracy", "kappa", "alpha")
Content = Mapping[str, Any]


def text(content: Content) -> str:
    """Return all figures, with a line for each thing that could not be computed."""
    sections = [f"{title}\n{words.aligned(rows)}" for title, rows in _sections(content) if len(rows) > 1]
    return "\n\n".join(["\n".join(_head(content)), *sections, *_notes(content)])


def _head(content: Content) -> Iterator[str]:
    people = ", ".join(content["people"])
    yield f"{content['table']}: {content['labels']} labels by {people}, of {content['answers']} answers"
    aside = {"repeated": content["duplicates"], "replaced by later ones": content["replaced"]}
    aside["of texts that the pool no longer has"] = content["answer_changed"]
    if any(aside.values()):
        yield "Set aside: " + ", ".join(f"{count} {why}" for why, count in aside.items() if count)
    if ticked := [f"{name} {count}" for name, count in content["failures"].items() if count]:
        yield "Ticked: " + ", ".join(ticked)


def _sections(content: Content) -> Iterator[tuple[str, list[list[str]]]]:
    for objective, rows in content["judges"].items():
        title = f"{objective}: verdicts against labels, a score of {content['threshold']:g} or more is a yes"
        yield title, [["verdict", "n", "yes", *FIGURES], *(_judge(name, row, content) for name, row in rows.items())]
    between = content["between_people"].items()
    yield (
        "Between people",
        [["objective", "n", "differ", "alpha"], *(_between(name, row, content) for name, row in between)],
    )
    head = ["objective", "n", "floor", "balanced accuracy", "present floor", "balanced accuracy"]
    yield "Floors that part yes from no best", [head, *(_floor(name, row) for name, row in content["floors"].items())]
    head = ["objective", "n", "weight", "present weight"]
    yield "Weights that follow the overall label", [head, *_weights(content["weights"] or ())]


def _judge(name: str, row: Content, content: Content) -> list[str]:
    cells = [words.label(name, name in content["stand_ins"]), str(row["n"]), str(row["yes"])]
    if row["too_few"]:
        return [*cells, f"too few, below {content['least']}", "", "", ""]
    return [*cells, *(figure(row[one]) for one in FIGURES)]


def _between(name: str, row: Content, content: Content) -> list[str]:
    shown = f"too few, below {content['least']}" if row["too_few"] else figure(row["alpha"])
    return [name, str(row["n"]), str(row["differ"]), shown]


def _floor(name: str, row: Content) -> list[str]:
    present = words.DASH if row["present"] is None else f"{row['present']:g}"
    accuracy = [words.figure(row[key]) for key in ("balanced_accuracy", "present_balanced_accuracy")]
    return [name, str(row["n"]), figure(row["floor"]), accuracy[0], present, accuracy[1]]


def _weights(groups: Sequence[Content]) -> Iterator[list[str]]:
    for group in groups:
        for name, weight in group.get("weights", {}).items():
            yield [name, str(group["n"]), figure(weight), f"{group['present'][name]:g}"]


def _notes(content: Content) -> Iterator[str]:
    if content["weights"] is None:
        yield "No weights are proposed: scikit-learn is not installed; requirements/ui.txt has it."
    for group in content["weights"] or ():
        if "weights" not in group:
            why = f"too few, below {content['least']}" if group["too_few"] else "all the same"
            names = " and ".join(group["objectives"])
            yield f"No weights of {names}: {group['n']} overall labels with all values, {why}."


def figure(of: dict[str, float | None]) -> str:
    """Return a figure with its interval."""
    return f"{words.figure(of['value'])} {words.interval(of)}".rstrip()
