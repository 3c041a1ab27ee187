"""Pools of answers and an NLI model for benchmarks/summac.py."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
)

from reset.files import schemas, tables
from reset.judges.sentences.texts import splitter
from reset.judges.summac import SummaC
from reset.micro.grounded import Noise
from reset.sources.micro import Micro

CANDIDATES = 14
NOISE = {"misremembered": 0.2, "famous": 0.8, "obscure": 0.15, "half_followed": 0.25}
LABELS = ("entailment", "neutral", "contradiction")

Pool = list[tuple[str, str]]  # document, answer


def micro(prompts: int) -> list[tuple[str, str]]:
    """Documents of the micro world with their summaries."""
    source = Micro(kind="cnn_dailymail", rows={"train": prompts}, seed=0, noise=Noise(**NOISE))
    return [("\n".join(record["passages"]), record["response"]) for record in source.generate("train")]


def run(answers: Path, prompts: Path, count: int) -> Pool:
    """The answers that a run's judge scores with SummaC, of its first `count` prompts."""
    examples = {row["example_id"]: row for row in tables.read(prompts, schemas.EXAMPLES)}
    found: dict[str, Pool] = {}
    for row in tables.read(answers, schemas.ANSWERS):
        if row["task"] in SummaC.tasks and row["text"].strip():
            example = examples[row["example_id"]]
            document = "\n".join([example["question"], *example["passages"]]).strip()
            found.setdefault(row["example_id"], []).append((document, row["text"]))
    return [one for of in list(found.values())[:count] for one in of]


def real(path: Path, prompts: int) -> list[tuple[str, str]]:
    """At most so many records of `path`."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:prompts]
    return [(record["article"], record["highlights"]) for record in records]


def pool(records: Sequence[tuple[str, str]]) -> Pool:
    """CANDIDATES answers to each document, seeded."""
    cut = splitter("untrained").tokenize
    found = []
    for number, (document, reference) in enumerate(records):
        draw = random.Random(number)
        said = [*cut(reference), *draw.sample(cut(document), min(3, len(cut(document))))]
        said += cut(records[(number + 1) % len(records)][1])[:2]
        found += [
            (document, " ".join(draw.sample(said, draw.randint(1, min(3, len(said)))))) for _ in range(CANDIDATES)
        ]
    return found


def model(folder: Path, texts: Sequence[str], layers: int, width: int) -> str:
    """Save an untrained BERT over the words of `texts`, in files that old and new transformers read."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=_save_tokenizer(folder, texts),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=4 * width,
        initializer_range=0.2,
        **_labels(),
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def deberta(folder: Path, texts: Sequence[str], layers: int) -> str:
    """Save an untrained DeBERTa-v3-xsmall (of 12 `layers`) with its own 128,100 embeddings; the tokenizer is BERT's.

    Everything that decides the work of a forward pass is as in microsoft/deberta-v3-xsmall's configuration.
    """
    torch.manual_seed(0)
    _save_tokenizer(folder, texts)
    config = DebertaV2Config(
        vocab_size=128_100,
        hidden_size=384,
        num_hidden_layers=layers,
        num_attention_heads=6,
        intermediate_size=1536,
        type_vocab_size=0,
        relative_attention=True,
        max_relative_positions=-1,
        position_buckets=256,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        initializer_range=0.1,
        **_labels(),
    )
    DebertaV2ForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def _labels() -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(LABELS)),
        "label2id": {name: number for number, name in enumerate(LABELS)},
    }


def _save_tokenizer(folder: Path, texts: Sequence[str]) -> int:
    """Save a WordPiece tokenizer of the words and letters of `texts`; return the size of its vocabulary."""
    words = {word for text in texts for word in text.lower().split() if word.isalpha()}
    letters = {letter for text in texts for letter in text.lower() if not letter.isspace()}
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *sorted(letters), *(f"##{one}" for one in sorted(letters)), *sorted(words - letters)]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    plain = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(plain), encoding="utf-8")
    return len(vocabulary)
