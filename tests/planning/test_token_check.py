"""The doctor shows what training and an engine read, and fails where they differ."""

import copy
import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from reset.cli.doctor import doctor
from reset.engines.transformers.engine import TransformersEngine
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.model.generation import stop_at
from reset.model.tokens import load_tokenizer
from reset.model.training_rows import training_row
from reset.planning import token_check
from reset.planning.token_check import Limits, ask_engines, examine, rows_of, spans
from tests.support.families import FAMILIES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def tokenizer(micro_model):
    return load_tokenizer(micro_model)


def finding(example, tokenizer, *, max_tokens=512, max_prompt_tokens=400, template="micro", row=None):
    row = row or training_row(example, "micro")
    limits = Limits(max_tokens, max_prompt_tokens)
    return examine(row, example, limits, template=template, trained=tokenizer, sampled=tokenizer)


def test_a_row_is_one_bos_a_masked_prompt_and_a_trained_response(tokenizer, example_row):
    found = finding(example_row(), tokenizer)
    assert found.faults == []
    (masked, prompt), (trained, response) = spans(found)
    assert (masked, trained) == ("masked", "trained")
    assert prompt == found.sampled
    assert prompt.count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(response) == f"red forest{tokenizer.eos_token}"


def test_both_answers_of_a_pair_stand_behind_the_prompt_that_is_sampled(tokenizer, example_row):
    row = {**training_row(example_row(), "micro"), "rejected": "old tulip"}
    limits = Limits(512, 400)
    how = {"template": "micro", "trained": tokenizer, "sampled": tokenizer, "method": "dpo"}
    for answer, text in enumerate(["red forest", "old tulip"]):
        found = examine(row, example_row(), limits, **how, answer=answer)
        assert found.faults == []
        (_, prompt), (_, response) = spans(found)
        assert (prompt, tokenizer.decode(response)) == (found.sampled, f"{text}{tokenizer.eos_token}")


def test_another_template_in_sampling_is_a_difference(tokenizer, example_row):
    found = finding(example_row(), tokenizer, template="alpaca")
    assert len(found.faults) == 1
    assert found.faults[0].startswith("training and sampling read different ids from token ")


def test_a_bos_in_the_text_of_a_prompt_is_text(tokenizer, example_row):
    assert finding(example_row(question=f"what is {tokenizer.bos_token}?"), tokenizer).faults == []


def test_a_row_that_does_not_begin_as_the_tokenizer_s_own_texts_do_is_found(tokenizer, example_row, monkeypatch):
    monkeypatch.setattr(token_check, "in_front", lambda tokenizer: (5, tokenizer.bos_token_id))
    found = finding(example_row(), tokenizer)
    first = found.input_ids[1]
    assert found.faults == [f"training reads [1, {first}] first, the tokenizer itself puts [5, 1] in front"]


def test_contexts_cut_by_different_limits_are_compared_at_the_smaller(tokenizer, example_row):
    example = example_row(passages=["mira lives in red forest. " * 40])
    found = finding(example, tokenizer, max_tokens=100, max_prompt_tokens=60)
    assert (found.training_cut, found.sampling_cut, found.faults) == (True, True, [])
    assert len(found.sampled) < len(found.input_ids) <= 100
    assert len(finding(example, tokenizer, max_tokens=100, max_prompt_tokens=60, template="alpaca").faults) == 1


def test_a_row_that_does_not_fit_is_shown_without_ids(tokenizer, example_row):
    found = finding(example_row(), tokenizer, max_tokens=8, max_prompt_tokens=8)
    assert (found.input_ids, found.sampled, found.faults) == ([], [], [])
    assert found.left_out == "longer than max_tokens"


def test_the_engine_reads_what_it_is_asked_to_whatever_the_length(tokenizer, micro_model, example_row):
    engine = TransformersEngine(model=micro_model, batch=4, dtype="float32")
    examples = [example_row(number, passages=["mira lives in red forest. " * (number + 1)]) for number in range(3)]
    found = [finding(example, tokenizer) for example in examples]
    ask_engines(found, {"transformers": engine.seen})
    assert [one.faults for one in found] == [[], [], []]


def test_an_engine_that_reads_something_else_is_named(tokenizer, example_row):
    found = [finding(example_row(), tokenizer)]
    ask_engines(found, {"vllm": lambda requests: [[1, *request.token_ids] for request in requests]})
    assert found[0].faults[0].startswith("engine vllm reads different ids from token 1 of ")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch, minimal, micro_model, example_row):
    """A folder with params.yaml, a mixture, its examples and a starting model, and the data set's name."""
    examples = [example_row(n, example_id=f"nq/train/{n}", split="train") for n in range(3)]
    tables.write(tmp_path / "data/examples/nq/train.parquet", schemas.EXAMPLES, examples)
    rows = [training_row(example, "micro") for example in examples]
    tables.write(tmp_path / "data/mixtures/mtl.parquet", schemas.MIXTURES, rows)
    shutil.copytree(micro_model, tmp_path / "models/base/micro")
    minimal["sample"]["max_prompt_tokens"] = 400
    minimal["train"]["max_tokens"] = 512
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_shows_ids_and_spans_and_succeeds(checkout):
    done = CliRunner().invoke(doctor, ["mtl", "--rows", "2"])
    assert done.exit_code == 0, done.output
    assert "nq/train/0 (extractive_qa):" in done.output
    assert "trained 3: " in done.output
    assert "2 rows: training and sampling read the same ids" in done.output


def test_the_command_prints_json_rows(checkout):
    done = CliRunner().invoke(doctor, ["mtl", "--rows", "3", "--no-engine", "--json"])
    rows = [json.loads(line) for line in done.output.splitlines()]
    assert [row["example_id"] for row in rows] == ["nq/train/0", "nq/train/1", "nq/train/2"]
    assert all(len(row["input_ids"]) == len(row["labels"]) for row in rows)


def test_a_template_changed_after_mixing_makes_the_command_fail(checkout):
    content = (checkout / "params.yaml").read_text().replace("template: micro", "template: vicuna")
    (checkout / "params.yaml").write_text(content)
    done = CliRunner().invoke(doctor, ["mtl", "--no-engine", "--rows", "1"])
    assert done.exit_code == 1
    assert "Error: 1 of 1 rows are wrong; nq/train/0: training and sampling read different ids" in done.output


def test_the_command_checks_that_a_system_stops_where_its_chat_template_ends_a_reply(checkout, tokenizer):
    chatting = copy.deepcopy(tokenizer)
    chatting.chat_template = "{%- for turn in messages -%}{{- turn.content + '<sep>' -}}{%- endfor -%}"
    chatting.save_pretrained(checkout / "models/base/micro")
    shutil.copytree(checkout / "models/base/micro", checkout / "models/mtl")
    content = (checkout / "params.yaml").read_text().replace("template: micro", "template: chat")
    (checkout / "params.yaml").write_text(content)
    examples = tables.read(checkout / "data/examples/nq/train.parquet", schemas.EXAMPLES)
    rows = [training_row(example, "chat") for example in examples]
    tables.write(checkout / "data/mixtures/mtl.parquet", schemas.MIXTURES, rows)
    done = CliRunner().invoke(doctor, ["mtl"])
    assert "chat template: '' message '<sep>' reply '<sep>'\n" in done.output
    assert "Error: models/mtl: generation_config.json does not stop at '<sep>', which ends a reply" in done.output
    stop_at(checkout / "models/mtl", chatting.sep_token_id)
    done = CliRunner().invoke(doctor, ["mtl"])
    assert done.exit_code == 0, done.output


def test_the_command_checks_a_model_s_own_template_with_its_options(checkout):
    shutil.rmtree(checkout / "models/base/micro")
    FAMILIES["qwen_3"].save(checkout / "models/base/micro")
    content = yaml.safe_load((checkout / "params.yaml").read_text())
    content |= {
        "template": "chat",
        "template_options": {"system": "Be brief.", "arguments": {"enable_thinking": False}},
    }
    (checkout / "params.yaml").write_text(yaml.safe_dump(content))
    examples = tables.read(checkout / "data/examples/nq/train.parquet", schemas.EXAMPLES)
    rows = [training_row(example, "chat", response=" red forest\n") for example in examples]
    tables.write(checkout / "data/mixtures/mtl.parquet", schemas.MIXTURES, rows)
    done = CliRunner().invoke(doctor, ["mtl", "--rows", "3"])
    assert done.exit_code == 0, done.output
    framed = r"chat template: '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n' message '<|im_end|>\n"
    assert framed + r"<|im_start|>assistant\n<think>\n\n</think>\n\n' reply '<|im_end|>'" in done.output
    assert "3 rows: training and sampling read the same ids" in done.output


def test_a_row_whose_example_is_gone_is_told(checkout):
    tables.write(checkout / "data/examples/nq/train.parquet", schemas.EXAMPLES, [])
    with pytest.raises(ResetError, match=r"'nq/train/0' is not among the examples"):
        rows_of(Path("data/mixtures/mtl.parquet"), Path("data/examples"), 1)
