"""The fused head has the losses and gradients of the model's own logits, in every family that it is used for."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM
from trl.kernels import chunked_logprob
from trl.trainer import utils
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from reset.model import adapters
from reset.planning import model_size
from reset.training import fused_head, packing, sft
from tests.support.alive import Alive
from tests.support.families import FAMILIES
from tests.support.train_alone import RECIPE, run_alone

pytestmark = pytest.mark.slow

ROWS = [{"input_ids": list(range(5, 5 + n)), "labels": [-100] * (n - 3) + [7, 9, 2]} for n in (4, 9, 6)]


@pytest.mark.parametrize("padding_free", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_losses_and_gradients_are_those_of_the_models_own_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, padding_free: bool
) -> None:
    monkeypatch.setattr(fused_head, "LARGE", 0)
    model = AutoModelForCausalLM.from_pretrained(FAMILIES[name].save(tmp_path), dtype=torch.float32).eval()
    collate = packing.packing_collator(0) if padding_free else DataCollatorForLanguageModeling(pad_token_id=0)
    losses_of, batch = packing.packed_losses if padding_free else sft.padded_losses, collate(ROWS)
    found = []
    for head in (None, fused_head.fused_head(model)):
        model.zero_grad()
        losses, targets, _ = losses_of(model, batch, head)
        losses.sum().backward()
        gradients = model.get_input_embeddings().weight.grad.clone()
        found.append((losses[targets != -100].detach(), gradients))
    (own, own_gradients), (fused, fused_gradients) = found
    torch.testing.assert_close(fused, own, atol=1e-4, rtol=0.0)
    torch.testing.assert_close(fused_gradients, own_gradients, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("method", ["losses", "gradients"])
def test_lower_tiles_have_the_same_losses_and_gradients(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    torch.manual_seed(0)
    hidden, weight = (torch.randn(n, 8, requires_grad=True) for n in (9, 50))
    found = []
    for tokens in (4096, 2):
        monkeypatch.setattr(chunked_logprob, "TOKEN_CHUNK_SIZE", tokens)
        weight.grad = None
        losses = chunked_logprob.ChunkedLogProbFunction.apply(hidden, weight, None, torch.arange(9), 1.0, 50)[0]
        losses.sum().backward()
        found.append(losses.detach() if method == "losses" else weight.grad)
    torch.testing.assert_close(found[1], found[0])


def test_a_small_vocabulary_keeps_its_own_head_and_an_adapter_has_that_of_its_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = FAMILIES["llama_2"].save(tmp_path)
    adapter = adapters.Adapter(4, 8.0, 0.0, ["all-linear"], quantise="none", merge=False)
    model = adapters.start(folder, adapter, seed=0)
    assert fused_head.fused_head(model) is None
    monkeypatch.setattr(fused_head, "LARGE", 0)
    batch = DataCollatorForLanguageModeling(pad_token_id=0)(ROWS)
    own, targets, _ = sft.padded_losses(model, batch)
    head = fused_head.fused_head(model)
    assert head
    fused, all_targets, _ = sft.padded_losses(model, batch, head)
    torch.testing.assert_close(fused[all_targets != -100], own[targets != -100], atol=1e-4, rtol=0.0)


def test_a_plan_knows_which_vocabularies_are_large_and_how_large_tiles_are() -> None:
    assert model_size._LARGE == fused_head.LARGE
    assert (model_size._TILE, model_size._TILE_LOGITS) == (fused_head.TILE, fused_head.TILE_LOGITS)
    assert fused_head.TILE[1] == utils._CHUNKED_LOGPROB_CHUNK_SIZE


@pytest.mark.parametrize(("words", "tokens"), [(1500, 4096), (4096, 4096), (8192, 2048), (49152, 512)])
def test_tiles_are_lower_on_a_cpu_the_more_words_there_are(
    monkeypatch: pytest.MonkeyPatch, words: int, tokens: int
) -> None:
    monkeypatch.setattr(chunked_logprob, "TOKEN_CHUNK_SIZE", 4096)
    made = LlamaConfig(vocab_size=words, hidden_size=32, intermediate_size=8, num_hidden_layers=1)
    with torch.device("meta"):
        fused_head.bound_tiles(LlamaForCausalLM(made))  # type: ignore[no-untyped-call]
    assert tokens == chunked_logprob.TOKEN_CHUNK_SIZE


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_tile_takes_the_bytes_that_are_planned(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    """On tensors without data, by what is alive at once; the gradient of the weights is the other part."""
    rows, words, width = 64, 8192, 4
    monkeypatch.setattr(chunked_logprob, "TOKEN_CHUNK_SIZE", rows)
    with FakeTensorMode():
        hidden, weight = (torch.zeros(n, width, dtype=dtype, requires_grad=True) for n in (4 * rows, words))
        targets = torch.zeros(4 * rows, dtype=torch.long)
        with Alive() as alive:
            function = chunked_logprob.ChunkedLogProbFunction
            function.apply(hidden, weight, None, targets, 1.0, words, None, 1.0, ("entropy", "is_top1"))[
                0
            ].sum().backward()
    planned = (dtype.itemsize + model_size._TILE_BYTES) * rows * words
    assert alive.peak == pytest.approx(planned, rel=0.1)


def test_ranks_of_zero_3_train_with_the_fused_head_as_one_process_does(tmp_path: Path, init: Path) -> None:
    large = tmp_path / "large"
    model = AutoModelForCausalLM.from_pretrained(init, dtype=torch.float32)
    model.resize_token_embeddings(fused_head.LARGE, mean_resizing=False)
    model.save_pretrained(large)
    AutoTokenizer.from_pretrained(init).save_pretrained(large)
    logs = []
    for stage, processes in ((0, 1), (3, 2)):
        _, log, said = run_alone(tmp_path / str(stage), large, replace(RECIPE, zero_stage=stage), processes=processes)
        assert log, said[-3000:]
        logs.append(log)
    for one, split in zip(*logs, strict=True):
        assert split == pytest.approx(one, abs=1e-3)
