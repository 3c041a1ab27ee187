"""Koala-eval (Geng et al. 2023): 180 prompts without reference answers, for evaluation only.

https://github.com/arnav-gudibande/koala-test-set
"""

from collections.abc import Iterable, Iterator

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import text


class KoalaEval:
    """One example per prompt. There are no options.

    A record, with invented text:

        {"id": "koala_1", "prompt": "Write a haiku about rain."}
    """

    where = Where(
        revision="2d4396aee3cff495382e9b0ad2521d70b177763b",
        urls={
            "test": "https://raw.githubusercontent.com/arnav-gudibande/koala-test-set/{revision}/koala_test_set.jsonl"
        },
        licence="Apache-2.0; never to be trained on",
    )

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(_example, records)


def _example(record: Record) -> Example:
    return Example(id=text(record, "id"), task="instruction", instruction=text(record, "prompt"))
