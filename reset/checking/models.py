"""Starting models: weights, architecture, tokenizer, chat template and lengths, from their small files alone."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from transformers import AutoConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from reset.bases import usable
from reset.bases.convert import SENTENCEPIECE
from reset.checking.bases import Files
from reset.checking.findings import Finding, error, warning
from reset.errors import ResetError
from reset.model.chat_frame import Options, frame
from reset.model.generation import ends
from reset.model.limits import positions
from reset.model.tokens import load_tokenizer
from reset.params.document import Params
from reset.planning import template_check

PICKLED = (".bin", ".pt", ".pth", ".ckpt")
UNPICKLE = (
    "set `convert: true` in its options, or name a revision with safetensors (of many models the hub's converter "
    "offers one, such as refs/pr/1)"
)
READERS = {**dict.fromkeys(SENTENCEPIECE, "sentencepiece"), "tiktoken.model": "tiktoken"}
JUDGING = {**MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES, **MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES}


def check(name: str, files: Files, *, trained: bool = True) -> Iterator[Finding]:
    """Yield why stage `base` would refuse the model of row `name` of `base`; `trained` as in `HubModel`."""
    key = f"base.{name}.options.id"
    lacking = missing_reader(files)
    if lacking:
        yield error(
            key, f"'{files.id}' has no tokenizer.json, and {lacking} is not installed", f"pip install {lacking}"
        )
    for problem in usable.problems(files.folder, files.sizes, trained=trained):
        pickled = [file for file in files.sizes if file.endswith(PICKLED)]
        if "safetensors weights" in problem and pickled:
            yield error(key, f"'{files.id}' has only pickled weights ({pickled[0]})", UNPICKLE)
        elif not (lacking and "tokenizer" in problem):
            yield error(key, f"'{files.id}' {problem}")


def missing_reader(files: Files) -> str | None:
    """Return the package that would have to read the tokenizer, if it has no tokenizer.json and that is missing."""
    if "tokenizer.json" in files.sizes:
        return None
    needed = (package for file, package in READERS.items() if file in files.sizes)
    return next((package for package in needed if find_spec(package) is None), None)


def language_model(name: str, files: Files, p: Params) -> Iterator[Finding]:
    """Yield what is wrong with a model that is trained or answers: architecture, tokens, template, lengths."""
    key, config = f"base.{name}.options.id", AutoConfig.from_pretrained(files.folder, trust_remote_code=False)  # nosec B615: a local folder
    if config.model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        yield error(key, f"'{files.id}' is of type '{config.model_type}', no causal language model", "name another one")
        return
    try:
        tokenizer = load_tokenizer(files.folder)
    except ResetError as problem:
        yield error(key, _named(problem, files), "name a model with a fast tokenizer and an end token")
        return
    yield from _tokens(key, files, config, tokenizer)
    yield from _template(name, files, tokenizer, p)
    yield from _lengths(key, files, config, p)


def judging_model(name: str, files: Files, p: Params) -> Iterator[Finding]:
    """Yield what is wrong with a model that judges: its architecture."""
    kind = json.loads((files.folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    rows = (*p.judges.values(), *p.watchers.values())
    if {row.kind for row in rows if row.model == f"base/{name}"} == {"llm"}:
        if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
            what = f"'{files.id}' is of type '{kind}', no causal language model"
            yield error(f"base.{name}.options.id", what, "name another one")
    elif kind not in JUDGING:
        yield error(f"base.{name}.options.id", f"'{files.id}' is of type '{kind}', no classifier", "name an NLI model")


def _tokens(key: str, files: Files, config: Any, tokenizer: Any) -> Iterator[Finding]:
    text = config.get_text_config()
    if (size := len(tokenizer)) > text.vocab_size:
        what = f"the tokenizer of '{files.id}' has {size} tokens, its model embeddings for {text.vocab_size}"
        yield warning(key, what, "training stops at a row with one of the others")
    ours, theirs = tokenizer.bos_token_id, getattr(text, "bos_token_id", None)
    if ours is not None and theirs is not None and ours != theirs:
        what = f"'{files.id}': BOS is {ours} in its tokenizer, {theirs} in its config.json"
        yield warning(key, what, "the tokenizer's is used")


def _template(name: str, files: Files, tokenizer: Any, p: Params) -> Iterator[Finding]:
    options = Options(**p.template_options.model_dump())
    try:
        chat = frame(tokenizer, p.template, options)
        faults = list(template_check.probe(tokenizer, p.template, options))
    except ResetError as problem:
        mend = "choose another template, as alpaca, or a model with a chat template"
        yield error("template", _named(problem, files), mend)
        return
    for fault in dict.fromkeys(faults):
        yield error("template", f"'{files.id}': {fault}", "choose another template, as alpaca")
    answers = [pool for pool, row in p.pools.items() if row.model == f"base/{name}"]
    if chat and answers and chat.end not in ends(files.folder):
        end = tokenizer.decode([chat.end])
        what = f"'{files.id}' answers, but its generation_config.json does not stop at '{end}', which ends a reply"
        yield warning(f"pools.{answers[0]}.model", what, "its answers are long; training adds the end token")


def _lengths(key: str, files: Files, config: Any, p: Params) -> Iterator[Finding]:
    limit, answer = positions(config), p.sample.max_prompt_tokens + p.sample.max_tokens
    if limit is None:
        return
    if p.train.max_tokens > limit:
        what = f"{p.train.max_tokens} is beyond the {limit} positions of '{files.id}'"
        yield warning("train.max_tokens", f"{what}: training stops at a longer row", f"at most {limit}")
    if answer > limit:
        what = f"with sample.max_tokens {answer}, beyond the {limit} positions of '{files.id}'"
        yield warning("sample.max_prompt_tokens", f"{what}: longer prompts fail", f"together at most {limit}")
    longest = p.sample.engines["vllm"].get("max_model_len") if p.sample.engine == "vllm" else None
    if longest and longest > limit:
        what = f"{longest} is beyond the {limit} positions of '{files.id}': vLLM does not start"
        yield error("sample.engines.vllm.max_model_len", what, f"at most {limit}")


def _named(problem: ResetError, files: Files) -> str:
    """Return a message with the model's id in place of the folder of its small files."""
    return problem.message.replace(str(files.folder), f"'{files.id}'")
