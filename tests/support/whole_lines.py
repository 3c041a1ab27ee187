"""The whole lines that tests run, from raw records to the report, and the kinds of plug-ins that each runs through."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reset import registry
from tests.support import records

Rows = dict[str, Any]
SIX = ("gpt_2", "llama_3", "qwen_3", "gemma_3", "phi_3", "smollm_2_instruct")
CHOICE = {"prompts": "candidates", "sweeps": 1, "share": 1.0, "rating": "rating"}
CHOICE |= {"truncated": "keep", "looping": "keep", "gold": False, "floor": {}, "combine": None}
CHOICE |= {"near_identical": None, "disagreement": None, "mask": None, "length_penalty": 0.0, "per_prompt": 1}
SHARES = {"train": 0.6, "dev": 0.1, "test": 0.3}
TRAINED_ON = ("dolly", "sharegpt", "self_instruct", "oasst1", "nq", "cnn_dailymail", "ms_marco", "clapnq")
JUDGING = {
    "checker": "minicheck",
    "reward": "reward",
    "llm": "llm",
    "claims": "claims",
}  # judges with a model of their own, and their kinds
OWN_CLASS = """
from reset.judges import Verdict

class Brief:
    tasks = frozenset({"instruction", "extractive_qa", "abstractive_qa", "summarization"})

    def __init__(self, *, name: str, most: int) -> None:
        self.name, self.most = name, most

    def verdicts(self, answers):
        for answer in answers:
            yield Verdict(answer.answer_id, self.name, min(1.0, self.most / max(len(answer.text.split()), 1)))
"""  # the module brief.py of the line
SETTINGS = (
    "describe",
    "evaluate",
    "judge",
    "report",
    "sample",
    "screen",
    "train",
)  # parameters that are no table of rows
GREEDY = {"prompts": "test", "decode": "greedy", "sweeps": 1, "until": None, "gold": False}
CANDIDATES = {"prompts": "candidates", "decode": "intent", "sweeps": 1, "until": None, "gold": False}


def _hub(path: Path) -> Rows:
    return {"kind": "hub", "needs": str(path), "options": {"id": str(path), "revision": None}}


def six_families(models: Path) -> Rows:
    """Each family of `SIX` is trained on the mixture, answers, is judged, chosen from and trained again."""
    again = {name: f"{name}_reset" for name in SIX}
    system = {"dev": "mtl", "keep": []}
    return {
        "base": {**{name: _hub(models / name) for name in SIX}, "micro_nli": {"options": {"pairs": 256}}},
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


def published_records(own: Mapping[str, Any], folder: Path, models: Path, server: str) -> Rows:
    """Scale `own` with other tables: every published source, methods weighted_sft and kto, answers from a server.

    MiniCheck, claims, a reward model, a language model, an LLM behind the server, with the paper's prompt and with
    another, the answers themselves and a class of the user's own judge. `own` is what scale `own` composes;
    nothing of its toy models is left.
    """
    rows = _answered(server) | _trained(models) | _judged(server) | {"datasets": _datasets(folder)}
    return {**own, **rows, **{name: {**own[name], **rows[name]} for name in SETTINGS}}


def _datasets(folder: Path) -> Rows:
    return {
        name: {
            **{"source": name, "path": str(folder / f"{name}.jsonl"), "needs": str(folder / f"{name}.jsonl")},
            **{"hub": None, "revision": None, "dev_from_train": None},
            "options": {"unanswerable": "nobody knows"} if name in ("clapnq", "ms_marco") else {},
            "shares": SHARES if name in TRAINED_ON else {"test": 1.0},
        }
        for name in records.OF
    }


def _trained(models: Path) -> Rows:
    """What is trained, on what: `mtl`, then a weighted round, then one of labelled answers."""
    recipe = {"learning_rate": 5.0e-4, "epochs": 1.0, "batch_size": 8, "micro_batch_size": 8, "weight_decay": 0.05}
    recipe |= {"beta2": 0.95, "warmup_ratio": 0.03, "eval_steps": 6, "zero_stage": 0, "dtype": "auto", "adapter": None}
    recipe |= {"gradient_checkpointing": False, "padding_free": False, "micro_batch_tokens": None, "loss": "token"}
    kto = {"method": "kto", "beta": 0.1, "desirable_weight": 1.0, "undesirable_weight": 1.0}
    system = {"dev": "every", "keep": []}
    parts = {name: [name] for name in TRAINED_ON}
    return {
        "base": {name: _hub(models / name) for name in ("tiny", *JUDGING)},
        "describe": {"model": "base/tiny"},
        "mixtures": {"every": {"parts": parts, "take": {}, "rows": None, "dev_rows": 8}},
        "recipes": {
            "full": {**recipe, "method": "sft", "loss": "sequence"},
            "weighted": {**recipe, "method": "weighted_sft", "loss": "sequence"},
            "kto": {**recipe, **kto},
        },
        "screen": {"near": "off"},
        "systems": {
            "mtl": {**system, "init": "base/tiny", "data": "mixtures/every", "recipe": "full"},
            "weighted": {**system, "init": "mtl", "data": "curated/weights", "recipe": "weighted"},
            "kto": {**system, "init": "weighted", "data": "curated/labels", "recipe": "kto"},
        },
        "interpolated": {"half": {"init": "mtl", "other": "kto", "weight": 0.5}},
        "train": {"max_tokens": 512},
    }


def _answered(server: str) -> Rows:
    """Who answers what, and in which way."""
    test = {"split": "test", "skip": 0, "rows": dict.fromkeys(records.OF, 2)}
    return {
        "prompts": {
            "test": test,
            "candidates": {"split": "train", "skip": 0, "rows": dict.fromkeys(TRAINED_ON, 3)},
        },
        "pools": {
            "mtl_candidates": {"model": "mtl", **CANDIDATES, "sweeps": 2},  # so that an answer has three others
            **{n: {"model": n, **GREEDY} for n in ("mtl", "kto", "half")},
        },
        "sample": {
            **{"engine": "openai", "max_tokens": 24, "max_prompt_tokens": 448, "max_failed": 0.3},
            "engines": {
                "openai": {
                    "base_urls": [server],
                    "concurrency": 8,
                    "timeout_s": 60.0,
                    "max_retries": 2,
                    "max_wait_s": 600.0,
                    "fields": {},
                },
            },
        },
        "template": "chat",
    }


def _judged(server: str) -> Rows:
    """Who judges, what is chosen by it, and what is reported."""
    asked = {
        "base_url": server,
        "concurrency": 8,
        "timeout_s": 60.0,
        "max_retries": 2,
        "max_wait_s": 600.0,
        "requests_per_minute": None,
    }
    asked |= {"tokens_per_minute": None, "fields": {}, "reply_format": "text", "batch_poll_s": None}
    asked |= {"prices_usd": {}, "max_cost_usd": None}
    options = {
        "checker": {"batch_tokens": 2048, "max_tokens": 64},
        "reward": {"batch_tokens": 2048, "max_tokens": 512, "scale": 1.0},
        "llm": {"engine": "transformers", "settings": {"batch": 8, "dtype": "float32"}},
        "claims": {"batch_tokens": 2048, "clauses": True},
    }
    local = {
        name: {"kind": kind, "needs": f"models/base/{name}", "model": f"base/{name}", "options": options[name]}
        for name, kind in JUDGING.items()
    }
    paid = {"model": "strong", "weak_model": None, "pairwise_model": "strong", "server": asked}
    own_words = {"model": "strong", "prompt": "annotated_example", "server": asked}
    jury = {"take": "deviation", "of": ["checker", "claims", "annotated_faithfulness"], "null_if": "all"}
    grounded = {"abstractive_qa": "checker", "summarization": "checker"}
    seen = {n: "seen" if n in TRAINED_ON[4:] else "instruction" for n in records.OF}
    unseen = dict.fromkeys(("bioasq", "searchqa", "mrqa", "wikisum"), "unseen")
    choice = {**CHOICE, "pool": "mtl_candidates"}
    return {
        "judges": {
            "lexical": {"kind": "lexical", "needs": "reset/normalise.py", "model": None, "options": {"more": []}},
            "rater": {"kind": "openai", "needs": "reset/llm", "model": None, "options": paid},
            "own_words": {"kind": "openai", "needs": "reset/llm", "model": None, "options": own_words},
            "agrees": {"kind": "self_consistency", "needs": "reset/judges/rouge.py", "model": None, "options": {}},
            "abstains": {
                **{"kind": "abstention", "needs": "reset/normalise.py", "model": None},
                "options": {"phrases": ["nobody knows"], "most_words": 8},
            },
            "verifiable": {
                **{"kind": "verifiable", "needs": "reset/judges/instructions", "model": None},
                "options": {"languages": "none"},
            },
            "brief": {"kind": "brief:Brief", "needs": "brief.py", "model": None, "options": {"most": 5}},
            **local,
        },
        "judge": {"max_null": 0.6},  # two of the instruction sets have no references to compare with
        "stand_ins": [],
        "objectives": {
            "faithfulness": _objective(2.0, extractive_qa="span_coverage", **grounded),
            "instruction": _objective(2.0, instruction="rating"),
            "agreement": {
                **_objective(0.0, **dict.fromkeys(grounded, jury)),
                "transform": "invert",
                "floor": 0.5,
            },
            "brevity": _objective(0.1, **dict.fromkeys(("instruction", "extractive_qa", *grounded), "brief")),
            "prudence": _objective(0.0, extractive_qa="prudence", abstractive_qa="prudence"),
            "preferred": _objective(0.0, instruction="preference"),  # of test prompts alone: reported, never chosen by
            "task": _objective(1.0, extractive_qa="exact_match", abstractive_qa="rouge_l", summarization="rouge_l"),
        },
        "curated": {
            "labels": {**choice, "pick": "labelled", "margin": 0.1},
            "weights": {
                **{**choice, "pick": "weighted", "temperature": 0.3, "rating": "reward"},
                "mask": {"verdict": "claims", "below": 0.5},
            },
        },
        "evaluate": {"systems": ["kto", "half"], "groups": seen | unseen},
        "report": {"comparisons": []},
    }


def _objective(weight: float, **verdicts: Any) -> Rows:
    return {"weight": weight, "floor": None, "transform": "none", "compare": ["all"], "verdicts": verdicts}


def kinds(p: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The registered kinds that a line with these parameters runs through: name of the table, kind."""
    methods = {p["recipes"][row["recipe"]]["method"] for row in p["systems"].values()}
    found = {
        **{"SOURCES": {row["source"] for row in p["datasets"].values()}, "METHODS": methods},
        **{
            "JUDGES": {row["kind"] for row in p["judges"].values()} & registry.JUDGES.keys(),
            "ENGINES": {p["sample"]["engine"]},
        },
        "BASES": {row["kind"] for row in p["base"].values()},
    }
    return {(table, kind) for table, names in found.items() for kind in names}


def registered() -> set[tuple[str, str]]:
    """All kinds of reset/registry.py."""
    tables = {name: table for name, table in vars(registry).items() if name.isupper()}
    return {(name, kind) for name, table in tables.items() for kind in table}
