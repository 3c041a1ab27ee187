"""Retrieved passages of extractive QA: at most so many, the gold answer in at least one (section 2.1.2).

How deep the paper looked for the answer is not said. Here the best passages stay; when none of them holds the answer,
the last one gives way to the best-ranked passage that does, if `search_deeper`. How the answer is "mentioned" and in
which order the passages then stand is not said either: see `Choice`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from reset.errors import ResetError, nearest
from reset.model.prompts import INSTRUCTIONS
from reset.normalise import span_finder
from reset.sources import Example, Record, SetAside
from reset.sources.fields import optional_text, rows, value

NO_ANSWER = SetAside("no passage holds the answer")
_BIENCODER = ("positive_ctxs", "hard_negative_ctxs", "negative_ctxs")
MENTIONS = ("tokens", "characters")
ORDERS = ("best_first", "best_last")


@dataclass(frozen=True)
class Choice:
    """How passages are chosen; the options of the sources that choose.

    `mention`: after the normalisation of appendix A.2 an answer is a run of whole tokens of a passage, or of its
    characters. `order`: the best passage comes first, as retrieved, or last, next to what follows the context.
    """

    max_passages: int = 5
    search_deeper: bool = True
    mention: str = "tokens"
    order: str = "best_first"

    def __post_init__(self) -> None:
        for name, known in (("mention", MENTIONS), ("order", ORDERS)):
            if (chosen := getattr(self, name)) not in known:
                raise ResetError(f"Unknown {name} '{chosen}' (options.{name} of a source). {nearest(chosen, known)}")


def retrieved(record: Record) -> Iterator[str]:
    """Texts of a record in one of DPR's layouts, best first: retriever results, or items for the biencoder.

    They are read as they are asked for: of a hundred, most never are.
    """
    names = [name for name in _BIENCODER if name in record] if "positive_ctxs" in record else ["ctxs"]
    texts = (optional_text(passage, "text") for name in names for passage in rows(record, name))
    return (text for text in texts if text.strip())


def is_retrieval(record: Record) -> bool:
    """Say whether a record follows one of DPR's layouts, which RobustQA's results share."""
    return "ctxs" in record or "positive_ctxs" in record


def choose(passages: Iterable[str], answers: Iterable[str], choice: Choice) -> list[str] | None:
    """Keep `max_passages` of the ranked `passages`, one of them with an answer; None where that cannot be."""
    holds, ranked = span_finder(answers, whole_tokens=choice.mention == "tokens"), iter(passages)
    best = list(islice(ranked, choice.max_passages))
    if not any(map(holds, best)):
        found = next(filter(holds, ranked), None) if choice.search_deeper else None
        if found is None:
            return None
        best = [*best[:-1], found]
    return best if choice.order == "best_first" else best[::-1]


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
    """Return the field `name` of acceptable answers, lists of lists flattened, without blanks and repetitions."""
    flat: dict[str, None] = {}
    pending = [value(record, name)]
    while pending:
        item = pending.pop(0)
        if isinstance(item, list):
            pending = item + pending
        elif isinstance(item, str | int | float) and str(item).strip():
            flat[str(item)] = None
    return list(flat)
