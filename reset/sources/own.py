"""Your own records: files of any format that is read, whose columns are named in params.yaml (docs/your-data.md)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reset.errors import ResetError, nearest
from reset.model.prompts import INSTRUCTIONS
from reset.sources import UNANSWERABLE, Example, Record, SetAside, Where
from reset.sources.fields import has, identity, label, nested, text, texts
from reset.sources.retrieval import NO_ANSWER, Choice, choose
from reset.sources.split_names import SPELLINGS, spelled

# The parts that `fields` must name for each task; the other PARTS are optional.
NEEDED = {
    "instruction": ("instruction",),
    "extractive_qa": ("question", "passages", "references"),
    "abstractive_qa": ("question", "passages", "references"),
    "summarization": ("passages", "references"),
}
PARTS = ("id", "split", "instruction", "question", "passages", "references", "answerable")
YES, NO = ("", "true", "yes", "1"), ("false", "no", "0")  # what the column `answerable` may say
SPLITS = sorted(set(SPELLINGS.values()))


@dataclass(frozen=True, kw_only=True)
class Own(Choice):
    """Records in your own columns; `fields` maps each part of an example to its column.

    - Without an `instruction` column, tasks with a context use the paper's instruction (Table 3).
    - A column holds one text, a list of texts, a list of objects with a `text`, or, with `separator`, several texts in
      one string. Dots lead into objects: `answers.text`.
    - `splits` says what the words of the column `split` mean, beside the usual ones: {holdout: test}. A record without
      an id gets one from its content, a record without a split has none.
    - A question whose column `answerable` says false, no or 0 is unanswerable; its reference is the reply to it.
    - Extractive questions keep at most `max_passages` passages, at least one with an answer; the options are those of
      `Choice`. Other tasks keep all passages.

    A record for `fields` {question: query, passages: context, references: answer}:

        {"query": "Where is pump 1?", "context": ["Pump 1 stands in hall 2."], "answer": "hall 2"}
    """

    where = Where(licence="yours", how="set `path` to your file, or to a folder of files (docs/your-data.md)")

    task: str
    fields: Mapping[str, str]
    separator: str | None = None
    splits: Mapping[str | int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.task not in NEEDED:
            raise ResetError(f"Unknown task '{self.task}' (options.task of own). {nearest(self.task, NEEDED)}")
        for part in self.fields:
            if part not in PARTS:
                raise ResetError(f"Unknown part '{part}' (options.fields of own). {nearest(part, PARTS)}")
        for name, split in self.splits.items():
            if split not in SPLITS:
                raise ResetError(f"Unknown split '{split}' (options.splits.{name} of own). {nearest(split, SPLITS)}")
        if lacking := [part for part in NEEDED[self.task] if part not in self.fields]:
            raise ResetError(f"options.fields of own must name a column for {', '.join(lacking)} (task {self.task})")
        super().__post_init__()

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        passages, references = self._texts(record, "passages"), self._texts(record, "references")
        question = self._text(record, "question")
        instruction = self._text(record, "instruction") if "instruction" in self.fields else INSTRUCTIONS[self.task]
        parts = (instruction, question, *passages, *references)
        answerable = self._answerable(record)
        if (
            self.task == "extractive_qa" and passages and references and answerable
        ):  # `prepare` sets rows without either aside
            chosen = choose(passages, references, self)
            if chosen is None:
                return NO_ANSWER
            passages = chosen
        return Example(
            id=identity({"id": self._value(record, "id")}, ["id"], *parts),
            task=self.task,
            instruction=instruction,
            question=question,
            passages=passages,
            references=references,
            split=self._split(record),
            checks=None if answerable else UNANSWERABLE,
        )

    def _answerable(self, record: Record) -> bool:
        column = self.fields.get("answerable", "")
        found = self._value(record, "answerable")
        word = str(found).lower() if isinstance(found, bool) else label(column, found).strip().lower()
        if word not in YES + NO:
            raise ResetError(f"the field '{column}' must be one of true, yes, 1, false, no, 0, is '{word}'")
        return word not in NO

    def _value(self, record: Record, part: str) -> Any:
        """Return what the column of `part` holds; None if it has no column, or if the record may do without it."""
        column = self.fields.get(part)
        if column is None or (part not in NEEDED[self.task] and not has(record, column)):
            return None
        return nested(record, column)

    def _text(self, record: Record, part: str) -> str:
        found = self._value(record, part)
        return "" if found is None else text({self.fields[part]: found}, self.fields[part])

    def _texts(self, record: Record, part: str) -> list[str]:
        """Return the texts of a part without blank and null ones; [] if there are none."""
        found = self._value(record, part)
        if found is None:
            return []
        if isinstance(found, str) and self.separator:
            found = [piece.strip() for piece in found.split(self.separator)]
        if isinstance(found, list):
            found = [
                item.get("text", item) if isinstance(item, Mapping) else item for item in found if item is not None
            ]
        return texts({self.fields[part]: found}, self.fields[part])

    def _split(self, record: Record) -> str | None:
        column = self.fields.get("split", "")
        word = label(column, self._value(record, "split")).strip()
        if not word:
            return None
        own = {str(name): split for name, split in self.splits.items()}
        folded = {name.strip().lower(): split for name, split in own.items()}
        split = own.get(word) or folded.get(word.lower()) or spelled(word)
        if split is None:
            known = ", ".join([*map(str, self.splits), *SPELLINGS])
            raise ResetError(
                f"the field '{column}' must be one of {known}, is '{word}' (options.splits gives it a meaning)"
            )
        return split
