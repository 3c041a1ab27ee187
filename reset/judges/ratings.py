"""What a rating of a reply is about, and the verdict that follows from a rater's own words (paper 2.2 and A.1).

Score: rating / 10, so 0.1 to 1.0; the paper says only that ratings are normalised to [0, 1]. Words that are not
finished, or have no rating on the scale, give null; they are kept in `detail`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reset.judges import Answer, Verdict
from reset.llm.rating import HIGH
from reset.llm.reply_text import unfinished

MAX_TOKENS = 512  # of a rater's words; paper 2.2


def question_text(answer: Answer) -> str:
    """Return what the answer replies to: the instruction, and the question if there is one."""
    return "\n".join(part for part in (answer.instruction, answer.question) if part)


def rated(
    answer: Answer,
    name: str,
    text: str,
    finish_reason: str | None,
    parse: Callable[[str], float | None],
    detail: Mapping[str, Any],
) -> Verdict:
    """Return the verdict `name` on `answer` that the rater's words `text` give; `parse` reads a rating from them."""
    if reason := unfinished(text, finish_reason):
        return Verdict(answer.answer_id, name, None, reason, dict(detail))
    points = parse(text)
    if points is None:
        return Verdict(answer.answer_id, name, None, "no rating from 1 to 10 in the reply", dict(detail))
    return Verdict(answer.answer_id, name, points / HIGH, detail={"rating": points, **detail})
