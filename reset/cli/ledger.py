"""`reset-lm ledger`: replies and spend of the judges that call a language model."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from reset.errors import ResetError
from reset.files import atomic
from reset.llm import rating
from reset.llm.ledger import Ledger, location
from reset.llm.reply_text import unfinished

Reader = Callable[[str], float | None]


@click.command()
@click.option("--judge", help="Only replies to this row of `judges`.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write all replies to this file, as JSON lines.",
)
@click.option("--parse", is_flag=True, help="Parse the stored replies again, without calling a model.")
@click.option("--forget-batch", "batch", help="Forget this batch of the Batch API: its questions are submitted anew.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ledger(judge: str | None, export: Path | None, parse: bool, batch: str | None, as_json: bool) -> None:
    """Show the spend per judge, pool and model; the spend of a round is the sum over its pools.

    The ledger is .ledger/replies.sqlite, or the file named by the environment variable RESET_LEDGER.

    \b
    Example:
      reset-lm ledger
      reset-lm ledger --judge rater --parse
      reset-lm ledger --export replies.jsonl
    """  # noqa: D301  (click reads the \b)
    if not location().is_file():
        raise ResetError(f"{location()}: no ledger; no judge has called a language model yet")
    with Ledger(location()) as opened:
        if batch and not opened.forget_batch(batch):
            raise ResetError(f"{location()}: no open batch '{batch}'")
        if export:
            with atomic.atomic(export) as temporary, temporary.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in opened.rows(judge))
        figures: dict[str, Any] = {"spend": opened.spend(judge)}
        if parse:
            figures["ratings"] = parsed(opened.rows(judge), readers())
    click.echo(json.dumps(figures, indent=2) if as_json else text(figures))


def readers() -> dict[str, Reader]:
    """Return how replies are read to the judges of params.yaml that have a prompt file; none without a params.yaml."""
    from reset import params
    from reset.judges.ratings import own

    try:
        rows = params.load().judges
    except ResetError:
        return {}
    return {name: own(name, row.options["prompt"]).points for name, row in rows.items() if row.options.get("prompt")}


def parsed(rows: Iterable[dict[str, Any]], own: Mapping[str, Reader]) -> dict[str, Any]:
    """Count the ratings that the current parser finds; return the replies without one as `unread`.

    `own` reads the replies to judges with a prompt file, by the name of the judge.
    """
    counts: Counter[str] = Counter()
    unread: list[dict[str, str]] = []
    for row in rows:
        parse = own.get(row["judge"]) or (rating.json_rating if "json_schema" in row["decoding"] else rating.rating)
        readable = not unfinished(row["text"], row["finish_reason"])
        points = parse(row["text"]) if readable else None
        chosen = rating.choice(row["text"]) if readable and row["judge"] not in own else None
        verdict = f"{points:g}" if points is not None else chosen
        counts[verdict or "none"] += 1
        if verdict is None:
            unread.append({"key": row["key"], "text": row["text"]})
    return {"counts": dict(sorted(counts.items())), "unread": unread}


def text(figures: dict[str, Any]) -> str:
    """Return the figures as a table for the terminal."""
    lines = [f"{'judge':<12} {'pool':<22} {'model':<20} {'replies':>8} {'retries':>8} {'tokens':>12} {'usd':>10}"]
    for row in figures["spend"]:
        tokens = (row["prompt_tokens"] or 0) + (row["completion_tokens"] or 0)
        usd = "unknown" if row["usd"] is None else f"{row['usd']:.4f}"
        lines.append(
            f"{row['judge']:<12} {row['pool']:<22} {row['model']:<20} {row['replies']:>8} {row['retries']:>8} "
            f"{tokens:>12,} {usd:>10}"
        )
    if "ratings" in figures:
        counts = figures["ratings"]["counts"]
        lines.append("ratings: " + ", ".join(f"{name}: {count}" for name, count in counts.items()))
        lines += [f"  no rating in {row['key'][:12]}: {row['text'][:80]!r}" for row in figures["ratings"]["unread"]]
    return "\n".join(lines)
