"""IFEval (Zhou et al. 2023): 541 prompts with verifiable instructions, for evaluation only; no references.

https://huggingface.co/datasets/google/IFEval

The paper of this project has no such test: it shows what general ability a system keeps. Judge `verifiable` scores it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from reset.errors import ResetError
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, rows, text, texts


class IfEval:
    """One example per prompt, with the ids of its instructions and their arguments. There are no options.

    A record, with invented text; the hub's table has further arguments, which are null:

        {"key": 1, "prompt": "Name a bird. Use no commas.", "instruction_id_list": ["punctuation:no_comma"],
         "kwargs": [{}]}
    """

    where = Where(
        hub="google/IFEval",
        revision="966cd89545d6b6acfd7638bc708b98261ca58e84",
        splits={"test": "train"},
        licence="Apache-2.0; never to be trained on",
    )

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(_example, records)


def _example(record: Record) -> Example | SetAside:
    prompt, ids, given = text(record, "prompt"), texts(record, "instruction_id_list"), _arguments(record)
    if not ids:
        return SetAside("no verifiable instruction")
    if len(ids) != len(given):
        raise ResetError(
            f"has {len(ids)} instructions ('instruction_id_list'), but arguments ('kwargs') of {len(given)}"
        )
    instructions = [{"id": name, "kwargs": _set(kwargs)} for name, kwargs in zip(ids, given, strict=True)]
    return Example(
        id=identity(record, ["key"], prompt),
        task="instruction",
        instruction=prompt,
        checks=json.dumps({"instructions": instructions}, ensure_ascii=False),
    )


def _arguments(record: Record) -> list[Record]:
    """Return the arguments of each instruction; a CSV file or an older export has them as JSON in a text."""
    found = record.get("kwargs")
    if isinstance(found, str):
        try:
            record = {**record, "kwargs": json.loads(found)}
        except ValueError as error:
            raise ResetError("the field 'kwargs' is a text, but not JSON") from error
    return rows(record, "kwargs")


def _set(kwargs: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in kwargs.items() if value is not None}
