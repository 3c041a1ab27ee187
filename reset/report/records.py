"""One prompt as the page's answer browser shows it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from reset.files.tables import Row
from reset.report.labels import Labels
from reset.report.words import label


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
            "sentences": _sentences(by_answer[pool].get(answer["answer_id"], ())),
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
