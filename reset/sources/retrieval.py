"""Choose retrieved passages for extractive QA: at most `max_passages`, at least one with the answer (section 2.1.2).

The paper does not say how far down the ranking it searched for the answer. Here the best passages are kept. If none of
them contains the answer, `search_deeper` replaces the last one by the next passage in the ranking that does. Nor does
the paper say what counts as a mention of the answer, and in which order it puts the passages: see `Choice`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from reset.errors import ResetError, nearest
from reset.model.prompts import INSTRUCTIONS
from reset.normalise import normalise, span_finder
from reset.sources import Example, Record, SetAside
from reset.sources.fields import Most, label, optional_text, rows, value

NO_ANSWER = SetAside("no passage holds the answer")
_PARTS, _TITLE = re.compile(r"\[(?:DOC|PAR)\]"), re.compile(r"^\[TLE\].*?(?:\[SEP\]|$)", re.DOTALL)
_BIENCODER = ("positive_ctxs", "hard_negative_ctxs", "negative_ctxs")
MENTIONS = ("tokens", "characters")
ORDERS = ("best_first", "best_last")


@dataclass(frozen=True)
class Choice:
    """Options of the sources that choose passages.

    - `max_passages`: the most passages kept.
    - `search_deeper`: whether to look for the answer below the best `max_passages`.
    - `mention`: whether an answer must match whole tokens of a passage ("tokens") or any substring ("characters"). Both
      texts are normalised as in appendix A.2.
    - `order`: "best_first", as retrieved, or "best_last", next to the text after the passages.
    """

    max_passages: Most = 5
    search_deeper: bool = True
    mention: str = "tokens"
    order: str = "best_first"

    def __post_init__(self) -> None:
        for name, allowed in (("mention", MENTIONS), ("order", ORDERS)):
            if (chosen := getattr(self, name)) not in allowed:
                raise ResetError(f"Unknown {name} '{chosen}' (options.{name} of a source). {nearest(chosen, allowed)}")


def retrieved(record: Record) -> Iterator[str]:
    """Yield the passages of a record in one of DPR's layouts, best first: retriever results or biencoder training data.

    This is lazy: of a hundred passages most are never read.
    """
    names = [name for name in _BIENCODER if name in record] if "positive_ctxs" in record else ["ctxs"]
    texts = (optional_text(passage, "text") for name in names for passage in rows(record, name))
    return (text for text in texts if text.strip())


def is_retrieval(record: Record) -> bool:
    """Return whether a record has one of DPR's layouts, in which RobustQA's results are read too."""
    return "ctxs" in record or "positive_ctxs" in record


def marked_passages(context: str) -> list[str]:
    """Return the paragraphs of a context with MRQA's marks, each on one line, without titles; empty ones are skipped.

    "[TLE] title" ends at [SEP], [PAR] or the end of its document, which may have been cut off within a title.
    """
    parts = (_TITLE.sub("", part.strip()).replace("[SEP]", " ") for part in _PARTS.split(context))
    return [" ".join(part.split()) for part in parts if part.strip()]


def choose(passages: Iterable[str], answers: Iterable[str], choice: Choice) -> list[str] | None:
    """Return at most `max_passages` of the ranked `passages`, at least one with an answer; None if none has it."""
    has_answer, ranked = _finder(list(answers), whole_tokens=choice.mention == "tokens"), iter(passages)
    best = list(islice(ranked, choice.max_passages))
    if not any(map(has_answer, best)):
        replacement = next(filter(has_answer, ranked), None) if choice.search_deeper else None
        if replacement is None:
            return None
        best = [*best[:-1], replacement]
    return best if choice.order == "best_first" else best[::-1]


def _finder(answers: list[str], *, whole_tokens: bool) -> Callable[[str], bool]:
    """Return a function that says whether a passage holds one of `answers`, normalised as in appendix A.2.

    Where normalising leaves nothing to look for ("+" has no word), the answer is looked for as it is.
    """
    has_span = span_finder(answers, whole_tokens=whole_tokens)
    bare = [answer.strip() for answer in answers if answer.strip() and not normalise(answer)]
    wordless = [answer for answer in bare if not span_finder([answer])(answer)]  # not articles: "A" is found
    return lambda passage: has_span(passage) or any(answer in passage for answer in wordless)


def extractive(
    id: str, question: str, passages: Iterable[str], answers: Sequence[str], choice: Choice
) -> Example | SetAside:
    """Return the example of an extractive question, or `NO_ANSWER`."""
    chosen = choose(passages, answers, choice)
    if chosen is None:
        return NO_ANSWER
    task = "extractive_qa"
    return Example(id, task, INSTRUCTIONS[task], question=question, passages=chosen, references=list(answers))


def answers_of(record: Record, name: str) -> list[str]:
    """Return the acceptable answers in the field `name`: nested lists are flattened, blanks and repeats dropped.

    A whole number becomes its digits.
    """
    flat: dict[str, None] = {}
    pending = [value(record, name)]
    while pending:
        item = pending.pop(0)
        if isinstance(item, list):
            pending = item + pending
        elif answer := label(name, item):
            flat[answer] = None
    return list(flat)
