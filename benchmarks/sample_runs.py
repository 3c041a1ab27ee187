"""Parts `flat` and `resume` of the sampling benchmark: the stage's own function, on many prompts and after a stop."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.result import check, publish
from benchmarks.sample_work import BATCH, MAX_TOKENS, examples, pool, tokenizing
from reset import sampling, tables
from reset.chunks import Chunks
from reset.engines import Completion, Engine, Request

FLAT, RESUME = ((500, 5_000, 50_000), (100, 1_000)), (400, 100)  # prompts; of a quick run
FLAT_TOKENS, CHUNK_PROMPTS, RESUME_CHUNK = 16, 100, 10


class Watched:
    """An engine that knows when it was first asked, and is stopped before its chunk number `at`."""

    def __init__(self, engine: Engine, at: int | None = None) -> None:
        self._engine, self._at, self._calls = engine, at, 0
        self.first = 0.0

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Answer a chunk, or stop."""
        self.first = self.first or time.perf_counter()
        if self._calls == self._at:
            raise KeyboardInterrupt
        self._calls += 1
        return self._engine.generate(requests)

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """As the engine itself."""
        return self._engine.seen(requests)


def sampled(
    folder: Path, engine: Engine, tokenize: sampling.Tokenize, max_tokens: int, chunk_prompts: int = CHUNK_PROMPTS
) -> tuple[float, int]:
    """Run the stage's own function on `folder`/prompts.parquet; seconds and answers."""
    started = time.perf_counter()
    account, _ = sampling.sample(
        folder / "prompts.parquet",
        folder / "answers.parquet",
        pool(max_tokens),
        load=lambda: (engine, tokenize),
        chunks=Chunks(folder / "chunks", "benchmark"),
        chunk_prompts=chunk_prompts,
        max_failed=0.0,
    )
    return time.perf_counter() - started, account.rows_out


def loaded(model: Path) -> tuple[Engine, sampling.Tokenize]:
    """The transformers engine, warmed up."""
    from reset.engines.transformers import TransformersEngine

    engine, tokenize = TransformersEngine(model=model, batch=BATCH, dtype="float32"), tokenizing(model)
    list(sampling.answer(list(examples(20)), pool(FLAT_TOKENS), engine, tokenize))
    return engine, tokenize


def one_size(model: Path, count: int) -> str:
    """Sample `count` prompts, short answers: seconds, answers, and this process's peak memory in bytes, as JSON."""
    engine, tokenize = loaded(model)
    with TemporaryDirectory() as folder:
        tables.write(Path(folder) / "prompts.parquet", tables.EXAMPLES, examples(count))
        seconds, answers = sampled(Path(folder), engine, tokenize, FLAT_TOKENS)
    return json.dumps({"prompts": count, "seconds": seconds, "answers": answers, "peak": _peak()})


def _peak() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def flat(model: Path, quick: bool) -> None:
    """Part `flat`."""
    runs = []
    for count in FLAT[quick]:
        command = [sys.executable, "-m", "benchmarks.sample", "--model", str(model), "--one-size", str(count)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
        click.echo(f"{count} prompts: {runs[-1]}")
    cost = [run["seconds"] / run["answers"] for run in runs]
    peak = [run["peak"] for run in runs]
    sizes = f"from {FLAT[quick][0]} to {FLAT[quick][-1]} prompts"
    checks = [
        check(f"cost per answer, growth {sizes}", cost[-1] / cost[0] - 1, "<= 0.1"),
        check("cost per answer, largest over smallest", max(cost) / min(cost) - 1, "<= 0.1"),
        check(f"peak memory, growth {sizes}", peak[-1] / peak[0] - 1, "<= 0.1"),
    ]
    publish("sample_flat", checks, libraries=["torch", "pyarrow"], quick=quick, runs=runs, seconds_per_answer=cost)


def resume(model: Path, quick: bool) -> None:
    """Part `resume`: what a stop half way costs, from the second start to the first new answer asked for."""
    (engine, tokenize), count = loaded(model), RESUME[quick]
    half = count // RESUME_CHUNK // 2
    whole = timed(engine, tokenize, count, None)
    stopped = timed(engine, tokenize, count, half)
    if whole["rows"] != stopped["rows"]:
        raise click.ClickException("the resumed run ended with other answers")
    again = (stopped["ahead"] - whole["ahead"]) / whole["seconds"]
    seconds = {
        name: {key: run[key] for key in ("ahead", "seconds")}
        for name, run in {"whole": whole, "stopped": stopped}.items()
    }
    click.echo(f"{len(whole['rows'])} equal answers; seconds: {seconds}")
    what = "time that a run stopped half way takes longer before it goes on, over all of an undisturbed one's"
    publish(
        "sample_resume",
        [check(what, again, "<= 0.02")],
        libraries=["torch", "pyarrow"],
        quick=quick,
        prompts=count,
        seconds=seconds,
    )


def timed(engine: Engine, tokenize: sampling.Tokenize, count: int, stop: int | None) -> dict[str, Any]:
    """Sample from first to last, with a stop before chunk `stop`.

    Returns all seconds, those of the (second) start `ahead` of the first request, and the rows.
    """
    with TemporaryDirectory() as folder:
        tables.write(Path(folder) / "prompts.parquet", tables.EXAMPLES, examples(count))
        started = time.perf_counter()
        if stop is not None:
            with suppress(KeyboardInterrupt):
                sampled(Path(folder), Watched(engine, stop), tokenize, MAX_TOKENS, RESUME_CHUNK)
        again, watched = time.perf_counter(), Watched(engine)
        sampled(Path(folder), watched, tokenize, MAX_TOKENS, RESUME_CHUNK)
        seconds = time.perf_counter() - started
        rows = list(tables.read(Path(folder) / "answers.parquet", tables.ANSWERS))
    return {"seconds": seconds, "ahead": watched.first - again, "rows": rows}
