"""Any text and any record: a figure, a null, an account or an error of one line, in linear time, and no traceback."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.texts import FUNCTIONS, TEXTS
from reset import registry
from reset.errors import ResetError
from reset.examples.raw_json import json_line, parse
from reset.judges import Answer
from reset.judges.lexical import Lexical
from reset.judges.rouge import common_subsequence, rouge_l
from reset.judges.rubric import Rubric
from reset.llm import rating, reply_text
from reset.normalise import comparable, normalise, rouge_words
from reset.sources import Example, SetAside
from reset.sources.construction import construct
from tests.support.pace import at_most

pytestmark = pytest.mark.slow

QUICK = settings(
    derandomize=True,  # the same texts in every run
    database=None,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
ODD = ["\0", "\ud83d", "\udc00", "\u202e", "\u200f", "\ufeff", "\u200d", "\U0001f468\u200d\U0001f469", "\u0e01\u0e33"]
ODD += [
    "\u4e2d\u6587\u3002",
    "\u0627\u0644",
    "\uac00",
    "\u0301" * 40,
    "\ufdfa",
    "</s>",
    "[CLS]",
    "<|im_end|>",
    "[[5]]",
    "[[",
]
ODD += [
    "Rating:",
    "<think>",
    "</think>",
    "'s",
    " - ",
    "\r\n",
    "\x85",
    "\u2028",
    "\x1f",
    "\u0130",
    "\u017f",
    "1" * 400,
    "1e999",
]
TEXT = st.lists(st.one_of(st.sampled_from(ODD), st.text(st.characters(), max_size=8)), max_size=12).map("".join)
KEY = st.one_of(st.sampled_from(["id", "text", "question", "answers", "context"]), TEXT)
LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), TEXT)
JSON = st.recursive(LEAF, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEY, inner, max_size=4)))
SOURCES = sorted(registry.SOURCES.keys() - {"micro"})
OWN = {"task": "extractive_qa", "fields": {"question": "question", "passages": "context", "references": "answers"}}
LEXICAL, RUBRIC = Lexical(name="words", more=["k_precision"]), Rubric(name="rater")
FIELDS = ("id", "question", "answers", "answer", "context", "passages", "instruction", "output", "messages", "text")


def answer(text: str, passages: list[str], references: list[str], task: str) -> Answer:
    return Answer("a", text, task, "test", "", "", passages, references, None)


@QUICK
@given(TEXT, st.lists(TEXT, max_size=2), st.lists(TEXT, max_size=2))
@pytest.mark.parametrize("task", ["extractive_qa", "abstractive_qa", "summarization"])
def test_a_lexical_verdict_is_in_range_or_null_with_a_reason(task, text, passages, references):
    verdicts = list(LEXICAL.verdicts([answer(text, passages, references, task)]))
    assert {one.name for one in verdicts} >= {"unigram_coverage", "bigram_coverage", "k_precision"}
    for verdict in [*verdicts, *RUBRIC.verdicts([answer(text, passages, references, task)])]:
        assert (verdict.score is None) == (verdict.reason is not None)
        assert verdict.score is None or 0 <= verdict.score <= 1
        json.dumps(verdict.detail)


@QUICK
@given(TEXT)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_a_text_reads_any_text(name, text):
    FUNCTIONS[name](text)


@QUICK
@given(TEXT)
def test_a_normalised_text_stays_as_it_is(text):
    once = normalise(text)
    assert once == " ".join(once.split())
    assert normalise(once, articles=True).split() == once.split() or not once.isascii()
    assert comparable(text) == comparable(text + " ")
    assert all(rouge_words(text))


@QUICK
@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_the_longest_common_subsequence_is_rouge_score_s(one, other):
    from rouge_score.rouge_scorer import _lcs_table

    assert common_subsequence(one, other) == _lcs_table(one, other)[len(one)][len(other)]


@QUICK
@given(TEXT, st.one_of(st.none(), st.sampled_from(["stop", "length", "content_filter"]), TEXT))
def test_a_reply_gives_a_rating_on_the_scale_or_none(reply, finish_reason):
    for found in (rating.rating(reply), rating.json_rating(reply)):
        assert found is None or 1 <= found <= 10
    assert rating.choice(reply) in (None, "A", "B", "C")
    why = reply_text.unfinished(reply, finish_reason)
    assert why is None or why
    rating.render("pairwise.txt", question=reply, a=reply, b=reply, answer_a=reply, answer_b=reply).encode()


@QUICK
@given(JSON)
def test_a_reply_of_any_json_gives_a_rating_or_none(content):
    found = rating.json_rating(json.dumps({"rating": content}))
    assert found is None or (isinstance(content, int | float) and 1 <= content <= 10)


@pytest.mark.parametrize(
    "reply",
    [
        '{"rating": ' * 5000,
        "[" * 5000 + "]" * 5000,
        '{"rating": %s}' % ("9" * 5000),
        '\ufeff{"rating": "5"}',
        "\0",
        '{"rating": NaN}',
    ],
    ids=range(6),
)
def test_a_reply_that_is_no_rating_is_none(reply):
    assert rating.json_rating(reply) is None


@settings(QUICK, max_examples=25)
@given(st.one_of(st.dictionaries(st.one_of(st.sampled_from(FIELDS), KEY), JSON, max_size=6)))
@pytest.mark.parametrize("name", SOURCES)
def test_any_record_of_any_source_is_an_example_a_reason_or_an_error_of_one_line(name, record):
    source: Any = construct(name, OWN if name == "own" else {}, key=name)
    try:
        rows = list(source.unpack(record)) if hasattr(source, "unpack") else [record]
        outcomes = list(source.outcomes(rows))
    except ResetError as error:
        assert len(error.message.splitlines()) == 1
        return
    assert all(isinstance(one, Example | SetAside) for one in outcomes)


@pytest.mark.parametrize("depth", [100, 900, 1000, 1100, 5000])
@pytest.mark.parametrize("leaf", ["1", "NaN", "9" * 400, '"\\ud83d"'])
def test_a_nested_line_is_a_record_that_can_be_written_or_an_error_of_one_line(depth, leaf):
    try:
        record = parse(('{"a": ' * depth + leaf + "}" * depth).encode())
    except ResetError as error:
        assert error.message.startswith("not JSON (")
        return
    try:
        line = json_line(record)
    except ResetError as error:
        assert error.message == "a record is nested too deeply"
        return
    assert parse(line)


@QUICK
@given(
    st.one_of(st.binary(max_size=40), TEXT.map(lambda text: json.dumps({text: text}).encode()), JSON.map(json.dumps))
)
def test_any_line_is_a_record_or_an_error_of_one_line(line):
    try:
        record = parse(line.encode() if isinstance(line, str) else line)
    except ResetError as error:
        assert len(error.message.splitlines()) == 1
        return
    assert parse(json_line(record)).keys() == record.keys()


SLOW = [
    (name, text) for name in FUNCTIONS for text in ("quoted lines", "headings", "a value and blanks", "piled marks")
]
SLOW += [("normalise", "blanks and a hyphen"), ("unfinished", "thoughts"), ("rating", "a rating and stars")]
SLOW += [
    ("rouge_l", "words"),
    ("json_rating", "nested lists"),
    ("rating", "many values"),
    ("comparable", "possessives"),
]


@pytest.mark.parametrize(("name", "text"), SLOW)
def test_the_slowest_texts_take_no_time(name, text):
    with at_most(1):  # linear: under 0.2 s; quadratic: over 3 s
        FUNCTIONS[name](TEXTS[text](40_000))


def test_a_text_of_a_megabyte_is_read_in_a_second():
    words = " ".join(map(str, range(150_000)))
    with at_most(4):
        assert rouge_l("7 8 9 x", [words]) == pytest.approx(2 * 3 / (4 + 150_000))
        assert LEXICAL.verdicts([answer("7 8 9", [words], [words], "summarization")])
