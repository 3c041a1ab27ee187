"""Each planted fault is found, in one line with its place in params.yaml, and within seconds; else there is none."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nltk
import psutil
import pytest
import yaml

from reset.checking import machine
from reset.judges import prompt_path
from tests.checking.conftest import MODEL, NLI, SET, Break, World
from tests.support.chat_server import Fault, Server, settings
from tests.support.hub_server import commit
from tests.support.whole_lines import OWN_CLASS

pytestmark = pytest.mark.slow

REWARD, LLM = "models/mine/reward", "models/mine/llm"
GPT = {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model.", "type": "x"}}


def options(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.content["judges"]["rater"]["options"]
    return found


def rated_here(world: World) -> None:
    """A reward model and a language model judge in this process; the hub has both, no stage has run."""
    world.repositories[REWARD] = dict(world.repositories[MODEL])
    world.change(REWARD, architectures=["LlamaForSequenceClassification"], id2label={"0": "r"}, label2id={"r": 0})
    world.repositories[LLM] = dict(world.repositories[MODEL])
    options = {"reward": {"batch_tokens": 64, "max_tokens": 64, "scale": 1.0}}
    options["llm"] = {"engine": "transformers", "settings": {"batch": 1, "dtype": "float32"}}
    for name, repository in (("reward", REWARD), ("llm", LLM)):
        at = {"id": repository.removeprefix("models/"), "revision": commit(repository)}
        world.content["base"][name] = {"kind": "hub", "needs": "reset/bases/hub.py", "options": at}
        row = {"kind": name, "needs": f"models/base/{name}", "model": f"base/{name}", "options": options[name]}
        world.content["judges"][f"own_{name}"] = row


def own_judges(world: World) -> None:
    """A prompt of the user's own, asked of the server, a class of their own, and claims."""
    prompt_path("mine").parent.mkdir(parents=True)
    head = "---\ntasks: extractive_qa\nscale: {least: 1, most: 5}\nread: last_number\n---\n"
    prompt_path("mine").write_text(f"{head}{{passages}} {{answer}} {{reference}}")
    Path("checked_brief.py").write_text(OWN_CLASS)
    asked = {"model": "strong", "prompt": "mine", "server": settings(world.server)}
    claims = {"kind": "claims", "needs": "models/base/nli", "model": "base/nli", "options": {"batch_tokens": 64}}
    world.content["judges"] |= {
        "mine": {"kind": "openai", "needs": "reset/llm", "model": None, "options": asked},
        "brief": {"kind": "checked_brief:Brief", "needs": "checked_brief.py", "model": None, "options": {"most": 3}},
        "claims": claims,
    }


def own_class_s_option(world: World) -> None:
    own_judges(world)
    world.content["judges"]["brief"]["options"]["most"] = "three"


def own_prompt_s_model(world: World) -> None:
    own_judges(world)
    world.content["judges"]["mine"]["options"]["model"] = "other"


def claims_without_a_label(world: World) -> None:
    own_judges(world)
    del world.content["judges"]["summac"]
    world.change(NLI, label2id={"A": 0, "B": 1}, id2label={"0": "A", "1": "B"})


def several_labels(world: World) -> None:
    rated_here(world)
    world.change(REWARD, label2id={"a": 0, "b": 1}, id2label={"0": "a", "1": "b"})


def rater_without_template(world: World) -> None:
    rated_here(world)
    del world.repositories[LLM]["chat_template.jinja"]


def unknown_engine(world: World) -> None:
    rated_here(world)
    world.content["judges"]["own_llm"]["options"]["engine"] = "vlm"


def unknown_option(world: World) -> None:
    rated_here(world)
    world.content["judges"]["own_reward"]["options"]["scales"] = 1.0


def no_file(world: World) -> None:
    world.content["datasets"]["nq"] |= {"source": "bioasq", "path": "bioasq", "needs": "bioasq", "options": {}}


def elsewhere(world: World) -> None:
    place = {"id": "mine/other", "config": None, "data_files": None, "splits": {"train": "train"}, "take": {}}
    world.content["datasets"]["talk"]["hub"] = {**place, "licence": "ours"}


def pickled(world: World) -> None:
    world.repositories[MODEL]["pytorch_model.bin"] = world.repositories[MODEL].pop("model.safetensors")


def no_tokenizer(world: World) -> None:
    del world.repositories[MODEL]["tokenizer.json"]
    world.repositories[MODEL]["tokenizer.model"] = b"pieces"
    world.patch.setattr("reset.checking.models.find_spec", lambda package: None)


def no_template(world: World) -> None:
    world.repositories[MODEL].pop("chat_template.jinja", None)


def no_end(world: World) -> None:
    world.change(MODEL, "tokenizer_config.json", eos_token=None)


def another_split(world: World) -> None:
    card = b"---\ndataset_info:\n  splits:\n  - name: validation\n---\n"
    world.repositories[SET]["README.md"] = card


def script(world: World) -> None:
    world.repositories[SET]["databricks-dolly-15k.py"] = b"pass"


def refuses_old_fields(world: World) -> None:
    def reply(body: dict[str, Any]) -> str:
        if "max_tokens" in body or "temperature" in body:
            raise Fault(400, body=json.dumps(GPT).encode())
        return "Rating: [[5]]"

    world.server.reply = reply


def refuses_schemas(world: World) -> None:
    def reply(body: dict[str, Any]) -> str:
        if "response_format" in body:
            raise Fault(400, body=b'{"error": {"message": "response_format is not supported"}}')
        return "{}"

    options(world)["server"]["reply_format"] = "json_schema"
    world.server.reply = reply


def no_such_model(world: World) -> None:
    def reply(body: dict[str, Any]) -> str:
        raise Fault(404, body=b'{"error": {"message": "no such model"}}')

    options(world)["model"] = "strnog"
    world.server.reply = reply


def wrong_key(world: World) -> None:
    def reply(body: dict[str, Any]) -> str:
        raise Fault(401, body=b'{"error": {"message": "Incorrect API key provided: sk-test-0123456789"}}')

    world.server.reply = reply


def copied(world: World, **changed: Any) -> dict[str, Any]:
    """A watcher that is the rater with other settings of its server."""
    row = copy.deepcopy(world.content["judges"]["rater"]) | {"verdicts": None}
    row["options"]["server"] |= changed
    return row


def no_price(world: World) -> None:
    options(world)["server"] = settings(world.server, prices_usd={}, max_cost_usd=1.0)


def no_splitter(world: World) -> None:
    world.content["judges"]["summac"]["options"]["sentences"] = "punkt_tab"
    world.patch.setattr(nltk.data, "path", [])


def engine_away(world: World) -> None:
    row = {"concurrency": 1, "timeout_s": 1.0, "max_retries": 0, "max_wait_s": 600.0, "fields": {}}
    world.content["sample"] |= {"engine": "openai", "engines": {"openai": {**row, "base_urls": ["http://127.0.0.1:9"]}}}


def vllm(world: World, **row: Any) -> None:
    world.content["sample"] |= {"engine": "vllm", "engines": {"vllm": {"max_model_len": 512, "options": {}, **row}}}


def vllm_elsewhere(world: World, **given: Any) -> None:
    """vLLM with these engine arguments, on a machine that does not have it."""
    vllm(world, options=given)
    world.patch.setattr("reset.checking.options.find_spec", lambda package: None)


def short_vllm_and_no_model(world: World) -> None:
    vllm(world, max_model_len=9)
    del world.repositories[MODEL]


def rater_s_setting(world: World, **given: Any) -> None:
    rated_here(world)
    world.content["judges"]["own_llm"]["options"]["settings"] |= given


def rater_beyond_the_gpu(world: World) -> None:
    rated_here(world)
    small_gpu(world)


def no_package(world: World) -> None:
    vllm(world)
    world.patch.setattr(machine, "find_spec", lambda package: None)


def slower_engine(world: World) -> None:
    world.patch.setattr(machine, "SLOWER_FROM", 1)
    for name in ("_there", "_installed"):
        world.patch.setattr(machine, name, lambda package: True)


def small_memory(world: World) -> None:
    memory = psutil.virtual_memory()._replace(total=1_000_000)
    world.patch.setattr(psutil, "virtual_memory", lambda: memory)


def small_gpu(world: World) -> None:
    world.patch.setattr(machine, "devices", lambda: [100_000])


def few_gpus(world: World) -> None:
    small_gpu(world)
    world.content["train"]["processes"] = 8
    for recipe in world.content["recipes"].values():
        recipe.update(batch_size=8, micro_batch_size=1)


def small_disk(world: World) -> None:
    world.patch.setattr(machine.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))


ID, FIELDS = "base.tiny.options.id", "judges.rater.options.server.fields"
FAULTS: dict[str, tuple[Break, str, str, str]] = {  # what is broken -> level, place, words
    "repository that a row names instead": (elsewhere, "error", "datasets.talk.source", "no dataset 'mine/other'"),
    "missing file, to be registered for": (no_file, "error", "datasets.nq.path", "register at bioasq.org"),
    "file that is not UTF-8": (
        lambda w: Path("mine.jsonl").write_bytes("{}".encode("utf-16")) and None,
        "error",
        "datasets.nq.path",
        "UTF-16",
    ),
    "option that a source does not take": (
        lambda w: w.content["datasets"]["talk"].update(options={"keep": 1}),
        "error",
        "datasets.talk.options",
        "unknown key 'datasets.talk.options.keep'",
    ),
    "gated data set": (lambda w: w.gated.append(SET), "error", "datasets.talk.source", "accept its terms at"),
    "data set that is not there": (
        lambda w: w.repositories.pop(SET) and None,
        "error",
        "datasets.talk.source",
        "the hub has no dataset",
    ),
    "revision that is not there": (
        lambda w: w.content["datasets"]["talk"].update(revision="v9"),
        "error",
        "datasets.talk.revision",
        "has no revision 'v9'",
    ),
    "revision that is a branch": (
        lambda w: w.content["datasets"]["talk"].update(revision="main"),
        "warning",
        "datasets.talk.revision",
        "-> pin ",
    ),
    "split that is not there": (another_split, "error", "datasets.talk.source", "no split 'train'; it has validation"),
    "loading script": (script, "error", "datasets.talk.source", "refs/convert/parquet"),
    "gated model": (lambda w: w.gated.append(MODEL), "error", ID, "is gated"),
    "model that is not there": (
        lambda w: w.content["base"]["tiny"]["options"].update(id="mine/tny"),
        "error",
        ID,
        "the hub has no model 'mine/tny'",
    ),
    "folder that is not there": (
        lambda w: w.content["base"]["tiny"]["options"].update(id="../models/tiny"),
        "error",
        ID,
        "there is no folder",
    ),
    "revision of a model that is not there": (
        lambda w: w.content["base"]["tiny"]["options"].update(revision="v9"),
        "error",
        "base.tiny.options.revision",
        "has no revision 'v9'",
    ),
    "pickled weights": (pickled, "error", ID, "only pickled weights (pytorch_model.bin)"),
    "tokenizer that needs a package": (no_tokenizer, "error", ID, "pip install sentencepiece"),
    "architecture that is not known": (
        lambda w: w.change(MODEL, model_type="my_lm"),
        "error",
        ID,
        "which transformers does not know",
    ),
    "architecture that does not write": (
        lambda w: w.change(MODEL, model_type="vit"),
        "error",
        ID,
        "no causal language model",
    ),
    "no chat template": (no_template, "error", "template", "'mine/tiny'"),
    "no end token": (no_end, "error", ID, "no end token"),
    "another BOS": (lambda w: w.change(MODEL, bos_token_id=7), "warning", ID, "BOS is"),
    "pad token without embedding": (lambda w: w.change(MODEL, pad_token_id=9999), "error", ID, "pads with token 9999"),
    "rows longer than the model": (
        lambda w: w.content["train"].update(max_tokens=1024),
        "warning",
        "train.max_tokens",
        "512 positions",
    ),
    "prompts longer than the model": (
        lambda w: w.content["sample"].update(max_prompt_tokens=510),
        "warning",
        "sample.max_prompt_tokens",
        "518, beyond the 512",
    ),
    "vLLM reads more than the model": (
        lambda w: vllm(w, max_model_len=1024),
        "error",
        "sample.engines.vllm.max_model_len",
        "vLLM does not start",
    ),
    "vLLM reads less than the answer, and no model is found": (
        short_vllm_and_no_model,
        "error",
        "sample.engines.vllm.max_model_len",
        "9 is less than",
    ),
    "vLLM over a number of GPUs in words": (
        lambda w: vllm_elsewhere(w, tensor_parallel_size="two"),
        "error",
        "sample.engines.vllm.options.tensor_parallel_size",
        "is 'two'; Input should be a valid integer",
    ),
    "vLLM with more than the GPU's memory": (
        lambda w: vllm_elsewhere(w, gpu_memory_utilization=8.5),
        "error",
        "sample.engines.vllm.options.gpu_memory_utilization",
        "is 8.5; Input should be less than or equal to 1",
    ),
    "rater's setting not known": (
        lambda w: rater_s_setting(w, bach=2),
        "error",
        "judges.own_llm.options.settings",
        "Did you mean 'batch'",
    ),
    "rater's setting out of range": (
        lambda w: rater_s_setting(w, batch="two"),
        "error",
        "judges.own_llm.options.settings.batch",
        "integer",
    ),
    "server's setting not known": (
        lambda w: options(w)["server"].update(concurrncy=4),
        "error",
        "judges.rater.options",
        "unknown key 'judges.rater.options.server.concurrncy'. Did you mean 'concurrency'?",
    ),
    "server's setting out of range": (
        lambda w: options(w)["server"].update(concurrency=0, timeout_s=-1.0),
        "error",
        "judges.rater.options.server.timeout_s",
        "Input should be greater than 0 (it is -1.0)",
    ),
    "weak server's setting not known": (
        lambda w: options(w).update(weak_model="strong", weak_server={"concurrncy": 4}),
        "error",
        "judges.rater.options",
        "unknown key 'judges.rater.options.weak_server.concurrncy'. Did you mean 'concurrency'?",
    ),
    "watcher's option not known": (
        lambda w: w.content["watchers"].update(also=copied(w, concurrency=0)),
        "error",
        "watchers.also.options.server.concurrency",
        "greater than or equal to 1 (it is 0)",
    ),
    "model without an id": (
        lambda w: w.content["base"]["tiny"]["options"].update(id=""),
        "error",
        ID,
        "must not be empty",
    ),
    "rater larger than the GPU": (rater_beyond_the_gpu, "error", "judges.own_llm.model", "of weights, and a GPU has"),
    "vLLM is installed and not used": (slower_engine, "warning", "sample.engine", "which is installed, answers faster"),
    "scale for a GPU where there is none": (
        lambda w: w.content["cluster"].update(worker_gpus=1.0),
        "warning",
        "cluster.worker_gpus",
        "meant for a GPU",
    ),
    "labels of another task": (
        lambda w: w.change(NLI, label2id={"A": 0, "B": 1}, id2label={"0": "A", "1": "B"}),
        "error",
        "judges.summac.options.labels",
        "no label 'entailment'",
    ),
    "reward model with several labels": (several_labels, "error", "judges.own_reward.model", "has 2 labels"),
    "option of an own class": (own_class_s_option, "error", "judges.brief.options.most", "should be a valid integer"),
    "model of an own prompt": (own_prompt_s_model, "warning", "judges.mine.options.model", "does not list it"),
    "claims without a label": (
        claims_without_a_label,
        "error",
        "judges.claims.options.labels",
        "no label 'entailment'",
    ),
    "rater without chat template": (rater_without_template, "error", "judges.own_llm.model", "no chat template"),
    "rater's engine not known": (unknown_engine, "error", "judges.own_llm.options.engine", "Did you mean 'vllm'"),
    "option that a judge does not take": (unknown_option, "error", "judges.own_reward.options", "unknown key"),
    "no data of the sentence splitter": (
        no_splitter,
        "error",
        "judges.summac.options.sentences",
        "python -m nltk.downloader punkt_tab",
    ),
    "judge's server away": (
        lambda w: options(w)["server"].update(base_url="http://127.0.0.1:9/v1"),
        "error",
        "judges.rater.options.server.base_url",
        "nothing listens there",
    ),
    "judge's model not offered": (no_such_model, "error", "judges.rater.options.model", "Did you mean 'strong'?"),
    "judge's model not listed": (
        lambda w: options(w).update(model="other"),
        "warning",
        "judges.rater.options.model",
        "does not list it",
    ),
    "fields of a request refused": (
        refuses_old_fields,
        "error",
        FIELDS,
        '{"max_tokens": null, "max_completion_tokens": 4096, "temperature": null}',
    ),
    "format of a reply refused": (refuses_schemas, "error", FIELDS, "reply_format to text"),
    "no key": (
        lambda w: w.patch.delenv("OPENAI_API_KEY"),
        "error",
        "judges.rater.kind",
        "OPENAI_API_KEY is not set -> export OPENAI_API_KEY=... (any word will do for a server of your own)",
    ),
    "wrong key": (wrong_key, "error", "judges.rater.options.model", "Incorrect API key provided: ***"),
    "cost limit without prices": (no_price, "error", "judges.rater.options", "prices_usd lacks 'strong'"),
    "engine's server away": (engine_away, "warning", "sample.engines.openai.base_urls", "nothing listens there"),
    "package that is missing": (no_package, "error", "sample.engine", "vLLM is not installed"),
    "too little memory": (small_memory, "error", "systems.mtl", "there is none, and"),
    "too small a GPU": (small_gpu, "error", "systems.mtl", "per GPU, which has"),
    "fewer GPUs than processes": (
        few_gpus,
        "error",
        "train.processes",
        "8 processes, but 1 GPUs",
    ),
    "records outside the repository": (
        lambda w: w.content["datasets"]["nq"].update(path="../mine.jsonl", needs="../mine.jsonl", hub=None),
        "warning",
        "datasets.nq.path",
        "outside the repository: ../mine.jsonl; DVC notices",
    ),
    "hostfile that is not there": (
        lambda w: w.content["train"].update(hostfile="hosts.txt"),
        "error",
        "train.hostfile",
        "no file hosts.txt here",
    ),
    "too little disk": (small_disk, "error", "systems", "are free"),
}


def test_a_sound_world_has_no_finding(world: World) -> None:
    assert [str(finding) for finding in world.check().findings] == []
    asked = world.server.asked
    assert [(body["model"], body["max_tokens"], body["temperature"]) for body in asked] == [("strong", 16, 0.0)]


def test_judges_of_the_user_s_own_are_sound(world: World) -> None:
    own_judges(world)
    assert [str(finding) for finding in world.check().findings] == []
    assert "A mill. A mill. A barn." in {body["messages"][0]["content"] for body in world.server.asked}


def test_models_that_judge_here_are_sound_before_stage_base_has_made_them(world: World) -> None:
    rated_here(world)
    assert [str(finding) for finding in world.check().findings] == []


def test_what_stage_base_converts_or_takes_for_judging_alone_is_no_fault(world: World) -> None:
    rated_here(world)
    for repository in (MODEL, NLI):
        world.repositories[repository]["pytorch_model.bin"] = world.repositories[repository].pop("model.safetensors")
    for name in ("tiny", "nli"):
        world.content["base"][name]["options"]["convert"] = True
    world.change(LLM, quantization_config={"quant_method": "awq"})
    world.content["base"]["llm"]["options"]["trained"] = False
    assert [str(finding) for finding in world.check().findings] == []
    del world.content["base"]["llm"]["options"]["trained"]
    assert [finding.key for finding in world.check().findings] == ["base.llm.options.id"]


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(world: World, fault: str) -> None:
    plant, level, key, words = FAULTS[fault]
    plant(world)
    report = world.check()
    lines = [str(finding) for finding in report.findings if (finding.level, finding.key) == (level, key)]
    assert any(words in line for line in lines), list(map(str, report.findings))
    assert all(line.isprintable() for line in map(str, report.findings))
    assert report.seconds < 60
    print(f"| {fault} | {level} | {next(line for line in lines if words in line)} | {report.seconds:.1f} |")


def test_all_faults_of_a_run_are_shown_at_once(world: World) -> None:
    for plant in (no_file, pickled, no_price, small_disk):
        plant(world)
    keys = {finding.key for finding in world.check().of("error")}
    assert {"datasets.nq.path", ID, "judges.rater.options"} <= keys


def test_a_hub_that_is_away_is_one_finding(world: World) -> None:
    world.endpoint = "http://127.0.0.1:9"
    errors = world.check().of("error")
    assert [finding.key for finding in errors] == ["datasets.talk, base.tiny.options, base.nli.options"]
    assert "the hub at http://127.0.0.1:9 cannot be reached" in str(errors[0])


def test_offline_asks_nobody_and_says_what_it_left_out(world: World) -> None:
    world.endpoint = "http://127.0.0.1:9"
    options(world)["server"]["base_url"] = "http://127.0.0.1:9/v1"
    report = world.check(offline=True)
    assert report.of("error") == []
    keys = ["datasets.talk", "judges.rater.options.server", "base.tiny.options.id", "base.nli.options.id", "systems"]
    assert [finding.key for finding in report.of("skipped")] == keys


def test_offline_reads_models_that_the_hub_s_cache_has(world: World) -> None:
    world.check()
    world.content["train"]["max_tokens"] = 1024
    report = world.check(offline=True)
    assert "train.max_tokens" in {finding.key for finding in report.of("warning")}


def test_what_a_stage_has_made_from_the_same_row_is_not_asked_for(world: World) -> None:
    world.gated.append(SET)
    Path("data/raw/talk").mkdir(parents=True)
    row = world.content["datasets"]["talk"]
    lock = {"params": {"params.yaml": {"datasets.talk.source": "dolly", "datasets.talk.revision": row["revision"]}}}
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"fetch@talk": lock}}))
    assert world.check().of("error") == []
    row["revision"] = "main"
    assert [finding.key for finding in world.check().of("error")] == ["datasets.talk.source"]


def test_the_key_is_never_printed(world: World) -> None:
    wrong_key(world)
    assert not any("0123456789" in str(finding) for finding in world.check().findings)


def test_server_that_lists_no_models_is_asked_all_the_same(world: World) -> None:
    assert isinstance(world.server, Server)
    world.server.models = None
    assert world.check().of("error") == [] and world.server.asked
