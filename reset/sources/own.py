"""Your own records: JSON Lines, CSV or Parquet whose columns are named in params.yaml (docs/your-data.md)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reset.errors import ResetError, nearest
from reset.model.prompts import INSTRUCTIONS
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, optional_text, text, texts, value
from reset.sources.retrieval import NO_ANSWER, Choice, choose

# The parts that `fields` must name for each task; the other PARTS are optional.
NEEDED = {
    "instruction": ("instruction",),
    "extractive_qa": ("question", "passages", "references"),
    "abstractive_qa": ("question", "passages", "references"),
    "summarization": ("passages", "references"),
}
PARTS = ("id", "split", "instruction", "question", "passages", "references")
SPELLINGS = {"train": "train", "val": "dev", "valid": "dev", "validation": "dev", "dev": "dev", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Own(Choice):
    """Records in your own columns; `fields` maps each part of an example to its column.

    - Without an `instruction` column, tasks with a context use the paper's instruction (Table 3).
    - A column holds one text, a list of texts, a list of objects with a `text`, or, with `separator`, several texts in
      one string.
    - Extractive questions keep at most `max_passages` passages, at least one with an answer; the options are those of
      `Choice`. Other tasks keep all passages.

    A record for `fields` {question: query, passages: context, references: answer}:

        {"query": "Where is pump 1?", "context": ["Pump 1 stands in hall 2."], "answer": "hall 2"}
    """

    where = Where(
        licence="yours", how="set `path` to your JSON Lines, CSV or Parquet file, or to a folder of such files"
    )

    task: str
    fields: Mapping[str, str]
    separator: str | None = None

    def __post_init__(self) -> None:
        if self.task not in NEEDED:
            raise ResetError(f"Unknown task '{self.task}' (options.task of own). {nearest(self.task, NEEDED)}")
        for part in self.fields:
            if part not in PARTS:
                raise ResetError(f"Unknown part '{part}' (options.fields of own). {nearest(part, PARTS)}")
        if lacking := [part for part in NEEDED[self.task] if part not in self.fields]:
            raise ResetError(f"options.fields of own must name a column for {', '.join(lacking)} (task {self.task})")
        super().__post_init__()

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        passages, references = self._texts(record, "passages"), self._texts(record, "references")
        question = optional_text(record, self.fields["question"]) if "question" in self.fields else ""
        named = "instruction" in self.fields
        instruction = optional_text(record, self.fields["instruction"]) if named else INSTRUCTIONS[self.task]
        if self.task == "extractive_qa" and passages and references:  # `prepare` sets rows without either aside
            chosen = choose(passages, references, self)
            if chosen is None:
                return NO_ANSWER
            passages = chosen
        return Example(
            id=identity(record, [self.fields.get("id", "")], instruction, question, *passages, *references),
            task=self.task,
            instruction=instruction,
            question=question,
            passages=passages,
            references=references,
            split=self._split(record),
        )

    def _texts(self, record: Record, part: str) -> list[str]:
        """Return the texts of a part without blank ones; [] if the part has no column or the column is null."""
        if part not in self.fields:
            return []
        name = self.fields[part]
        field = value(record, name)
        if isinstance(field, str) and self.separator:
            field = [piece.strip() for piece in field.split(self.separator)]
        items = [] if field is None else [field] if isinstance(field, str) else field
        if isinstance(items, list):
            items = [item.get("text") if isinstance(item, Mapping) else item for item in items]
        return texts({name: items}, name)

    def _split(self, record: Record) -> str | None:
        if "split" not in self.fields:
            return None
        name = text(record, self.fields["split"])
        if name not in SPELLINGS:
            raise ResetError(f"the field '{self.fields['split']}' must be one of {', '.join(SPELLINGS)}, is '{name}'")
        return SPELLINGS[name]
