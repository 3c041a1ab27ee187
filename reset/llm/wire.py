"""What a server sends: a chat completion, and how long to wait before asking again."""

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from reset.llm import Reply


class Broken(Exception):
    """A body that is no chat completion."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: Retry-After-Ms, or Retry-After as seconds or as a date (RFC 9110)."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        said = headers.get("retry-after", "")
        if said.replace(".", "", 1).isdecimal():
            return float(said)
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time()) if said else None
    except ValueError:
        return None


def read(content: bytes, *, seconds: float, attempts: int, batch: bool = False) -> Reply:
    """Read a chat completion strictly; anything else raises."""
    try:
        body: Any = json.loads(content)
        choice, usage = body["choices"][0], body.get("usage") or {}
        text = choice["message"]["content"]
        counts = [usage.get(f"{side}_tokens") for side in ("prompt", "completion")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Broken(content[:200].decode(errors="replace")) from error
    if not isinstance(text, str | None) or not all(isinstance(count, int | None) for count in counts):
        raise Broken(content[:200].decode(errors="replace"))
    return Reply(
        text=text or "",
        finish_reason=choice.get("finish_reason"),
        served_model=body.get("model"),
        fingerprint=body.get("system_fingerprint"),
        prompt_tokens=counts[0],
        completion_tokens=counts[1],
        seconds=seconds,
        attempts=attempts,
        batch=batch,
    )
