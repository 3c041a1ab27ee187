"""Training rows are masked, cut and checked before the first step."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.micro.model import word_tokenizer
from reset.model.chat_frame import frame, own_ids
from reset.model.prompts import CHAT
from reset.model.tokens import response_ids
from reset.training import encoding
from reset.training.recipe import IGNORED
from tests.support.families import FAMILIES
from tests.support.train_alone import rows

pytestmark = pytest.mark.slow


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
        ([8, 9, 2], [IGNORED, 9, 2], r"row 'nq/train/7' must begin with \[1\], which is not trained"),
        ([1, 8, 2], [IGNORED] * 3, "row 'nq/train/7' trains no token"),
        ([1, 8, 9, 2], [IGNORED, 8, IGNORED, 2], "must train exactly its last tokens, up to and including its end"),
        ([1, 8, 9, 2], [IGNORED, IGNORED, 8, 2], "must train exactly its last tokens, up to and including its end"),
        (
            [1, 8, 9, 2],
            [IGNORED, IGNORED, 9, IGNORED],
            "must train exactly its last tokens, up to and including its end",
        ),
        ([1, 8, 9], [IGNORED, 8, 9], "must train exactly its last tokens, up to and including its end"),
        ([8, 1, 9, 2], [IGNORED, IGNORED, 9, 2], r"must begin with \[1\], which is not trained"),
        ([1, 9, 2], [1, 9, 2], r"must begin with \[1\], which is not trained"),
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


@pytest.mark.parametrize("name", ["gpt_2", "opt", "smollm_2", "granite"])
def test_a_row_may_have_its_bos_in_it_again_where_that_ends_a_text_too(name: str) -> None:
    tokenizer = FAMILIES[name].tokenizer()
    encoded, _ = encoding.encode(rows(3), tokenizer, 400, Account())
    encoding.check(encoded, tokenizer, Path("mixture"))
    for row, source in zip(encoded, rows(3), strict=True):
        assert row["input_ids"] == [
            *tokenizer(source["prompt"])["input_ids"],
            *tokenizer(source["response"], add_special_tokens=False)["input_ids"],
            tokenizer.eos_token_id,
        ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"padding": 60},
            "mixture: the tokenizer's pad token is 60, but the model has only 60 embeddings; set pad_token",
        ),
        ({"embeddings": 40}, "row 'nq/train/7' has token 50 of the tokenizer, but the model has only 40 embeddings"),
        (
            {"positions": 2},
            "row 'nq/train/7' has 3 tokens, but the model has 2 positions; set train.max_tokens to 2 at",
        ),
    ],
)
def test_a_row_that_the_model_cannot_read_is_refused(changed: dict[str, int], message: str) -> None:
    row = encoding.Encoded(example_id="nq/train/7", input_ids=[1, 50, 2], labels=[IGNORED, 50, 2])
    fitting = {"embeddings": 60, "positions": 3, "padding": 0}
    encoding.check_fit([row], Path("mixture"), **fitting)
    encoding.check_fit([row], Path("mixture"), **{**fitting, "positions": None, "padding": None})
    with pytest.raises(ResetError, match=message):
        encoding.check_fit([row], Path("mixture"), **{**fitting, **changed})


def test_share_of_rows_that_were_cut_or_set_aside_is_said_and_refused_above_the_limit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = Account()
    account.keep(8)
    account.leave("longer than max_tokens")
    account.leave(encoding.JOINED)
    said = (
        "mixture: 2 prompts cut to keep within max_tokens, 1 rows set aside (longer than max_tokens), "
        f"1 rows set aside ({encoding.JOINED}): 40.00% of the rows"
    )
    encoding.check_cut(2, account, 0.4, Path("mixture"))
    assert caplog.messages == [said]
    with pytest.raises(ResetError, match=r"40.00% of the rows, more than train.max_cut = 0.39"):
        encoding.check_cut(2, account, 0.39, Path("mixture"))


SENTENCES = [
    "Ann lives in the mill.",
    "Caf\u00e9 \u6d4b\u8bd5 is <s> \U0001f600 \u00c5.",
    "Tom sails it,  \u201cthe boat\u201d.",
]
ANSWER = "{}\n\n{} {} Yes.".format(*SENTENCES)
SPANS = [[ANSWER.index(one), ANSWER.index(one) + len(one)] for one in SENTENCES]


def masked_row(*spans: list[int]) -> dict[str, Any]:
    return {**rows(1)[0], "response": ANSWER, "untrained": [*spans]}


@pytest.mark.parametrize("name", sorted(FAMILIES))
@pytest.mark.parametrize("masked", [[0], [1], [2], [0, 2], [1, 2]])
@pytest.mark.parametrize("template", ["micro", CHAT])
def test_exactly_the_tokens_that_hold_a_masked_character_are_not_trained(
    name: str, masked: list[int], template: str
) -> None:
    tokenizer = FAMILIES[name].tokenizer()
    if template == CHAT and not tokenizer.chat_template:
        pytest.skip("no chat template")
    chat = frame(tokenizer, template)
    spans = [SPANS[one] for one in masked]
    (plain,), _ = encoding.encode([masked_row()], tokenizer, 2_000, Account(), chat=chat)
    (row,), _ = encoding.encode([masked_row(*spans)], tokenizer, 2_000, Account(), chat=chat)
    assert row["input_ids"] == plain["input_ids"]
    assert plain["masked"] == 0
    encoding.check([row], tokenizer, Path("curated"), chat)
    first = plain["labels"].count(IGNORED)
    ids, labels = row["input_ids"][first:], row["labels"][first:]
    assert all(label in (IGNORED, id) for id, label in zip(ids, labels, strict=True))
    assert labels[-1] != IGNORED
    assert row["masked"] == labels.count(IGNORED) > 0
    # what is left reads as the answer without the masked sentences, what is taken out as these
    kept, gone = ([id for id, label in zip(ids, labels, strict=True) if (label == IGNORED) == out] for out in (0, 1))
    assert squeezed(tokenizer, gone) == "".join("".join(SENTENCES[one].split()) for one in masked)
    left = "".join(one for place, one in enumerate([*SENTENCES, "Yes."]) if place not in masked)
    assert "".join(left.split()) in squeezed(tokenizer, kept)


def squeezed(tokenizer: Any, ids: list[int]) -> str:
    """The text of `ids` without blanks."""
    return "".join(tokenizer.decode(ids).split())


def test_a_row_of_which_only_blanks_would_be_trained_is_set_aside() -> None:
    account = Account()
    encoded, _ = encoding.encode([masked_row([0, len(ANSWER)])], FAMILIES["gpt_2"].tokenizer(), 900, account)
    assert (encoded, account.as_dict()["set_aside"]) == ([], {"all of its answer is masked": 1})


def test_a_row_that_masks_more_than_it_says_is_refused() -> None:
    tokenizer = FAMILIES["gpt_2"].tokenizer()
    (row,), _ = encoding.encode([masked_row(SPANS[1])], tokenizer, 900, Account())
    encoding.check([row], tokenizer, Path("curated"))
    for number in (row["masked"] - 1, 0):
        with pytest.raises(ResetError, match="must train exactly its last tokens"):
            encoding.check([{**row, "masked": number}], tokenizer, Path("curated"))


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_methods_that_train_whole_answers_refuse_masked_rows(tmp_path: Path, method: str) -> None:
    data = tmp_path / "rows.parquet"
    tables.write(data, pa.schema([*encoding.SCHEMAS[method], *schemas.UNTRAINED]), [])
    with pytest.raises(ResetError, match=f"{method} trains whole answers, but sentences of these are masked"):
        encoding.schema(data, method)


@pytest.mark.parametrize("method", ["sft", "weighted_sft"])
def test_a_table_with_masked_sentences_is_read_with_them(tmp_path: Path, method: str) -> None:
    data, columns = tmp_path / "rows.parquet", encoding.SCHEMAS[method]
    tables.write(data, columns, [])
    assert encoding.schema(data, method) == columns
    tables.write(data, pa.schema([*columns, *schemas.UNTRAINED]), [])
    assert encoding.schema(data, method).names == [*columns.names, "untrained"]


def test_a_row_that_is_set_aside_does_not_end_the_rows_behind_it() -> None:
    tokenizer, account = FAMILIES["gpt_2"].tokenizer(), Account()
    good, long = masked_row(), {**masked_row(), "response": "word " * 900}
    mixed = [long, good, masked_row([0, len(ANSWER)]), {**good, "example_id": "last"}]
    encoded, _ = encoding.encode(mixed, tokenizer, 300, account)
    assert [row["example_id"] for row in encoded] == [good["example_id"], "last"]
    assert account.as_dict()["set_aside"] == {"all of its answer is masked": 1, "longer than max_tokens": 1}


def test_a_chat_template_stands_around_the_prompt_of_a_row() -> None:
    tokenizer = FAMILIES["qwen_3"].tokenizer()
    chat = frame(tokenizer, CHAT)
    assert chat is not None
    (row,), _ = encoding.encode(rows(1), tokenizer, 400, Account(), chat=chat)
    source = rows(1)[0]
    own = own_ids(tokenizer, chat, str(source["prompt"]), str(source["response"]))
    assert row["input_ids"] == own[: len(row["input_ids"])]


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_what_a_chat_template_writes_before_a_reply_is_no_part_of_it_that_could_be_trained(name: str) -> None:
    tokenizer, account = FAMILIES[name].tokenizer(), Account()
    if not tokenizer.chat_template:
        pytest.skip("no chat template")
    mixed = [masked_row([0, len(ANSWER)]), masked_row()]
    (row,), _ = encoding.encode(mixed, tokenizer, 2_000, account, chat=frame(tokenizer, CHAT))
    assert row["masked"] == 0
    assert account.as_dict()["set_aside"] == {"all of its answer is masked": 1}


@pytest.mark.parametrize("method", ["sft", "weighted_sft", "dpo", "kto"])
def test_a_row_has_the_columns_of_its_method(method: str) -> None:
    tokenizer = word_tokenizer(64)
    more = {"weight": 0.3, "rejected": "the boat.", "desirable": False}
    source = {**rows(1)[0], **more}
    (row,), _ = encoding.encode([source], tokenizer, 64, Account(), method)
    prompt = [tokenizer.bos_token_id, *tokenizer(str(source["prompt"]), add_special_tokens=False)["input_ids"]]
    good, bad = (response_ids(tokenizer, str(source[name])) for name in ("response", "rejected"))
    sft = {"input_ids": [*prompt, *good], "labels": [IGNORED] * len(prompt) + good}
    assert row == {
        "example_id": source["example_id"],
        **{
            "sft": sft,
            "weighted_sft": {**sft, "weight": 0.3},
            "dpo": {"prompt_ids": prompt, "chosen_ids": good, "rejected_ids": bad},
            "kto": {"prompt_ids": prompt, "completion_ids": good, "label": False},
        }[method],
    }
    answers = [good, bad] if method == "dpo" else [good]
    assert [(one["example_id"], one["input_ids"], one["labels"]) for one in encoding.sequences([row])] == [
        (source["example_id"], [*prompt, *own], [IGNORED] * len(prompt) + own) for own in answers
    ]
