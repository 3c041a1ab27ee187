"""The comparison of two runs as tables of text, for the terminal and for an HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reset.report import html, intervals, words

Section = tuple[str, list[str], list[list[str]]]  # title, head, rows
NAMES = {  # title -> what the navigation calls it
    "Parameters that differ": "Parameters",
    "Scores (macro averages) of systems that changed": "Scores",
    "Other macro averages": "Other averages",
    "Scores per data set": "Data sets",
    "Prompts whose winner changed": "Winners",
    "Wins per decode setting": "Settings",
    "Changed winners, the first of each set": "Texts",
    "Scores that judges moved": "Judges",
}


def sections(comparison: Mapping[str, Any], *, whole: bool = False) -> Iterator[Section]:
    """Yield the sections of a comparison; `whole` adds scores per data set and the texts of the winners."""
    rows = [[row["key"], _text(row["a"]), _text(row["b"])] for row in comparison["params"]]
    yield "Parameters that differ", ["parameter", "A", "B"], rows
    macro = [row for row in comparison["scores"] if "p_holm" in row]
    head = ["system", "score", "A", "B", "difference", "95 % interval", "p (Holm)"]
    yield "Scores (macro averages) of systems that changed", head, [_score(row, row["score"]) for row in macro]
    if whole:
        rest = [row for row in comparison["scores"] if row["dataset"]]
        rows = [_score(row, f"{row['dataset']}: {row['score']}") for row in rest]
        others = [row for row in comparison["scores"] if row["dataset"] is None and "p_holm" not in row]
        yield "Other macro averages", head[:-1], [_score(row, row["score"])[:-1] for row in others]
        yield "Scores per data set", head[:-1], [row[:-1] for row in rows]
    yield from _tables(comparison["tables"])
    yield from _winners(comparison["winners"], whole)
    keys = ("judge", "verdict", "pool", "answers", "up", "down", "mean", "nulls_a", "nulls_b")
    rows = [[_judged(row, key) for key in keys] for row in comparison["judges"] if row["answers"]]
    head = ["judge", "verdict", "pool", "answers in both", "up", "down", "mean move", "nulls A", "nulls B"]
    yield "Scores that judges moved", head, rows


def _score(row: Mapping[str, Any], name: str) -> list[str]:
    difference = {"mean": row["difference"], **{key: row[key] for key in ("low", "high", "prompts")}}
    return [
        *(row["system"], words.label(name, row.get("stand_in")), words.figure(row["a"]), words.figure(row["b"])),
        *(words.signed(difference), words.interval(difference) or words.unknown(difference)),
        words.p_value(row.get("p_holm")),
    ]


def _judged(row: Mapping[str, Any], key: str) -> str:
    if key == "mean":
        return words.signed({"mean": row["mean"]})
    return words.label(row[key], row.get("stand_in")) if key == "verdict" else str(row[key])


def _tables(tables: Sequence[Mapping[str, Any]]) -> Iterator[Section]:
    changed = [row for row in tables if not row["equal"]]
    rows = []
    for row in changed:
        name = row["table"] if row["was"] in (None, row["is"]) or row["is"] is None else f"{row['is']} ({row['was']})"
        columns = ", ".join(f"{column} {count}" for column, count in row["columns"].items())
        counts = ("rows_a", "rows_b", "added", "gone", "changed")
        rows.append([name, *(words.DASH if row[key] is None else str(row[key]) for key in counts), columns])
    title = f"Tables: {len(tables) - len(changed)} equal, {len(changed)} not"
    yield title, ["table", "rows A", "rows B", "added", "gone", "changed", "columns changed"], rows


def _winners(winners: Sequence[Mapping[str, Any]], whole: bool) -> Iterator[Section]:
    keys = ("prompts_a", "prompts_b", "both", "changed")
    rows = [[_names(row), *(str(row[key]) for key in keys)] for row in winners]
    head = ["curated set", "prompts A", "prompts B", "in both", "winner changed"]
    yield "Prompts whose winner changed", head, rows
    rows = [
        [_names(row), setting["setting"], str(setting["a"]), str(setting["b"])]
        for row in winners
        for setting in row["settings"]
        if whole or setting["a"] != setting["b"]
    ]
    yield "Wins per decode setting", ["curated set", "setting", "A", "B"], rows
    if whole:
        rows = [
            [prompt["example_id"], *(f"{prompt[side]['setting']}: {prompt[side]['response']}" for side in ("a", "b"))]
            for row in winners
            for prompt in row["prompts"]
        ]
        yield "Changed winners, the first of each set", ["prompt", "A", "B"], rows


def _names(row: Mapping[str, Any]) -> str:
    return str(row["is"] if row["is"] == row["was"] else f"{row['is']} ({row['was']})")


def _text(value: str | None) -> str:
    return words.DASH if value is None else value


def forest(scores: Sequence[Mapping[str, Any]]) -> intervals.Drawing:
    """Draw the macro averages whose difference is tested: a line per system that changed, a panel per average."""
    changed = {row["system"] for row in scores if "p_holm" in row and row["difference"]}
    tested = [row for row in scores if "p_holm" in row and row["system"] in changed]
    panels = list(dict.fromkeys(row["score"] for row in tested))
    cells = {(row["system"], row["score"]): {**row, "mean": row["difference"]} for row in tested}
    systems = dict.fromkeys(row["system"] for row in tested)
    lines = [intervals.Line(system, [cells.get((system, panel)) for panel in panels]) for system in systems]
    return intervals.drawing(panels, lines, title="differences, B minus A")


def conditions(comparison: Mapping[str, Any]) -> list[list[str]]:
    """Return the head and a row per condition and system, with the least difference that so many prompts show."""
    head = ["condition", "system", "difference", "95 % interval", "least that shows", ""]
    return [head, *map(_condition, comparison["conditions"])]


def _condition(row: Mapping[str, Any]) -> list[str]:
    figures = {"mean": row["difference"], **{key: row[key] for key in ("low", "high", "prompts")}}
    interval = words.interval(figures) or words.unknown(figures)
    return [
        *(row["condition"], row["system"], words.signed(figures), interval, words.figure(row["least"])),
        "FAILS" if row["fails"] else "passes",
    ]


def verdict(comparison: Mapping[str, Any]) -> str:
    """Return in a sentence how many of the gate's conditions fail; "" if none was asked for."""
    fails = [row["fails"] for row in comparison["conditions"]]
    if not fails:
        return ""
    return f"Conditions of the gate: {sum(fails)} fail, {len(fails) - sum(fails)} pass."


def headline(scores: Sequence[Mapping[str, Any]]) -> str:
    """Return in a sentence how many of the tested differences are clear."""
    tested = [{**row, "mean": row["difference"]} for row in scores if "p_holm" in row]
    if not tested:
        return "No system's scores differ."
    moved = [words.direction(row) for row in tested]
    same = sum(row["difference"] == 0 for row in tested)
    up, down = moved.count("up"), moved.count("down")
    counts = {"clearly higher": up, "clearly lower": down, "not clear": len(tested) - same - up - down, "equal": same}
    found = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"Macro averages, B against A: {found}."


def write(path: Path, comparison: Mapping[str, Any]) -> None:
    """Write the comparison as one page that opens offline; all text is escaped."""
    found = list(sections(comparison, whole=True))
    parts = [(f"part-{n}", *part) for n, part in enumerate(part for part in found if part[2])]
    html.write(
        path,
        "diff.html.j2",
        **{key: comparison[key] for key in ("a", "b", "rounds")},
        headline=headline(comparison["scores"]),
        verdict=verdict(comparison),
        conditions=conditions(comparison),
        forest=forest(comparison["scores"]),
        sections=[("story", "Story"), *((id_, NAMES.get(title, title.split(":")[0])) for id_, title, _, _ in parts)],
        parts=parts,
        empty=[title for title, _, rows in found if not rows],
        script=html.script("page.js"),
    )
