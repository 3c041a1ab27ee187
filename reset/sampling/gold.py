"""The reference of a prompt as one more row of its answers (`pools.*.gold`), for judges and the choice."""

from collections.abc import Callable, Iterator

from reset.files.schemas import GOLD
from reset.files.tables import Row

CountTokens = Callable[[str], int]  # a text -> its tokens, the end token included


def gold_rows(example: Row, system: str, count_tokens: CountTokens) -> Iterator[Row]:
    """Yield the answers row of the first reference, with a column `cut`; none where the prompt has no reference.

    Its decode setting and its finish reason are `gold`, its sweep is 0. No model sampled it, so it has no probability.
    """
    for text in example["references"][:1]:
        yield {
            **{key: example[key] for key in ("example_id", "dataset", "task")},
            **{"answer_id": f"{example['example_id']}|{GOLD}|0", "system": system, "setting": GOLD, "sweep": 0},
            **{"temperature": 0.0, "top_k": 0, "seed": 0, "text": text, "tokens": count_tokens(text)},
            **{"finish_reason": GOLD, "mean_logprob": None, "cut": False},
        }
