"""Families through the line: trained in their own chat templates, sampled, exported and loaded elsewhere."""

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from reset.engines.transformers.engine import TransformersEngine
from reset.files import schemas, tables
from reset.model import adapters, generation
from reset.model.chat_frame import frame
from reset.model.prompts import CHAT
from reset.model.tokens import load_tokenizer, prompt_ids
from reset.sampling import pieces, sample
from reset.sampling.decode_settings import arms
from reset.sampling.framed import Framed
from tests.evidence.test_export import card, change, recorded
from tests.support import warm
from tests.support.families import FAMILIES
from tests.support.train_alone import rows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
SIX = ["gpt_2", "llama_2", "qwen_3", "gemma_3_images", "phi_3", "smollm_2_instruct"]
STATE_SPACE = ("falcon_h1", "mamba", "mamba_2")  # on which peft puts no adapter
HOW = [(name, how) for name in FAMILIES for how in ("whole", "merged") if how == "whole" or name not in STATE_SPACE]
VICUNA = {"temperature": 0.9, "top_p": 0.6}  # without do_sample: transformers refuses to save it
PROGRAM = """
import json, sys
from dataclasses import replace
from pathlib import Path
import torch
from reset.model import adapters, generation
from reset.training import loop, train
from tests.support.train_alone import LIMITS, RECIPE
loop.rendezvous()
PROBE = torch.tensor([[5, 9, 33, 60, 7, 100, 120]])
take = loop._weights


def noting(trainer):
    taken = take(trainer)  # when the model is the best one so far
    model = trainer.accelerator.unwrap_model(trainer.model)
    model.train(False)
    with torch.no_grad():
        torch.save(model(input_ids=PROBE, use_cache=False).logits.float(), work / "logits")
    model.train(True)
    return taken


loop._weights = noting
for name, how in json.loads(sys.argv[1]):
    work = Path(name) / how
    work.mkdir(parents=True)
    adapter = adapters.Adapter(4, 8.0, 0.0, ["all-linear"], quantise="none", merge=True) if how == "merged" else None
    train.train(
        Path("train.parquet"), Path("dev.parquet"), Path("init") / name, work, max_tokens=400, max_cut=0.0, keep=[],
        save_minutes=0.0, seed=0, template="chat", limits=LIMITS, adapter=adapter,
        recipe=replace(RECIPE, learning_rate=0.02),
    )
loop.leave()
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Systems of all families: with all weights trained, and with an adapter that is merged."""
    folder = tmp_path_factory.mktemp("families")
    for name, family in FAMILIES.items():
        path = family.save(folder / "init" / name) / "generation_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | VICUNA))
    tables.write(folder / "train.parquet", schemas.MIXTURES, rows(8))
    tables.write(folder / "dev.parquet", schemas.MIXTURES, rows(4))
    (folder / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        warm.command("program", json.dumps(HOW)),
        cwd=folder,
        env=warm.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(input_ids=torch.tensor([[5, 9, 33, 60, 7, 100, 120]])).logits.float()
    return found


@pytest.mark.parametrize(("name", "how"), HOW)
def test_what_is_saved_is_what_was_trained(trained: Path, name: str, how: str) -> None:
    kept, saved, init = (
        torch.load(trained / name / how / "logits"),
        trained / name / how / "model",
        trained / "init" / name,
    )
    torch.testing.assert_close(logits(adapters.load(saved, torch.float32)), kept, atol=1e-4, rtol=0)
    assert not torch.allclose(kept, logits(adapters.load(init, torch.float32)), atol=0.05)
    start, now = (json.loads((folder / "config.json").read_text()) for folder in (init, saved))
    assert {key for key in start.keys() | now.keys() if start.get(key) != now.get(key)} <= {"use_cache"}
    before, after = (json.loads((folder / "generation_config.json").read_text()) for folder in (init, saved))
    ends = generation.ends(init)
    assert {**after, "eos_token_id": None} == {**before, "eos_token_id": None}
    texts = [load_tokenizer(folder) for folder in (init, saved)]
    chat = frame(texts[1], CHAT)
    assert chat and generation.ends(saved) == ends + [chat.end] * (chat.end not in ends)
    assert texts[0].special_tokens_map == texts[1].special_tokens_map
    assert texts[0].chat_template == texts[1].chat_template


@pytest.mark.parametrize("name", SIX)
def test_an_export_answers_a_chat_as_the_system_answered_its_pool(
    trained: Path, name: str, tmp_path: Path, example_row: Any
) -> None:
    model = trained / name / "merged/model"
    tokenizer = load_tokenizer(model)
    chat = frame(tokenizer, CHAT)
    assert chat
    engine = Framed(TransformersEngine(model=model, batch=4, dtype="float32"), chat)
    examples = [example_row(n, instruction=f"What is the home of {who}? ") for n, who in enumerate(["Mira", "Tom  "])]
    pool = pieces.Pool("mtl", arms([0.0], [], 0.0), 1, 0, CHAT, 12, 400)
    answers = list(sample.answer(examples, pool, engine, partial(prompt_ids, tokenizer, frame=chat)))
    recorded(tmp_path, model)
    lock = yaml.safe_load((tmp_path / "dvc.lock").read_text())["stages"]["train@mtl"]["params"]["params.yaml"]
    options = {"template": CHAT, "template_options": {"system": None, "arguments": {}}}
    change(tmp_path, "train@mtl", params={"params.yaml": lock | options})
    assert "does not give exactly the token ids of training" not in card(tmp_path)
    theirs, reading = (kind.from_pretrained(tmp_path / "out") for kind in (AutoModelForCausalLM, AutoTokenizer))
    for example, answer in zip(examples, answers, strict=True):
        message = f"{example['instruction']}\n\nQuestion: {example['question']}\nPassage: {example['passages'][0]}"
        read = reading.apply_chat_template(
            [{"role": "user", "content": message}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        said = theirs.generate(**read, max_new_tokens=12, do_sample=False)[0, read["input_ids"].shape[1] :]
        ended = [token for token in said.tolist() if token not in engine.engine._ends.tolist()]  # type: ignore[attr-defined]
        assert answer["text"] == chat.reply(reading.decode(ended, skip_special_tokens=True))
        assert answer["tokens"] == len(said)
