"""One offline HTML page on which a person labels answers, by keyboard or pointer.

Texts are embedded as packed data and shown as text nodes, so that markup in them has no effect. Neither the system nor
the judges' verdicts are shown: they would lead the person.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reset.report import html
from reset.report.browser import packed


def write(
    path: Path,
    answers: Sequence[Mapping[str, Any]],
    *,
    name: str,
    points: int,
    questions: Mapping[str, Sequence[str]],
    overall: str,
    wording: Mapping[str, str],
    failures: Mapping[str, str],
    in_context: Sequence[str],
) -> None:
    """Write the page with `answers`, each with `pool`, `answer_id`, `answer_hash`, its text and its example.

    `name` is that of the file that the page offers; `questions` are asked per task, on a scale of `points` (2: yes or
    no), `overall` of every answer, as `wording` says where it has their name. The `failures` are asked where there are
    passages, and those that are not `in_context` only where there are references, too. What is labelled is kept in the
    browser under a hash of answers and scale.
    """
    content = {
        **{"name": name, "points": points, "overall": overall, "answers": [*answers]},
        "wording": {**wording},
        **{"questions": {task: [*names] for task, names in questions.items()}},
        **{"failures": [[key, text, key in in_context] for key, text in failures.items()]},
    }
    data = packed(content)
    sheet = hashlib.blake2b(data.encode(), digest_size=8).hexdigest()
    html.write(path, "label.html.j2", title=name, data=data, sheet=sheet, points=points)
