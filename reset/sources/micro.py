"""The micro world as a data source: a `kind` of records for each of the paper's data sets."""

import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from reset.errors import ResetError, nearest
from reset.micro.facts import RELATIONS, read, sentences
from reset.micro.grounded import NONE, Noise, Rate, question, summary
from reset.micro.instructions import instruction
from reset.sources import UNANSWERABLE, Example, Record, SetAside, Where
from reset.sources.fields import Reply

Rows = dict[Literal["train", "dev", "test"], Annotated[int, Field(ge=1)]]  # split -> number of records
Draw = Callable[[random.Random, Noise], dict[str, Any]]

# kind -> (task, function that draws one record). The last six are for evaluation only: they have other domains,
# entities and wordings.
KINDS: dict[str, tuple[str, Draw]] = {
    "instructions": ("instruction", lambda rng, n: instruction(rng, n.half_followed, way=0, large=False)),
    "nq": ("extractive_qa", lambda rng, n: question(rng, ("person", "town", "animal"), n, spans=True, clues=0.25)),
    "ms_marco": (
        "abstractive_qa",
        lambda rng, n: question(rng, ("town", "animal", "compound"), n, spans=False, clues=0),
    ),
    "cnn_dailymail": ("summarization", lambda rng, n: summary(rng, ("person", "town", "planet"), n)),
    "searchqa": ("extractive_qa", lambda rng, n: question(rng, ("ship", "person"), n, spans=True, clues=1)),
    "bioasq": ("extractive_qa", lambda rng, n: question(rng, ("compound", "planet"), n, spans=True, clues=0)),
    "wikisum": ("summarization", lambda rng, n: summary(rng, ("animal", "compound"), n)),
    "alpaca": ("instruction", lambda rng, n: instruction(rng, n.half_followed, way=0, large=False)),
    "vicuna_eval": ("instruction", lambda rng, n: instruction(rng, n.half_followed, way=0, large=True)),
    "koala_eval": ("instruction", lambda rng, n: instruction(rng, n.half_followed, way=1, large=False)),
}


@dataclass(frozen=True)
class Unanswerable:
    """Questions whose passages do not hold the answer."""

    share: Rate  # of the questions
    reply: Reply  # their training target, in words of the world


def without_answer(record: Record, reply: str) -> Record:
    """Return a question without the sentences of its passages that answer it; at least one passage stays.

    Passages are about different entities, of which a question asks for one.
    """
    passages = (
        " ".join(sentence for sentence in sentences(passage) if not _answers(sentence, record["question"]))
        for passage in record["passages"]
    )
    left = [passage for passage in passages if passage]
    return {**record, "passages": left, "response": reply, "checks": json.loads(UNANSWERABLE)}


def _answers(sentence: str, question: str) -> bool:
    if (fact := read(sentence)) is None:
        return False
    entity, name, value = fact
    return question in (RELATIONS[name].question(entity), RELATIONS[name].clue(value))


def held_out(record: Record) -> bool:
    """Return whether a prompt is reserved for tests: a fifth of all, by hash. No test prompt can occur in training."""
    text = json.dumps([record["instruction"], record["question"], record["passages"]])
    return zlib.crc32(text.encode()) % 5 == 0


class Micro:
    """Generates records of one `kind`; a record depends on (seed, kind, split, number) alone.

    So a larger `rows` (the number of records per split) does not change earlier records. `noise` holds the rates of
    `reset.micro.grounded.Noise`, or is None for no noise; the test split never has any. With `unanswerable`, the
    passages of a share of the questions lack the answer.

    A record of kind `nq`:

        {"id": "0", "instruction": "extract the answer span from the passages.",
         "question": "what is the tool of mira?", "passages": ["mira uses red rope.", "oslo sells old bread."],
         "response": "red rope"}
    """

    where = Where(licence="Apache-2.0")

    def __init__(
        self, *, kind: str, rows: Rows, seed: int, noise: Noise | None, unanswerable: Unanswerable | None = None
    ) -> None:
        if kind not in KINDS:
            raise ResetError(f"Unknown kind of micro data '{kind}'. {nearest(kind, KINDS)}")
        if unanswerable and not KINDS[kind][0].endswith("qa"):
            raise ResetError(f"micro data of kind '{kind}' have no questions, so none can be unanswerable")
        self._kind, self._seed, self._unanswerable = kind, seed, unanswerable
        self._rows: dict[str, int] = {str(split): count for split, count in rows.items()}
        self._task = KINDS[kind][0]
        self._noise = noise or NONE
        self.splits = tuple(rows)

    def generate(self, split: str) -> Iterator[Record]:
        """Yield the raw records of `split`."""
        noise = NONE if split == "test" else self._noise
        for number in range(self._rows[split]):
            rng = random.Random(f"{self._seed}/{self._kind}/{split}/{number}")  # nosec B311: draws to repeat
            record = self._draw(rng, noise)
            while held_out(record) != (split == "test"):
                record = self._draw(rng, noise)
            yield {"id": str(number), **record}

    def _draw(self, rng: random.Random, noise: Noise) -> Record:
        record = KINDS[self._kind][1](rng, noise)
        if self._unanswerable and rng.random() < self._unanswerable.share:
            return without_answer(record, self._unanswerable.reply)
        return record

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example:
        checks = record.get("checks")
        return Example(
            id=record["id"],
            task=self._task,
            instruction=record["instruction"],
            question=record["question"],
            passages=record["passages"],
            references=[record["response"]],
            checks=json.dumps(checks, sort_keys=True) if checks else None,
        )
