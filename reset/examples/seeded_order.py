"""A seeded order of examples that stays the same when others are added, and the ids that stage `screen` leaves out."""

import hashlib
from pathlib import Path

from reset.files import schemas, tables


def order(seed: int, example_id: str) -> bytes:
    """Return a sort key for the seeded order; it depends on the seed and this id alone."""
    return hashlib.blake2b(f"{seed}/{example_id}".encode(), digest_size=8).digest()


def left_out(path: Path) -> dict[str, str]:
    """Return the example ids in the table written by stage `screen`, each with its reason."""
    return {row["example_id"]: row["reason"] for row in tables.read(path, schemas.SCREENED)}
