"""Render the prompts of an LLM judge and parse its replies; the prompt texts are the .txt files in this folder.

The delimiters around the fields of a prompt contain a hash of the fields, so that no answer can close its own field and
inject instructions. Two things in a field are changed, neither of them visible content: an unpaired surrogate becomes
"?"; and a space splits tags such as `<|im_start|>`, `[INST]` and `<pad>`, which a server might read as control tokens.

`reset.llm.reply_text` says which of several ratings counts.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reset.llm.reply_text import decided
from reset.thoughts import without_thoughts

_RATING, _CHOICE = r"\d{1,9}(?:\.\d{1,9})?", "[ABC]"
_NAMES = "s|pad|sep|cls|mask|unk|bos|eos|eot|eod|eop|(?:start|end)_of_(?:turn|text)|extra_id_[0-9]+|unused[0-9]+"
_CONTROL = re.compile(
    rf"<(?=[|\uff5c]|/?(?:{_NAMES})>|</?SYS>>)|\[(?=(?:/?INST|PAD|SEP|CLS|MASK|UNK|BOS|EOS|unused[0-9]+)\])",
    re.IGNORECASE,
)
_FIELD = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")  # a name that stays as {name}, and a field
FENCE = "fence"  # the field for the hash of all others
LOW, HIGH = 1, 10

TEXTS = {name: Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("rating.txt", "pairwise.txt")}


def render(name: str, **fields: str) -> str:
    """Fill the prompt text `name` with `fields`, between delimiters with their hash."""
    return fill(TEXTS[name], fields)


def fill(text: str, fields: Mapping[str, str]) -> str:
    """Return a prompt text with its `fields`: {name} is the field of that name, {fence} a hash of all of them.

    {{name}} becomes {name}; other braces are text. Each place is filled once, so that nothing in a field is read as
    one.
    """
    clean = {key: _CONTROL.sub(r"\g<0> ", value.encode("utf-8", "replace").decode()) for key, value in fields.items()}
    clean[FENCE] = hashlib.sha256(json.dumps(clean, sort_keys=True).encode()).hexdigest()[:16]
    return _FIELD.sub(lambda place: clean[place[2]] if place[2] else f"{{{place[1]}}}", text)


def fields_in(text: str) -> list[str]:
    """Return the names of the fields in a prompt text, each once."""
    return list(dict.fromkeys(place[2] for place in _FIELD.finditer(text) if place[2]))


def rating(reply: str) -> float | None:
    """Return the rating in the requested format; None if there is none, no decision, or one off the scale."""
    said = decided(reply, _RATING)
    return _on_scale(float(said)) if said else None


def json_rating(reply: str) -> float | None:
    """Return the `rating` of a reply that is one JSON object, as the JSON schema requires; None for anything else."""
    points = json_value(reply, "rating")
    return None if isinstance(points, bool) or not isinstance(points, int | float) else _on_scale(points)


def json_value(reply: str, key: str) -> Any:
    """Return what stands under `key` in a reply that is one JSON object, perhaps in a code block; else None."""
    text = (without_thoughts(reply) or "").strip()
    fenced = re.fullmatch(r"```(?:json)?\n(.*)\n```", text, re.DOTALL)
    try:
        content = json.loads(fenced[1] if fenced else text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return content.get(key) if isinstance(content, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; `ValueError` if a name stands twice in it, as of two ratings neither is the decision."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice")
    return dict(pairs)


def choice(reply: str) -> str | None:
    """Return the choice in the requested format: A, B, or C for a tie; None if there is none, or no decision."""
    return decided(reply, _CHOICE)


def _on_scale(points: float) -> float | None:
    return float(points) if LOW <= points <= HIGH else None


def structured(reply_format: str) -> dict[str, Any]:
    """Return request fields that force a rating: OpenAI's JSON schema, or vLLM's regular expression."""
    if reply_format == "json_schema":
        points = {"type": "integer", "enum": list(range(LOW, HIGH + 1))}
        properties = {"explanation": {"type": "string"}, "rating": points}
        schema = {
            "type": "object",
            "properties": properties,
            "required": ["explanation", "rating"],
            "additionalProperties": False,
        }
        json_schema = {"name": "rating", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": json_schema}}
    if reply_format == "regex":
        return {"structured_outputs": {"regex": r"[^\[\]]{1,400}Rating: \[\[(10|[1-9])\]\]"}}
    return {}
