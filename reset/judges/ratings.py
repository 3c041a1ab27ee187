"""What a rater is asked of an answer, and the verdict that follows from its own words (paper 2.2 and A.1).

The paper's question is Table 5, about replies to instructions; a prompt file (`reset.judges.prompt_files`) asks
another. Score of Table 5: rating / 10, so 0.1 to 1.0; the paper says only that ratings are normalised to [0, 1]. Score
of a prompt file: the place of the points between the two ends of its scale. Words that are not finished, or have no
rating on the scale, give null; they are kept in `detail`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reset.judges import Answer, Verdict
from reset.judges.prompt_files import ByKey, ByRegex, PromptFile, read
from reset.llm import rating
from reset.llm.rating import HIGH, LOW
from reset.llm.reading import Reading
from reset.llm.reply_text import unfinished

MAX_TOKENS = 512  # of a rater's words; paper 2.2


def question_text(answer: Answer) -> str:
    """Return what the answer replies to, without its passages: the instruction, and the question if there is one."""
    return "\n".join(part for part in (answer.instruction, answer.question) if part)


def with_context(answer: Answer) -> str:
    """Return what the answer replies to, with its passages after a blank line."""
    return "\n\n".join([question_text(answer), *answer.passages])


FIELDS: Mapping[str, Callable[[Answer], str]] = {  # of a prompt
    "question": question_text,
    "passages": lambda answer: "\n\n".join(answer.passages),
    "answer": lambda answer: answer.text,
    "reference": lambda answer: answer.references[0],
    "references": lambda answer: "\n\n".join(answer.references),
    "task": lambda answer: answer.task,
}
PASSAGE, REFERENCE = "the example has no passage", "the example has no reference"
LACKING: Mapping[str, Callable[[Answer], str | None]] = {  # field -> why an answer has none
    "passages": lambda answer: None if answer.passages else PASSAGE,
    "reference": lambda answer: None if answer.references else REFERENCE,
    "references": lambda answer: None if answer.references else REFERENCE,
}


@dataclass(frozen=True)
class Form:
    """A question about an answer. Points lie from `least` to `most`; the score is their distance from `zero`."""

    text: str  # of the prompt, with its fields
    verdict: str
    tasks: frozenset[str]
    points: Callable[[str], float | None]  # of a rater's words
    least: float = LOW
    most: float = HIGH
    zero: float = 0.0
    max_tokens: int = MAX_TOKENS

    def lacks(self, answer: Answer) -> str | None:
        """Return why the prompt cannot be written, or None."""
        return next((why for name in self._fields() if (why := LACKING.get(name, _nothing)(answer))), None)

    def prompt(self, answer: Answer) -> str:
        """Return the prompt about an answer that lacks nothing."""
        values = {name: FIELDS[name](answer) for name in self._fields()}
        if answer.task == "instruction" and "question" in values and "passages" not in values:
            values["question"] = with_context(answer)  # an instruction's input belongs to it
        return rating.fill(self.text, values)

    def rated(
        self, answer: Answer, name: str, words: str, finish_reason: str | None, detail: Mapping[str, Any]
    ) -> Verdict:
        """Return the verdict `name` on `answer` that a rater's `words` give."""
        if reason := unfinished(words, finish_reason):
            return Verdict(answer.answer_id, name, None, reason, dict(detail))
        points = self.points(words)
        if points is None:
            reason = f"no rating from {self.least:g} to {self.most:g} in the reply"
            return Verdict(answer.answer_id, name, None, reason, dict(detail))
        score = (points - self.zero) / (self.most - self.zero)
        return Verdict(answer.answer_id, name, score, detail={"rating": points, **detail})

    def _fields(self) -> list[str]:
        return [name for name in rating.fields_in(self.text) if name != rating.FENCE]


def _nothing(_: Answer) -> None:
    return None


def table_5(verdict: str, points: Callable[[str], float | None] = rating.rating) -> Form:
    """Return the paper's question."""
    return Form(rating.TEXTS["rating.txt"], verdict, frozenset({"instruction"}), points)


def own(name: str, prompt: str) -> Form:
    """Return the question of the prompt file `prompt`, asked by the judge `name`; `ResetError` for an unfit file."""
    file = read(prompt)
    rule, of = _rule(file)
    least, most = file.scale.least, file.scale.most
    points = Reading(rule, of, least, most, file.words).points
    tasks = frozenset(file.judged)
    return Form(file.text, file.verdict or name, tasks, points, least, most, least, file.max_tokens)


def _rule(file: PromptFile) -> tuple[str, str]:
    if isinstance(file.read, ByRegex):
        return "regex", file.read.regex
    return ("json", file.read.json_key) if isinstance(file.read, ByKey) else (file.read, "")
