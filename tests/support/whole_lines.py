"""The whole lines that tests run, from raw records to the report, and the kinds of plug-ins that each runs through."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reset import registry
from tests.support import records

Rows = dict[str, Any]
SIX = ("gpt_2", "llama_3", "qwen_3", "gemma_3", "phi_3", "smollm_2_instruct")
CHOICE = {"prompts": "candidates", "sweeps": 1, "share": 1.0, "rating": "rating"}
CHOICE |= {"truncated": "keep", "looping": "keep", "floor": {}, "combine": None}
SHARES = {"train": 0.6, "dev": 0.1, "test": 0.3}
TRAINED_ON = ("dolly", "sharegpt", "self_instruct", "oasst1", "nq", "cnn_dailymail", "ms_marco", "clapnq")
GREEDY = {"prompts": "test", "decode": "greedy", "sweeps": 1}
CANDIDATES = {"prompts": "candidates", "decode": "intent", "sweeps": 1}


def _hub(path: Path) -> Rows:
    return {"kind": "hub", "needs": str(path), "options": {"id": str(path), "revision": None}}


def six_families(models: Path) -> Rows:
    """Each family of `SIX` is trained on the mixture, answers, is judged, chosen from and trained again."""
    again = {name: f"{name}_reset" for name in SIX}
    system = {"dev": "mtl", "keep": []}
    return {
        "base": {name: _hub(models / name) for name in SIX},
        "systems": {
            **{f: {**system, "init": f"base/{f}", "data": "mixtures/mtl", "recipe": "full"} for f in SIX},
            **{again[f]: {**system, "init": f, "data": f"curated/{f}", "recipe": "continued"} for f in SIX},
        },
        "pools": {
            **{f"{f}_candidates": {"model": f, **CANDIDATES} for f in SIX},
            **{again[f]: {"model": again[f], **GREEDY} for f in SIX},
        },
        "curated": {f: {**CHOICE, "pick": "best", "pool": f"{f}_candidates"} for f in SIX},
        "evaluate": {"systems": [*again.values()]},
        "prompts": {"test": {"rows": {"chat": 2, "manuals": 2}}, "candidates": {"rows": {"chat": 4, "manuals": 4}}},
        "report": {"comparisons": [[again["gpt_2"], again["llama_3"]]]},
        "sample": {"max_tokens": 12, "max_prompt_tokens": 400},
        "train": {"max_tokens": 512},
    }


def published_records(folder: Path, models: Path, server: str) -> Rows:
    """Every published source, methods weighted_sft and kto, MiniCheck and an LLM judge, answers from a server."""
    datasets = {
        name: {
            **{"source": name, "path": str(folder / f"{name}.jsonl"), "needs": str(folder / f"{name}.jsonl")},
            **{"hub": None, "revision": None, "dev_from_train": None, "options": {}},
            "shares": SHARES if name in TRAINED_ON else {"test": 1.0},
        }
        for name in records.OF
    }
    recipe = {"learning_rate": 5.0e-4, "epochs": 1.0, "batch_size": 8, "micro_batch_size": 8, "weight_decay": 0.05}
    recipe |= {"beta2": 0.95, "warmup_ratio": 0.03, "eval_steps": 6, "zero_stage": 0, "dtype": "auto", "adapter": None}
    recipe |= {"gradient_checkpointing": False, "padding_free": False, "micro_batch_tokens": None}
    kto = {**recipe, "method": "kto", "beta": 0.1, "desirable_weight": 1.0, "undesirable_weight": 1.0, "loss": "token"}
    system = {"dev": "every", "keep": []}
    asked = {"base_url": server, "concurrency": 8, "timeout_s": 60.0, "max_retries": 2, "requests_per_minute": None}
    asked |= {"tokens_per_minute": None, "fields": {}, "reply_format": "text", "batch_poll_s": None}
    asked |= {"prices_usd": {}, "max_cost_usd": None}
    judge = {"model": "strong", "weak_model": None, "pairwise_model": None, "server": asked}
    return {
        "datasets": datasets,
        "screen": {"near": "off"},
        "mixtures": {
            "every": {"parts": {name: [name] for name in TRAINED_ON}, "take": {}, "rows": None, "dev_rows": 8}
        },
        "prompts": {
            "test": {"rows": {"chat": 0, "manuals": 0, **dict.fromkeys(records.OF, 2)}},
            "candidates": {"rows": {"chat": 0, "manuals": 0, **dict.fromkeys(TRAINED_ON, 3)}},
        },
        "base": {"tiny": _hub(models / "tiny"), "checker": _hub(models / "checker")},
        "describe": {"model": "base/tiny"},
        "recipes": {"kto": kto, "weighted": {**recipe, "method": "weighted_sft", "loss": "sequence"}},
        "systems": {
            "mtl": {**system, "init": "base/tiny", "data": "mixtures/every", "recipe": "full"},
            "weighted": {**system, "init": "mtl", "data": "curated/weights", "recipe": "weighted"},
            "kto": {**system, "init": "weighted", "data": "curated/labels", "recipe": "kto"},
        },
        "pools": {
            "mtl_candidates": {"model": "mtl", **CANDIDATES},
            **{n: {"model": n, **GREEDY} for n in ("mtl", "kto")},
        },
        "judges": {
            "checker": {
                **{"kind": "minicheck", "needs": "models/base/checker", "model": "base/checker"},
                "options": {"batch_tokens": 2048, "max_tokens": 64},
            },
            "rater": {"kind": "openai", "needs": "reset/llm", "model": None, "options": judge},
        },
        "objectives": {
            "faithfulness": {"verdicts": {"abstractive_qa": "checker", "summarization": "checker"}},
        },
        "stand_ins": ["summac"],
        "curated": {
            "labels": {**CHOICE, "pick": "labelled", "margin": 0.1, "pool": "mtl_candidates"},
            "weights": {**CHOICE, "pick": "weighted", "temperature": 0.3, "pool": "mtl_candidates"},
        },
        "evaluate": {
            "systems": ["mtl", "kto"],
            "groups": {n: "seen" if n in TRAINED_ON[4:] else "instruction" for n in records.OF}
            | dict.fromkeys(("bioasq", "searchqa", "wikisum"), "unseen"),
        },
        "report": {"comparisons": [["kto", "mtl"]]},
        "sample": {
            **{"engine": "openai", "max_tokens": 24, "max_prompt_tokens": 448, "max_failed": 0.3},
            "engines": {
                "openai": {"base_urls": [server], "concurrency": 8, "timeout_s": 60.0, "max_retries": 2, "fields": {}},
                "vllm": {"max_model_len": 512, "options": {"enforce_eager": True, "dtype": "float32"}},
            },
        },
        "train": {"max_tokens": 512},
    }


def kinds(p: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The registered kinds that a line with these parameters runs through: name of the table, kind."""
    methods = {p["recipes"][row["recipe"]]["method"] for row in p["systems"].values()}
    found = {
        **{"SOURCES": {row["source"] for row in p["datasets"].values()}, "METHODS": methods},
        **{"JUDGES": {row["kind"] for row in p["judges"].values()}, "ENGINES": {p["sample"]["engine"]}},
        "BASES": {row["kind"] for row in p["base"].values()},
    }
    return {(table, kind) for table, names in found.items() for kind in names}


def registered() -> set[tuple[str, str]]:
    """All kinds of reset/registry.py."""
    tables = {name: table for name, table in vars(registry).items() if name.isupper()}
    return {(name, kind) for name, table in tables.items() for kind in table}
