"""Raw records of realistic length in three layouts; text is made up, ids and numbers differ from row to row."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reset.files.atomic import whole_folder


def words(rng: random.Random, count: int) -> list[str]:
    """Made-up words, as long as English ones."""
    return ["".join(rng.choices("etaoinshrdlucmfw", k=rng.randint(2, 8))) for _ in range(count)]


def records(layout: str, count: int) -> Iterator[dict[str, Any]]:
    """Yield raw records of a layout; paragraphs are drawn from a pool, so that making them is fast."""
    rng = random.Random(0)
    known = words(rng, 5_000)
    pool = [" ".join(rng.choices(known, k=100)) for _ in range(3_000)]
    for number in range(count):
        if layout == "instructions":
            parts = rng.choices(pool, k=3)
            text = {"instruction": f"{number}: {parts[0][:250]}", "response": " ".join(parts[1:])}
            yield {**text, "context": "", "category": "open_qa"}
        elif layout == "summaries":
            yield {"article": f"{number} " + " ".join(rng.choices(pool, k=8)), "highlights": rng.choice(pool)[:300],
                   "id": f"{number:040x}"}  # fmt: skip
        else:
            found = rng.choices(pool, k=100)
            contexts = [
                {"id": f"wiki:{number}", "title": text[:20], "text": text, "score": "80.1", "has_answer": False}
                for text in found
            ]
            answer = " ".join(found[rng.randrange(8)].split()[10:12])
            yield {"question": f"what {number} {found[0][:40]}", "answers": [answer], "ctxs": contexts}


def made(kept: Path, layout: str, count: int) -> Path:
    """Return the folder under `kept` whose raw training file holds so many records; written unless it is there."""
    folder = kept / f"{layout}-{count}"
    if not folder.is_dir():
        with whole_folder(folder) as fresh, (fresh / "train.jsonl").open("w", encoding="utf-8") as target:
            for record in records(layout, count):
                target.write(json.dumps(record) + "\n")
    return folder
