"""One and two processes learn the same, padded or not; a run that is lost or does not fit is refused."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.micro.model import word_tokenizer
from reset.model.tokens import load_tokenizer
from reset.planning import model_size
from reset.runs import disk_space
from reset.training import attention, encoding, packing, sft, train
from reset.training.recipe import IGNORED, accumulation
from tests.support.families import FAMILIES
from tests.support.train_alone import LIMITS, RECIPE, rows, run_alone

pytestmark = pytest.mark.slow


def test_run_that_does_not_fit_on_the_disk_is_refused_less_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(bytes(1000))
    disk_space.require(1000, tmp_path)
    with pytest.raises(ResetError, match=r"run: training writes 1e\+12 GB of checkpoints and weights"):
        disk_space.require(10**21, tmp_path / "run")


def test_missing_model_is_one_clear_line(tmp_path: Path) -> None:
    options = {
        "recipe": RECIPE,
        "keep": [],
        "max_tokens": 64,
        "max_cut": 0.0,
        "template": "micro",
        "limits": LIMITS,
        "seed": 0,
        "save_minutes": 0.0,
    }
    with pytest.raises(ResetError, match="nowhere: no model there"):
        train.train(tmp_path, tmp_path, Path("nowhere"), tmp_path, **options)


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        (
            "gpt_2",
            {"max_position_embeddings": 16},
            r"has \d+ tokens, but the model has 16 positions; set train.max_tokens to 16 at most",
        ),
        ("llama_2", {"max_position_embeddings": 16}, "tokens, but the model has 16 positions"),
        (
            "qwen_2",
            {"vocab_size": 331, "pad_token_id": None},
            "the tokenizer's pad token is 331, but the model has only 331 embeddings",
        ),
        (
            "llama_2",
            {"vocab_size": 100},
            r"row 'micro/train/0' has token \d+ of the tokenizer, but the model has only",
        ),
    ],
)
def test_rows_that_the_model_cannot_read_are_refused_before_the_first_step(
    tmp_path: Path, name: str, changed: dict[str, int], message: str
) -> None:
    folder = FAMILIES[name].save(tmp_path / "init", **changed)
    tables.write(tmp_path / "rows.parquet", schemas.MIXTURES, rows(9))
    data, how = tmp_path / "rows.parquet", {"max_tokens": 400, "max_cut": 0.0, "template": "alpaca", "limits": LIMITS}
    with pytest.raises(ResetError, match=message):
        train.train(data, data, folder, tmp_path / "work", recipe=RECIPE, keep=[], seed=0, save_minutes=0.0, **how)
    assert not (tmp_path / "work").exists()


def test_a_mixture_of_experts_is_trained_to_balance_its_routers(caplog: pytest.LogCaptureFixture) -> None:
    trainer = SimpleNamespace(aux_loss_enabled=True, router_aux_loss_coef=0.02)
    of = partial(sft.ResponseTrainer._router_loss, trainer)
    assert float(of(SimpleNamespace(aux_loss=torch.tensor(2.0)))) == pytest.approx(0.04)
    assert of(SimpleNamespace(aux_loss=None)) == of(SimpleNamespace()) == 0.0
    assert [message.partition(",")[0] for message in caplog.messages] == [
        "this mixture of experts is trained without the loss that balances its routers: its model computes none"
    ]
    trainer.aux_loss_enabled = False
    assert of(SimpleNamespace(aux_loss=torch.tensor(2.0))) == 0.0


def test_global_batch_that_no_accumulation_gives_is_refused() -> None:
    assert accumulation(RECIPE, 1) == 2
    assert accumulation(RECIPE, 2) == 1
    with pytest.raises(ResetError, match="batch_size 4 is no multiple of micro_batch_size 2 x 3 devices"):
        accumulation(RECIPE, 3)


def test_sequence_loss_weighs_rows_alike_and_token_loss_weighs_tokens() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 7)  # (rows, positions, vocabulary)
    targets = torch.tensor([[1, 2, 3], [4, IGNORED, IGNORED]])
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten().clamp(min=0), reduction="none")
    a, b, c, d = losses[[0, 1, 2, 3]]
    by_row = torch.stack([torch.stack([a, b, c]), torch.stack([d, 0 * d, 0 * d])])
    torch.testing.assert_close(sft._mean_loss(by_row, targets, per_sequence=True), ((a + b + c) / 3 + d) / 2)
    torch.testing.assert_close(sft._mean_loss(by_row, targets, per_sequence=False), (a + b + c + d) / 4)


@pytest.mark.parametrize("padding_free", [False, True])
def test_losses_of_a_batch_are_those_of_each_row_alone(init: Path, padding_free: bool) -> None:
    """Neither padding, nor rows behind one another, nor logits left out change a token's loss by 1e-4 in float32."""
    model = AutoModelForCausalLM.from_pretrained(init, dtype=torch.float32)
    encoded = encoding.encode(rows(9), word_tokenizer(64), 64, Account())[0]
    if padding_free:
        losses, targets, _ = packing.packed_losses(model, packing.packing_collator(0)(encoded))
    else:
        losses, targets, _ = sft.padded_losses(model, DataCollatorForLanguageModeling(pad_token_id=0)(encoded))
    for row, found, kept in zip(encoded, losses, targets != IGNORED, strict=True):
        logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1]
        plain = torch.nn.functional.cross_entropy(logits, torch.tensor(row["labels"][1:]), reduction="none")
        torch.testing.assert_close(found[kept], plain[torch.tensor(row["labels"][1:]) != IGNORED], atol=1e-4, rtol=0.0)
        assert not found[~kept].any()


def test_what_stands_before_a_row_changes_none_of_its_losses_in_bfloat16_either(init: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(init, dtype=torch.bfloat16)
    attention.in_float32(model)
    before, row = encoding.encode(rows(2), word_tokenizer(64), 64, Account())[0]
    another = {**before, "input_ids": before["input_ids"][::-1]}
    collate = packing.packing_collator(0)
    losses = [packing.packed_losses(model, collate([first, row]))[0] for first in (before, another)]
    assert losses[0][1].equal(losses[1][1])
    assert not losses[0][0].equal(losses[1][0])


@pytest.mark.parametrize("loss", ["sequence", "token"])
def test_two_ranks_of_zero_3_learn_what_one_process_learns(tmp_path: Path, init: Path, loss: str) -> None:
    recipe = replace(RECIPE, loss=loss)
    _, one, said = run_alone(tmp_path / "one", init, recipe)
    assert one, said[-3000:]
    _, two, said = run_alone(tmp_path / "two", init, replace(recipe, zero_stage=3), processes=2)
    assert two, said[-3000:]
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, abs=1e-3)
    for model in ("model", "model/at/50", "model/at/100"):
        alone, spread = (load_file(tmp_path / run / "work" / model / "model.safetensors") for run in ("one", "two"))
        name = "model.layers.0.self_attn.q_proj.weight"
        assert spread[name].shape == (32, 32)
        torch.testing.assert_close(spread[name], alone[name], atol=2e-3, rtol=0.0)
    assert not list((tmp_path / "two/work/model").rglob("*.bin"))


@pytest.mark.parametrize(("loss", "processes"), [("sequence", 1), ("token", 2)])
def test_padding_free_training_learns_what_padded_training_learns(
    tmp_path: Path, init: Path, loss: str, processes: int
) -> None:
    recipe = replace(RECIPE, loss=loss, zero_stage=3 if processes == 2 else 0)
    logs = []
    for padding_free in (False, True):
        folder = tmp_path / str(padding_free)
        _, log, said = run_alone(folder, init, replace(recipe, padding_free=padding_free), processes=processes)
        assert log, said[-3000:]
        logs.append(log)
    for padded, free in zip(*logs, strict=True):
        assert free == pytest.approx(padded, abs=1e-4)


def test_models_at_shares_of_the_training_stay_and_load_as_any_other(tmp_path: Path, init: Path) -> None:
    _, log, said = run_alone(tmp_path, init, RECIPE)
    assert [entry["step"] for entry in log] == [2, 4], said[-3000:]  # of four steps; each row has both losses
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


def test_log_has_one_row_per_step_with_all_columns() -> None:
    log = [{"step": 1.0, "loss": 3.0}, {"step": 2.0, "loss": 2.0}, {"step": 2.0, "dev_loss": 2.5}]
    assert train.by_step(log) == [
        {"step": 1.0, "loss": 3.0, "dev_loss": None},
        {"step": 2.0, "loss": 2.0, "dev_loss": 2.5},
    ]


def test_checkpoints_take_no_more_disk_than_was_planned(tmp_path: Path, init: Path) -> None:
    assert run_alone(tmp_path, init, replace(RECIPE, zero_stage=2))[0] == 0
    written = sum(file.stat().st_size for file in (tmp_path / "work").glob("checkpoint-*/**/*") if file.is_file())
    planned = model_size.shape(init).checkpoint(None, torch.float32)  # one is left
    assert 0.5 * planned < written < 1.2 * planned


def test_loss_that_is_no_number_stops_with_step_and_batch(tmp_path: Path, init: Path) -> None:
    status, _, said = run_alone(tmp_path, init, replace(RECIPE, learning_rate=1e30))
    assert status == 1
    assert "training stopped at step" in said and "its batch: micro/train/" in said
