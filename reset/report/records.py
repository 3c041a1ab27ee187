"""One prompt as the page's answer browser shows it."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from reset.files.tables import Row
from reset.report.labels import Labels
from reset.report.words import label

WORD = re.compile(r"\w+")


def record(
    example: Row,
    answers: Mapping[str, Sequence[Row]],
    by_answer: Mapping[str, Mapping[str, Sequence[Row]]],
    chosen: Mapping[str, tuple[str, Mapping[str, Row]]],
    stand_ins: Collection[str],
    labels: Labels,
) -> Row:
    """Return one prompt with its answers of every pool, their verdicts, and the curated sets that picked one of them.

    `answers` are by pool, the verdicts `by_answer` by pool and answer id; `chosen` maps a curated set to its pool and
    its rows by example id. The verdicts in `stand_ins` are marked; an answer without labels has no key `labels`.
    """
    keys = ("dataset", "task", "instruction", "question", "passages", "references")
    picked = [
        {"curated": name, "pool": pool, "answer": row["answer_id"], **_score_parts(row)}
        for name, (pool, rows) in chosen.items()
        if (row := rows.get(example["example_id"]))
    ]
    shown = [
        {
            **{key: answer[key] for key in ("setting", "sweep", "text", "tokens")},
            **{"pool": pool, "id": answer["answer_id"]},
            "verdicts": [_verdict(v, stand_ins) for v in by_answer[pool].get(answer["answer_id"], ())],
            "sentences": _sentences(by_answer[pool].get(answer["answer_id"], ()))
            or _extracted(example, answer["text"]),
            **({"labels": said} if (said := labels.of(pool, answer["answer_id"], answer["text"])) else {}),
        }
        for pool, rows in answers.items()
        for answer in rows
    ]
    return {"id": example["example_id"], **{key: example[key] for key in keys}, "answers": shown, "picked": picked}


def _verdict(row: Row, stand_ins: Collection[str]) -> list[Any]:
    score = None if row["score"] is None else round(row["score"], 3)
    return [row["judge"], label(row["name"], row["name"] in stand_ins), score, row["reason"] or ""]


def _score_parts(row: Row) -> Row:
    return {"score": row["score"], "parts": row["objectives"], "margin": row["margin"], "candidates": row["candidates"]}


def _extracted(example: Row, text: str) -> list[list[Any]]:
    """An extractive answer that stands in a passage, as its only sentence; no judge tells its support."""
    source = span(text, example["passages"]) if example["task"] == "extractive_qa" else ""
    return [[text, source, None]] if source else []


def span(text: str, passages: Iterable[str]) -> str:
    """Return the first place of a passage that has the words of `text`, as it is written there; "" if none has.

    Case and all that is no letter or digit do not count; unlike for verdict `span_coverage`, articles do.
    """
    own = " ".join(word[0].lower() for word in WORD.finditer(text))
    for passage in passages if own else ():
        words = list(WORD.finditer(passage))
        joined = f" {' '.join(word[0].lower() for word in words)} "
        start = joined.find(f" {own} ")
        if start >= 0:
            first = joined.count(" ", 0, start)
            return passage[words[first].start() : words[first + own.count(" ")].end()]
    return ""


def _sentences(verdicts: Iterable[Row]) -> list[list[Any]]:
    """Each answer sentence, the source sentence that supports it best ("" if none is named), that support in [0, 1].

    A judge tells them in `detail` as `sentences`: `sentence`, `source` or none, and `entailment` or `support`.
    """
    details = [json.loads(verdict["detail"]) for verdict in verdicts if verdict["detail"]]
    return [
        [one["sentence"], one.get("source", ""), round(support, 3)]
        for detail in details
        for one in detail.get("sentences", ())
        if (support := one.get("entailment", one.get("support"))) is not None
    ]
