"""The prompts of one chunk: which answers to them are computed, and the rows of all of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from reset.files import tables
from reset.model.prompts import render
from reset.runs.store import Store, key
from reset.sampling.decode_settings import Arms, Planned, plan

TOO_LONG = "error: prompt too long"
Wanted = tuple[tables.Row, list[Planned]]  # an example, and the answers to compute for it


@dataclass(frozen=True)
class Pool:
    """What to sample: the system, its decode settings, its prompt template and the length limits in tokens."""

    system: str
    grid: Arms
    sweeps: int
    seed: int
    template: str
    max_tokens: int
    max_prompt_tokens: int

    def plan(self, example: tables.Row) -> list[Planned]:
        """Return the answers to sample for one example."""
        return plan(example["example_id"], self.grid, self.sweeps, self.seed)


class Piece:
    """The answers to `examples`, in their order; those that `store` has are not computed."""

    def __init__(self, examples: Sequence[tables.Row], pool: Pool, store: Store | None = None) -> None:
        self._examples, self._pool, self._store = examples, pool, store
        self._planned = {row["example_id"]: pool.plan(row) for row in examples}

    @cached_property
    def _keys(self) -> dict[str, bytes]:
        """The store's key of each answer to be computed, by the answer's name."""
        prompts = {row["example_id"]: astuple(render(row, self._pool.template)) for row in self._examples}
        return {
            name_of(example_id, wanted): _key(prompts[example_id], wanted)
            for example_id, planned in self._planned.items()
            for wanted in planned
        }

    @cached_property
    def _known(self) -> dict[str, tables.Row]:
        """Completions by the answer's name."""
        if self._store is None:
            return {}
        values = self._store.get(set(self._keys.values()))
        return {name: values[stored] for name, stored in self._keys.items() if stored in values}

    @cached_property
    def rest(self) -> list[Wanted]:
        """Examples with the answers to compute for them."""
        wanted = [
            (
                row,
                [one for one in self._planned[row["example_id"]] if name_of(row["example_id"], one) not in self._known],
            )
            for row in self._examples
        ]
        return [(row, planned) for row, planned in wanted if planned]

    def rows(self, computed: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield rows of the answers table, with a column `cut`: was the prompt cut? Keeps what was computed."""
        new = {row.pop("name"): row for row in map(dict, computed)}
        if self._store is not None:
            self._store.put({self._keys[name]: row for name, row in new.items() if _lasting(row)})
        completions = self._known | new
        for row in self._examples:
            for wanted in self._planned[row["example_id"]]:
                completion = completions[name_of(row["example_id"], wanted)]
                yield {**_answer_row(row, wanted, self._pool.system), **completion}


def name_of(example_id: str, planned: Planned) -> str:
    """Return the name of what is computed for `planned`: planned answers with the same name are the same answer."""
    return f"{example_id}|{planned.computed_as}"


def _key(prompt: tuple[Any, ...], planned: Planned) -> bytes:
    """Return what decides an answer besides the store's mark: a greedy one has neither top-k nor seed."""
    setting = planned.setting
    return key(*prompt, setting.temperature, *((setting.top_k, planned.seed) if setting.temperature else ()))


def _lasting(completion: tables.Row) -> bool:
    """Whether a completion would be the same another time: a server or machine that failed may work then."""
    reason, mean = completion["finish_reason"], completion["mean_logprob"]
    return reason == TOO_LONG or not (reason.startswith("error") or (mean is not None and not isfinite(mean)))


def _answer_row(example: tables.Row, planned: Planned, system: str) -> dict[str, Any]:
    """Return the columns that are known before an engine has answered."""
    setting = planned.setting
    return {
        "answer_id": f"{example['example_id']}|{setting.name}|{planned.sweep}",
        "example_id": example["example_id"],
        "dataset": example["dataset"],
        "task": example["task"],
        "system": system,
        "setting": setting.name,
        "sweep": planned.sweep,
        "temperature": setting.temperature,
        "top_k": setting.top_k,
        "seed": planned.seed,
    }
