"""Training rows are masked, cut and checked before the first step; one and two processes learn the same."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from reset import tables, trainer, training
from reset.accounts import Account
from reset.errors import ResetError
from reset.micro.model import language_model, word_tokenizer
from reset.tokens import load_tokenizer
from reset.trainer import IGNORED, Recipe
from stages.train import launcher

RECIPE = Recipe(
    learning_rate=1e-3,
    epochs=1.0,
    batch_size=4,
    micro_batch_size=2,
    weight_decay=0.05,
    beta2=0.95,
    warmup_ratio=0.1,
    loss="sequence",
    eval_steps=2,
    zero_stage=0,
    dtype="float32",
    gradient_checkpointing=False,
)


def row(number: int, prompt: str, response: str) -> dict[str, object]:
    return {
        "example_id": f"micro/train/{number}",
        "repeat": 0,
        "dataset": "micro",
        "task": "instruction",
        "prompt": prompt,
        "context_start": 0,
        "context_end": 0,
        "response": response,
    }


def rows(count: int) -> list[dict[str, object]]:
    names = ["mira", "tom", "anna", "karl"]
    return [
        row(i, f"what is the home of {names[i % 4]}?", f"the home of {names[i % 4]} is red boat.") for i in range(count)
    ]


@pytest.fixture(scope="module")
def init(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("init")
    tokenizer = word_tokenizer(64)
    language_model(tokenizer, layers=2, width=32, heads=2, max_tokens=64, seed=0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_only_the_response_and_its_end_token_are_trained() -> None:
    tokenizer = word_tokenizer(64)
    account = Account()
    (encoded,), cut = training.encode(rows(1), tokenizer, 64, account)
    trained = [label for label in encoded["labels"] if label != IGNORED]
    assert tokenizer.decode(trained) == "the home of mira is red boat.<eos>"
    assert encoded["input_ids"][-len(trained) :] == trained
    assert encoded["input_ids"][0] == tokenizer.bos_token_id
    assert (cut, account.as_dict()) == (0, {"rows_in": 1, "rows_out": 1, "set_aside": {}})


def test_row_whose_response_does_not_fit_is_set_aside_and_counted() -> None:
    account = Account()
    encoded, _ = training.encode(rows(1), word_tokenizer(64), 5, account)
    assert encoded == []
    assert account.as_dict() == {"rows_in": 1, "rows_out": 0, "set_aside": {"longer than max_tokens": 1}}


@pytest.mark.parametrize(
    ("ids", "labels", "message"),
    [
        ([1, 1, 9], [IGNORED, IGNORED, 9], "row 0 has 2 BOS tokens, must have one"),
        ([8, 9], [IGNORED, 9], "row 0 has 0 BOS tokens, must have one"),
        ([1, 8, 9], [IGNORED] * 3, "row 0 trains no token"),
    ],
)
def test_row_that_would_train_the_wrong_thing_is_refused(ids: list[int], labels: list[int], message: str) -> None:
    with pytest.raises(ResetError, match=message):
        training.check([{"input_ids": ids, "labels": labels}], 1, Path("mixture"))


def test_empty_training_set_is_refused() -> None:
    with pytest.raises(ResetError, match="no rows to train on"):
        training.check([], 1, Path("mixture"))


def test_missing_model_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ResetError, match="nowhere: no model there"):
        training.train(tmp_path, tmp_path, Path("nowhere"), tmp_path, recipe=RECIPE, keep=[], max_tokens=64, seed=0)


def test_global_batch_that_no_accumulation_gives_is_refused() -> None:
    assert trainer.accumulation(RECIPE, 1) == 2
    assert trainer.accumulation(RECIPE, 2) == 1
    with pytest.raises(ResetError, match="batch_size 4 is no multiple of micro_batch_size 2 x 3 devices"):
        trainer.accumulation(RECIPE, 3)


def test_sequence_loss_weighs_rows_alike_and_token_loss_weighs_tokens() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 7)  # (rows, positions, vocabulary)
    targets = torch.tensor([[1, 2, 3], [4, IGNORED, IGNORED]])
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten().clamp(min=0), reduction="none")
    a, b, c, d = losses[[0, 1, 2, 3]]
    torch.testing.assert_close(trainer._loss(logits, targets, per_sequence=True), ((a + b + c) / 3 + d) / 2)
    torch.testing.assert_close(trainer._loss(logits, targets, per_sequence=False), (a + b + c + d) / 4)


def run_alone(folder: Path, init: Path, recipe: Recipe, processes: int) -> list[dict[str, float]]:
    """Train in processes of their own, as the stage does, and return the log."""
    tables.write(folder / "train.parquet", tables.MIXTURES, rows(16))
    tables.write(folder / "dev.parquet", tables.MIXTURES, rows(4))
    program = (
        "import json, sys; from pathlib import Path; from reset import trainer, training;"
        "f, i = Path(sys.argv[1]), Path(sys.argv[2]); trainer.rendezvous();"
        "training.train(f / 'train.parquet', f / 'dev.parquet', i, f / 'work', max_tokens=64, seed=0, keep=[0.5, 1.0],"
        " recipe=trainer.Recipe(**json.loads(sys.argv[3])))"
    )
    script = folder / "program.py"
    script.write_text(program)
    command = [sys.executable, str(script)]
    if processes > 1:
        command = [*launcher(processes), str(script)]
    done = subprocess.run(
        [*command, str(folder), str(init), json.dumps(asdict(recipe))],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log: list[dict[str, float]] = json.loads((folder / "work/log.json").read_text())
    return log


@pytest.mark.slow
def test_two_ranks_of_zero_3_learn_what_one_process_learns(tmp_path: Path, init: Path) -> None:
    one = run_alone(tmp_path / "one", init, RECIPE, 1)
    two = run_alone(tmp_path / "two", init, replace(RECIPE, zero_stage=3), 2)
    assert [entry["step"] for entry in one] == [entry["step"] for entry in two]
    for a, b in zip(one, two, strict=True):
        if a["dev_loss"] is not None:
            assert b["dev_loss"] == pytest.approx(a["dev_loss"], abs=0.02)
    for model in ("model", "model/at/50", "model/at/100"):
        alone, spread = (load_file(tmp_path / run / "work" / model / "model.safetensors") for run in ("one", "two"))
        name = "model.layers.0.self_attn.q_proj.weight"
        assert spread[name].shape == (32, 32)
        torch.testing.assert_close(spread[name], alone[name], atol=2e-3, rtol=0.0)
    assert not list((tmp_path / "two/work/model").rglob("*.bin"))


@pytest.mark.slow
def test_models_at_shares_of_the_training_stay_and_load_as_any_other(tmp_path: Path, init: Path) -> None:
    log = run_alone(tmp_path, init, RECIPE, 1)
    assert [entry["step"] for entry in log] == [2, 4]  # of four steps; each row has both losses
    assert all(entry["loss"] and entry["dev_loss"] for entry in log)
    figures = json.loads((tmp_path / "work/figures.json").read_text())
    assert (figures["steps"], figures["best_step"]) == (4, 4)
    weights = [
        AutoModelForCausalLM.from_pretrained(path).state_dict()["model.norm.weight"]
        for path in (init, *(tmp_path / "work/model" / at for at in ("at/50", "at/100", ".")))
    ]
    assert torch.equal(weights[2], weights[3])  # the last is the one of the lowest dev loss
    assert [torch.equal(weights[0], weights[1]), torch.equal(weights[1], weights[2])] == [False, False]
    tokenizer = load_tokenizer(tmp_path / "work/model/at/50")
    assert tokenizer.eos_token_id == load_tokenizer(init).eos_token_id


def test_log_has_one_row_per_step_with_all_keys() -> None:
    log = [{"step": 1.0, "loss": 3.0}, {"step": 2.0, "loss": 2.0}, {"step": 2.0, "dev_loss": 2.5}]
    assert training.by_step(log) == [
        {"step": 1.0, "loss": 3.0, "dev_loss": None},
        {"step": 2.0, "loss": 2.0, "dev_loss": 2.5},
    ]
