import pytest

from reset.errors import ResetError
from reset.sources.wikisum import WikiSum

ROW = {
    "url": "https://x.example/Draw",
    "title": "Draw",
    "summary": "Draw it.",
    "article": ". Take a pen.",
    "step_headers": "",
}


def test_article_is_the_passage_as_it_stands(example):
    made = example(WikiSum(), ROW)
    assert (made.id, made.passages, made.references) == ("https://x.example/Draw", [". Take a pen."], ["Draw it."])


def test_article_without_summary_is_set_aside(reason):
    assert reason(WikiSum(), {**ROW, "summary": ""}) == "no summary"


@pytest.mark.parametrize(("fold", "split"), [("val", "dev"), ("dev", "dev"), ("test", "test"), ("train", "train")])
def test_fold_of_the_original_file_names_the_split(example, fold, split):
    assert example(WikiSum(), {**ROW, "fold": fold}).split == split


def test_unknown_fold_is_an_error():
    with pytest.raises(ResetError) as caught:
        list(WikiSum().outcomes([{**ROW, "fold": "holdout"}]))
    assert caught.value.message.startswith("the field 'fold' must be one of train, ")
    assert caught.value.message.endswith(", is 'holdout'")
