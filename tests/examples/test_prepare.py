import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reset import registry
from reset.errors import ResetError
from reset.examples import prepare as module
from reset.examples.prepare import prepare
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.sources import Example, Record, SetAside, Where
from reset.sources.construction import construct
from reset.sources.fields import text
from reset.sources.oasst1 import Oasst1

pytestmark = pytest.mark.slow


class Plain:
    """Instructions with an id and a response, or other tasks where a record says so."""

    where = Where()

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """One example per record; "skip" sets it aside."""
        return map(outcome_of, records)


class Forgetful(Plain):
    """Answers the first record only."""

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """One outcome, however many records."""
        yield from [SetAside("first") for _ in records][:1]


def outcome_of(record: Record) -> Example | SetAside:
    return SetAside("skipped") if "skip" in record else example_of(record)


def example_of(record: Record) -> Example:
    return Example(
        id=text(record, "id"),
        task=record.get("task", "instruction"),
        instruction=text(record, "ask"),
        question=record.get("question", ""),
        passages=record.get("passages", []),
        references=record.get("say", []),
        split=record.get("split"),
    )


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "ask": f"Ask {name}.", "say": [f"Say {name}."], **more}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def put(raw: Path, **files: list[dict[str, Any]]) -> None:
    for name, records in files.items():
        (raw / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def run(
    raw: Path, shares: Mapping[str, float] | None = None, max_set_aside: float = 1.0, source: Any = None, **limits: Any
) -> Account:
    limits = {"max_set_aside": max_set_aside, "max_broken": 0.5, "max_chars": 1_000, **limits}
    return prepare(source or Plain(), raw, raw.parent / "out", dataset="mine", shares=shares, **limits)


def ids(raw: Path, split: str) -> list[str]:
    return [row["example_id"] for row in tables.read(raw.parent / f"out/{split}.parquet", schemas.EXAMPLES)]


def test_files_become_splits_and_all_three_are_written(raw):
    put(raw, train=[row("a"), row("b")], test=[row("c")])
    account = run(raw)
    assert (ids(raw, "train"), ids(raw, "dev"), ids(raw, "test")) == (
        ["mine/train/a", "mine/train/b"],
        [],
        ["mine/test/c"],
    )
    assert account.as_dict() == {"rows_in": 3, "rows_out": 3, "set_aside": {}}


def test_row_holds_the_whole_example(raw):
    put(raw, test=[row("a", task="extractive_qa", question="Q?", passages=["p", "q"])])
    run(raw)
    assert list(tables.read(raw.parent / "out/test.parquet", schemas.EXAMPLES)) == [
        {
            "example_id": "mine/test/a",
            "dataset": "mine",
            "split": "test",
            "task": "extractive_qa",
            "instruction": "Ask a.",
            "question": "Q?",
            "passages": ["p", "q"],
            "references": ["Say a."],
            "checks": None,
        }
    ]


def test_records_that_name_their_split_go_there(raw):
    put(raw, records=[row("a", split="dev"), row("b", split="test")])
    run(raw)
    assert (ids(raw, "dev"), ids(raw, "test")) == (["mine/dev/a"], ["mine/test/b"])


def test_records_without_a_split_need_shares(raw):
    put(raw, records=[row("a")])
    with pytest.raises(ResetError, match=r"records.jsonl:1: the record has no split, so datasets.mine.shares must be"):
        run(raw)


def test_shares_are_kept_to_and_do_not_depend_on_order_or_company(raw):
    records = [row(str(number)) for number in range(2_000)]
    put(raw, records=records)
    run(raw, {"train": 0.6, "dev": 0.1, "test": 0.3})
    first = {split: set(ids(raw, split)) for split in schemas.SPLITS}
    assert [round(len(first[split]) / 2_000, 1) for split in schemas.SPLITS] == [0.6, 0.1, 0.3]
    put(raw, records=records[1_000::-1])
    run(raw, {"train": 0.6, "dev": 0.1, "test": 0.3})
    assert all(set(ids(raw, split)) < first[split] for split in schemas.SPLITS)


def test_shares_draw_no_record_that_has_a_split_and_the_account_says_who_decided(raw):
    put(
        raw,
        train=[row(f"a{number}") for number in range(60)],
        test=[row(f"b{number}") for number in range(30)],
        records=[row("c", split="test"), row("d", split="train"), *[row(f"e{number}") for number in range(50)]],
    )
    account = run(raw, {"train": 0.5, "dev": 0.5})
    assert {name.removeprefix("mine/test/")[0] for name in ids(raw, "test")} == {"b", "c"}
    assert len(ids(raw, "test")) == 31
    assert {name.removeprefix("mine/dev/")[0] for name in ids(raw, "dev")} == {"e"}
    dev = account.kept_by.pop("dev by shares")
    assert account.kept_by == {
        "train by file": 60,
        "test by file": 30,
        "test by column": 1,
        "train by column": 1,
        "train by shares": 50 - dev,
    }
    assert account.as_dict() == {"rows_in": 142, "rows_out": 142, "set_aside": {}}


def test_dev_rows_held_out_of_train_leave_the_own_test_split_alone(raw):
    put(raw, train=[row(f"a{number}") for number in range(200)], test=[row(f"b{number}") for number in range(50)])
    account = run(raw, dev_from_train=0.1)
    assert len(ids(raw, "test")) == 50
    assert 5 < len(ids(raw, "dev")) < 40
    assert len(ids(raw, "train")) + len(ids(raw, "dev")) == 200
    assert account.kept_by["dev by dev_from_train"] == len(ids(raw, "dev"))


def test_a_record_that_disagrees_with_its_file_stops_with_its_line(raw, monkeypatch):
    monkeypatch.setattr(module, "SPAN", 100)  # so that the record stands in a later span
    put(raw, train=[*[row(str(number)) for number in range(20)], row("x", split="test")])
    with pytest.raises(ResetError, match=r"raw/train\.jsonl:21: the record says test, its file's name says train"):
        run(raw)
    assert not (raw.parent / "out").exists()


def test_line_ends_of_all_systems_make_the_same_row(raw):
    put(raw, train=[row("a", ask="One\r\ntwo\rthree", say=["x\r\ny"]), row("b", ask="One\ntwo\nthree", say=["x\ny"])])
    assert run(raw).set_aside == {"duplicate": 1}
    (made,) = tables.read(raw.parent / "out/train.parquet", schemas.EXAMPLES)
    assert (made["instruction"], made["references"]) == ("One\ntwo\nthree", ["x\ny"])


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"train": 0.5, "valid": 0.5}, "Unknown split 'valid' (datasets.mine.shares). Known: dev, test, train"),
        ({"train": 0.5, "dev": 0.4}, "datasets.mine.shares must sum to 1, sums to 0.9"),
        ({"train": 1.5, "dev": -0.5}, "datasets.mine.shares.dev must not be negative, is -0.5"),
    ],
)
def test_shares_that_make_no_sense_are_told(raw, shares, message):
    put(raw, records=[row("a")])
    with pytest.raises(ResetError) as caught:
        run(raw, shares)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"ask": " "}, "empty instruction"),
        ({"say": []}, "empty answer"),
        ({"say": ["\n"]}, "empty answer"),
        ({"say": ["\u200b\u2060 "]}, "empty answer"),
        ({"ask": "\ufeff"}, "empty instruction"),
        ({"task": "extractive_qa", "question": " ", "passages": ["p"]}, "empty question"),
        ({"task": "abstractive_qa", "question": "Q", "passages": ["\u00ad\u200b"]}, "empty context"),
        ({"task": "abstractive_qa", "question": "Q", "passages": []}, "empty context"),
        ({"task": "summarization", "passages": [" "]}, "empty context"),
        ({"ask": "\ud83d"}, "broken Unicode"),
        ({"say": ["\0"]}, "NUL character"),
        ({"ask": "x" * 1_001}, "over 1000 characters"),
        ({"skip": True}, "skipped"),
    ],
)
def test_row_with_something_empty_or_broken_is_set_aside(raw, fault, reason):
    put(raw, train=[row("a"), row("b", **fault)])
    assert run(raw).as_dict() == {"rows_in": 2, "rows_out": 1, "set_aside": {reason: 1}}


def test_test_instructions_need_no_answer_but_other_tests_do(raw):
    put(raw, test=[row("a", say=[]), row("b", say=[], task="summarization", passages=["p"])])
    assert run(raw).as_dict() == {"rows_in": 2, "rows_out": 1, "set_aside": {"empty answer": 1}}


def test_exact_duplicates_stay_once_in_train_before_dev(raw):
    put(raw, dev=[row("z", ask="Ask  \na.", say=["Say\ta."])], train=[row("a"), row("b", ask="Ask a.", say=["Say a."])])
    assert run(raw).as_dict() == {"rows_in": 3, "rows_out": 1, "set_aside": {"duplicate": 2}}
    assert ids(raw, "train") == ["mine/train/a"]


def test_a_test_row_stays_though_a_training_row_repeats_it(raw):
    put(raw, train=[row("a")], test=[row("z", ask="Ask a.", say=["Say a."]), row("y", ask="Ask a.", say=["Say a."])])
    assert run(raw).as_dict() == {"rows_in": 3, "rows_out": 2, "set_aside": {"duplicate": 1}}
    assert (ids(raw, "train"), ids(raw, "test")) == (["mine/train/a"], ["mine/test/z"])  # `screen` leaves the first out


def test_same_instruction_with_another_answer_or_passage_is_no_duplicate(raw):
    put(raw, train=[row("a"), row("b", ask="Ask a."), row("c", ask="Ask a.", say=["Say a."], passages=["p"])])
    assert run(raw).rows_out == 3


def test_duplicate_id_is_set_aside_within_a_split_only(raw):
    put(raw, train=[row("a"), row("a", ask="Other?")], test=[row("a", ask="Third?")])
    assert run(raw).as_dict() == {"rows_in": 3, "rows_out": 2, "set_aside": {"duplicate id": 1}}


def test_broken_record_is_counted_with_file_and_line(raw):
    put(raw, train=[row("a"), {"id": "b"}])
    account = run(raw)
    assert account.as_dict() == {"rows_in": 2, "rows_out": 1, "set_aside": {"broken record": 1}}
    assert account.where == {"broken record": [f"{raw}/train.jsonl:2: lacks the field 'ask' (has: id)"]}


def test_too_many_broken_records_stop_the_stage_in_one_line(raw):
    put(raw, train=[row("a"), {"id": "b"}, row("c", ask="\0")])
    with pytest.raises(ResetError) as caught:
        run(raw)
    assert caught.value.message == (
        "mine: 2 of 3 records are broken, more than prepare.max_broken (50.0%); "
        f"first: {raw}/train.jsonl:2: lacks the field 'ask' (has: id)"
    )
    assert not (raw.parent / "out").exists()


def test_source_that_reads_ahead_still_gets_the_right_line(raw):
    message = {"message_id": "m", "parent_id": None, "role": "prompter", "text": "Hi"}
    put(raw, train=[message, {"message_id": "n"}, message])
    account = run(raw, source=Oasst1())
    assert account.where["broken record"][0].startswith(f"{raw}/train.jsonl:2: lacks the field 'role'")
    assert account.set_aside["prompter turn"] == 2


@pytest.mark.parametrize("line", [b'{"id": "b"', b"[]", b'{"id": "\xe4"}', b'{"id": "\x00"}'])
def test_line_that_is_no_record_is_counted_and_blank_lines_are_not(raw, line):
    good = [json.dumps(row(name)).encode() for name in "ab"]
    (raw / "train.jsonl").write_bytes(b"\n".join([good[0], b"", line, good[1], b""]))
    account = run(raw)
    assert account.as_dict() == {"rows_in": 3, "rows_out": 2, "set_aside": {"broken record": 1}}
    assert account.where["broken record"][0].startswith(f"{raw}/train.jsonl:3: ")


def test_first_places_of_a_reason_are_named_over_files(raw):
    put(raw, train=[row("a"), *[row("a", ask=str(n)) for n in range(9)]], test=[row("x"), row("z", ask=" ")])
    account = run(raw)
    assert account.where["duplicate id"] == [f"{raw}/train.jsonl:{line}" for line in range(2, 7)]
    assert account.where["empty instruction"] == [f"{raw}/test.jsonl:2"]
    assert account.set_aside["duplicate id"] == 9


def test_metrics_name_places_only_where_rows_are_left_out(raw, tmp_path):
    put(raw, train=[row("a"), row("b", say=[])])
    run(raw).write(tmp_path / "m.json")
    written = json.loads((tmp_path / "m.json").read_text())
    assert written["where"] == {"empty answer": [f"{raw}/train.jsonl:2"]}
    assert written["kept_by"] == {"train by file": 1}
    put(raw, train=[row("a")])
    run(raw).write(tmp_path / "m.json")
    assert "where" not in json.loads((tmp_path / "m.json").read_text())


def test_record_without_an_outcome_is_told(raw):
    put(raw, train=[row("a"), row("b")])
    with pytest.raises(ResetError, match=r"train\.jsonl: the source gave 1 outcomes for 2 records"):
        run(raw, source=Forgetful())


def test_spans_and_processes_change_nothing(raw, monkeypatch):
    records = [row(str(n % 90), ask=f"Ask {n % 100}.", say=["long" * 50]) for n in range(120)]
    put(raw, train=[*records, {"id": "broken"}], test=records[:5])
    whole = run(raw)
    tables_ = {
        split: list(tables.read(raw.parent / f"out/{split}.parquet", schemas.EXAMPLES)) for split in schemas.SPLITS
    }
    assert whole.set_aside.keys() == {"duplicate", "duplicate id", "broken record"}
    monkeypatch.setattr(module, "SPAN", 700)
    monkeypatch.setattr(module, "ALONE", 1)
    assert len(list(module._spans([raw / "train.jsonl"], whole=False))) > 20
    parted = run(raw)
    assert (parted.as_dict(), parted.where) == (whole.as_dict(), whole.where)
    for split, rows in tables_.items():
        assert list(tables.read(raw.parent / f"out/{split}.parquet", schemas.EXAMPLES)) == rows


def test_sources_go_on_behind_a_broken_record():
    for name in registry.SOURCES.keys() - {"micro", "own"}:
        source = construct(name, {}, key=name)
        outcomes = source.outcomes([{}, {}])
        for _ in range(2):
            with pytest.raises(ResetError):
                next(outcomes)
        assert next(outcomes, None) is None, name


def test_too_many_rows_set_aside_stop_the_stage_and_write_nothing(raw):
    put(raw, train=[row("a"), *[row(str(number), skip=True) for number in range(3)]])
    with pytest.raises(ResetError) as caught:
        run(raw, max_set_aside=0.7)
    assert caught.value.message == (
        "mine: 75.0% of the records set aside, max_set_aside is 70.0% "
        "(4 rows in, 1 out (1 train by file); set aside: 3 skipped)"
    )
    assert not (raw.parent / "out").exists()


def test_failure_leaves_the_former_output_as_it_was(raw):
    put(raw, train=[row("a")])
    run(raw)
    put(raw, train=[{}])
    with pytest.raises(ResetError, match=r"first: .*train\.jsonl:1: lacks the field 'id' .has: none."):
        run(raw)
    assert ids(raw, "train") == ["mine/train/a"]


@pytest.mark.parametrize("files", [{}, {"train": []}])
def test_nothing_to_prepare_is_told(raw, files):
    put(raw, **files)
    with pytest.raises(ResetError, match=r"raw: holds none of train.jsonl|mine: no records"):
        run(raw)


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(ResetError, match=r"raw: no such folder .the stage `fetch` writes it."):
        run(tmp_path / "raw")
