"""A micro batch in several forward and backward passes, so that memory does not grow with its longest rows.

The gradients of the passes add up to those of the whole micro batch.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import Trainer

from reset.training.recipe import IGNORED

Batch = dict[str, Any]


class InPasses(Trainer):
    """Base of a trainer whose losses add up over rows: each pass has at most `pass_tokens` tokens, padding included.

    `compute_loss` finds in `share` which part of the micro batch's rows a pass has, in `trained_share` which of its
    trained tokens. A row that is longer has a pass of its own. All ranks make the same number of passes.
    """

    per_sequence = False  # whether rows weigh alike, or trained tokens
    pass_tokens: int | None = None  # None: one pass

    def training_step(self, model: Any, inputs: Batch, num_items_in_batch: Any = None) -> torch.Tensor:
        """Run all passes of a micro batch; return the sum of their losses."""
        *first, last = self._passes(inputs)
        done = [self._accumulate(model, part, num_items_in_batch) for part in first]
        loss: torch.Tensor = super().training_step(model, last, num_items_in_batch)
        return sum(done, start=loss)

    def prediction_step(
        self, model: Any, inputs: Batch, prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[Any, Any, Any]:
        """Return the dev loss of a micro batch, and no logits."""
        by = "share" if self.per_sequence else "trained_share"
        model.eval()
        with torch.no_grad():
            parts = [self._prepare_inputs(part) for part in self._passes(inputs)]
            losses: list[Any] = [self.compute_loss(model, part) * part.get(by, 1.0) for part in parts]
        return sum(losses[1:], start=losses[0]), None, None

    def _accumulate(self, model: Any, part: Batch, num_items_in_batch: Any) -> torch.Tensor:
        """Add the gradients of a pass that is not the last of its micro batch."""
        model.train()
        loss: Any = self.compute_loss(model, self._prepare_inputs(part), num_items_in_batch=num_items_in_batch)
        self.accelerator.deepspeed_engine_wrapped.backward(loss, sync_gradients=False, scale_wrt_gas=False)
        detached: torch.Tensor = loss.detach()
        return detached

    def _passes(self, inputs: Batch) -> list[Batch]:
        if self.pass_tokens is None:
            return [inputs]
        lengths = row_lengths(inputs)
        groups = grouped(lengths, self.pass_tokens, packed="position_ids" in inputs)
        groups = divided(groups, self._most(len(groups)))
        parts = [{**part(inputs, rows), "share": len(rows) / len(lengths)} for rows in groups]
        trained = [int((one["labels"] != IGNORED).sum()) for one in parts]
        return [{**one, "trained_share": n / sum(trained)} for one, n in zip(parts, trained, strict=True)]

    def _most(self, count: int) -> int:
        """Return the largest count of all ranks."""
        if self.accelerator.num_processes == 1:
            return count
        counts = torch.tensor([count], device=self.accelerator.device)
        return int(self.accelerator.gather(counts).max())


def row_lengths(inputs: Batch) -> list[int]:
    """Return the tokens of each row of a padded or packed batch."""
    if "position_ids" in inputs:
        return list(inputs["cu_seq_lens_q"].diff().tolist())
    return list(inputs["attention_mask"].sum(dim=1).tolist())


def grouped(lengths: Sequence[int], most: int, *, packed: bool) -> list[range]:
    """Divide rows into consecutive groups of at most `most` tokens each, with their padding unless they are packed."""
    starts, longest, total = [0], 0, 0
    for row, length in enumerate(lengths):
        longest, total = max(longest, length), total + length
        if row > starts[-1] and (total if packed else longest * (row + 1 - starts[-1])) > most:
            starts.append(row)
            longest, total = length, length
    return [range(start, end) for start, end in zip(starts, [*starts[1:], len(lengths)], strict=True)]


def divided(groups: Sequence[range], count: int) -> list[range]:
    """Halve the groups with the most rows until there are `count` of them, or each row is one."""
    found = list(groups)
    while len(found) < count and len(most := max(found, key=len)) > 1:
        place, middle = found.index(most), len(most) // 2
        found[place : place + 1] = [most[:middle], most[middle:]]
    return found


def part(inputs: Batch, rows: range) -> Batch:
    """Return consecutive rows of a batch, as if they had been collated alone."""
    cut = slice(rows.start, rows.stop)
    whole: Batch = {name: inputs[name][cut] for name in ("weight", "trained") if name in inputs}
    if "position_ids" not in inputs:
        length = int(inputs["attention_mask"][cut].sum(dim=1).max())
        return whole | {name: inputs[name][cut, :length] for name in ("input_ids", "attention_mask", "labels")}
    bounds = inputs["cu_seq_lens_q"][rows.start : rows.stop + 1]
    start, end = int(bounds[0]), int(bounds[-1])
    whole |= {name: inputs[name][:, start:end] for name in ("input_ids", "position_ids", "labels")}
    bounds, longest = bounds - start, type(inputs["max_length_q"])(bounds.diff().max())
    lengths = {"cu_seq_lens_q": bounds, "cu_seq_lens_k": bounds, "max_length_q": longest, "max_length_k": longest}
    return whole | lengths
