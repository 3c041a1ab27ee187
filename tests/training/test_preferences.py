"""Each method beyond supervised training learns from several answers to a prompt, on the ids that the engines read."""

import json
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from reset import registry
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.micro.model import word_tokenizer
from reset.model import adapters
from reset.model.prompts import Prompt
from reset.model.tokens import prompt_ids, response_ids
from reset.runs.launcher import launcher
from reset.training import encoding, preferences, sft
from reset.training.recipe import IGNORED, Recipe
from tests.support import warm
from tests.support.families import FAMILIES
from tests.support.train_alone import LIMITS, RECIPE
from tests.support.train_alone import row as plain

pytestmark = pytest.mark.slow

PREFERENCES = replace(RECIPE, batch_size=8, micro_batch_size=4, learning_rate=5e-3, epochs=4.0, beta=0.1, loss="token")
LORA = adapters.Adapter(8, 16.0, 0.0, ["all-linear"], quantise="none", merge=True)
RECIPES = {
    "dpo": replace(PREFERENCES, method="dpo"),
    "kto": replace(PREFERENCES, method="kto"),
    "weighted_sft": replace(PREFERENCES, method="weighted_sft", loss="sequence"),
}
GOOD, BAD = "the home of mira is red boat.", "tom has old drum."


def row(number: int, response: str, **columns: Any) -> dict[str, Any]:
    """A curated row; `columns` are those of its kind."""
    curated = {"answer_id": f"a{number}", "setting": "t0.1", "sweep": 0, "score": 1.0, "candidates": 2, "margin": 1.0}
    return {
        **plain(number, f"what is the home of mira in town {number % 3}?", response),
        **curated,
        "objectives": {},
        **columns,
    }


def rows(method: str, count: int) -> list[dict[str, Any]]:
    """Rows that say of GOOD and BAD which is better."""
    if method == "dpo":
        worse = {"rejected": BAD, "rejected_score": 0.0, "rejected_answer_id": "b", "rejected_setting": "k5"}
        return [row(n, GOOD, **worse, rejected_sweep=0) for n in range(count)]
    if method == "kto":
        return [row(n, GOOD if n % 2 else BAD, desirable=bool(n % 2)) for n in range(count)]
    return [row(n, GOOD if n % 2 else BAD, weight=0.9 if n % 2 else 0.1) for n in range(count)]


def test_pair_is_two_answers_behind_one_prompt_as_engines_read_it() -> None:
    tokenizer = word_tokenizer(64)
    source = rows("dpo", 1)
    ((pair,), _) = encoding.encode(source, tokenizer, 64, Account(), "dpo")
    read = prompt_ids(tokenizer, Prompt(source[0]["prompt"], 0, 0), 64)
    assert read is not None
    assert pair["prompt_ids"] == read[0]
    assert pair["prompt_ids"].count(tokenizer.bos_token_id) == 1
    assert (pair["chosen_ids"], pair["rejected_ids"]) == (response_ids(tokenizer, GOOD), response_ids(tokenizer, BAD))
    assert pair["chosen_ids"][-1] == pair["rejected_ids"][-1] == tokenizer.eos_token_id
    chosen, rejected = encoding.sequences([pair])
    assert [label for label in chosen["labels"] if label != IGNORED] == pair["chosen_ids"]
    assert [label for label in rejected["labels"] if label != IGNORED] == pair["rejected_ids"]


def test_context_of_a_pair_is_cut_for_the_longer_answer() -> None:
    tokenizer = word_tokenizer(64)
    (source,) = rows("dpo", 1)
    whole = prompt_ids(tokenizer, Prompt(source["prompt"], 0, 0), 64)
    assert whole is not None
    source |= {"response": BAD, "rejected": GOOD, "context_end": len(source["prompt"])}
    most = len(whole[0]) + len(response_ids(tokenizer, BAD))
    ((pair,), cut) = encoding.encode([source], tokenizer, most, Account(), "dpo")
    assert cut == 1
    assert len(pair["prompt_ids"]) + len(pair["rejected_ids"]) <= most


@pytest.mark.parametrize(("method", "columns"), [("dpo", "rejected"), ("kto", "desirable"), ("weighted_sft", "weight")])
def test_rows_of_another_kind_are_refused(method: str, columns: str, tmp_path: Path) -> None:
    tables.write(tmp_path / "rows.parquet", schemas.MIXTURES, [plain(0, "a", "b")])
    with pytest.raises(ResetError, match=rf"rows.parquet: lacks the columns .*{columns}"):
        list(tables.read(tmp_path / "rows.parquet", encoding.SCHEMAS[method]))


def test_unknown_method_names_the_nearest() -> None:
    with pytest.raises(ResetError, match=r"Unknown method 'dpoo'\. Did you mean 'dpo'"):
        registry.load(registry.METHODS, "dpoo", "method")


def test_mismatched_answer_is_that_of_another_row_of_the_micro_batch() -> None:
    source = [{"prompt_ids": [n], "completion_ids": [n]} for n in range(10)]
    mixed = preferences.mismatched(source, 4, seed=1)
    assert sorted(row["prompt_ids"] for row in mixed) == [[n] for n in range(10)]
    for start in (0, 4, 8):
        batch = mixed[start : start + 4]
        assert sorted(row["KL_completion_ids"] for row in batch) == sorted(row["completion_ids"] for row in batch)
        assert all(row["KL_completion_ids"] != row["completion_ids"] for row in batch)
    assert mixed == preferences.mismatched(source, 4, seed=1) != preferences.mismatched(source, 4, seed=2)


@pytest.mark.parametrize(("rows", "micro_batch_size"), [(9, 4), (2, 2), (5, 1)])
def test_no_row_is_compared_with_its_own_answer(rows: int, micro_batch_size: int) -> None:
    source = [{"prompt_ids": [n], "completion_ids": [n]} for n in range(rows)]
    for seed in range(5):
        mixed = preferences.mismatched(source, micro_batch_size, seed)
        assert len(mixed) == rows
        assert all(row["KL_completion_ids"] != row["completion_ids"] for row in mixed)


def test_one_row_alone_cannot_be_compared() -> None:
    with pytest.raises(ResetError, match="kto needs two rows at least"):
        preferences.mismatched([{"prompt_ids": [1], "completion_ids": [1]}], 4, seed=0)


def test_the_reference_is_the_model_that_training_starts_from(adapted: tuple[Path, Path], micro_model: Path) -> None:
    """Of a system that keeps its adapter apart, that is the merged model, not the base under the adapter."""
    start = adapters.load(adapted[0], torch.float32)
    reference = preferences._reference_model(start)
    ids = torch.tensor([[1, 50, 60, 70]])
    with torch.no_grad():
        torch.testing.assert_close(reference(ids).logits, start(ids).logits, atol=0, rtol=0)
        assert not torch.allclose(
            reference(ids).logits, adapters.load(micro_model, torch.float32)(ids).logits, atol=0.1
        )
        start.model.layers[0].self_attn.q_proj.weight.zero_()
        assert not torch.allclose(reference(ids).logits, start(ids).logits, atol=1e-3)
    tied = reference.get_input_embeddings().weight is reference.get_output_embeddings().weight
    assert tied == start.config.tie_word_embeddings


def model_of(name: str) -> Any:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(FAMILIES[name].configuration(), dtype=torch.float32)


@pytest.mark.parametrize("name", ["gpt_2", "gemma_3_images", "mixtral", "qwen_3_next", "falcon_h1", "mamba"])
def test_log_probabilities_that_trl_computes_are_the_model_s_own(name: str) -> None:
    model = model_of(name)
    preferences._require_log_probabilities(model)
    assert model.training
    assert "forward" not in vars(model)


def test_model_whose_log_probabilities_trl_cannot_tell_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResetError, match="cannot train a model of type 'granitemoehybrid': TRL cannot compute"):
        preferences._require_log_probabilities(model_of("granite_hybrid"))
    wrong = model_of("gpt_2")
    head = wrong.get_output_embeddings().forward
    monkeypatch.setattr(wrong.get_output_embeddings(), "forward", lambda hidden: 2 * head(hidden))
    with pytest.raises(ResetError, match="type 'gpt2': TRL computes other log-probabilities than the model"):
        preferences._require_log_probabilities(wrong)


@pytest.mark.parametrize("per_sequence", [True, False])
def test_weight_multiplies_the_loss_of_its_row(per_sequence: bool) -> None:
    torch.manual_seed(0)
    targets = torch.tensor([[1, 2, 3], [4, 5, IGNORED]])
    losses = torch.rand(2, 3) * (targets != IGNORED)
    one, two = (sft._mean_loss(losses[n : n + 1], targets[n : n + 1], per_sequence=per_sequence) for n in range(2))
    shares = (0.5, 0.5) if per_sequence else (0.6, 0.4)  # of rows, or of tokens
    weighted = sft._mean_loss(losses, targets, per_sequence=per_sequence, weights=torch.tensor([1.5, 0.5]))
    torch.testing.assert_close(weighted, 1.5 * shares[0] * one + 0.5 * shares[1] * two)


def train_all(
    folder: Path, start: Path, recipes: dict[str, Recipe], processes: int = 1, adapter: adapters.Adapter | None = None
) -> None:
    """Train with each recipe in processes of their own, as the stage does."""
    for method in recipes:
        tables.write(
            folder / f"{method}.parquet", encoding.SCHEMAS[recipes[method].method], rows(recipes[method].method, 24)
        )
    tables.write(
        folder / "dev.parquet", schemas.MIXTURES, [plain(n, "what is the home of mira?", GOOD) for n in range(4)]
    )
    script = folder / "program.py"
    script.write_text(
        "import json, sys; from pathlib import Path; from reset.runs import divergence; "
        "from reset.training import loop, train; from reset.training.recipe import Recipe\n"
        "from reset.model import adapters\n"
        "f, i = Path(sys.argv[1]), Path(sys.argv[2]); loop.rendezvous()\n"
        "for name, recipe in json.loads(sys.argv[3]).items():\n"
        "    train.train(f / f'{name}.parquet', f / 'dev.parquet', i, f / name, keep=[], max_tokens=64, max_cut=0.0,"
        f" limits=divergence.{LIMITS}, seed=0, save_minutes=0.0, template='micro', recipe=Recipe(**recipe),"
        f" adapter={adapter and f'adapters.{adapter}'})\n"
        "loop.leave()\n"
    )
    options = [str(folder), str(start), json.dumps({name: asdict(one) for name, one in recipes.items()})]
    done = subprocess.run(
        warm.command("program", *options, ranks=launcher(processes) if processes > 1 else ()),
        cwd=folder,
        env=warm.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def log(folder: Path, name: str) -> list[dict[str, float]]:
    entries: list[dict[str, float]] = json.loads((folder / name / "log.json").read_text())
    return [entry for entry in entries if "loss" in entry]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, init: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_all(folder, init, RECIPES)
    return folder


@pytest.mark.parametrize("method", RECIPES)
def test_loss_falls_and_the_margin_over_the_worse_answer_grows(trained: Path, method: str) -> None:
    entries = log(trained, method)
    assert entries[-1]["loss"] < 0.8 * entries[0]["loss"]
    assert entries[-1]["step"] == 12
    if method != "weighted_sft":
        assert entries[-1]["margin"] > entries[0]["margin"] + 0.1


@pytest.mark.parametrize(("method", "answers"), [("dpo", 2), ("kto", 1), ("weighted_sft", 1)])
def test_figures_count_every_sequence(trained: Path, method: str, answers: int) -> None:
    figures = json.loads((trained / method / "figures.json").read_text())
    assert (figures["rows_in"], figures["rows_out"], figures["steps"]) == (24, 24, 12)
    tokenizer = word_tokenizer(64)
    trained_tokens = sum(len(response_ids(tokenizer, text)) for text in (GOOD, BAD)) * (12 * answers)
    assert figures["trained_tokens"] == trained_tokens
    assert (figures["dev_perplexity"] is None) == (method != "weighted_sft")


@pytest.mark.parametrize("method", RECIPES)
def test_what_is_saved_is_another_model_in_safetensors(trained: Path, init: Path, method: str) -> None:
    folder = trained / method / "model"
    name = "model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(load_file(folder / "model.safetensors")[name], load_file(init / "model.safetensors")[name])
    assert not list(folder.glob("*.bin"))


def test_dpo_trains_an_adapter_against_the_weights_under_it(init: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPES["dpo"], learning_rate=2e-2, gradient_checkpointing=True)
    train_all(tmp_path, init, {"dpo": recipe}, adapter=LORA)
    entries = log(tmp_path, "dpo")
    assert entries[0]["loss"] == pytest.approx(0.6931, abs=1e-3)  # ln 2: model and reference are the same
    assert entries[-1]["loss"] < 0.8 * entries[0]["loss"]
    folder, name = tmp_path / "dpo/model", "model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(load_file(folder / "model.safetensors")[name], load_file(init / "model.safetensors")[name])
    assert not adapters.apart(folder) and not (folder / "ref").exists()


@pytest.mark.parametrize(
    ("method", "apart"),
    [
        ("dpo", 0.02),
        ("kto", 0.15),  # its reference point is an estimate from the rows held at once: 8 on two ranks, 4 on one
    ],
)
def test_two_ranks_of_zero_3_prefer_what_one_process_prefers(
    tmp_path: Path, init: Path, method: str, apart: float
) -> None:
    one = {"one": replace(RECIPES[method], epochs=2.0)}
    train_all(tmp_path, init, one)
    train_all(tmp_path, init, {"two": replace(one["one"], zero_stage=3)}, processes=2)
    for a, b in zip(log(tmp_path, "one"), log(tmp_path, "two"), strict=True):
        assert a["step"] == b["step"]
        assert b["margin"] == pytest.approx(a["margin"], abs=apart)
    assert load_file(tmp_path / "two/model/model.safetensors")["model.layers.0.self_attn.q_proj.weight"].shape == (
        32,
        32,
    )
