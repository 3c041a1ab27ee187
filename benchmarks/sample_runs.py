"""Parts `flat` and `resume` of the sampling benchmark: the stage's own function, on many prompts and after a stop."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click

from benchmarks.result import check, publish
from benchmarks.sample_work import BATCH, examples, one_each, pool, tokenizing
from reset.engines import Completion, Engine, Request
from reset.files import schemas, tables
from reset.runs.chunks import Chunks
from reset.sampling import pieces, sample

FLAT, RESUME = ((500, 5_000, 50_000), (100, 1_000)), (500, 100)  # prompts; of a quick run
FLAT_TOKENS, CHUNK_PROMPTS, RESUME_CHUNK, ROUNDS = 1, 200, 10, 3
FLAT_WORDS = 20  # so that 50,000 prompts take a minute or two
AT_LEAST = 2_000  # prompts timed together: a smaller number is sampled several times


class Stopping:
    """An engine that is stopped before its chunk number `at`."""

    def __init__(self, engine: Engine, at: int) -> None:
        self._engine, self._at, self._calls = engine, at, 0

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Answer a chunk, or stop."""
        if self._calls == self._at:
            raise KeyboardInterrupt
        self._calls += 1
        return self._engine.generate(requests)

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """As the engine itself."""
        return self._engine.seen(requests)


def sampled(
    folder: Path, engine: Engine, tokenize: sample.Tokenize, asked: pieces.Pool, chunk_prompts: int = CHUNK_PROMPTS
) -> tuple[float, int]:
    """Do what the stage does with `folder`/prompts.parquet; seconds and answers."""
    started, chunks = time.perf_counter(), Chunks(folder / "chunks", "benchmark")
    account, _ = sample.sample(
        folder / "prompts.parquet",
        folder / "answers.parquet",
        asked,
        load=lambda: (engine, tokenize),
        chunks=chunks,
        chunk_prompts=chunk_prompts,
        max_failed=0.0,
    )
    chunks.clear()
    return time.perf_counter() - started, account.rows_out


def loaded(model: Path) -> tuple[Engine, sample.Tokenize]:
    """The transformers engine, warmed up."""
    from reset.engines.transformers.engine import TransformersEngine

    engine, tokenize = TransformersEngine(model=model, batch=BATCH, dtype="float32"), tokenizing(model)
    list(sample.answer(list(examples(CHUNK_PROMPTS)), pool(), engine, tokenize))
    return engine, tokenize


def one_size(model: Path, count: int) -> str:
    """Answer `count` short prompts by a token each: seconds, answers, and this process's peak memory, as JSON."""
    engine, tokenize = loaded(model)
    runs = []
    for _ in range(max(1, AT_LEAST // count)):
        with TemporaryDirectory() as folder:
            tables.write(Path(folder) / "prompts.parquet", schemas.EXAMPLES, examples(count, FLAT_WORDS))
            runs.append(sampled(Path(folder), engine, tokenize, one_each(FLAT_TOKENS)))
    seconds, answers = (sum(figures) for figures in zip(*runs, strict=True))
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
    publish(
        "sample_flat",
        checks,
        libraries=["torch", "pyarrow"],
        quick=quick,
        tokens=FLAT_TOKENS,
        runs=runs,
        seconds_per_answer=cost,
    )


def resume(model: Path, quick: bool) -> None:
    """Part `resume`."""
    (engine, tokenize), count, rounds = loaded(model), RESUME[quick], 1 if quick else ROUNDS
    half = count // RESUME_CHUNK // 2
    seconds: dict[str, list[float]] = {"whole": [], "stopped": []}
    for number in range(rounds):
        whole, rows = timed(engine, tokenize, count, None)
        stopped, same = timed(engine, tokenize, count, half)
        if rows != same:
            raise click.ClickException("the resumed run ended with other answers")
        seconds["whole"].append(whole)
        seconds["stopped"].append(stopped)
        click.echo(f"round {number + 1}: undisturbed {whole:.1f} s, resumed {stopped:.1f} s, {len(rows)} equal answers")
    overhead = median(seconds["stopped"]) / median(seconds["whole"]) - 1
    checks = [check("time of a run stopped half way and resumed, over an undisturbed one, less 1", overhead, "<= 0.02")]
    publish("sample_resume", checks, libraries=["torch", "pyarrow"], quick=quick, prompts=count, seconds=seconds)


def timed(engine: Engine, tokenize: sample.Tokenize, count: int, stop: int | None) -> tuple[float, list[tables.Row]]:
    """Sample from first to last, with a stop before chunk `stop`: seconds and rows."""
    with TemporaryDirectory() as folder:
        tables.write(Path(folder) / "prompts.parquet", schemas.EXAMPLES, examples(count))
        started = time.perf_counter()
        if stop is not None:
            with suppress(KeyboardInterrupt):
                sampled(Path(folder), Stopping(engine, stop), tokenize, pool(), RESUME_CHUNK)
        sampled(Path(folder), engine, tokenize, pool(), RESUME_CHUNK)
        taken = time.perf_counter() - started
        return taken, list(tables.read(Path(folder) / "answers.parquet", schemas.ANSWERS))
