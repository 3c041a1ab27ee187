"""Table 1 counts examples and tokens; the paper's figures are those it prints."""

import os
from pathlib import Path

import pytest

from reset.errors import ResetError
from reset.examples.describe import describe
from reset.files import schemas, tables
from reset.model.tokens import load_tokenizer, response_ids
from reset.report import table1
from tests.support import SHARED, folders

PAPER = Path(os.environ.get("RESET_PAPER", SHARED / "paper")).resolve()
TITLES = {
    "Instruction Datasets": "instructions",
    "Alpaca-15K": "alpaca",
    "Vicuna-eval": "vicuna_eval",
    "Koala-eval": "koala_eval",
    "NQ": "nq",
    "CNN/Daily Mail": "cnn_dailymail",
    "MS MARCO": "ms_marco",
    "BioASQ": "bioasq",
    "SearchQA": "searchqa",
    "WikiSum": "wikisum",
}


@pytest.fixture
def examples(tmp_path, example_row):
    def write(dataset, **references):
        for split in schemas.SPLITS:
            rows = [
                example_row(number, example_id=f"{dataset}/{split}/{number}", references=texts)
                for number, texts in enumerate(references.get(split, []))
            ]
            tables.write(tmp_path / "examples" / dataset / f"{split}.parquet", schemas.EXAMPLES, rows)
        return tmp_path / "examples"

    return write


def test_lengths_are_the_tokens_of_first_references_of_training_rows(examples, micro_model):
    folder = examples("nq", train=[["red forest", "unused words here"], ["mira"]], test=[["red forest red forest"]])
    tokenizer = load_tokenizer(micro_model)
    wanted = sum(len(response_ids(tokenizer, text)) - 1 for text in ("red forest", "mira")) / 2
    assert describe(folder, micro_model) == {"nq": {"train": 2, "dev": 0, "test": 1, "mean_response_tokens": wanted}}


def test_tests_are_measured_where_nothing_is_trained_on_and_no_response_is_none(examples, micro_model):
    examples("wikisum", test=[["mira"]])
    found = describe(examples("koala_eval", test=[[]]), micro_model)
    assert found["wikisum"]["mean_response_tokens"] == 1.0
    assert found["koala_eval"]["mean_response_tokens"] is None


def test_a_model_without_a_tokenizer_is_told(examples, tmp_path):
    with pytest.raises(ResetError, match=r"tokenizer.json: no such file"):
        describe(examples("nq"), tmp_path)


def test_the_table_sets_the_paper_s_figures_beside_ours(tmp_path):
    own = {"train": 9, "dev": 1, "test": 0, "mean_response_tokens": 3.5}
    silent = {"train": 0, "dev": 0, "test": 4, "mean_response_tokens": None}
    datasets = {"own": own, "nq": own, "koala_eval": silent}
    folders.write(tmp_path / "metrics/describe/examples.json", {"datasets": datasets})
    folders.write(tmp_path / "metrics/prepare/nq.json", {"set_aside": {"duplicate": 2, "empty answer": 1}})
    koala, nq, mine = table1.rows(folders.metrics(tmp_path))
    assert [row["dataset"] for row in (koala, nq, mine)] == ["koala_eval", "nq", "own"]
    assert (nq["train"], nq["mean_response_tokens"]) == ("9 (69639)", "3.5 (6)")
    assert nq["set_aside"] == "2 duplicate, 1 empty answer"
    assert (koala["test"], koala["mean_response_tokens"], mine["train"]) == ("4 (180)", " (444)", "9")


def test_the_paper_s_figures_are_those_it_prints():
    if not PAPER.is_dir():
        pytest.skip(f"no text of the paper in {PAPER}")
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(PAPER.glob("*.txt")))
    printed = {}
    for line in text.splitlines():
        title, *cells = line.split("\t")
        if title in TITLES and len(cells) == 4:
            figures = [cell.replace(",", "").replace("-", "") for cell in cells]
            printed[TITLES[title]] = dict(zip(("train", "dev", "test", "mean_response_tokens"), figures, strict=True))
    assert table1.paper() == printed
