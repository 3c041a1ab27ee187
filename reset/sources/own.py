"""Your own records: JSON Lines, CSV or Parquet whose columns are named in params.yaml (docs/your-data.md)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reset.errors import ResetError, nearest
from reset.model.prompts import INSTRUCTIONS
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, optional_text, text, texts, value
from reset.sources.retrieval import NO_ANSWER, Choice, choose

# What a row of each task needs; `instruction`, `references` (of test instructions), `id` and `split` may be named too.
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
    """`fields` says in which column each part of an example stands: {question: query, passages: context, ...}.

    Without an `instruction` column, tasks with a context take the paper's (Table 3). A column holds one text, a list of
    texts or of objects with a `text`, or, with `separator`, several texts in one. Extractive questions keep at most
    `max_passages` with an answer among them (`search_deeper`, `mention`, `order`: see `Choice`), other tasks keep all.
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
        if self.task == "extractive_qa" and passages and references:  # what is empty, `prepare` sets aside
            best = choose(passages, references, self)
            if best is None:
                return NO_ANSWER
            passages = best
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
        """The texts of a part, blank ones left out; none where the part has no column or the column is null."""
        if part not in self.fields:
            return []
        name = self.fields[part]
        found = value(record, name)
        if isinstance(found, str) and self.separator:
            found = [piece.strip() for piece in found.split(self.separator)]
        items = [] if found is None else [found] if isinstance(found, str) else found
        if isinstance(items, list):
            items = [item.get("text") if isinstance(item, Mapping) else item for item in items]
        return texts({name: items}, name)

    def _split(self, record: Record) -> str | None:
        if "split" not in self.fields:
            return None
        name = text(record, self.fields["split"])
        if name not in SPELLINGS:
            raise ResetError(f"the field '{self.fields['split']}' must be {', '.join(SPELLINGS)}, is '{name}'")
        return SPELLINGS[name]
