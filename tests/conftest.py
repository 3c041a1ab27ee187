"""Shared by all tests: one thread for torch, a tiny random LLaMA, rows of the examples table, a whole params.yaml."""

import copy
import gc
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT
from tests.support.paper_objectives import PLAIN

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")  # else each `dvc` of a test sends what it did, and takes a second for it
os.environ.setdefault("SSL_CERT_DIR", str(Path(__file__).parent))  # no authorities: each client reads them, in 60 ms
os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 lets its workers starve beside the other tests
pytest.MonkeyPatch().setattr(os, "fsync", lambda _: None)  # the files of tests need not outlive a power cut

Row = dict[str, Any]
WHOLLY_SLOW = re.compile(r"^pytestmark = .*mark\.slow", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave unread a file of which no test is asked for: what it imports takes longer than many tests."""
    wanted = config.option.markexpr
    if wanted not in {"slow", "not slow"} or not collection_path.match("test_*.py"):
        return None
    text = collection_path.read_text(encoding="utf-8")
    none = "mark.slow" not in text if wanted == "slow" else WHOLLY_SLOW.search(text)
    return True if none else None


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported and collected."""
    gc.collect()
    gc.freeze()


_MINIMAL: Row = {
    "scale": "tiny",
    "seed": 0,
    "data_seed": 0,
    "data_folder": None,
    "template": "micro",
    "template_options": {"system": None, "arguments": {}},
    "datasets": {
        name: {
            "source": "micro",
            "path": None,
            "needs": "reset/micro",
            "hub": None,
            "revision": None,
            "shares": None,
            "dev_from_train": None,
            "options": {},
        }
        for name in ("talk", "nq")
    },
    "prepare": {"max_passages": 5, "max_set_aside": 0.9, "max_broken": 0.0, "max_chars": 1000},
    "screen": {"near": "off", "threshold": 0.8, "permutations": 128, "shingle": 5, "duplicates": "drop"},
    "mix": {"upsample": True, "references": "first"},
    "mixtures": {"mtl": {"parts": {"talk": ["talk"], "nq": ["nq"]}, "take": {}, "rows": None, "dev_rows": 5}},
    "prompts": {
        "test": {"split": "test", "skip": 0, "rows": {"nq": 10}},
        "candidates": {"split": "train", "skip": 0, "rows": {"nq": 10}},
    },
    "base": {"micro": {"kind": "micro_lm", "needs": "reset/micro", "options": {}}},
    "describe": {"model": "base/micro"},
    "recipes": {
        "full": {
            "method": "sft",
            "learning_rate": 0.001,
            "epochs": 1.0,
            "batch_size": 4,
            "micro_batch_size": 4,
            "weight_decay": 0.0,
            "beta2": 0.95,
            "warmup_ratio": 0.03,
            "loss": "sequence",
            "eval_steps": 10,
            "zero_stage": 0,
            "dtype": "auto",
            "gradient_checkpointing": False,
            "micro_batch_tokens": None,
            "padding_free": False,
            "adapter": None,
        }
    },
    "interpolated": {},
    "systems": {
        "mtl": {"init": "base/micro", "data": "mixtures/mtl", "dev": "mtl", "recipe": "full", "keep": []},
        "reset": {"init": "mtl", "data": "curated/reset", "dev": "mtl", "recipe": "full", "keep": []},
    },
    "train": {
        "max_tokens": 64,
        "processes": 1,
        "hostfile": None,
        "save_minutes": 0.0,
        "max_cut": 0.2,
        "max_loss_rise": 2.0,
        "loss_window": 20,
    },
    "decode": {
        "greedy": {"temperatures": [0.0], "top_ks": [], "top_k_temperature": 0.0},
        "both": {"temperatures": [0.0, 0.7], "top_ks": [1, 5], "top_k_temperature": 1.0},
    },
    "pools": {
        "mtl": {"model": "mtl", "prompts": "test", "decode": "greedy", "sweeps": 1, "until": None, "gold": False},
        "mtl_candidates": {
            "model": "mtl",
            "prompts": "candidates",
            "decode": "both",
            "sweeps": 2,
            "until": None,
            "gold": False,
        },
    },
    "sample": {
        "engine": "transformers",
        "max_tokens": 8,
        "max_prompt_tokens": 64,
        "chunk_prompts": 10,
        "max_failed": 0.0,
        "engines": {"transformers": {"batch": 16, "dtype": "float32"}},
    },
    "cluster": {"workers": 1, "ray_address": None, "worker_cpus": 1.0, "worker_gpus": 0.0, "max_restarts": 1},
    "store": {"max_gb": 0.0},
    "judges": {"rater": {"kind": "rubric", "needs": "reset/micro", "model": None, "options": {}}},
    "watchers": {
        "words": {"kind": "lexical", "needs": "reset/normalise.py", "model": None, "options": {}, "verdicts": None}
    },
    "judge": {"max_null": 0.2, "chunk_answers": 100},
    "stand_ins": [],
    "objectives": {
        "instruction": {**PLAIN, "weight": 2.0, "verdicts": {"instruction": "rating"}},
        "style": {**PLAIN, "weight": 0.0, "verdicts": {"instruction": "rating"}},
    },
    "select": {
        "combine": "weighted_sum",
        "normalise": "none",
        "log_sigmoid": {"reference": 0.85, "scale": 10.0},
        "stand_ins": False,
        "counted_below": 0.5,
    },
    "curated": {
        "reset": {
            "pool": "mtl_candidates",
            "prompts": "candidates",
            "sweeps": 1,
            "pick": "best",
            "share": 1.0,
            "rating": "rating",
            "truncated": "drop",
            "looping": "drop",
            "gold": False,
            "floor": {},
            "combine": None,
            "near_identical": None,
            "disagreement": None,
            "mask": None,
            "length_penalty": 0.0,
            "per_prompt": 1,
        }
    },
    "evaluate": {"prompts": "test", "groups": {"nq": "seen"}, "systems": ["mtl"], "bootstrap": 100},
    "ability": {
        "systems": {},
        "tasks": [],
        "needs": "reset/ability",
        "few_shot": None,
        "examples": None,
        "chat_template": False,
        "batch": 4,
    },
    "report": {
        "tradeoff": ["instruction", "style"],
        "comparisons": [],
        "pipelines": {},
        "paper_rows": {},
        "browser_mb": 1.0,
        "much_longer": 10,
        "similar": 10,
        "similar_on": None,
        "seeds": "docs/seeds.json",
    },
    "tracking": {"enabled": False},
    "plan": None,
}


@pytest.fixture
def minimal() -> Row:
    """The content of a small params.yaml without a mistake; a test may change its copy."""
    return copy.deepcopy(_MINIMAL)


@pytest.fixture
def example_row() -> Callable[..., Row]:
    """A function that makes a row of the examples table; keywords replace single columns."""

    def make(number: int = 0, **columns: Any) -> Row:
        return {
            "example_id": f"nq/test/{number}",
            "dataset": "nq",
            "split": "test",
            "task": "extractive_qa",
            "instruction": "extract the answer span from the passages.",
            "question": "what is the home of mira?",
            "passages": ["mira lives in red forest."],
            "references": ["red forest"],
            "checks": None,
            **columns,
        }

    return make


@pytest.fixture(scope="session")
def one_thread() -> None:
    """Keep torch to one thread, so that tests do not fight for the cores."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def micro_model(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """An untrained LLaMA over the micro world's words; its end token is likely enough that greedy answers do end."""
    import torch

    from reset.micro.model import language_model, word_tokenizer

    folder = tmp_path_factory.mktemp("micro")
    tokenizer = word_tokenizer(1024)
    model = language_model(tokenizer, layers=2, width=64, heads=2, max_tokens=1024, seed=1)
    with torch.no_grad():
        model.model.embed_tokens.weight[tokenizer.eos_token_id] *= 2.5
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapted(micro_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The micro model with an adapter of random weights: kept apart, and merged."""
    import shutil

    import torch
    from peft import LoraConfig, get_peft_model

    from reset.model import adapters

    torch.manual_seed(3)
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    model = get_peft_model(adapters.load(micro_model, torch.float32), config)
    folders = []
    for merge in (False, True):
        folder = tmp_path_factory.mktemp("merged" if merge else "apart")
        model.save_pretrained(folder)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(micro_model / name, folder)
        adapter = adapters.Adapter(4, 8.0, 0.0, ["all-linear"], quantise="none", merge=merge)
        adapters.finish(folder, micro_model, adapter, torch.float32)
        folders.append(folder)
    return folders[0], folders[1]


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that composes params.yaml for a scale of conf/ and overrides, as `dvc exp run -S scale=...` does."""
    from dvc.utils.hydra import compose_and_dump

    conf, folder = ROOT / "conf", tmp_path_factory.mktemp("composed")

    def compose(scale: str) -> Path:
        path = folder / scale / "params.yaml"
        if not path.is_file():
            path.parent.mkdir()
            compose_and_dump(path, str(conf), None, "config", None, f"scale={scale}".split())
        return path

    return compose


@pytest.fixture(scope="session")
def init(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model of two layers to train from."""
    from tests.support.train_alone import tiny  # torch: not for tests that do without

    return tiny(tmp_path_factory.mktemp("init"))
