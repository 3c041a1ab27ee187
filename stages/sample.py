"""Stage `sample`: sample the answers of one pool."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from reset import engines, params, registry, tracking
from reset.files import code, hashing
from reset.files.atomic import copy
from reset.params.answers import Sample
from reset.runs import chunks, cluster, progress
from reset.sampling import decode_settings, sample

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
    pool_settings = sample.Pool(
        system=row.model,
        grid=decode_settings.arms(**grid.model_dump()),
        sweeps=row.sweeps,
        seed=p.seed,
        template=p.template,
        max_tokens=p.sample.max_tokens,
        max_prompt_tokens=p.sample.max_prompt_tokens,
    )
    how = p.sample.model_dump(include={"engine": True, "chunk_prompts": True, "engines": {p.sample.engine}})
    hashes = [hashing.file_hash(model), hashing.file_hash(prompts)]
    hashes.append(code.code_hash("stages.sample", registry.module(registry.ENGINES, p.sample.engine, "engine")))
    store = chunks.Chunks(
        Path(".chunks/sample") / pool,
        hashing.fingerprint(
            pool=repr(pool_settings), template_options=p.template_options.model_dump(), how=how, inputs=hashes
        ),
    )
    store.discard_others()
    progress.lines_to_stderr()
    metrics = Path(f"metrics/sample/{pool}.json")
    with tracking.run("sample", pool, settings, metrics=metrics, enabled=p.tracking.enabled):
        account, figures = sample.sample(
            prompts,
            into,
            pool_settings,
            load=partial(_load, p.sample, model, p.template, p.template_options.model_dump()),
            chunks=store,
            chunk_prompts=p.sample.chunk_prompts,
            max_failed=p.sample.max_failed,
            spread=cluster.spread(p.sample.engine, **p.cluster.model_dump()),
        )
        copy(prompts, asked)
        account.write(metrics, scale=p.scale, **figures)
    store.clear()
    click.echo(f"sample {pool}: {account}")


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
