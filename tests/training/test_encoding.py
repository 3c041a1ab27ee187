"""Training rows are masked, cut and checked before the first step."""

from pathlib import Path

import pytest

from reset.errors import ResetError
from reset.files.row_accounts import Account
from reset.micro.model import word_tokenizer
from reset.training import encoding
from reset.training.recipe import IGNORED
from tests.support.train_alone import rows


def test_only_the_response_and_its_end_token_are_trained() -> None:
    tokenizer = word_tokenizer(64)
    account = Account()
    (encoded,), cut = encoding.encode(rows(1), tokenizer, 64, account)
    trained = [label for label in encoded["labels"] if label != IGNORED]
    assert tokenizer.decode(trained) == "the home is mira tom anna karl red boat home is the.<eos>"
    assert encoded["input_ids"][-len(trained) :] == trained
    assert encoded["input_ids"][0] == tokenizer.bos_token_id
    assert (cut, account.as_dict()) == (0, {"rows_in": 1, "rows_out": 1, "set_aside": {}})


def test_row_whose_response_does_not_fit_is_set_aside_and_counted() -> None:
    account = Account()
    encoded, _ = encoding.encode(rows(1), word_tokenizer(64), 5, account)
    assert encoded == []
    assert account.as_dict() == {"rows_in": 1, "rows_out": 0, "set_aside": {"longer than max_tokens": 1}}


@pytest.mark.parametrize(
    ("ids", "labels", "message"),
    [
        ([1, 1, 9, 2], [IGNORED, IGNORED, 9, 2], "row 'nq/train/7' has 2 BOS tokens, must have one"),
        ([8, 9, 2], [IGNORED, 9, 2], "row 'nq/train/7' has 0 BOS tokens, must have one"),
        ([1, 8, 2], [IGNORED] * 3, "row 'nq/train/7' trains no token"),
        ([1, 8, 9, 2], [IGNORED, 8, IGNORED, 2], "must train exactly its last tokens, up to and including its end"),
        ([1, 8, 9, 2], [IGNORED, IGNORED, 8, 2], "must train exactly its last tokens, up to and including its end"),
        (
            [1, 8, 9, 2],
            [IGNORED, IGNORED, 9, IGNORED],
            "must train exactly its last tokens, up to and including its end",
        ),
        ([1, 8, 9], [IGNORED, 8, 9], "must train exactly its last tokens, up to and including its end"),
        ([8, 1, 9, 2], [IGNORED, IGNORED, 9, 2], "must begin with a BOS token that is not trained"),
        ([1, 9, 2], [1, 9, 2], "must begin with a BOS token that is not trained"),
    ],
)
def test_row_that_would_train_the_wrong_thing_is_refused(ids: list[int], labels: list[int], message: str) -> None:
    row = encoding.Encoded(example_id="nq/train/7", input_ids=ids, labels=labels)
    with pytest.raises(ResetError, match=message):
        encoding.check([row], word_tokenizer(64), Path("mixture"))


def test_test_among_the_training_rows_is_refused() -> None:
    row = encoding.Encoded(example_id="nq/test/7", input_ids=[1, 9, 2], labels=[IGNORED, 9, 2])
    with pytest.raises(ResetError, match="mixture: row 'nq/test/7' is a test"):
        encoding.check([row], word_tokenizer(64), Path("mixture"))
    encoding.check([{**row, "example_id": "test/train/7"}], word_tokenizer(64), Path("mixture"))


def test_empty_training_set_is_refused() -> None:
    with pytest.raises(ResetError, match="no rows to train on"):
        encoding.check([], word_tokenizer(64), Path("mixture"))


def test_share_of_rows_that_were_too_long_is_said_and_refused_above_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    account = Account()
    account.keep(9)
    account.leave("longer than max_tokens")
    said = "mixture: 2 prompts cut and 1 rows set aside to keep within max_tokens, 30.00% of the rows"
    encoding.check_cut(2, account, 0.3, Path("mixture"))
    assert caplog.messages == [said]
    with pytest.raises(ResetError, match=f"{said}, more than train.max_cut = 0.29"):
        encoding.check_cut(2, account, 0.29, Path("mixture"))
