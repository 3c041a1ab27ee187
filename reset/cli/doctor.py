"""`reset-lm doctor`: compare the token ids that training and each engine read."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reset import params, registry
from reset.errors import ResetError
from reset.params.document import Params

if TYPE_CHECKING:
    from reset.planning.token_check import Finding, Read


@click.command()
@click.argument("system")
@click.option("--rows", default=2, show_default=True, help="Rows per data set to check.")
@click.option("--engine", "engines", multiple=True, help="Engine to check; may be repeated. Default: sample.engine.")
@click.option(
    "--no-engine", is_flag=True, help="Load no model: compare training with the prompts that an engine would be sent."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per row.")
def doctor(system: str, rows: int, engines: tuple[str, ...], no_engine: bool, as_json: bool) -> None:
    """Show, for rows of its training data, the token ids that SYSTEM is trained on and those that each engine reads.

    Shows and checks masked and trained spans, BOS, end token and truncation. Exits with status 1 if training and an
    engine read different ids for the same prompt.

    \b
    Example:
      reset-lm doctor mtl --rows 3 --engine transformers --engine vllm
    """  # noqa: D301  (click reads the \b)
    p = params.load()  # what is wrong with the file itself is said at once
    row = params.row(p.systems, system, "systems")
    from reset.model.adapters import exists, weights
    from reset.model.chat_frame import Options, frame
    from reset.model.generation import require_end
    from reset.model.tokens import load_tokenizer
    from reset.planning import template_check  # transformers and TRL take seconds
    from reset.planning import token_check as examination

    start, finished = Path("models") / row.init, Path("models") / system
    model = finished if exists(finished) else start
    trained, sampled = load_tokenizer(start), load_tokenizer(model)
    limits = examination.Limits(p.train.max_tokens, p.sample.max_prompt_tokens)
    method = params.row(p.recipes, row.recipe, "recipes").method
    pairs = examination.rows_of(Path(f"data/{row.data}.parquet"), Path("data/examples"), rows, method)
    options = Options(**p.template_options.model_dump())
    how = {"template": p.template, "options": options, "trained": trained, "sampled": sampled, "method": method}
    answers = range(2 if method == "dpo" else 1)
    findings = [examination.examine(*pair, limits, **how, answer=answer) for pair in pairs for answer in answers]
    if not no_engine:
        chosen = engines or (p.sample.engine,)
        examination.ask_engines(findings, {name: _reader(p, name, model) for name in chosen})
    if (chat_frame := template_check.framing(trained, p.template, options)) and not as_json:
        click.echo(chat_frame)
    for finding in findings:
        click.echo(json.dumps(asdict(finding)) if as_json else text(finding, trained))
    _check(findings, as_json)
    for fault in template_check.probe(trained, p.template, options):
        raise ResetError(fault)
    if model == finished and (chat := frame(sampled, p.template, options)):
        require_end(weights(model), chat, sampled)


def _reader(p: Params, engine: str, model: Path) -> "Read":
    """Load the engine; return its function from prompts to the token ids it reads."""
    options = params.row(p.sample.engines, engine, "sample.engines")
    read: Read = registry.build(registry.ENGINES, engine, f"sample.engines.{engine}", model=model, **options).seen
    return read


def text(finding: "Finding", tokenizer: Any) -> str:
    """Return one row for the terminal: the ids of each span and their text."""
    from reset.planning.token_check import spans

    cut = [kind for kind, is_cut in (("training", finding.training_cut), ("sampling", finding.sampling_cut)) if is_cut]
    state = f"context cut in {' and '.join(cut)}" if cut else "not cut"
    lines = [f"{finding.example_id} ({finding.task}): {len(finding.input_ids)} tokens, {state}"]
    for kind, ids in spans(finding):
        lines += [f"  {kind} {len(ids)}: {_listed(ids)}", f"    {tokenizer.decode(ids)!r}"]
    if not finding.input_ids:
        lines.append(f"  left out of training: {finding.left_out}")
    if not finding.sampled:
        lines.append("  longer than sample.max_prompt_tokens even without its context: not sampled")
    else:
        lines.append(f"  sampled {len(finding.sampled)}: {_listed(finding.sampled)}")
    return "\n".join([*lines, *(f"  WRONG: {fault}" for fault in finding.faults)])


def _listed(ids: Sequence[int]) -> str:
    return " ".join(map(str, ids))


def _check(findings: Sequence["Finding"], as_json: bool) -> None:
    wrong = [finding for finding in findings if finding.faults]
    if wrong:
        first = wrong[0]
        raise ResetError(f"{len(wrong)} of {len(findings)} rows are wrong; {first.example_id}: {first.faults[0]}")
    if not as_json:
        click.echo(f"{len(findings)} rows: training and sampling read the same ids")


if __name__ == "__main__":
    doctor()
