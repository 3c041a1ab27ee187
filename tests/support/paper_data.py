"""The data sets of scale `paper`, of invented text, with the files and forms in which each is published.

Hub repositories have the file names, columns and card entries of the real ones; the others are files at plain
addresses, and BioASQ's golden file, which a user gets by hand.
"""

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.support import records

Files = dict[str, bytes]
ROWS = 160  # of each data set; 1.63 % of them must be at least one
NAMES = [f"{a}{b}{c}" for a in ("mi", "to", "an", "le", "ro") for b in ("ra", "ma", "na", "sa") for c in "bdfgklpt"]
GITHUB = "raw.githubusercontent.com"
SELF_INSTRUCT = "/yizhongw/self-instruct/0b26ccaa415992100fa32df62d41b994cf928e23/data/gpt3_generations/batch_221203"
FAST_CHAT = "/lm-sys/FastChat/0e6d3e4beaab66f4d3f93db72541a4abab8af28d/fastchat/llm_judge/data/vicuna_bench"
KOALA = "/arnav-gudibande/koala-test-set/2d4396aee3cff495382e9b0ad2521d70b177763b"
DPR = "/dpr/data/retriever_results/single"


def rows(source: str, start: int = 0, count: int = ROWS) -> list[Any]:
    """`count` records of a source from number `start` on; no two sources, and no two splits, share a text."""
    mark = source.replace("_", "")
    made = [records.OF[source](f"{NAMES[number % len(NAMES)]}{mark}{number}") for number in range(start, start + count)]
    return [record for one in made for record in (one if isinstance(one, list) else [one])]


def parquet(table: Sequence[Any]) -> bytes:
    """The rows as a Parquet file."""
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(table)), written)
    return written.getvalue()


def lines(table: Sequence[Any]) -> bytes:
    """The rows as JSON Lines."""
    return "".join(f"{json.dumps(row)}\n" for row in table).encode()


def card(**entries: Any) -> bytes:
    """A README.md with these entries, and the licence, in its front matter."""
    return f"---\n{yaml.safe_dump({'license': 'other', **entries})}---\n# Data set card\n".encode()


def _splits(source: str, files: dict[str, str], config: str | None = None) -> Files:
    """A repository of Parquet files, split -> file name, whose card names its splits."""
    named = {"config_name": config} if config else {}
    tables = [rows(source, number * ROWS) for number in range(len(files))]
    sizes = [{"name": split, "num_examples": len(table)} for split, table in zip(files, tables, strict=True)]
    entry = {**named, "splits": sizes}
    content = {name: parquet(table) for name, table in zip(files.values(), tables, strict=True)}
    patterns = [{"split": split, "path": f"{name.rpartition('-0000')[0]}-*"} for split, name in files.items()]
    configs = [{"config_name": config or "default", "data_files": patterns}]
    return {"README.md": card(dataset_info=[entry] if config else entry, configs=configs), **content}


def hub() -> dict[str, Files]:
    """The hub's repositories, each called datasets/<id>."""
    shard = "-00000-of-00001"
    oasst = {"train": f"data/train{shard}-b42a775f407cee45.parquet"}
    oasst["validation"] = f"data/validation{shard}-134b8fd0c89408b6.parquet"
    news = {"train": "3.0.0/train-00000-of-00003.parquet", "validation": f"3.0.0/validation{shard}.parquet"}
    wiki = {"train": f"data/train{shard}-b28959cff7dcaf55.parquet", "validation": f"data/validation{shard}.parquet"}
    dump = gzip.compress(lines(rows("oasst1")))
    marco = {split: f"v2.1/{split}{shard}.parquet" for split in ("train", "validation", "test")}
    quiz = {split: f"data/{split}{shard}.parquet" for split in ("train", "validation")}
    return {
        "datasets/databricks/databricks-dolly-15k": {
            "README.md": card(),
            "databricks-dolly-15k.jsonl": lines(rows("dolly")),
        },
        "datasets/LLMs/Alpaca-ShareGPT": {
            "README.md": card(),
            "alpaca_sharedgpt_data.json": json.dumps(rows("sharegpt")).encode(),
        },
        "datasets/OpenAssistant/oasst1": {
            **_splits("oasst1", oasst),
            "2023-04-12_oasst_ready.messages.jsonl.gz": dump,
        },
        "datasets/microsoft/ms_marco": _splits("ms_marco", marco, "v2.1"),
        "datasets/abisee/cnn_dailymail": _splits(
            "cnn_dailymail", {**news, "test": f"3.0.0/test{shard}.parquet"}, "3.0.0"
        ),
        "datasets/lucadiliello/searchqa": _splits("searchqa", quiz),
        "datasets/d0rj/wikisum": _splits("wikisum", {**wiki, "test": f"data/test{shard}.parquet"}),
        "datasets/tatsu-lab/alpaca": _splits("alpaca", {"train": f"data/train{shard}-a09b74b3ef9c3b56.parquet"}),
    }


def addresses() -> dict[str, dict[str, bytes]]:
    """Host -> path -> content of the files at plain addresses."""
    generated = [
        {"instruction": f"Describe {name}.", "input": "", "output": f"{name} lives in the old red mill by the river."}
        for name in NAMES
    ]

    def retrieved(part: int) -> bytes:
        return gzip.compress(json.dumps(rows("nq", part * ROWS)).encode())

    return {
        GITHUB: {
            f"{SELF_INSTRUCT}/all_instances_82K.jsonl": lines(generated),
            f"{FAST_CHAT}/question.jsonl": lines(rows("vicuna_eval", count=20)),
            f"{KOALA}/koala_test_set.jsonl": lines(rows("koala_eval", count=20)),
        },
        "dl.fbaipublicfiles.com": {
            f"{DPR}/nq-{split}.json.gz": retrieved(part) for part, split in enumerate(("train", "dev", "test"))
        },
    }


def by_hand(folder: Path) -> Path:
    """BioASQ's golden files, as its archive holds them, in `folder`/bioasq; return `folder`."""
    golden = folder / "bioasq" / "Task9BGoldenEnriched" / "9B1_golden.json"
    golden.parent.mkdir(parents=True)
    golden.write_text(json.dumps({"questions": rows("bioasq", count=20)}))
    return folder
