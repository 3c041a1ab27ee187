"""The answers of one chunk: which of them a judge is asked about, and the verdicts on all of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

from reset.errors import ResetError
from reset.files import tables
from reset.judges import Answer
from reset.runs.store import Store, key

PLACE = ("answer_id", "example_id", "sweep", "copies", "gold")  # where an answer stands in its pool, not what it says


class Piece:
    """Answers, each with the id of its example. Of equal texts to an example the earliest sweep's is judged.

    A reference is judged only if no sampled answer has its text.

    Verdicts stand in the order of the answers, however the judge yields them.
    """

    def __init__(self, answers: Sequence[tuple[str, Answer]], store: Store | None) -> None:
        self._store = store
        copies: dict[tuple[str, str], list[Answer]] = {}
        for example_id, answer in sorted(answers, key=lambda pair: (pair[1].gold, pair[1].sweep)):  # stable
            copies.setdefault((example_id, answer.text), []).append(answer)
        self._groups = {group[0].answer_id: group for group in copies.values()}

    @cached_property
    def _keys(self) -> dict[str, bytes]:
        return {answer_id: _key(group[0]) for answer_id, group in self._groups.items()}

    @cached_property
    def _known(self) -> dict[str, list[tables.Row]]:
        """Verdicts by the answer's id."""
        values = self._store.get(set(self._keys.values())) if self._store is not None else {}
        return {answer_id: values[stored] for answer_id, stored in self._keys.items() if stored in values}

    @cached_property
    def rest(self) -> list[Answer]:
        """The answers to judge."""
        groups = [group for answer_id, group in self._groups.items() if answer_id not in self._known]
        return [replace(group[0], copies=sum(not answer.gold for answer in group)) for group in groups]

    def rows(self, computed: Iterable[Mapping[str, Any]]) -> Iterator[tables.Row]:
        """Yield the verdicts on all answers, each with its answer's task; keeps those that were computed."""
        new: dict[str, list[tables.Row]] = {answer.answer_id: [] for answer in self.rest}
        for row in map(dict, computed):
            if (answer_id := row.pop("answer_id")) not in new:
                raise ResetError(f"a judge gave a verdict on answer '{answer_id}', which it was not asked about")
            new[answer_id].append(row)
        if missing := [answer_id for answer_id, rows in new.items() if not rows]:
            raise ResetError(f"a judge gave no verdict on answer '{min(missing)}'")
        if self._store is not None:
            self._store.put({self._keys[answer_id]: rows for answer_id, rows in new.items() if _lasting(rows)})
        verdicts = self._known | new
        for answer_id, group in self._groups.items():
            for row in verdicts[answer_id]:
                yield from ({"answer_id": answer.answer_id, **row, "task": answer.task} for answer in group)


def _key(answer: Answer) -> bytes:
    """Return what decides a verdict besides the store's mark: what a judge is shown of the answer itself."""
    return key(*(getattr(answer, field.name) for field in fields(answer) if field.name not in PLACE))


def _lasting(verdicts: Sequence[tables.Row]) -> bool:
    """Whether verdicts would be the same another time: an engine that failed may work then."""
    return not any((row["reason"] or "").startswith("error") for row in verdicts)
