"""An adapter is trained like all weights are, merged or kept apart; what lies beneath it is known by its hash."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
import yaml
from safetensors.torch import load_file
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from reset import params
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.micro.model import language_model, word_tokenizer
from reset.model import adapters
from reset.model.adapters import Adapter
from reset.params import training as sections
from reset.runs.launcher import launcher
from reset.training import encoding
from tests.support import warm
from tests.support.checkers import save as save_checker
from tests.support.families import FAMILIES
from tests.support.train_alone import rows

LORA = {"rank": 4, "alpha": 8.0, "dropout": 0.0, "target_modules": ["all-linear"], "quantise": "none", "merge": False}
PROGRAM = """
import json, sys
from dataclasses import replace
from pathlib import Path
from reset.model import adapters
from reset.training import loop, train
from tests.support.train_alone import LIMITS, RECIPE
loop.rendezvous()
for name, init, adapter, changed in json.loads(sys.argv[1]):
    work = Path("work") / name
    train.train(
        Path("train.parquet"), Path("dev.parquet"), Path(init), work, max_tokens=64, max_cut=0.0, keep=[], seed=0,
        save_minutes=0.0, template="micro", limits=LIMITS, recipe=replace(RECIPE, learning_rate=0.02, **changed),
        adapter=adapter and adapters.Adapter(**adapter),
    )
loop.leave()
"""
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
Train = Callable[..., Path]


@pytest.fixture(scope="module")
def train(micro_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Train:
    """A function that trains systems one after another in processes of their own and returns their folder."""
    folder = tmp_path_factory.mktemp("line")
    shutil.copytree(micro_model, folder / "base")
    tables.write(folder / "train.parquet", schemas.MIXTURES, rows(16))
    tables.write(folder / "dev.parquet", schemas.MIXTURES, rows(4))
    (folder / "program.py").write_text(PROGRAM)

    def run(*systems: tuple[Any, ...], processes: int = 1) -> Path:
        ranks = launcher(processes) if processes > 1 else ()
        command = warm.command("program", json.dumps(systems), ranks=ranks)
        done = subprocess.run(command, cwd=folder, env=warm.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return folder

    return run


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    (file,) = (folder / "work" / name / "model").glob("*.safetensors")
    return dict(load_file(file))


def near(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor], atol: float) -> None:
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        torch.testing.assert_close(values, theirs[name], atol=atol, rtol=0)


def test_systems_on_top_of_an_adapter_start_from_what_it_has_learned(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge, checkpointed = {**LORA, "merge": True}, {"gradient_checkpointing": True}
    folder = train(
        ("apart", "base", LORA, {}),
        ("merged", "base", merge, {}),
        ("further", "work/apart/model", LORA, checkpointed),
        ("on_top", "work/apart/model", merge, {}),
        ("full", "work/apart/model", None, {}),
    )
    made = {path.name for path in (folder / "work/apart/model").iterdir()}
    assert made == {*adapters.FILES, "tokenizer.json", "tokenizer_config.json"}
    monkeypatch.chdir(folder)  # the base is named from where the run stands
    assert adapters.weights(Path("work/apart/model")) == Path("base")
    whole = {
        name: adapters.load(Path("work") / name / "model", torch.float32).state_dict() for name in os.listdir("work")
    }
    near(whole["apart"], whole["merged"], 1e-6)
    before = adapters.load(Path("base"), torch.float32).state_dict()
    name = "model.layers.0.self_attn.q_proj.weight"
    for system, start in (("apart", before), ("further", whole["apart"]), ("full", whole["apart"])):
        assert 1e-4 < (whole[system][name] - start[name]).abs().max() < 1, system
    logs = {one: json.loads(Path(f"work/{one}/log.json").read_text()) for one in whole}
    assert logs["apart"] == logs["merged"]
    first = {one: next(entry["loss"] for entry in log if "loss" in entry) for one, log in logs.items()}
    for one in ("further", "on_top", "full"):
        assert first[one] == pytest.approx(first["full"], abs=1e-4)
        assert first[one] < first["apart"] - 1
    for one in ("merged", "on_top", "full"):
        assert json.loads(Path(f"work/{one}/model/config.json").read_text())["use_cache"] is True
        assert "lm_head.weight" not in weights(folder, one)  # tied: once


def test_two_ranks_of_zero_3_train_the_adapter_that_one_process_trains(train: Train) -> None:
    train(("one", "base", LORA, {}))
    spread = {"zero_stage": 3, "micro_batch_size": 2}
    train(("spread", "base", LORA, spread), processes=2)
    folder = train(
        ("merged_one", "base", {**LORA, "merge": True}, {}), ("merged_3", "base", {**LORA, "merge": True}, spread)
    )
    logs = [json.loads((folder / "work" / name / "log.json").read_text()) for name in ("one", "spread")]
    for one, other in zip(*logs, strict=True):
        assert other.get("dev_loss") == pytest.approx(one.get("dev_loss"), abs=0.02)
    assert {name: one.shape for name, one in weights(folder, "one").items()} == {
        name: one.shape for name, one in weights(folder, "spread").items()
    }
    near(weights(folder, "merged_one"), weights(folder, "merged_3"), 1e-3)


@pytest.mark.parametrize("merge", [False, True])
def test_adapter_on_weights_of_four_bits_learns_and_answers(
    train: Train, tmp_path: Path, merge: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = word_tokenizer(64)  # below, all widths are multiples of 64: on a CPU bitsandbytes evaluates no others
    language_model(tokenizer, layers=2, width=192, heads=6, max_tokens=64, seed=1).save_pretrained(tmp_path / "wide")
    tokenizer.save_pretrained(tmp_path / "wide")
    name = f"quantised_{merge}"
    folder = train((name, str(tmp_path / "wide"), {**LORA, "quantise": "4bit", "merge": merge}, {"epochs": 4.0}))
    log = json.loads((folder / f"work/{name}/log.json").read_text())
    losses = [entry["dev_loss"] for entry in log if "dev_loss" in entry]
    assert losses[-1] < losses[0] - 0.5
    monkeypatch.chdir(folder)
    whole = adapters.load(Path("work") / name / "model", torch.float32)
    found = []
    for model in (adapters.load(tmp_path / "wide", torch.float32), whole):
        encoded = encoding.encode(rows(4), tokenizer, 64, Account())[0]
        batch = DataCollatorForLanguageModeling(pad_token_id=0)(encoded)
        with torch.inference_mode():
            found.append(float(model(**batch).loss))
    learned = found[0] - losses[-1]
    assert found[0] - found[1] > 0.8 * learned > 0.4  # the rest is what the weights lost by rounding to 4 bits


def test_weights_of_four_bits_without_bitsandbytes_are_one_clear_line(
    micro_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.utils.import_utils.is_bitsandbytes_available", lambda: False)
    with pytest.raises(ResetError, match="4bit needs bitsandbytes, which is not installed"):
        adapters.start(micro_model, Adapter(**{**LORA, "quantise": "4bit"}), seed=0)


def test_same_seed_gives_the_same_first_weights_and_leaves_the_global_state(micro_model: Path) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    made = [adapters.start(micro_model, Adapter(**LORA), seed).state_dict() for seed in (0, 0, 1)]
    drawn = [name for name in made[0] if "lora_A" in name]
    assert len(drawn) == 14
    assert all(torch.equal(made[0][name], made[1][name]) for name in drawn)
    assert not any(torch.equal(made[0][name], made[2][name]) for name in drawn)
    assert torch.equal(state, torch.get_rng_state())


def test_target_that_no_module_is_called_is_told(micro_model: Path) -> None:
    with pytest.raises(ResetError, match=r"adapter\.target_modules: .*q_prj"):
        adapters.start(micro_model, Adapter(**{**LORA, "target_modules": ["q_prj"]}), seed=0)


@pytest.mark.parametrize("target", ["lm_head", "embed_tokens"])
def test_adapter_on_weights_that_are_tied_is_refused(tmp_path: Path, target: str) -> None:
    """Merged, it would change the output layer and the embeddings alike; in training it changes one of them."""
    adapter = Adapter(**{**LORA, "target_modules": ["q_proj", target]})
    tied = FAMILIES["smollm_2"].save(tmp_path / "tied")
    with pytest.raises(
        ResetError, match=r"target_modules: .*embed_tokens.weight and lm_head.weight are the same weights"
    ):
        adapters.start(tied, adapter, seed=0)
    apart = FAMILIES["smollm_2"].save(tmp_path / "apart", tie_word_embeddings=False)
    adapted = adapters.start(apart, adapter, seed=0)
    ids = torch.tensor([[5, 9, 33]])
    with torch.no_grad():
        for name, weights in adapted.named_parameters():
            if "lora_" in name:
                weights.normal_(0, 0.3)
        before = adapted.eval()(ids).logits
        after = adapted.merge_and_unload()(ids).logits
    torch.testing.assert_close(before, after, atol=1e-4, rtol=0)


def test_adapter_on_a_mixture_of_experts_starts(tmp_path: Path) -> None:
    assert adapters.start(FAMILIES["mixtral"].save(tmp_path), Adapter(**LORA), seed=0) is not None


def test_adapter_on_other_or_missing_weights_is_refused(adapted: tuple[Path, Path], tmp_path: Path) -> None:
    folder, base = tmp_path / "apart", tmp_path / "base"
    shutil.copytree(adapted[0], folder)
    shutil.copytree(adapters.weights(adapted[0]), base)
    named = json.loads((folder / "base.json").read_text())
    (folder / "base.json").write_text(json.dumps(named | {"path": str(base)}))
    assert adapters.weights(folder) == base
    (base / "tokenizer_config.json").write_text("{}")
    with pytest.raises(
        ResetError, match=r"base has changed since the adapter .* was trained on it; `dvc repro` retrains it"
    ):
        adapters.weights(folder)
    shutil.rmtree(base)
    with pytest.raises(ResetError, match=r"is an adapter of .*base, which is missing; `dvc checkout"):
        adapters.load(folder, torch.float32)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rank": 8}, "recipes.second.adapter differs from that of 'mtl', from which systems.reset starts: rank"),
        ({"quantise": "4bit", "merge": True}, "systems.reset starts from 'mtl', whose adapter is not merged: only"),
        ({"quantise": "4bit"}, "recipes.second.zero_stage is 3, but ZeRO-3 cannot partition 4-bit weights"),
        ({"quantize": "4bit"}, "unknown key 'recipes.second.adapter.quantize'. Did you mean 'quantise'?"),
        ({"target_modules": "q_proj"}, "recipes.second.adapter.target_modules: Input should be a valid list"),
    ],
)
def test_adapter_that_cannot_be_is_refused_before_anything_runs(
    minimal: dict[str, Any], tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    recipes = minimal["recipes"]
    recipes["second"] = {**recipes["full"], "zero_stage": 3, "adapter": {**LORA, **changed}}
    recipes["full"] = {**recipes["full"], "adapter": LORA}
    minimal["systems"]["reset"]["recipe"] = "second"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    with pytest.raises(ResetError) as raised:
        params.load(tmp_path / "params.yaml")
    assert message in raised.value.message


def test_adapter_of_the_same_shape_goes_on(minimal: dict[str, Any], tmp_path: Path) -> None:
    minimal["recipes"]["full"]["adapter"] = LORA
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    assert params.load(tmp_path / "params.yaml").recipes["full"].adapter == sections.Adapter(**LORA)


@pytest.mark.parametrize("kind", ["AutoModelForSequenceClassification", "AutoModel"])
def test_weights_without_the_head_that_generates_are_refused(tmp_path: Path, kind: str) -> None:
    whole = FAMILIES["qwen_3"].save(tmp_path / "whole")
    getattr(transformers, kind).from_pretrained(whole).save_pretrained(tmp_path / "other")
    with pytest.raises(ResetError, match=r"other: its weights lack lm_head\.weight, without which it does not gener"):
        adapters.load(tmp_path / "other", torch.float32)


def test_a_model_of_a_type_that_does_not_generate_is_refused(tmp_path: Path) -> None:
    save_checker(tmp_path / "t5", "t5")
    with pytest.raises(ResetError, match="t5: a model of this type does not generate text"):
        adapters.load(tmp_path / "t5", torch.float32)
