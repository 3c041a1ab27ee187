"""The trade-off of a judged pool as tables of text, for the terminal and for an HTML page with its front drawn."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reset.report import html, plots, words

Section = tuple[str, list[list[str]]]  # title, rows; the first is the head
Content = Mapping[str, Any]  # of `reset-lm tradeoff`

NONE = "none of them differs clearly."


def sections(content: Content) -> Iterator[Section]:
    """Yield the sections of the figures: the ends and the chosen point, the front with its steps, floors, systems."""
    names = [*content["chosen"]["means"]]
    present = [point for point in content["front"] if point["floors"] == content["chosen"]["floors"]]
    yield "Mean objectives of the winners", _ends(content, names)
    yield _front_title(content), _front(present, content["varied"])
    yield "Floors, each with the weights of its front's ends", _floors(content, names)
    trained = content["trained"]
    if trained["systems"]:
        yield "Systems trained on this pool", _systems(trained["systems"], names)
    if trained["pairs"]:
        yield "Does the mean of the rows predict the order of the systems?", _pairs(trained["pairs"])


def notes(content: Content) -> list[str]:
    """Return what the tables do not tell, as sentences."""
    varied = content["varied"]
    still = [name for name, value in content["chosen"]["weights"].items() if value and name not in varied]
    texts = ["A floor raises means by leaving prompts out: compare points of as many prompts."]
    if len(varied) > 2:
        texts.append(
            f"The plane has the first two of {len(varied)} objectives, {' and '.join(varied[:2])}; the tables have all."
        )
    if still:
        texts.append(f"Weights that stay as they are: {', '.join(still)}.")
    met = {name for pair in content["meet"] for name in pair.split("|")}
    if alone := [name for name in still if name not in met]:
        texts.append(f"No weight trades {', '.join(alone)} for another objective: they meet in no prompt.")
    for name, counts in content["trained"]["agreement"].items():
        texts.append(
            f"{name}: {counts['alike']} of {counts['pairs']} pairs of systems in the predicted order; "
            + (
                f"of those that differ clearly {counts['clear_alike']} of {counts['clear']}."
                if counts["clear"]
                else NONE
            )
        )
    return texts


def _ends(content: Content, names: Sequence[str]) -> list[list[str]]:
    chosen = content["chosen"]
    title = "chosen by params.yaml" + ("" if chosen["front"] else " (not on the front)")
    rows = [
        ("a random answer", "", content["random"]),
        (title, str(chosen["prompts"]), chosen["means"]),
        ("best of each objective alone", "", content["best"]),
    ]
    means = [[title, prompts, *(words.figure(of.get(name)) for name in names)] for title, prompts, of in rows]
    return [["", "prompts", *names], *means]


def _front_title(content: Content) -> str:
    floors = _of_floors(content["chosen"]["floors"])
    return f"The front of {' and '.join(content['varied'])}, {floors}; each step from the point above"


def _of_floors(floors: Mapping[str, float]) -> str:
    return ", ".join(f"{name} at least {least:g}" for name, least in floors.items()) or "no floor"


def _front(points: Sequence[Content], varied: Sequence[str]) -> list[list[str]]:
    head = ["weights", "prompts"]
    for name in varied:
        head += [name, "95 % interval"]
    head += [*(f"{name} step" for name in varied), *(f"{name} paid per {varied[0]}" for name in varied[1:])]
    return [head, *(_point(point, varied) for point in points)]


def _point(point: Content, varied: Sequence[str]) -> list[str]:
    cells = [_of_weights(point["weights"], varied), str(point["prompts"])]
    for name in varied:
        cells += [words.figure(point["means"].get(name)), _interval(point["intervals"].get(name))]
    step = point["step"] or {"change": {}, "price": {}}
    cells += [words.signed({"mean": step["change"][name]}) if name in step["change"] else "" for name in varied]
    return cells + [f"{step['price'][name]:.2f}" if name in step["price"] else "" for name in varied[1:]]


def _of_weights(weights: Mapping[str, float], varied: Sequence[str]) -> str:
    return " : ".join(f"{weights[name]:.2f}" for name in varied)


def _interval(ends: Sequence[float] | None) -> str:
    return words.interval(None if ends is None else {"low": ends[0], "high": ends[1]})


def _floors(content: Content, names: Sequence[str]) -> list[list[str]]:
    rows = [["floors", "weights", "prompts", *names]]
    keys = dict.fromkeys(tuple(point["floors"].items()) for point in content["front"])
    for key in keys:
        own = [point for point in content["front"] if tuple(point["floors"].items()) == key]
        for point in own if len(own) == 1 else (own[0], own[-1]):
            means = [words.figure(point["means"].get(name)) for name in names]
            weights = _of_weights(point["weights"], content["varied"])
            rows.append([_of_floors(point["floors"]), weights, str(point["prompts"]), *means])
    return rows


def _systems(systems: Sequence[Content], names: Sequence[str]) -> list[list[str]]:
    head = ["system", "from", "method", "curated set", "rows"]
    for name in names:
        head += [f"{name} of the rows", "of the system"]
    rows = []
    for one in systems:
        cells = [one["system"], one["init"], one["method"], one["curated"], str(one["rows"])]
        for name in names:
            trained = one["trained"].get(name)
            cells += [words.figure(one["predicted"].get(name)), f"{words.mean(trained)} {words.interval(trained)}"]
        rows.append(cells)
    return [head, *rows]


def _pairs(pairs: Sequence[Content]) -> list[list[str]]:
    rows = [["pair", "objective", "predicted", "trained", "95 % interval", "order"]]
    for pair in pairs:
        for name, row in pair["objectives"].items():
            predicted = words.signed({"mean": row["predicted"]})
            order = ("as predicted" if row["alike"] else "not as predicted") + ("" if row["clear"] else ", unclear")
            cells = [predicted, words.signed(row["trained"]), words.interval(row["trained"]), order]
            rows.append([f"{pair['system']} {words.MINUS} {pair['against']}", name, *cells])
    return rows


def write(path: Path, content: Content) -> None:
    """Write the figures as one page that opens offline; all text is escaped."""
    pair = content["varied"][:2]
    html.write(
        path,
        "tradeoff.html.j2",
        pool=content["pool"],
        curated=content["set"],
        notes=notes(content),
        tables=list(sections(content)),
        sections=[("story", "Front"), ("tables", "Tables")],
        pair=pair,
        trained=bool(content["trained"]["systems"]),
        specs=[plots.front(drawn(content), pair)],
        script=html.script("vega_embed.js"),
    )


def drawn(content: Content) -> list[dict[str, Any]]:
    """Return the rows of the plot: points of the grid, and by name both choices and the systems trained on the pool.

    A point of which both intervals are known has their ends: `x_low`, `x_high`, `y_low` and `y_high`.
    """
    pair, present = content["varied"][:2], content["chosen"]["floors"]
    intervals = {_key(point): point["intervals"] for point in content["front"]}

    def row(kind: str, name: str, point: Content) -> dict[str, Any]:
        weights = _of_weights(point["weights"], content["varied"]) if "weights" in point else ""
        floors = _of_floors(point.get("floors", present)) if kind != "trained" else ""
        figures = {one: point["means"].get(one) for one in pair}
        ends = _ends_of(point.get("intervals") or intervals.get(_key(point), {}), pair)
        where = {"kind": kind, "name": name, "weights": weights, "floors": floors, "prompts": point.get("prompts")}
        return {**where, **figures, **ends}

    grid = [row("front" if point["front"] else "beaten", "", point) for point in content["points"]]
    chosen = [row("chosen", "chosen", content["chosen"]), row("random", "random", {"means": content["random"]})]
    systems = [row("trained", one["system"], _trained(one)) for one in content["trained"]["systems"]]
    return [one for one in (*grid, *chosen, *systems) if None not in (one[pair[0]], one[pair[1]])]


def _key(point: Content) -> tuple[tuple[str, float], ...]:
    """What tells a point of the grid from the others."""
    return (*point.get("weights", {}).items(), *point.get("floors", {}).items())


def _ends_of(intervals: Mapping[str, Sequence[float | None] | None], pair: Sequence[str]) -> dict[str, float]:
    ends = [end for name in pair for end in intervals.get(name) or (None, None)]
    known = [end for end in ends if end is not None]
    return dict(zip(("x_low", "x_high", "y_low", "y_high"), known, strict=True)) if len(known) == len(ends) else {}


def _trained(system: Content) -> dict[str, Any]:
    """A trained system as a point: the means of its answers to test prompts."""
    of = system["trained"]
    return {
        "means": {name: figures["mean"] for name, figures in of.items()},
        "intervals": {name: (figures["low"], figures["high"]) for name, figures in of.items()},
    }
