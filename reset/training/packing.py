"""Packed (padding-free) batches: the rows of a micro batch in one sequence, each attending to itself alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from reset.errors import ResetError
from reset.training.fused_head import FusedHead
from reset.training.recipe import IGNORED

Losses = tuple[torch.Tensor, torch.Tensor, Any]  # losses, 0 where ignored, and targets (rows, positions); outputs

READ = ("input_ids", "position_ids", "cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")
PROBE = (5, 9, 3)  # lengths of the rows that `check` packs
CLOSE = {torch.float32: 1e-3, torch.bfloat16: 5e-2}  # nats per token, by the dtype that a model computes in


def packed_losses(model: Any, inputs: Mapping[str, Any], head: FusedHead | None = None) -> Losses:
    """Return the losses of a packed batch, as `packing_collator` makes it; `head` is that of `model`, if it has one."""
    labels = inputs["labels"][0]  # (positions of all rows,)
    keep = (labels[1:] != IGNORED).nonzero().flatten()  # positions that predict a trained token
    targets = labels[keep + 1]  # (trained tokens,)
    batch = {name: inputs[name] for name in READ}
    if head:
        losses, outputs = head.losses(model, batch, inputs["labels"])
    else:
        outputs = model(**batch, logits_to_keep=keep, use_cache=False)
        losses = cross_entropy(outputs.logits[0].float(), targets, reduction="none")
    counts = inputs["trained"].tolist()
    return _pad_rows(losses, counts, 0), _pad_rows(targets, counts, IGNORED), outputs


def _pad_rows(flat: torch.Tensor, counts: list[int], fill: float) -> torch.Tensor:
    """Split concatenated rows of `counts` values and pad them to (rows, positions)."""
    return pad_sequence(list(torch.split(flat, counts)), batch_first=True, padding_value=fill)


def packing_collator(pad_token_id: Any) -> Callable[[Any], dict[str, Any]]:
    """Return a collator that packs rows into one sequence; `trained` holds the trained tokens of each row (rows,)."""
    collate = DataCollatorForLanguageModeling(pad_token_id=pad_token_id, padding_free=True)

    def pack(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        trained = [sum(label != IGNORED for label in row["labels"][1:]) for row in rows]
        # `trained` comes first: the trainer takes the length of the first value as the number of rows
        return {"trained": torch.tensor(trained), **collate(rows)}

    return pack


def check(model: Any) -> None:
    """Raise `ResetError` if rows of a packed batch read one another in `model`.

    Attention keeps rows apart by their positions. A model of which a part has none (ALiBi, a state-space layer, a
    convolution) does not: a token's loss is then another one than in a row alone.
    """
    known = int(model.get_input_embeddings().weight.shape[0])
    ids = [[(7 * n + 31 * place) % known for place in range(length)] for n, length in enumerate(PROBE)]
    rows = [{"input_ids": one, "labels": one} for one in ids]
    collate, training = packing_collator(0), model.training
    model.train(False)
    with torch.no_grad():
        together = packed_losses(model, collate(rows))[0].sum(dim=1)  # (rows,)
        alone = torch.stack([packed_losses(model, collate([row]))[0].sum() for row in rows])
    model.train(training)
    apart = float(((together - alone).abs() / torch.tensor(PROBE)).max())
    if not apart < CLOSE.get(model.dtype, CLOSE[torch.bfloat16]):
        raise ResetError(
            f"padding_free: packed rows read one another in a model of type '{model.config.model_type}' (their losses "
            f"differ by {apart:.2g} nats per token); set it to false in params.yaml: recipes"
        )
