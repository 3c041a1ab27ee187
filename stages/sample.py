"""Stage `sample`: sample the answers of one pool."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import click

from reset import engines, params, registry, tracking
from reset.files import code, hashing
from reset.files.atomic import copy
from reset.params.answers import Sample
from reset.params.document import Params
from reset.runs import chunks, cluster, progress, store
from reset.sampling import decode_settings, enough, pieces, sample

WHICH = ("reset.sampling.enough", "reset.sampling.gold")  # code that decides which answers there are, not their texts
PATH = click.Path(path_type=Path)


@click.command()
@click.argument("pool")
@click.argument("model", type=PATH)
@click.argument("prompts", type=PATH)
@click.argument("into", type=PATH)
@click.argument("asked", type=PATH)
def main(pool: str, model: Path, prompts: Path, into: Path, asked: Path) -> None:
    """Sample MODEL's answers to PROMPTS with the decode settings of POOL (params.yaml: pools); write them to INTO.

    ASKED gets a copy of the prompts, so that judges find them by the pool's name.
    """
    p = params.load()
    row = params.row(p.pools, pool, "pools")
    grid = params.row(p.decode, row.decode, "decode")
    settings = {"pool": row.model_dump(), "grid": grid.model_dump(), "sample": p.sample.model_dump()}
    pool_settings = pieces.Pool(
        system=row.model,
        grid=decode_settings.arms(**grid.model_dump()),
        sweeps=row.sweeps,
        seed=p.seed,
        template=p.template,
        max_tokens=p.sample.max_tokens,
        max_prompt_tokens=p.sample.max_prompt_tokens,
        until=enough.Until(**row.until.model_dump()) if row.until else None,
        gold=row.gold,
    )
    mark = _mark(p, model)
    whole = hashing.fingerprint(
        mark=mark,
        which=code.code_hash(*WHICH),
        pool=repr(pool_settings),
        chunk=p.sample.chunk_prompts,
        prompts=hashing.file_hash(prompts),
    )
    finished = chunks.Chunks(Path(".chunks/sample") / pool, whole)
    finished.discard_others()
    kept = store.Store(tracking.root(), "answers", mark, p.store.max_gb)
    progress.lines_to_stderr()
    metrics = Path(f"metrics/sample/{pool}.json")
    with kept, tracking.run("sample", pool, settings, metrics=metrics, enabled=p.tracking.enabled):
        account, figures = sample.sample(
            prompts,
            into,
            pool_settings,
            load=partial(_load, p.sample, model, p.template, p.template_options.model_dump()),
            chunks=finished,
            chunk_prompts=p.sample.chunk_prompts,
            max_failed=p.sample.max_failed,
            spread=cluster.spread(p.sample.engine, **p.cluster.model_dump()),
            store=kept,
            count_tokens=_token_counter(model),
        )
        copy(prompts, asked)
        account.write(metrics, scale=p.scale, **figures)
    finished.clear()
    told = f"; {enough.told(figures['until'])}" if "until" in figures else ""
    click.echo(f"sample {pool}: {account}; {kept}{told}")


def _mark(p: Params, model: Path) -> str:
    """Return a hash of what decides an answer besides its prompt, setting and seed."""
    options = {name: p.sample.engines.get(name) for name in (p.sample.engine,)}
    limits = p.sample.max_prompt_tokens, p.sample.max_tokens
    return code.mark(
        "stages.sample",
        registry.module(registry.ENGINES, p.sample.engine, "engine"),
        without=WHICH,
        engine=options,
        limits=limits,
        model=hashing.file_hash(model),
        template=[p.template, p.template_options.model_dump()],
        dtype=_auto_dtype(p.sample.engine),
    )


def _auto_dtype(engine: str) -> str | None:
    """Return what the dtype `auto` is on this machine; None if the engine does not compute here."""
    if engine not in cluster.LOAD_MODEL:
        return None
    from reset.model import precision  # torch: where an engine computes here, it is loaded anyway

    return str(precision.dtype("auto"))


def _token_counter(model: Path) -> Callable[[str], int]:
    """Return a function that counts the tokens of a reference; it loads the tokenizer when first called."""

    @cache
    def tokenizer() -> Any:
        from reset.model import tokens

        return tokens.load_tokenizer(model)

    def count(text: str) -> int:
        from reset.model import tokens

        return len(tokens.response_ids(tokenizer(), text))

    return count


def _load(
    options: Sample, model: Path, template: str, template_options: dict[str, Any]
) -> tuple[engines.Engine, sample.Tokenize]:
    from reset.model import chat_frame, tokens  # transformers: import only if prompts are left to sample
    from reset.sampling.framed import Framed

    where, chosen = f"sample.engines.{options.engine}", options.engines[options.engine]
    engine = registry.build(registry.ENGINES, options.engine, where, model=model, **chosen)
    tokenizer = tokens.load_tokenizer(model)
    frame = chat_frame.frame(tokenizer, template, chat_frame.Options(**template_options))
    return Framed(engine, frame) if frame else engine, partial(tokens.prompt_ids, tokenizer, frame=frame)


if __name__ == "__main__":
    main()
