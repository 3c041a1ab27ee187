"""Format numbers, intervals and differences as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from reset.choosing.agreement import FEWEST, STAND_IN
from reset.scoring.comparison import Figures

LEVEL = 0.05  # significance level, that of the 95 % intervals
DASH = "–"  # noqa: RUF001
MINUS = "−"  # noqa: RUF001
ONE_RUN = (
    "All figures are of one run on one machine. With another processor or number of threads, training makes other "
    "models, because it amplifies the last digits of float32. So compare runs of one machine, and several seeds "
    "(reset-lm seeds)."
)


def label(name: str, stand_in: object) -> str:
    """Return the name of a score; `stand_in` is true if its judge stands in for a real one."""
    return f"{name}{STAND_IN}" if stand_in else name


def mean(figures: Figures | None) -> str:
    """Return the mean with three decimals, or a dash if there is none."""
    return label(figure(figures["mean"]), figures.get("stand_in")) if figures else DASH


def figure(value: float | None) -> str:
    """Return a number with three decimals, or a dash for None."""
    return DASH if value is None else f"{value:.3f}".replace("-", MINUS)


def signed(figures: Figures | None) -> str:
    """Return a mean difference with its sign, or a dash if there is none."""
    value = figures["mean"] if figures else None
    shown = DASH if value is None else f"{value:+.3f}".replace("-", MINUS)
    return label(shown, figures and figures.get("stand_in"))


def interval(figures: Figures | None) -> str:
    """Return the 95 % interval in brackets, or "" if there is none."""
    if not figures or figures["low"] is None:
        return ""
    return f"[{figure(figures['low'])}, {figure(figures['high'])}]"


def p_value(value: float | None) -> str:
    """Return a p value with three decimals, `below 0.001`, or a dash if there is none."""
    return "below 0.001" if value is not None and value < 0.001 else figure(value)


def unknown(figures: Figures) -> str:
    """Return why a difference has no interval; "" if it has one."""
    if figures["mean"] is None or figures["low"] is not None:
        return ""
    few = (figures.get("prompts") or 0) < FEWEST
    return "too few prompts to tell" if few else "the same on every prompt"


def direction(figures: Figures | None) -> str:
    """Return `up` or `down` if the interval excludes zero and p_holm, if given, is below LEVEL; else ""."""
    return "" if figures and (figures.get("p_holm") or 0.0) >= LEVEL else _side_of_zero(figures)


def told(figures: Figures | None) -> str:
    """Return in words whether a difference is clear: `clear` only after Holm's correction; "" without figures."""
    if not figures or figures["mean"] is None:
        return ""
    if why := unknown({"prompts": None, **figures}):
        return why
    if direction(figures):
        return "clear"
    return "not clear after Holm's correction" if _side_of_zero(figures) else "not clear"


def change(figures: Figures) -> str:
    """Return a difference in words with its interval: `0.112 higher, 95 % interval 0.088 to 0.136, clear`."""
    value = figures["mean"] or 0.0
    shown = "the same" if value == 0 else f"{figure(abs(value))} {'higher' if value > 0 else 'lower'}"
    if figures["low"] is None:
        return told(figures) if value == 0 and told(figures).startswith(shown) else f"{shown}, {told(figures)}"
    ends = f"95 % interval {signed({'mean': figures['low']})} to {signed({'mean': figures['high']})}"
    return f"{shown}, {ends}, {told(figures)}"


def _side_of_zero(figures: Figures | None) -> str:
    """`up` or `down` if the interval excludes zero, else ""."""
    if not figures or figures["low"] is None or figures["high"] is None:
        return ""
    return "up" if figures["low"] > 0 else "down" if figures["high"] < 0 else ""


def stand_ins(verdicts: Sequence[str]) -> str:
    """Return a sentence on the verdicts of stand-ins; "" if there are none."""
    if not verdicts:
        return ""
    return (
        f"Stand-ins: {', '.join(verdicts)}. These verdicts come from judges that take the place of a real one "
        "(params.yaml: stand_ins); figures marked (stand-in) are no results."
    )


def sentences(differences: Sequence[Mapping[str, Any]], systems: Sequence[str]) -> list[str]:
    """Return one sentence per difference; the first is the headline."""
    if not systems:
        return ["No system has been evaluated yet."]
    if not differences:
        return [f"Scores of {', '.join(systems)}; no declared pair to compare."]
    return [_sentence(difference) for difference in differences]


def skipped(pairs: Sequence[Sequence[str]]) -> list[str]:
    """Return a sentence on the declared comparisons that cannot be made; none if all can."""
    names = ", ".join(f"{system} {MINUS} {against}" for system, against in pairs)
    return [f"Not compared, because not both are evaluated: {names}."] if pairs else []


def _sentence(difference: Mapping[str, Any]) -> str:
    parts = [
        _part(label(measure, figures.get("stand_in")), figures)
        for measure, figures in difference["measures"].items()
        if figures["mean"] is not None
    ]
    shown = ", ".join(parts) or "no scored prompt in common"
    return f"{difference['system']} against {difference['against']}: {shown}."


def _part(measure: str, figures: Figures) -> str:
    if why := unknown(figures):
        return f"{measure} {signed({'mean': figures['mean']})}, {why}"
    if side := _side_of_zero(figures):
        caveat = "" if direction(figures) else ", not significant after Holm's correction"
        return f"{measure} {side} by {figure(abs(figures['mean'] or 0.0))} {interval(figures)}{caveat}"
    return f"{measure} no clear change, {signed({'mean': figures['mean']})} {interval(figures)}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned columns for the terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
