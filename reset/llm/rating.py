"""Rendering a question to a judge and reading what it says; the texts stand beside this file.

Fields of a prompt stand between marks that carry a hash of what they hold, so that no answer can close its own field
and speak as the judge. Two things in a text are changed, both nothing that a reader sees as content: half a surrogate
pair, which is no text, becomes "?"; and a blank parts tags such as `<|im_start|>` and `[INST]`, which a server may
take for its own control tokens.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

_RATING = re.compile(r"\[\[\s*([0-9]+(?:\.[0-9]+)?)\s*\]\]")
_CHOICE = re.compile(r"\[\[\s*([ABC])\s*\]\]")
_ROLE_TAG = re.compile(r"<(?=\||/?s>|</?SYS>>|(?:start|end)_of_turn>)|\[(?=/?INST\])", re.IGNORECASE)
LOW, HIGH = 1, 10

TEXTS = {name: Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("rating.txt", "pairwise.txt")}


def render(name: str, **fields: str) -> str:
    """Fill the text `name` with `fields`, between marks made of them."""
    clean = {key: _ROLE_TAG.sub(r"\g<0> ", text.encode("utf-8", "replace").decode()) for key, text in fields.items()}
    fence = hashlib.sha256(json.dumps(clean, sort_keys=True).encode()).hexdigest()[:16]
    return TEXTS[name].format(fence=fence, **clean)


def rating(reply: str) -> float | None:
    """Find the last rating in the asked format, from 1 to 10; None where there is none or it is off the scale."""
    found = _RATING.findall(reply)
    points = float(found[-1]) if found else 0.0
    return points if LOW <= points <= HIGH else None


def json_rating(reply: str) -> float | None:
    """Read the `rating` of a reply that is one JSON object, as a JSON schema asks for; None for anything else."""
    try:
        content = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    points = content.get("rating") if isinstance(content, dict) else None
    if isinstance(points, bool) or not isinstance(points, int | float) or not LOW <= points <= HIGH:
        return None
    return float(points)


def choice(reply: str) -> str | None:
    """Find the last choice in the asked format: A, B, or C for a tie; None where there is none."""
    found = _CHOICE.findall(reply)
    return found[-1] if found else None


def structured(reply_format: str) -> dict[str, Any]:
    """Fields of a request that hold the server to a rating: OpenAI's JSON schema, or vLLM's regular expression."""
    if reply_format == "json_schema":
        rating = {"type": "integer", "enum": list(range(LOW, HIGH + 1))}
        properties = {"explanation": {"type": "string"}, "rating": rating}
        schema = {
            "type": "object",
            "properties": properties,
            "required": ["explanation", "rating"],
            "additionalProperties": False,
        }
        named = {"name": "rating", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    if reply_format == "regex":
        return {"structured_outputs": {"regex": r"[^\[\]]{1,400}Rating: \[\[(10|[1-9])\]\]"}}
    return {}
