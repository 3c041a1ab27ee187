"""A seeded order of examples that no other example changes, and the ids that the stage `screen` leaves out."""

import hashlib
from pathlib import Path

from reset.files import schemas, tables


def order(seed: int, example_id: str) -> bytes:
    """A key that sorts examples in a seeded order which no other example changes."""
    return hashlib.blake2b(f"{seed}/{example_id}".encode(), digest_size=8).digest()


def left_out(path: Path) -> dict[str, str]:
    """The example ids of a table that the stage `screen` wrote, each with its reason."""
    return {row["example_id"]: row["reason"] for row in tables.read(path, schemas.SCREENED)}
