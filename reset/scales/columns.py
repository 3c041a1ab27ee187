"""Guess what the columns of a data set are, and its task, from their names and the first records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reset.errors import ResetError, nearest
from reset.scales.files import Look, column_splits
from reset.sources import Example, Record
from reset.sources.own import NEEDED, PARTS, Own

# The names by which a part is known, the likeliest first; a column inside an object goes by its whole name or its last.
NAMES = {
    "id": ("id", "uid", "_id", "example_id", "qid"),
    "split": ("split", "partition", "fold", "subset"),
    "instruction": ("instruction", "prompt", "user"),
    "question": ("question", "query", "question_text"),
    "passages": (
        *("passages", "passage", "context", "contexts", "ctxs", "documents", "document", "article", "source"),
        *("evidence", "dialogue", "text", "body", "input"),
    ),
    "references": (
        *("references", "reference", "answers", "answer", "answers.text", "response", "responses", "output"),
        *("completion", "reply", "summary", "highlights", "target", "gold", "chosen"),
    ),
}
TAKEN = {  # the parts of each task, in the order of PARTS
    task: [
        part
        for part in PARTS
        if part
        in (*needed, "id", "split", *(("passages", "references") if task == "instruction" else ("instruction",)))
    ]
    for task, needed in NEEDED.items()
}
SINGULAR = {part.removesuffix("s"): part for part in PARTS}


@dataclass(frozen=True)
class Columns:
    """What is in which column of a data set: its task, and the column of each part."""

    task: str
    fields: Mapping[str, str]  # part -> column

    def __str__(self) -> str:
        return ", ".join([self.task, *(f"{column}={part}" for part, column in self.fields.items())])


def parsed(text: str, columns: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """Read "task, column=part, ...": return the task, if one is named, and what the columns are; "" is nothing.

    Raises `ResetError` for a task, column or part that there is not.
    """
    task, parts = None, {}
    for word in filter(None, map(str.strip, text.split(","))):
        column, equals, part = (piece.strip() for piece in word.rpartition("="))
        if not equals:
            if word not in NEEDED:
                raise ResetError(f"'{word}' is no task and no column=part. {nearest(word, NEEDED)}")
            task = word
            continue
        if column not in columns:
            raise ResetError(f"There is no column '{column}'. {nearest(column, columns)}")
        part = SINGULAR.get(part, part)
        if part and part not in PARTS:
            raise ResetError(f"Unknown part '{part}' of an example. {nearest(part, PARTS)}")
        parts[column] = part
    return task, parts


def given(texts: Sequence[str], seen: Sequence[Look]) -> dict[str, str]:
    """Return what `texts` say of each data set: those that begin with its name and a colon, and those for all.

    Raises `ResetError` for a data set or column that there is not.
    """
    said: dict[str, list[str]] = {one.name: [] for one in seen}
    for text in texts:
        name, colon, rest = text.partition(":")
        if colon and name in said:
            said[name].append(rest.strip())
            continue
        if colon and rest.split(",")[0].strip() in NEEDED:
            raise ResetError(f"There is no data set '{name}'. {nearest(name, said)}")
        for word in map(str.strip, text.split(",")):
            of = [one.name for one in seen if "=" not in word or word.rpartition("=")[0].strip() in one.columns]
            if not of:
                known = [*(column for one in seen for column in one.columns), *(f"{other}:" for other in said)]
                raise ResetError(f"No file has what '{word}' names. {nearest(word.rpartition('=')[0] or word, known)}")
            for other in of:
                said[other].append(word)
    return {name: ", ".join(words) for name, words in said.items()}


def guessed(one: Look, text: str = "") -> Columns:
    """Return the task and fields of a data set: what `text` says, and for the rest what names and records suggest.

    Raises `ResetError` if they fit no task, or if none of the first records can be read so.
    """
    task, said = parsed(text, one.columns)
    fields = _fields(one, said)
    task = task or _task(one, fields)
    if task == "instruction" and "instruction" not in fields and "question" in fields:
        fields["instruction"] = fields["question"]
    found = Columns(task, {part: fields[part] for part in TAKEN[task] if part in fields})
    if lacking := [part for part in NEEDED[task] if part not in found.fields]:
        raise ResetError(f"{one.path}: {task} needs a column for {' and '.join(lacking)}; it has {_list(one.columns)}")
    if not kept(one.records, found):
        raise ResetError(f"{one.path}: none of its first {len(one.records)} records is {found}{_why(one, found)}")
    return found


def kept(records: Iterable[Record], columns: Columns) -> int:
    """Return how many records source `own` turns into an example."""
    source = Own(task=columns.task, fields=columns.fields)
    return sum(_reads(source, record) is None for record in records)


def _reads(source: Own, record: Record) -> str | None:
    """Return why a record is no example; None if it is one."""
    try:
        found = next(iter(source.outcomes([record])))
    except ResetError as error:
        return error.message
    if not isinstance(found, Example):
        return found.reason
    lacking = [part for part in NEEDED[source.task] if not getattr(found, part)]
    return f"no {lacking[0]}" if lacking else None


def _why(one: Look, columns: Columns) -> str:
    why = _reads(Own(task=columns.task, fields=columns.fields), one.records[0])
    return f" (the first: {why})" if why else ""


def _fields(one: Look, said: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each part: as `said`, else the first free column of a name of that part."""
    fields = {part: column for column, part in said.items() if part}
    free = {column.lower(): column for column in reversed(one.columns) if column not in said}
    for part, names in NAMES.items():
        column = next((free[name] for name in names if name in free), None)
        if part in fields or column is None or (part == "split" and column_splits(one, column) is None):
            continue
        fields[part] = free.pop(column.lower())
    return fields


def _task(one: Look, fields: Mapping[str, str]) -> str:
    """Return the task that the parts suggest; answers are extractive if most of them stand in their passages."""
    if {"question", "passages", "references"} <= fields.keys():
        parts = {part: fields[part] for part in NEEDED["extractive_qa"]}
        spans = kept(one.records, Columns("extractive_qa", parts))
        return (
            "extractive_qa"
            if 2 * spans >= kept(one.records, Columns("abstractive_qa", parts)) > 0
            else "abstractive_qa"
        )
    if "instruction" in fields or ("question" in fields and "passages" not in fields):
        return "instruction"
    if {"passages", "references"} <= fields.keys():
        return "summarization"
    raise ResetError(
        f"{one.path}: its columns {_list(one.columns)} suggest no task; say what they are, "
        "such as instruction=instruction, or question=question, context=passages, answer=references"
    )


def _list(columns: Sequence[str]) -> str:
    return ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "")
