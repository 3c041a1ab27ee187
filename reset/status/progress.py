"""How far a running stage is: from its finished chunks, or from the trainer's log of steps."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reset.status.pipeline import Stage

CHUNKS = Path(".chunks")
ANSWERS = {"sample": "data/answers/", "judge": "data/verdicts/"}  # kind of stage -> folder of its first output


@dataclass(frozen=True)
class Progress:
    """What a stage has done of `total` (None: not known), with rates of this run alone (None: not known yet)."""

    unit: str
    done: int
    total: int | None
    per_s: float | None
    tokens_per_s: float | None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all is done at this rate."""
        known = self.total is not None and self.per_s
        return max((self.total or 0) - self.done, 0) / (self.per_s or 1.0) if known else None


@dataclass(frozen=True)
class Chunk:
    """A finished chunk and when it was finished, in seconds since 1970."""

    at: float
    answers: int
    tokens: int | None


def of(root: Path, stage: Stage, began: float, answers: int | None) -> Progress | None:
    """Return how far `stage` is since `began`; `answers` is how many it will make. None if it leaves no trace."""
    if stage.kind in ANSWERS:
        folder = CHUNKS / stage.kind / stage.outs[0].removeprefix(ANSWERS[stage.kind]).removesuffix(".parquet")
        return _of_chunks(list(_chunks(root / folder)), began, answers)
    if stage.kind in ("train", "base"):
        return _of_steps(root / CHUNKS / stage.kind / stage.name.partition("@")[2], began)
    return None


def _newest(pattern: Iterator[Path]) -> Path | None:
    return max(pattern, key=lambda path: path.stat().st_mtime, default=None)


def _chunks(folder: Path) -> Iterator[Chunk]:
    """Yield the chunks of the newest fingerprint, oldest first; a chunk that has just been taken away is none."""
    with suppress(FileNotFoundError):
        newest = _newest(path for path in folder.glob("*") if path.is_dir())
        found = [] if newest is None else [(path.stat().st_mtime, path) for path in newest.glob("[0-9]*.parquet")]
        for at, path in sorted(found):
            names = set(pq.read_schema(path).names) & {"answer_id", "tokens"}
            table = pq.read_table(path, columns=sorted(names))
            tokens = pc.sum(table["tokens"]).as_py() or 0 if "tokens" in names else None
            yield Chunk(at, _distinct(table), tokens)


def _distinct(table: pa.Table) -> int:
    """Count answers; judges give several verdicts on each."""
    return int(pc.count_distinct(table["answer_id"]).as_py())


def _of_chunks(chunks: list[Chunk], began: float, answers: int | None) -> Progress:
    """Count all chunks; rates are of those of this run, after the first: until then the stage was starting."""
    mine = [chunk for chunk in chunks if chunk.at >= began]
    counted, since = (mine[1:], mine[0].at) if mine[1:] else (mine, began)
    seconds = counted[-1].at - since if counted else 0.0
    per_s = sum(chunk.answers for chunk in counted) / seconds if seconds > 0 else None
    with_tokens = seconds > 0 and all(chunk.tokens is not None for chunk in counted)
    tokens_per_s = sum(chunk.tokens or 0 for chunk in counted) / seconds if with_tokens else None
    return Progress("answers", sum(chunk.answers for chunk in chunks), answers, per_s, tokens_per_s)


def _of_steps(folder: Path, began: float) -> Progress | None:
    """Read the newest log of steps; one that is older than this run says nothing of its rates."""
    newest = _newest(folder.glob("*/steps.json"))
    if newest is None:
        return None
    with suppress(FileNotFoundError):
        figures, fresh = json.loads(newest.read_text(encoding="utf-8")), newest.stat().st_mtime >= began
        seconds = figures["seconds"] if fresh else 0.0
        steps, tokens = figures["step"] - figures["since"], figures["tokens"]
        rates = (steps / seconds, tokens / seconds) if seconds > 0 and steps else (None, None)
        return Progress("steps", figures["step"], figures["steps"], *rates)
    return None
