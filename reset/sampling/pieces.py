"""The prompts of one chunk: which answers to them are computed, and the rows of all of them."""

from collections import ChainMap
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import astuple, dataclass, field
from functools import cached_property
from itertools import groupby
from math import isfinite
from typing import Any

from reset.files import tables
from reset.model.prompts import render
from reset.runs.store import Store, key
from reset.sampling.decode_settings import Arms, Planned, plan
from reset.sampling.enough import Until
from reset.sampling.gold import CountTokens, gold_rows

TOO_LONG = "error: prompt too long"
Completions = Mapping[str, tables.Row]  # what an engine fills, by the answer's name


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
    until: Until | None = None  # None: every sweep is sampled
    gold: bool = False  # whether the reference stands beside the answers

    def plan(self, example: tables.Row) -> list[Planned]:
        """Return the answers to sample for one example, at most."""
        return plan(example["example_id"], self.grid, self.sweeps, self.seed)

    def needed(self, example: tables.Row, planned: Sequence[Planned], known: Completions) -> list[Planned]:
        """Return the planned answers up to the sweep after which the prompt has enough.

        What is not `known` cannot tell: then those up to its sweep.
        """
        if self.until is None:
            return list(planned)
        taken: list[Planned] = []
        for _, of_sweep in groupby(planned, key=lambda one: one.sweep):
            taken += of_sweep
            names = [name_of(example["example_id"], one) for one in taken]
            if not all(name in known for name in names) or self.until.met(example, (known[name] for name in names)):
                break
        return taken


@dataclass(frozen=True)
class Wanted:
    """A prompt with the answers to compute for it, at most, and what is known of its other answers."""

    example: tables.Row
    planned: list[Planned]
    known: dict[str, tables.Row] = field(default_factory=dict)

    def missing(self, pool: Pool, computed: dict[str, tables.Row]) -> list[Planned]:
        """Return the answers to compute next: none if what was `computed` is enough."""
        known = ChainMap(computed, self.known)  # not copied: `computed` is of all prompts
        return _without(self.example, pool.needed(self.example, self.planned, known), known)


def _without(example: tables.Row, planned: Iterable[Planned], names: Container[str]) -> list[Planned]:
    return [one for one in planned if name_of(example["example_id"], one) not in names]


class Piece:
    """The answers to `examples`, in their order; those that `store` has are not computed.

    `count_tokens` is needed if the pool has the references too.
    """

    def __init__(
        self,
        examples: Sequence[tables.Row],
        pool: Pool,
        store: Store | None = None,
        count_tokens: CountTokens | None = None,
    ) -> None:
        self._examples, self._pool, self._store, self._count_tokens = examples, pool, store, count_tokens
        self._planned = {row["example_id"]: pool.plan(row) for row in examples}
        self._found: dict[str, bool] = {}  # name -> whether the store has it, of those that it was asked for

    @cached_property
    def _keys(self) -> dict[str, bytes]:
        """The store's key of each answer that may be computed, by the answer's name."""
        prompts = {row["example_id"]: astuple(render(row, self._pool.template)) for row in self._examples}
        return {
            name_of(example_id, wanted): _key(prompts[example_id], wanted)
            for example_id, planned in self._planned.items()
            for wanted in planned
        }

    @cached_property
    def _known(self) -> dict[str, tables.Row]:
        """Completions by the answer's name: of each prompt the store is asked sweep by sweep, until it has enough.

        Where an answer is missing, it is asked for all the rest too: the engine, which may be on another machine, has
        no store to ask.
        """
        known: dict[str, tables.Row] = {}
        while self._store is not None:
            names = dict.fromkeys(
                name_of(row["example_id"], one) for row in self._examples for one in self._unasked(row, known)
            )
            if not names:
                break
            values = self._store.get({self._keys[name] for name in names})
            self._found |= {name: self._keys[name] in values for name in names}
            known |= {name: values[self._keys[name]] for name in names if self._found[name]}
        return known

    def _unasked(self, row: tables.Row, known: Completions) -> list[Planned]:
        """What the store is asked for next, of one prompt."""
        planned = self._planned[row["example_id"]]
        needed = self._pool.needed(row, planned, known)
        lacking = _without(row, needed, known)
        if any(name_of(row["example_id"], one) in self._found for one in lacking):
            needed = planned
        return _without(row, needed, self._found)

    @cached_property
    def rest(self) -> list[Wanted]:
        """Examples with the answers to compute for them."""
        return [wanted for row in self._examples if (wanted := self._wanted(row)).missing(self._pool, {})]

    def _wanted(self, row: tables.Row) -> Wanted:
        planned = self._planned[row["example_id"]]
        if self._pool.until is None:
            return Wanted(row, _without(row, planned, self._known))
        names = [name_of(row["example_id"], one) for one in planned]
        return Wanted(row, planned, {name: self._known[name] for name in names if name in self._known})

    def rows(self, computed: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield rows of the answers table, with a column `cut`: was the prompt cut? Keeps what was computed."""
        new = {row.pop("name"): row for row in map(dict, computed)}
        if self._store is not None:
            self._store.put({self._keys[name]: row for name, row in new.items() if _lasting(row)})
        completions, used = self._known | new, set()
        for row in self._examples:
            for wanted in self._pool.needed(row, self._planned[row["example_id"]], completions):
                used.add(name := name_of(row["example_id"], wanted))
                yield {**_answer_row(row, wanted, self._pool.system), **completions[name]}
            if self._pool.gold and self._count_tokens:
                yield from gold_rows(row, self._pool.system, self._count_tokens)
        self._take_back(self._found.keys() - used)

    def _take_back(self, unused: Set[str]) -> None:
        """Have the store not count answers that it was asked for and that were not needed."""
        if self._store is not None:
            found = sum(self._found[name] for name in unused)
            self._store.take_back(found, len(unused) - found)


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
