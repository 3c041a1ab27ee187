"""An export loads elsewhere as what it was here, and its card says what the run's record says."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from huggingface_hub import ModelCard
from transformers import AutoModelForCausalLM, AutoTokenizer

from reset.cli.main import main
from reset.evidence import chat_template, lineage
from reset.model import adapters, tokens
from reset.model.prompts import CHAT, TEMPLATES, render
from tests.support.folders import add_system

pytestmark = pytest.mark.slow

RECIPE = {"learning_rate": 0.001, "epochs": 1.0, "zero_stage": 0}


def stage(made: dict[str, str], used: dict[str, str], **params: Any) -> dict[str, Any]:
    files = {"outs": made, "deps": used}
    listed = {key: [{"path": path, "md5": mark} for path, mark in marks.items()] for key, marks in files.items()}
    return {**listed, "params": {"params.yaml": params}}


@pytest.fixture
def run(tmp_path: Path, micro_model: Path) -> Path:
    return recorded(tmp_path / "run", micro_model)


def recorded(root: Path, micro_model: Path) -> Path:
    """A run that trained `mtl` and evaluated it, as dvc.lock and the metrics tell of it."""
    shutil.copytree(micro_model, root / "models/mtl")
    add_system(root, "mtl", faithfulness=0.7, instruction=0.6)
    mark = lineage.folder_hash(root / "models/mtl")
    base = {"kind": "micro_lm", "needs": "reset/micro", "options": {}}
    system = {"init": "base/micro", "data": "mixtures/mtl", "dev": "mtl", "recipe": "full", "keep": []}
    stages = {
        "fetch@nq": stage({"data/raw/nq": "raw1.dir"}, {}),
        "prepare@nq": stage({"data/examples/nq": "ex1.dir"}, {"data/raw/nq": "raw1.dir"}),
        "mix@mtl": stage(
            {"data/mixtures/mtl.parquet": "mix1"},
            {"data/examples": "all.dir"},
            template="micro",
            **{"mixtures.mtl": {"parts": {"nq": ["nq"]}}},
        ),
        "base@micro": stage({"models/base/micro": "base1.dir"}, {}, **{"base.micro": base}),
        "train@mtl": stage(
            {"models/mtl": mark},
            {"models/base/micro": "base1.dir", "data/mixtures/mtl.parquet": "mix1"},
            seed=0,
            **{"systems.mtl": system, "recipes.full": RECIPE, "train.max_tokens": 64},
        ),
        "sample@mtl": stage(
            {"data/answers/mtl.parquet": "ans1"}, {"models/mtl": mark}, **{"decode.greedy": {"temperatures": [0.0]}}
        ),
        "identify@lexical": stage({"data/judges/lexical.json": "id1"}, {}, **{"judges.lexical": {"kind": "lexical"}}),
        "judge@lexical-mtl": stage({}, {"data/answers/mtl.parquet": "ans1", "data/judges/lexical.json": "id1"}),
        "evaluate@mtl": stage({}, {"data/answers/mtl.parquet": "ans1"}),
    }
    write(root, stages)
    (root / "metrics/fetch").mkdir()
    fetched = {"licence": "Apache-2.0", "origin": "generated", "revision": None}
    (root / "metrics/fetch/nq.json").write_text(json.dumps(fetched))
    (root / "docs").mkdir()
    (root / "docs/choices.md").write_text("# Choices\n\n## Sampling\n\n**Sweeps.** One takes an arm.\n")
    return root


def write(root: Path, stages: dict[str, Any]) -> None:
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def change(root: Path, name: str, **parts: Any) -> None:
    """Change a stage of the run's dvc.lock."""
    stages = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    stages[name] |= parts
    write(root, stages)


def export(run: Path, system: str = "mtl") -> Result:
    return CliRunner().invoke(main, ["export", system, "--run", str(run), "--into", str(run / "out")])


def exported(root: Path, micro_model: Path) -> Path:
    """The folder that `reset-lm export` makes of such a run."""
    card(recorded(root, micro_model))
    return root / "out"


def card(run: Path) -> str:
    done = export(run)
    assert done.exit_code == 0, done.output
    return (run / "out/README.md").read_text()


def test_transformers_loads_it_and_answers_as_the_system_does(run: Path, micro_model: Path) -> None:
    card(run)
    ours, theirs = (AutoModelForCausalLM.from_pretrained(path) for path in (micro_model, run / "out"))
    tokenizer = AutoTokenizer.from_pretrained(run / "out")
    read = tokenizer.apply_chat_template(
        [{"role": "user", "content": "name a town."}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    answers = [model.generate(**read, max_new_tokens=8, do_sample=False) for model in (ours, theirs)]
    assert torch.equal(answers[0], answers[1])
    assert answers[0].shape[1] > read["input_ids"].shape[1]


@pytest.mark.parametrize("template", sorted(TEMPLATES.keys() - {CHAT}))
@pytest.mark.parametrize("columns", [{}, {"question": "", "task": "summarization"}, {"question": "", "passages": []}])
def test_chat_template_gives_the_ids_that_training_reads(
    micro_model: Path, example_row: Any, template: str, columns: dict[str, Any]
) -> None:
    tokenizer = tokens.load_tokenizer(micro_model)
    tokenizer.chat_template = chat_template.jinja(template, tokenizer)
    row = example_row(**{"passages": ["mira lives here.", "tom does\nnot."], **columns})
    turns, documents = chat_template.messages(row, template)
    read = tokenizer.apply_chat_template(turns, documents=documents, add_generation_prompt=True, return_dict=False)
    trained = tokens.prompt_ids(tokenizer, render(row, template), 1024)
    assert trained
    assert read == trained[0]
    assert chat_template.agrees(tokenizer, template)


def test_answer_in_a_conversation_ends_as_it_was_trained_to(micro_model: Path) -> None:
    tokenizer = tokens.load_tokenizer(micro_model)
    tokenizer.chat_template = chat_template.jinja("micro", tokenizer)
    turns = [{"role": "user", "content": "name a town."}, {"role": "assistant", "content": " red boat."}]
    whole = tokenizer.apply_chat_template(turns, return_dict=False)
    assert whole[-1] == tokenizer.eos_token_id
    with pytest.raises(Exception, match="the model was not trained on longer conversations"):
        tokenizer.apply_chat_template([*turns, turns[0]], return_dict=False)


def test_template_that_reads_otherwise_is_found_out(micro_model: Path) -> None:
    tokenizer = tokens.load_tokenizer(micro_model)
    tokenizer.chat_template = chat_template.jinja("alpaca", tokenizer)
    assert not chat_template.agrees(tokenizer, "micro")


def test_template_that_the_starting_model_brought_is_replaced(run: Path) -> None:
    path = run / "models/mtl/tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": "{{ 'other' }}"}))
    mark = lineage.folder_hash(run / "models/mtl")
    change(run, "train@mtl", outs=[{"path": "models/mtl", "md5": mark}])
    card(run)
    tokenizer = AutoTokenizer.from_pretrained(run / "out")
    assert tokenizer.chat_template == chat_template.jinja("micro", tokenizer)


@pytest.fixture
def on_top(run: Path, adapted: tuple[Path, Path]) -> Path:
    """The run of a system that keeps its adapter apart from models/base/micro."""
    base = run / "models/base/micro"
    shutil.copytree(adapters.weights(adapted[0]), base)
    shutil.rmtree(run / "models/mtl")
    shutil.copytree(adapted[0], run / "models/mtl")
    path = run / "models/mtl/base.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"path": "models/base/micro"}))
    change(run, "train@mtl", outs=[{"path": "models/mtl", "md5": lineage.folder_hash(run / "models/mtl")}])
    return run


def test_adapter_is_exported_merged(on_top: Path, adapted: tuple[Path, Path]) -> None:
    assert "# mtl" in card(on_top)
    assert not any((on_top / "out" / name).exists() for name in adapters.FILES)
    ours, theirs = (AutoModelForCausalLM.from_pretrained(path).state_dict() for path in (on_top / "out", adapted[1]))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(one, theirs[name]) for name, one in ours.items())


def test_adapter_is_exported_alone_on_request_and_names_its_base_on_the_hub(on_top: Path) -> None:
    hub = {"kind": "hub", "needs": "reset/bases/hub.py", "options": {"id": "lmsys/vicuna-7b-v1.1", "revision": "ab12"}}
    change(on_top, "base@micro", params={"params.yaml": {"base.micro": hub}})
    into = str(on_top / "out")
    done = CliRunner().invoke(main, ["export", "mtl", "--adapter", "--run", str(on_top), "--into", into])
    assert done.exit_code == 0, done.output
    config = json.loads((on_top / "out/adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("lmsys/vicuna-7b-v1.1", "ab12")
    figures = on_top / "metrics/base/micro.json"
    figures.parent.mkdir()
    figures.write_text('{"revision": "c0ffee"}')
    again = ["export", "mtl", "--adapter", "--run", str(on_top), "--into", f"{into}_again"]
    assert CliRunner().invoke(main, again).exit_code == 0
    loaded = json.loads((on_top / "out_again/adapter_config.json").read_text())["revision"]
    assert loaded == "c0ffee"  # the commit that was loaded, not the branch that it was on
    assert not (on_top / "out/model.safetensors").exists()


def test_adapter_whose_base_is_not_here_is_told(on_top: Path) -> None:
    shutil.rmtree(on_top / "models/base")
    assert "is an adapter of models/base/micro, which is missing" in export(on_top).output


def test_card_holds_lineage_data_settings_scores_and_deviations(run: Path) -> None:
    text = card(run)
    front = ModelCard(text).data.to_dict()
    assert (front["license"], front["library_name"]) == ("apache-2.0", "transformers")
    mark = lineage.folder_hash(run / "models/mtl")
    assert f"| train@mtl | models/mtl | {mark} |" in text
    assert "| base@micro | models/base/micro | base1.dir |" in text
    assert "| nq | Apache-2.0 | generated |  |  | raw1.dir |" in text
    assert "learning_rate: 0.001" in text
    assert "temperatures: [0.0]" in text
    assert "kind: lexical" in text
    assert "- Sampling: Sweeps" in text
    figures = json.loads((run / "metrics/systems/mtl.json").read_text())["datasets"]["wikisum"]
    said = figures["scores"]["faithfulness"]
    numbers = f"{said['mean']:.3f} | [{said['low']:.3f}, {said['high']:.3f}]"
    assert f"| wikisum | faithfulness | {figures['n']} | {numbers} |" in text
    results = {(one.dataset_name, one.metric_type): one.metric_value for one in ModelCard(text).data.eval_results}
    assert results["wikisum", "faithfulness"] == said["mean"]
    steps = json.loads((run / "out/lineage.json").read_text())
    assert [step["stage"] for step in steps] == ["base@micro", "fetch@nq", "prepare@nq", "mix@mtl", "train@mtl"]
    assert (run / "out/choices.md").read_bytes() == (run / "docs/choices.md").read_bytes()


def test_card_sets_the_system_beside_those_it_was_compared_with(run: Path) -> None:
    figures = {"mean": 0.125, "low": 0.1, "high": 0.15, "p": 0.001, "p_holm": 0.002}
    compared = [{"system": name, "against": "if", "measures": {"task": figures}} for name in ("mtl", "cd")]
    (run / "metrics/report").mkdir(exist_ok=True)
    (run / "metrics/report/differences.json").write_text(json.dumps(compared))
    assert card(run).count("| if | task | +0.125 | [0.100, 0.150] | 0.002 |") == 1


def test_scores_of_other_weights_are_not_shown(run: Path) -> None:
    change(run, "sample@mtl", deps=[{"path": "models/mtl", "md5": "older.dir"}])
    text = card(run)
    assert "These weights have not been evaluated." in text
    assert "wikisum" not in text
    assert "eval_results" not in text


def test_model_from_the_hub_is_named_and_its_licence_left_open(run: Path) -> None:
    hub = {"kind": "hub", "needs": "reset/bases/hub.py", "options": {"id": "lmsys/vicuna-7b-v1.1", "revision": "ab12"}}
    change(run, "base@micro", params={"params.yaml": {"base.micro": hub}})
    front = ModelCard(card(run)).data.to_dict()
    assert (front["base_model"], front["license"]) == (["lmsys/vicuna-7b-v1.1"], "other")


def test_path_of_a_local_copy_stays_out_of_the_card(run: Path) -> None:
    fetched = {"licence": "yours", "origin": "/somewhere/private/nq", "revision": None}
    (run / "metrics/fetch/nq.json").write_text(json.dumps(fetched))
    text = card(run)
    assert "private" not in text
    assert "| nq | yours | a local copy |" in text


def test_weights_that_are_not_the_recorded_ones_are_refused(run: Path) -> None:
    (run / "models/mtl/config.json").write_text("{}")
    refused = export(run)
    assert refused.exit_code == 1
    assert "models/mtl differs from dvc.lock" in refused.output
    assert not (run / "out").exists()


def test_weights_that_are_not_here_are_asked_for(run: Path) -> None:
    shutil.rmtree(run / "models/mtl")
    assert "try `dvc checkout` or `dvc pull models/mtl`" in export(run).output


def test_unknown_system_and_taken_folder_are_refused(run: Path) -> None:
    assert "has trained no system 'mt'. Did you mean 'mtl'?" in export(run, "mt").output
    (run / "out").mkdir()
    assert "out exists; name another folder with --into" in export(run).output


def test_system_trained_on_what_has_since_been_made_anew_is_refused(run: Path) -> None:
    change(run, "base@micro", outs=[{"path": "models/base/micro", "md5": "base2.dir"}])
    assert (
        "train@mtl used an older models/base/micro (base1.di) than base@micro made since (base2.di); "
        "run `dvc repro train@mtl`"
    ) in export(run).output
