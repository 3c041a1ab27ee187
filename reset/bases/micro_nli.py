"""The micro world's NLI model: the starting model with a three-way head, fine-tuned on the world's sentence pairs.

It is saved as an ordinary `LlamaForSequenceClassification` with its label names, and loads like any NLI model.
"""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
from pydantic import Field
from transformers import AutoTokenizer, LlamaForSequenceClassification

from reset.micro.corpus import LABELS, pairs
from reset.micro.facts import entails

if TYPE_CHECKING:
    from datasets import Dataset

Count = Annotated[int, Field(ge=1)]
Rows = list[tuple[str, str, str]]


class MicroNli:
    """Trains on `pairs` sentence pairs in batches of `batch_size`, and tests on 2,000 others."""

    def __init__(
        self,
        *,
        needs: Path,
        seed: int,
        pairs: Count,
        batch_size: Count,
        learning_rate: Annotated[float, Field(gt=0)],
    ) -> None:
        self._seed, self._pairs, self._batch_size, self._learning_rate = seed, pairs, batch_size, learning_rate
        self._tokenizer = AutoTokenizer.from_pretrained(needs)  # nosec B615: the folder of stage `base`
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # for the initial weights of the head
            self._model = LlamaForSequenceClassification.from_pretrained(  # nosec B615: the folder of stage `base`
                needs,
                num_labels=len(LABELS),
                id2label=dict(enumerate(LABELS)),
                label2id={label: number for number, label in enumerate(LABELS)},
                dtype=torch.float32,
            )

    def build(self, into: Path, work: Path) -> dict[str, Any]:
        """Train, save to `into` and return the test metrics of `_test_metrics`."""
        from transformers import DataCollatorWithPadding, Trainer, TrainingArguments  # seconds: `check` does without

        arguments = TrainingArguments(
            output_dir=str(work),
            seed=self._seed,
            num_train_epochs=1,
            learning_rate=self._learning_rate,
            per_device_train_batch_size=self._batch_size,
            per_device_eval_batch_size=self._batch_size,
            lr_scheduler_type="cosine",
            warmup_steps=30,
            adam_beta2=0.95,
            save_strategy="no",
            logging_steps=50,
            report_to=[],
            use_cpu=not torch.cuda.is_available(),
            dataloader_pin_memory=torch.cuda.is_available(),
        )
        trainer = Trainer(
            model=self._model,
            args=arguments,
            train_dataset=self._dataset(list(itertools.islice(pairs(f"train {self._seed}"), self._pairs))),
            data_collator=DataCollatorWithPadding(self._tokenizer),
        )
        trainer.train()
        held_out = list(itertools.islice(pairs("test"), 2_000))
        predicted = trainer.predict(self._dataset(held_out))
        self._model.save_pretrained(into)
        self._tokenizer.save_pretrained(into)
        return _test_metrics(np.asarray(predicted.predictions), held_out)

    def _dataset(self, rows: Rows) -> "Dataset":
        from datasets import Dataset

        encoded = self._tokenizer([row[0] for row in rows], [row[1] for row in rows])
        return Dataset.from_dict(
            {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"]}
            | {"labels": [LABELS.index(row[2]) for row in rows]}
        )


def _test_metrics(logits: np.ndarray[Any, Any], rows: Rows) -> dict[str, Any]:
    """Return the accuracy over the three labels, and the agreement with the oracle `entails` on entailment.

    `wrongly_entailed` is a fraction of the pairs without entailment, `missed_entailment` of those with entailment.
    """
    predicted = logits.argmax(axis=-1)  # (pairs,)
    labels = np.array([LABELS.index(row[2]) for row in rows])
    oracle = np.array([entails(premise, hypothesis) for premise, hypothesis, _ in rows])
    entailed = predicted == 0
    return {
        "accuracy": float((predicted == labels).mean()),
        "oracle_agreement": float((entailed == oracle).mean()),
        "wrongly_entailed": float(entailed[~oracle].mean()),
        "missed_entailment": float((~entailed[oracle]).mean()),
    }
