"""Our Table 1: examples per split, and the mean length of responses in a model's tokens.

As in the paper, the mean is over training rows, or over test rows if there is no training row. It counts the first
reference of each row, without the end token. The `tokenizers` library is enough here, since no model reads these ids.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from reset.errors import ResetError
from reset.files import schemas, tables

BATCH = 1_000  # texts encoded at a time, on all cores


def describe(examples: Path, model: Path) -> dict[str, dict[str, Any]]:
    """Return counts per split and `mean_response_tokens` (null without responses) of each data set under `examples`."""
    file = model / "tokenizer.json"
    if not file.is_file():
        raise ResetError(f"{file}: no such file")
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.encode_special_tokens = True  # a response's "</s>" is text, as in training
    return {folder.name: _describe_one(folder, tokenizer) for folder in sorted(examples.iterdir()) if folder.is_dir()}


def _describe_one(folder: Path, tokenizer: Tokenizer) -> dict[str, Any]:
    counts = {split: tables.count(folder / f"{split}.parquet", schemas.EXAMPLES) for split in schemas.SPLITS}
    texts = _responses(folder / ("train.parquet" if counts["train"] else "test.parquet"))
    responses = tokens = 0
    while batch := list(islice(texts, BATCH)):
        responses += len(batch)
        tokens += sum(map(len, tokenizer.encode_batch_fast(batch, add_special_tokens=False)))
    return {**counts, "mean_response_tokens": round(tokens / responses, 1) if responses else None}


def _responses(path: Path) -> Iterator[str]:
    for row in tables.read(path, schemas.EXAMPLES):
        yield from row["references"][:1]
