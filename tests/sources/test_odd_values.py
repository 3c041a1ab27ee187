"""Any field of any record may hold anything: the outcome is an example of texts, a reason, or an error of one line."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from reset import registry
from reset.errors import ResetError
from reset.examples.fetch import Packed
from reset.sources import Example, Source
from reset.sources.construction import construct
from reset.sources.fields import UNREADABLE

ODD: list[Any] = [None, 7, 1.5, True, "", " ", "x", [], [1], [None], ["x", 1], [[]], {}, {"a": 1}, {UNREADABLE: "b"}]
SOURCES = sorted(registry.SOURCES.keys() - {"micro"})  # the micro world reads what it has written itself
OWN = {"task": "extractive_qa", "fields": {"question": "query", "passages": "context", "references": "answer"}}
TREE = {
    "message_tree_id": "p1",
    "prompt": {
        "message_id": "p1",
        "role": "prompter",
        "text": "Name a city.",
        "lang": "en",
        "deleted": False,
        "labels": {"quality": {"value": 0.8, "count": 3}},
        "replies": [
            {
                "message_id": "a1",
                "role": "assistant",
                "text": "Oslo.",
                "lang": "en",
                "deleted": False,
                "labels": {"quality": {"value": 0.8, "count": 3}},
                "replies": [],
            }
        ],
    },
}
OTHERS: dict[str, list[dict[str, Any]]] = {  # layouts that the docstring of a source does not show
    "oasst1": [TREE],
    "bioasq": [{"questions": [{"id": "1", "type": "factoid", "body": "Q?", "exact_answer": ["a"], "snippets": []}]}],
    "ms_marco": [{"query": {"0": "q"}, "passages": {"0": []}, "wellFormedAnswers": {"0": ["a"]}}],
    "self_instruct": [{"id": "s1", "instruction": "Add.", "instances": [{"input": "", "output": "3"}]}],
    "searchqa": [{"question": "q", "answer": "a", "search_results": [{"snippet": "a b"}]}],
    "nq": [{"question": "q", "answers": ["a"], "positive_ctxs": [{"text": "a"}], "negative_ctxs": [{"text": "b"}]}],
}


def made(name: str) -> Source:
    return construct(name, OWN if name == "own" else {}, key=name)


def shown(name: str) -> list[dict[str, Any]]:
    """The records in the docstring of a source, and those of its other layouts."""
    text = type(made(name)).__doc__ or ""
    text = text[text.index("    {") :]
    records, decoder = [], json.JSONDecoder(strict=False)
    while found := re.search(r"^\s*\{", text, re.MULTILINE):
        text = text[found.end() - 1 :]
        record, end = decoder.raw_decode(text)
        records.append(record)
        text = text[end:]
    return records + OTHERS.get(name, [])


def changed(value: Any) -> Iterator[Any]:
    """The value with one part after another replaced by each odd value, or taken out."""
    yield from ODD
    if isinstance(value, dict):
        for key in value:
            yield {name: part for name, part in value.items() if name != key}
            yield from ({**value, key: part} for part in changed(value[key]))
    if isinstance(value, list):
        for place in range(len(value)):
            yield from ([*value[:place], part, *value[place + 1 :]] for part in changed(value[place]))


def texts(example: Example) -> list[Any]:
    return [example.id, example.instruction, example.question, *example.passages, *example.references]


@pytest.mark.parametrize("name", SOURCES)
def test_every_shown_record_becomes_an_example_or_a_reason(name):
    source = made(name)
    records = shown(name)
    assert records
    for record in records:
        for one in source.unpack(record) if isinstance(source, Packed) else [record]:
            assert list(source.outcomes([copy.deepcopy(one)]))


@pytest.mark.parametrize("name", SOURCES)
def test_an_odd_value_never_ends_in_a_traceback_or_in_a_made_up_text(name):
    source, tried = made(name), 0
    for record in shown(name):
        for odd in changed(record):
            if not isinstance(odd, dict):  # `fetch` lets objects through alone
                continue
            tried += 1
            try:
                unpacked = list(source.unpack(copy.deepcopy(odd))) if isinstance(source, Packed) else [odd]
                outcomes = list(source.outcomes(unpacked))
            except ResetError as error:
                assert "\n" not in error.message
                continue
            for outcome in outcomes:
                if isinstance(outcome, Example):
                    assert all(isinstance(text, str) for text in texts(outcome)), odd
                    assert not any(re.match(r"[\[{]|None$|True$|1\.5$", text) for text in texts(outcome)), odd
    assert tried > 20
