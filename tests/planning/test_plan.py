"""A plan counts what will be trained, answered and asked, says what it rests on, and leaves unknown what is unknown."""

import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from deepspeed.runtime.zero.stage3 import estimate_zero3_model_states_mem_needs
from deepspeed.runtime.zero.stage_1_and_2 import estimate_zero2_model_states_mem_needs
from dvc.repo import Repo
from huggingface_hub import constants
from peft import LoraConfig, get_peft_model
from transformers import AlbertConfig, DebertaV2Config, GPT2Config, LlamaConfig, LlamaForCausalLM

from reset import params
from reset.cli.main import main
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.judges import Answer
from reset.model.tokens import load_tokenizer, response_ids
from reset.model.training_rows import training_row
from reset.params.answers import Judge
from reset.params.training import Adapter, Recipe
from reset.planning import judge_costs, model_size, nli_work
from reset.planning.dvc_pending import pending
from reset.training.encoding import encode
from tests.support.hub_server import hub

pytestmark = pytest.mark.slow

Row = dict[str, Any]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> model_size.Shape:
    """The shape of LLaMA-7B (Touvron et al. 2023), whose configuration is transformers' default."""
    folder = tmp_path_factory.mktemp("llama")
    LlamaConfig().save_pretrained(folder)
    return model_size.shape(folder)


def recipe(**changed: Any) -> Recipe:
    plain = {"learning_rate": 1e-5, "epochs": 1.0, "batch_size": 32, "micro_batch_size": 4, "weight_decay": 0.05}
    plain |= {"beta2": 0.999, "warmup_ratio": 0.03, "loss": "token", "eval_steps": 100, "zero_stage": 3}
    plain |= {
        "method": "sft",
        "adapter": None,
        "dtype": "bfloat16",
        "gradient_checkpointing": True,
        "micro_batch_tokens": None,
        "padding_free": False,
    }
    return Recipe(**{**plain, **changed})


def test_parameters_are_those_of_the_model(llama: model_size.Shape) -> None:
    assert llama.parameters == 6_738_415_616
    assert llama.disk(None, torch.bfloat16) == 2 * llama.parameters + llama.files


def test_adapter_takes_what_peft_makes_of_it(llama: model_size.Shape, micro_model: Path) -> None:
    lora = {"rank": 16, "alpha": 32.0, "dropout": 0.0, "target_modules": ["q_proj", "v_proj"]}
    lora |= {"quantise": "none", "merge": False}
    small = recipe(adapter=lora, dtype="float32")
    for wanted in (["q_proj", "v_proj"], ["all-linear"]):
        adapter = Adapter(**{**lora, "target_modules": wanted})
        targets = "all-linear" if wanted == ["all-linear"] else wanted
        model = get_peft_model(LlamaForCausalLM.from_pretrained(micro_model), LoraConfig(r=16, target_modules=targets))
        assert model_size.shape(micro_model).trained(adapter) == model.get_nb_trainable_parameters()[0]
    assert llama.trained(small.adapter) == 8_388_608  # 32 layers x 2 x 16 x (4096 + 4096)
    assert llama.disk(small.adapter, torch.float32) == 4 * 8_388_608 + llama.files
    assert llama.checkpoints(small.adapter, torch.float32) < llama.checkpoints(None, torch.float32) / 500
    held = [llama.states(0, torch.bfloat16, 1, Adapter(**{**lora, "quantise": q})) for q in ("none", "4bit")]
    assert llama.states(0, torch.bfloat16, 1) / 9 > held[0] > 3 * held[1]


@pytest.mark.parametrize("devices", [1, 8])
def test_memory_of_the_states_is_what_deepspeed_estimates(llama: model_size.Shape, devices: int) -> None:
    _, second = estimate_zero2_model_states_mem_needs(llama.parameters, devices, cpu_offload=False)
    _, third, _ = estimate_zero3_model_states_mem_needs(
        llama.parameters, llama.largest_layer, devices, cpu_offload=False, cpu_offload_params=False
    )
    assert (llama.states(2, torch.bfloat16, devices), llama.states(3, torch.bfloat16, devices)) == (second, third)


def test_each_stage_spreads_more_and_checkpointing_holds_less(llama: model_size.Shape) -> None:
    held = [llama.states(stage, torch.bfloat16, 8) for stage in range(4)]
    assert held == sorted(held, reverse=True)
    assert held[0] == 20 * llama.parameters
    assert llama.states(0, torch.float32, 8) == 16 * llama.parameters
    whole = llama.activations(recipe(gradient_checkpointing=False), torch.bfloat16, 2048)
    assert llama.activations(recipe(), torch.bfloat16, 2048) < whole / 4


@pytest.fixture
def project(
    tmp_path: Path, micro_model: Path, minimal: Row, example_row: Callable[..., Row], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project with data and a starting model, in which nothing has been trained."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))
    shutil.copytree(micro_model, tmp_path / "models/base/micro")
    examples = [example_row(n, passages=["mira lives in red forest."] * (1 + n % 5)) for n in range(20)]
    examples += [
        example_row(example_id=f"talk/train/{n}", split="train", task="instruction", instruction=f"name {n} towns.")
        | {"question": "", "passages": []}
        for n in range(4)
    ]
    tables.write(tmp_path / "data/mixtures/mtl.parquet", schemas.MIXTURES, [training_row(e, "micro") for e in examples])
    for name in ("test", "candidates"):
        tables.write(tmp_path / f"data/prompts/{name}.parquet", schemas.EXAMPLES, examples)
    save(tmp_path, minimal)
    return tmp_path


def save(project: Path, content: Row) -> None:
    (project / "params.yaml").write_text(yaml.safe_dump(content))


def cli(*options: str) -> Result:
    return CliRunner().invoke(main, ["plan", "--no-status", *options])


def plan(*options: str) -> Row:
    done = cli("--json", *options)
    assert done.exit_code == 0, done.output
    found: Row = json.loads(done.stdout[done.stdout.index("{") :])
    return found


def of(found: Row, table: str, name: str) -> Row:
    return next(row for row in found[table] if row[table[:-1]] == name)


def test_trained_tokens_are_those_that_training_counts(project: Path, minimal: Row) -> None:
    minimal["train"]["max_tokens"] = 45  # the longest rows are cut
    minimal["recipes"]["full"]["epochs"] = 1.5
    save(project, minimal)
    system = of(plan("--train-tokens-per-s", "100"), "systems", "mtl")
    rows = list(tables.read(project / "data/mixtures/mtl.parquet", schemas.MIXTURES))
    encoded, cut = encode(rows, load_tokenizer(project / "models/base/micro"), 45, Account())
    once = sum(len(row["input_ids"]) for row in encoded)
    assert cut > 0
    assert (system["rows"], system["tokens_per_epoch"], system["steps"]) == (24, once, 9)
    assert system["tokens"] == round(1.5 * once)
    assert system["device_hours"] == pytest.approx(system["tokens"] / 100 / 3600)
    assert system["basis"] == "counted"


def test_a_mean_of_two_systems_trains_nothing_and_takes_disk(project: Path, minimal: Row) -> None:
    minimal["interpolated"] = {"half": {"init": "mtl", "other": "reset", "weight": 0.5}}
    save(project, minimal)
    found = plan("--train-tokens-per-s", "100")
    half, trained = of(found, "systems", "half"), of(found, "systems", "mtl")
    assert (half["rows"], half["tokens"], half["steps"], half["device_hours"]) == (0, 0, 0, 0.0)
    assert half["parameters"] == trained["parameters"] and half["disk"] >= trained["disk"]
    assert "half" in cli().output


def test_curated_rows_are_expected_from_the_prompts(project: Path) -> None:
    rows = list(tables.read(project / "data/mixtures/mtl.parquet", schemas.MIXTURES))
    once = sum(
        len(r["input_ids"]) for r in encode(rows, load_tokenizer(project / "models/base/micro"), 64, Account())[0]
    )
    system = of(plan(), "systems", "reset")
    assert (system["rows"], system["tokens"]) == (24, once)
    assert system["basis"] == "expected: answers as long as the references"
    (project / "metrics/sample").mkdir(parents=True)
    (project / "metrics/sample/mtl_candidates.json").write_text(
        '{"scale": "tiny", "tokens": 400, "rows_in": 40, "rows_out": 40}'
    )
    references = len(rows) * len(response_ids(load_tokenizer(project / "models/base/micro"), "red forest"))
    again = of(plan(), "systems", "reset")
    assert again["tokens"] == once - references + 24 * 10
    assert again["basis"] == "expected: answers as long as in the pool's last run"
    (project / "metrics/train").mkdir()
    (project / "metrics/train/reset.json").write_text('{"scale": "tiny", "tokens": 600, "rows_in": 12, "rows_out": 12}')
    trained = of(plan(), "systems", "reset")
    assert (trained["rows"], trained["tokens"]) == (24, 24 * 50)
    assert trained["basis"] == "expected: rows as long as in the last run"


def with_pairs(minimal: Row) -> Row:
    """The parameters with a system that is trained on pairs."""
    recipe = {**minimal["recipes"]["full"], "method": "dpo", "beta": 0.1, "sft_weight": 0.0}
    minimal["recipes"]["dpo"] = recipe
    minimal["curated"]["pairs"] = {**minimal["curated"]["reset"], "pick": "pairs", "margin": 0.5}
    minimal["systems"]["mtl_dpo"] = {**minimal["systems"]["reset"], "data": "curated/pairs", "recipe": "dpo"}
    return minimal


def test_pairs_are_at_most_one_per_prompt_before_and_counted_twice_after(project: Path, minimal: Row) -> None:
    save(project, with_pairs(minimal))
    found = plan()
    single, pairs = of(found, "systems", "reset"), of(found, "systems", "mtl_dpo")
    assert (pairs["rows"], pairs["tokens"], pairs["steps"]) == (24, 2 * single["tokens"], single["steps"])
    assert pairs["basis"] == "at most: answers as long as the references"
    (project / "metrics/select").mkdir(parents=True)
    (project / "metrics/select/pairs.json").write_text('{"scale": "tiny", "rows": 6}')
    again = of(plan(), "systems", "mtl_dpo")
    assert (again["rows"], again["tokens"]) == (6, round(single["tokens"] / 2))
    assert again["basis"].startswith("expected: as many rows as in the last run")


def test_pairs_hold_two_answers_and_a_reference_model(llama: model_size.Shape) -> None:
    plain, dpo, kto = (recipe(method=name, gradient_checkpointing=False) for name in ("sft", "dpo", "kto"))
    held = [llama.training(one, torch.bfloat16, devices=2, tokens=2048) for one in (plain, dpo, kto)]
    reference = 2 * llama.parameters // 2  # spread, as its ZeRO stage is 3
    assert held[2] == held[0] + reference
    of_one, of_two = (llama.activations(one, torch.bfloat16, 2048) for one in (plain, dpo))
    assert held[1] - held[0] - reference >= of_two - of_one  # in float32 equal; in bfloat16 on a CPU a third more
    assert 1.9 * of_one < of_two < 2.0 * of_one  # but for the tile of the head, which is as large


def test_memory_of_a_pass_is_bounded_by_its_tokens_but_for_a_longer_row(llama: model_size.Shape) -> None:
    whole, two_rows = recipe(micro_batch_size=16), recipe(micro_batch_size=2)
    passes = recipe(micro_batch_size=16, micro_batch_tokens=1024)
    for long, same in ((512, two_rows), (2048, recipe(micro_batch_size=1))):
        found = [llama.activations(one, torch.bfloat16, long) for one in (passes, same, whole)]
        assert found[0] == found[1] < found[2]


def test_loading_or_saving_is_the_peak_where_few_weights_are_trained(llama: model_size.Shape) -> None:
    lora = {"rank": 4, "alpha": 8.0, "dropout": 0.0, "target_modules": ["q_proj"], "quantise": "none", "merge": True}
    few = recipe(adapter=lora, zero_stage=0, micro_batch_size=1)
    found = llama.training(few, torch.bfloat16, devices=1, tokens=64)
    if not torch.cuda.is_available():
        assert found == model_size.PROCESS + 6 * llama.parameters


def test_answers_are_counted_and_repeated_ones_made_once(project: Path, minimal: Row) -> None:
    found = plan("--sample-tokens-per-s", "50")
    greedy, both = of(found, "pools", "mtl"), of(found, "pools", "mtl_candidates")
    assert (greedy["prompts"], greedy["answers"], both["answers"]) == (24, 24, 24 * 4)
    assert both["tokens"] == 4 * greedy["tokens"]
    assert both["prompt_tokens"] == greedy["prompt_tokens"]
    assert greedy["device_hours"] == pytest.approx(greedy["tokens"] / 50 / 3600)
    minimal["decode"]["both"]["top_k_temperature"] = 0.0  # greedy, like temperature 0
    save(project, minimal)
    assert of(plan(), "pools", "mtl_candidates")["answers"] == 24 * 2


def test_answers_that_are_cut_off_are_planned_at_the_limit(project: Path, minimal: Row) -> None:
    plain = of(plan(), "pools", "mtl")
    rates = {"train_tokens_per_s": 1.0, "sample_tokens_per_s": 1.0, "answers_per_s": {}, "download_gb": {}}
    sizes = {"row_tokens": 1, "answer_tokens": 1, "stage_s": 0.0, "device_usd": 0.0, "written_gb_per_system": 0.0}
    found = []
    for cut in (0.25, 1.0):
        minimal["plan"] = {**rates, **sizes, "cut_answers": cut}
        save(project, minimal)
        found.append(of(plan(), "pools", "mtl"))
    most = plain["answers"] * minimal["sample"]["max_tokens"]
    assert found[1]["tokens"] == most
    assert found[0]["tokens"] == pytest.approx(0.75 * plain["tokens"] + 0.25 * most, abs=1)
    assert found[0]["basis"] == "prompts counted; answers as long as the references, but 25% cut off"


def test_paid_judge_is_priced_without_a_key(project: Path, minimal: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    server = {
        "base_url": "http://127.0.0.1:9/v1",
        "concurrency": 1,
        "timeout_s": 1.0,
        "max_retries": 0,
        "max_wait_s": 600.0,
    }
    server |= {"requests_per_minute": None, "tokens_per_minute": None, "reply_format": "text", "batch_poll_s": None}
    server |= {"prices_usd": {"strong": [10.0, 30.0], "weak": [1.0, 1.0]}, "max_cost_usd": None}
    options = {"model": "strong", "weak_model": "weak", "pairwise_model": None, "server": server}
    minimal["judges"]["rater"] = {"kind": "openai", "needs": "reset/llm", "model": None, "options": options}
    minimal["curated"]["reset_s"] = minimal["curated"]["reset"] | {"rating": "rating_weak", "sweeps": 2}
    save(project, minimal)
    found = plan()
    by_pool = {row["pool"]: row for row in found["judges"]}
    assert (by_pool["mtl"]["requests"], by_pool["mtl_candidates"]["requests"]) == (4, 4 * 2 + 4 * 4)
    one = by_pool["mtl"]
    assert one["reply_tokens"] == 4 * 512
    assert one["usd"] == pytest.approx(one["prompt_tokens"] * 10e-6 + 4 * 512 * 30e-6, rel=0.01)
    other = by_pool["mtl_candidates"]
    prompt_usd = other["prompt_tokens"] / 24 * (8 * 10e-6 + 16 * 1e-6)
    assert other["usd"] == pytest.approx(prompt_usd + 512 * (8 * 30e-6 + 16 * 1e-6), rel=0.01)
    assert found["totals"]["usd"] == pytest.approx(sum(row["usd"] for row in found["judges"]))
    assert "US dollars" in cli().output


def test_answers_that_no_selection_reads_are_not_priced(project: Path, minimal: Row) -> None:
    server = {
        "base_url": "http://127.0.0.1:9/v1",
        "concurrency": 1,
        "timeout_s": 1.0,
        "max_retries": 0,
        "max_wait_s": 600.0,
    }
    server |= {"requests_per_minute": None, "tokens_per_minute": None, "reply_format": "text", "batch_poll_s": None}
    server |= {"prices_usd": {}, "max_cost_usd": None}
    options = {"model": "strong", "weak_model": "weak", "pairwise_model": None, "server": server}
    minimal["judges"]["rater"] = {"kind": "openai", "needs": "reset/llm", "model": None, "options": options}
    minimal["prompts"]["candidates"]["split"] = "train"
    strong = minimal["curated"]["reset"] | {"sweeps": 1, "rating": "rating"}
    asked = {}
    for name, rows in {
        "strong": {"reset": strong},
        "weak": {"reset": strong | {"rating": "rating_weak", "sweeps": 2}},
        "both": {"reset": strong, "reset_s": strong | {"rating": "rating_weak", "sweeps": 2}},
        "all": {"reset": strong | {"sweeps": 2}, "reset_s": strong | {"rating": "rating_weak", "sweeps": 2}},
    }.items():
        save(project, minimal | {"curated": rows})
        asked[name] = next(row["requests"] for row in plan()["judges"] if row["pool"] == "mtl_candidates")
    assert asked["weak"] == 4 * 4 and asked["all"] == 2 * asked["weak"]
    assert 0 < asked["strong"] < asked["weak"] and asked["both"] == asked["strong"] + asked["weak"]


def test_references_that_are_judged_are_priced(project: Path, minimal: Row) -> None:
    expected = judge_costs.expected_answers
    pool = minimal["pools"]["mtl_candidates"]
    counts = []
    for gold in (False, True):
        minimal["pools"]["mtl_candidates"] = pool | {"gold": gold}
        minimal["curated"]["reset"]["gold"] = gold
        save(project, minimal)
        p = params.load(project / "params.yaml")
        answers = expected(p, p.pools["mtl_candidates"], frozenset({"instruction", "extractive_qa"}))
        assert answers is not None
        counts.append((len(answers), sum(one.gold for one in answers)))
    (plain, none), (golden, references) = counts
    assert (none, golden) == (0, plain + references) and references > 0


def test_a_pool_that_stops_early_is_planned_whole_until_a_run_tells_its_part(project: Path, minimal: Row) -> None:
    full = of(plan(), "pools", "mtl_candidates")
    minimal["pools"]["mtl_candidates"]["until"] = {"answers": 2, "f1": None}
    save(project, minimal)
    most = of(plan(), "pools", "mtl_candidates")
    assert most["answers"] == full["answers"] and most["basis"].startswith("at most, prompts that have enough")
    told = {"rows_in": 9, "rows_out": 9, "tokens": 27, "scale": minimal["scale"]}
    figures = told | {"until": {"sampled": 1, "full_pool": 4, "enough_after_sweep": {}, "short": 0}}
    tables.write_json(project / "metrics/sample/mtl_candidates.json", figures)
    assert of(plan(), "pools", "mtl_candidates")["answers"] == round(full["answers"] / 4)


@pytest.fixture(scope="module")
def albert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of ALBERT-xlarge (Lan et al. 2020, Table 1)."""
    folder = tmp_path_factory.mktemp("albert")
    sizes = {"embedding_size": 128, "hidden_size": 2048, "intermediate_size": 8192, "num_attention_heads": 16}
    AlbertConfig(**sizes, num_hidden_layers=24).save_pretrained(folder)
    return folder


def test_a_pair_of_sentences_costs_albert_xlarge_133_gflop(albert: Path) -> None:
    layer = 2 * (4 * 2048**2 + 2 * 2048 * 8192)  # per token: attention's and feed-forward matrices
    attention = 4 * 55 * 2048  # per token: scores, and their mix
    expected = 24 * 55 * (layer + attention)
    assert nli_work.pair_flop(albert, 55) == pytest.approx(expected, rel=0.001)
    assert round(nli_work.pair_flop(albert, 55) / 1e9, 1) == 133.5


def test_deberta_is_counted_too(tmp_path: Path) -> None:
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    DebertaV2Config(**sizes, relative_attention=True, position_buckets=16, pos_att_type=["p2c", "c2p"]).save_pretrained(
        tmp_path
    )
    assert nli_work.pair_flop(tmp_path, 20) > 2 * 20 * 2 * (4 * 64**2 + 2 * 64 * 128)


@pytest.mark.parametrize("use_cache", [True, False])
def test_a_decoder_with_a_head_of_labels_is_counted_too(tmp_path: Path, use_cache: bool) -> None:
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    LlamaConfig(**sizes, vocab_size=99, use_cache=use_cache).save_pretrained(tmp_path)
    assert nli_work.pair_flop(tmp_path, 20) >= 2 * 20 * 2 * (4 * 64**2 + 3 * 64 * 128)


def test_a_model_that_must_read_a_number_is_counted_with_its_weights(tmp_path: Path) -> None:
    GPT2Config(vocab_size=99, n_embd=64, n_layer=2, n_head=2).save_pretrained(tmp_path)
    assert nli_work.pair_flop(tmp_path, 20) >= 2 * 20 * 2 * (12 * 64**2)


def test_pairs_of_a_pool_are_those_that_the_judge_scores(project: Path, minimal: Row, micro_model: Path) -> None:
    rows = [
        row | {"task": "summarization", "passages": ["Mira lives in a forest. She sings all day."] * 2}
        for row in tables.read(project / "data/prompts/test.parquet", schemas.EXAMPLES)
    ]
    rows = [row | {"references": ["Mira lives somewhere. She sings every day."], "question": ""} for row in rows]
    tables.write(project / "data/prompts/test.parquet", schemas.EXAMPLES, rows)
    shutil.copytree(micro_model, project / "models/base/nli")
    minimal["base"]["nli"] = {"kind": "micro_nli", "needs": "models/base/micro", "options": {}}
    options = {"max_doc_sents": 3, "batch_tokens": 64}
    judge = {"kind": "summac", "needs": "models/base/nli", "model": "base/nli", "options": options}
    minimal["judges"]["summac"] = judge
    options = {"batch_tokens": 64, "window": 2, "clauses": True}
    minimal["judges"]["claims"] = {**judge, "kind": "claims", "options": options}
    save(project, minimal)
    found = plan("--nli-tflop-per-s", "0.001")
    one, claims = (
        next(r for r in found["pairs"] if (r["judge"], r["pool"]) == (j, "mtl")) for j in ("summac", "claims")
    )
    assert claims["pairs"] == len(rows) * 3 * 2  # four source sentences are three windows of two
    assert claims["pair_tokens"] > one["pair_tokens"]
    assert one["pairs"] == len(rows) * 3 * 2  # of four source sentences three count
    assert one["device_hours"] == pytest.approx(one["pairs"] * one["pair_gflop"] / 3600)
    assert found["totals"]["pairs"] == sum(row["pairs"] for row in found["pairs"])
    assert "pairs of sentences: at an assumed 100 TFLOP/s per device (--nli-tflop-per-s)" in cli().output


def test_a_preset_says_which_sentences_are_planned() -> None:
    told = {"max_doc_sents": 9, "batch_tokens": 64, "sentences": "english"}
    text = "Dr. Mira lives in a forest. She sings. She sleeps all night."
    for preset, short in (("reset", 1), ("summac", 0)):
        row = Judge(kind="summac", needs="models/base/nli", model="base/nli", options={**told, "preset": preset})
        how = nli_work.compared("summac", row)
        assert how and (len(how.parts(text)), len(how.parts("She sings."))) == (2, short)


def test_self_consistency_compares_each_answer_with_all_others_to_its_prompt(micro_model: Path) -> None:
    options = {"batch_tokens": 64, "tasks": ["summarization"]}
    row = Judge(kind="self_consistency", needs="models/base/nli", model="base/nli", options=options)
    how = nli_work.compared("agreement", row)
    assert how and how.tasks == {"summarization"}
    assert nli_work.compared("agreement", row.model_copy(update={"model": None})) is None
    fields: Row = {"task": "summarization", "split": "test", "instruction": "", "question": "", "references": []}
    texts = [f"Mira lives in forest {n}. She sings every day." for n in range(4)]
    answers = [
        Answer(f"{example}{n}", text, checks=None, passages=["Mira"], example_id=example, **fields)
        for example, kept in (("a", texts), ("b", texts[:3]))
        for n, text in enumerate(kept)
    ]
    assert nli_work.count(answers, load_tokenizer(micro_model), how).pairs == 4 * 3 * 2  # three others are too few


def test_before_there_are_data_tokens_are_unknown_and_sizes_are_not(project: Path) -> None:
    shutil.rmtree(project / "data")
    found = plan("--train-tokens-per-s", "100")
    system, pool = of(found, "systems", "mtl"), of(found, "pools", "mtl_candidates")
    assert (system["rows"], system["tokens"], system["device_hours"]) == (None, None, None)
    assert system["parameters"] > 0
    assert system["disk"] > 2 * system["parameters"]
    assert (pool["prompts"], pool["answers"], pool["tokens"]) == (10, 40, None)
    assert found["totals"]["tokens_trained"] is None
    assert "`dvc repro mix draw` makes them" in cli().output


def test_model_that_is_not_built_yet_has_the_size_it_will_have(project: Path, minimal: Row) -> None:
    built = of(plan(), "systems", "mtl")["parameters"]
    shutil.rmtree(project / "models")
    sizes = {"tokenizer": "word", "layers": 2, "width": 64, "heads": 2, "max_tokens": 1024}
    recipe = {key: value for key, value in minimal["recipes"]["full"].items() if key != "adapter"}
    minimal["base"]["micro"]["options"] = {**sizes, "blocks": 1, "block_tokens": 8, "recipe": recipe}
    save(project, minimal)
    assert of(plan(), "systems", "mtl")["parameters"] == built


def test_base_model_on_disk_needs_its_configuration_alone(project: Path, minimal: Row) -> None:
    built = of(plan(), "systems", "mtl")["parameters"]
    away = (project / "models/base/micro").rename(project / "away")
    (away / "model.safetensors").unlink()
    options = {"id": str(away), "revision": None}
    minimal["base"]["micro"] = {"kind": "hub", "needs": "reset/bases/hub.py", "options": options}
    save(project, minimal)
    assert of(plan(), "systems", "mtl")["parameters"] == built


def test_a_hub_that_is_away_is_a_note_at_once(project: Path, minimal: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(project / "models")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    options = {"id": "mine/away", "revision": None}
    minimal["base"]["micro"] = {"kind": "hub", "needs": "reset/bases/hub.py", "options": options}
    save(project, minimal)
    started = time.monotonic()
    assert "http://127.0.0.1:9 does not answer, and the hub's cache does not have it" in plan()["notes"][0]
    assert time.monotonic() - started < 4


def hub_model(project: Path, minimal: Row, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Let the starting model be `mine/tiny` of the hub at `endpoint`, with an empty cache."""
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(project / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    options = {"id": "mine/tiny", "revision": None}
    minimal["base"]["micro"] = {"kind": "hub", "needs": "reset/bases/hub.py", "options": options}
    save(project, minimal)


def test_offline_takes_what_the_hub_s_cache_has_and_asks_nobody(
    project: Path, minimal: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = (project / "models/base/micro").rename(tmp_path / "tiny")
    with hub({"models/mine/tiny": folder}) as served:
        hub_model(project, minimal, monkeypatch, served.address)
        found = plan("--offline")
        assert found["notes"][0].startswith("'mine/tiny' not looked for on the hub, and the hub's cache does not have")
        assert (served.seen, of(found, "systems", "mtl")["parameters"]) == ([], None)
        parameters = of(plan(), "systems", "mtl")["parameters"]
        asked = len(served.seen)
        assert parameters and asked
        assert of(plan("--offline"), "systems", "mtl")["parameters"] == parameters
        assert len(served.seen) == asked


def test_warnings_of_the_hub_s_library_are_left_out(
    project: Path, minimal: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder, library = (project / "models/base/micro").rename(tmp_path / "tiny"), logging.getLogger("huggingface_hub")
    monkeypatch.setattr(library, "handlers", [caplog.handler])
    with hub({"models/mine/tiny": folder}, breaks=True) as served:  # the library warns, and gets the rest
        hub_model(project, minimal, monkeypatch, served.address)
        before = library.level
        assert of(plan(), "systems", "mtl")["parameters"]
        assert (served.broken != set(), caplog.records, library.level) == (True, [], before)


def test_base_model_that_cannot_be_sketched_is_a_note(project: Path, minimal: Row) -> None:
    shutil.rmtree(project / "models")
    minimal["base"]["micro"]["kind"] = "micro_nli"
    save(project, minimal)
    found = plan()
    assert of(found, "systems", "mtl")["parameters"] is None
    assert found["notes"][0] == "models/base/micro does not exist yet; `dvc repro base@micro` makes it"


def test_stages_that_changed_stand_before_those_that_may_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repo = Repo.init(str(tmp_path), no_scm=True)
    stage = {"cmd": "cp a b", "deps": ["a"], "outs": ["b"]}
    after = {"cmd": "cp b c", "deps": ["b"], "outs": ["c"]}
    other = {"cmd": "cp d e", "deps": ["d"], "outs": ["e"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"one": stage, "two": after, "three": other}}))
    (tmp_path / "a").write_text("1")
    (tmp_path / "d").write_text("1")
    repo.reproduce()
    assert pending(tmp_path) == []
    (tmp_path / "a").write_text("2")
    found = [(one.stage, one.certain, one.why) for one in pending(tmp_path)]
    assert found == [("one", True, "changed deps: a"), ("two", False, "after one")]


def test_a_run_that_goes_on_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Repo.init(str(tmp_path), no_scm=True)
    stage = {"cmd": "cp a b", "deps": ["a"], "outs": ["b"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"one": stage}}))
    (tmp_path / "a").write_text("1")
    held = {"write": {str(tmp_path / "b"): {"pid": os.getppid(), "cmd": "dvc repro"}}}
    (tmp_path / ".dvc/tmp").mkdir(exist_ok=True)
    (tmp_path / ".dvc/tmp/rwlock").write_text(json.dumps(held))
    with pytest.raises(ResetError, match="DVC is running here"):
        pending(tmp_path)


def test_figures_and_tables_that_another_scale_has_left_count_for_nothing(project: Path) -> None:
    for kind, name in (("sample", "mtl_candidates"), ("train", "reset"), ("select", "reset"), ("mix", "mtl")):
        path = project / f"metrics/{kind}/{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"scale": "micro", "tokens": 40000, "rows": 300, "rows_in": 40, "rows_out": 40}')
    found = plan()
    assert of(found, "systems", "reset")["basis"] == "expected: answers as long as the references"
    assert of(found, "pools", "mtl_candidates")["basis"] == "prompts counted; answers as long as the references"
    assert of(found, "systems", "mtl")["basis"] == "unknown: its data do not exist yet"
