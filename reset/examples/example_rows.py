"""An example as a row of the examples table, and why a row is set aside whatever its source."""

from reset.files import tables
from reset.sources import Example
from reset.sources.fields import blank

NOT_TEXT = ("broken Unicode", "NUL character")


def example_row(example: Example, dataset: str, split: str) -> tables.Row:
    """Return `example` as a row of the examples table; all line ends of its texts become line feeds."""
    return {
        "example_id": f"{dataset}/{split}/{example.id}",
        "dataset": dataset,
        "split": split,
        "task": example.task,
        "instruction": _line_ends(example.instruction),
        "question": _line_ends(example.question),
        "passages": list(map(_line_ends, example.passages)),
        "references": list(map(_line_ends, example.references)),
        "checks": example.checks,
    }


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def fault(row: tables.Row, max_chars: int) -> str:
    """Return why a row is set aside, or "". Test instructions need no answer: replies to them are only rated."""
    references = row["references"]
    if blank(row["instruction"]):
        return "empty instruction"
    if row["task"].endswith("_qa") and blank(row["question"]):
        return "empty question"
    if row["task"] != "instruction" and all(map(blank, row["passages"])):
        return "empty context"
    optional = row["task"] == "instruction" and row["split"] == "test"
    if not (references and not blank(references[0])) and not (optional and not references):
        return "empty answer"
    whole = "".join([row["example_id"], row["instruction"], row["question"], *row["passages"], *references])
    return _text_fault(whole) or (f"over {max_chars} characters" if len(whole) > max_chars else "")


def _text_fault(text: str) -> str:
    """Return why `text` cannot be used, or "": half a surrogate pair, or the NUL character, which ends C strings."""
    if "\0" in text:
        return "NUL character"
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "broken Unicode"
    return ""
