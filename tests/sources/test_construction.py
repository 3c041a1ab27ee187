from inspect import signature

import pytest

from reset import registry
from reset.errors import ResetError
from reset.sources.construction import construct, row_of

KEY = "params.yaml: datasets.mine"
PASSAGES = ("clapnq", "ms_marco", "nq", "searchqa", "bioasq", "mrqa", "own")  # that have an option max_passages
OURS = [name for name in registry.SOURCES if name != "micro"]


def test_unknown_source_is_told_with_the_nearest():
    with pytest.raises(ResetError, match=r"Unknown source 'doly'. Did you mean 'dolly'?"):
        construct("doly", {}, key=KEY)


def test_unknown_option_is_told_with_the_nearest():
    with pytest.raises(ResetError) as caught:
        construct("oasst1", {"langauge": "de"}, key=KEY)
    assert caught.value.message == (
        "params.yaml: unknown key 'datasets.mine.options.langauge'. Did you mean 'language'? "
        "Known: label, language, min_quality, min_raters, turns"
    )


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("oasst1", {"turns": "firsts"}, "Unknown turns 'firsts' (datasets.mine.options.turns). Did you mean 'first'?"),
        ("nq", {"order": "best"}, "Unknown order 'best' (datasets.mine.options.order). Did you mean"),
        ("own", {"task": "summarization", "fields": {}}, "datasets.mine.options.fields must name a column for"),
        (
            "own",
            {"task": "instruction", "fields": {"instruction": "a"}, "splits": {"x": "tst"}},
            "options.splits.x). Did",
        ),
    ],
)
def test_a_value_that_is_not_known_is_told_with_its_whole_key(source, options, words):
    with pytest.raises(ResetError) as caught:
        construct(source, options, key=KEY)
    assert words in caught.value.message


def test_missing_option_is_told():
    with pytest.raises(
        ResetError, match=r"^params\.yaml: datasets\.mine\.options lacks kind; datasets\.mine\.options\.noise lacks mis"
    ):
        construct("micro", {"rows": {}, "seed": 0, "noise": {}}, key=KEY)


@pytest.mark.parametrize(
    ("source", "option", "value"),
    [
        *((name, "max_passages", value) for name in PASSAGES for value in (0, -1)),
        ("oasst1", "min_quality", 5),
        ("oasst1", "min_raters", -2),
        ("sharegpt", "min_words", -1),
    ],
)
def test_a_number_that_would_drop_rows_or_passages_in_silence_is_refused(source, option, value):
    needed = {"task": "instruction", "fields": {"instruction": "prompt"}} if source == "own" else {}
    with pytest.raises(ResetError, match=rf"^params\.yaml: datasets\.mine\.options\.{option}: Input should be "):
        construct(source, {option: value, **needed}, key=KEY)


def test_all_sources_that_limit_their_passages_are_tried():
    has = [one for one in OURS if "max_passages" in signature(registry.load(registry.SOURCES, one, "")).parameters]
    assert sorted(has) == sorted(PASSAGES)


def test_passage_limit_reaches_retrieved_passages_alone_and_options_go_first(example):
    passages = [{"text": f"Ada {number}", "passage_text": f"Ada {number}"} for number in range(9)]
    asked = {"question": "q", "answers": ["Ada"], "ctxs": passages}
    searched = {"query": "q", "wellFormedAnswers": ["Ada."], "passages": passages}
    assert len(example(construct("nq", {}, key=KEY, max_passages=3), asked).passages) == 3
    assert len(example(construct("nq", {"max_passages": 4}, key=KEY, max_passages=3), asked).passages) == 4
    assert len(example(construct("ms_marco", {}, key=KEY, max_passages=3), searched).passages) == 9


@pytest.mark.parametrize("name", OURS)
def test_every_source_says_where_it_lives_and_under_what_licence(name):
    where = registry.load(registry.SOURCES, name, "source").where
    assert where.licence
    assert bool(where.hub) + bool(where.urls) + bool(where.how) == 1
    assert set(where.splits) | set(where.urls) <= {"train", "dev", "test"}


def test_unknown_data_set_is_told():
    with pytest.raises(ResetError, match=r"Unknown data set 'nqq' .params.yaml: datasets.. Did you mean 'nq'?"):
        row_of({"nq": 1}, "nqq")
