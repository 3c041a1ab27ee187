"""Parse what a server sends: chat completions and the Retry-After header."""

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from reset.llm import Reply


class Broken(Exception):
    """A response body that is not a chat completion."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait: Retry-After-Ms, or Retry-After as seconds or as a date (RFC 9110); None if absent."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        header = headers.get("retry-after", "")
        if header.replace(".", "", 1).isdecimal():
            return float(header)
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time()) if header else None
    except ValueError:
        return None


def read(content: bytes, *, seconds: float, attempts: int, batch: bool = False) -> Reply:
    """Parse a chat completion strictly; raises `Broken` for anything else."""
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
