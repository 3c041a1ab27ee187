"""Vicuna-eval (Chiang et al. 2023): 80 questions without reference answers, for evaluation.

https://github.com/lm-sys/FastChat, fastchat/llm_judge/data/vicuna_bench
"""

from collections.abc import Iterable, Iterator

from reset.errors import ResetError
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, texts


class VicunaEval:
    """The first turn of each question. There are no options.

    A record, with invented text:

        {"question_id": 7, "category": "math", "turns": ["Add 1 and 2."]}
    """

    where = Where(
        revision="0e6d3e4beaab66f4d3f93db72541a4abab8af28d",
        urls={
            "test": "https://raw.githubusercontent.com/lm-sys/FastChat/{revision}/"
            "fastchat/llm_judge/data/vicuna_bench/question.jsonl"
        },
        licence="Apache-2.0",
    )

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(_example, records)


def _example(record: Record) -> Example:
    turns = texts(record, "turns")
    if not turns:
        raise ResetError("the field 'turns' holds no text")
    return Example(id=identity(record, ["question_id"], turns[0]), task="instruction", instruction=turns[0])
