"""Parse what a server sends: chat completions, descriptions of errors, and the Retry-After header."""

import html
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from reset.llm import Reply
from reset.llm.key import one_line

_TAGS = re.compile(r"<(script|style|head)\b.{0,20000}?</\1>|<[^<>]{0,2000}>", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,500})<", re.IGNORECASE)
_LARGEST = 2**53  # a token count above is no count


class Broken(Exception):
    """A response body that is not a chat completion; the message is its beginning, in one line."""


@dataclass(frozen=True)
class Problem:
    """A server's description of an error: its own words in one line, and its code, type and field if it names them."""

    words: str
    code: str = ""
    field: str = ""
    status: int | None = None  # an HTTP status within the description


class ErrorBody(Exception):
    """A body that describes an error although its HTTP status says that all is well."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.words)
        self.problem = problem


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait: Retry-After-Ms, or Retry-After as seconds or as a date (RFC 9110); None if absent."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return _seconds(float(milliseconds) / 1000)
        header = headers.get("retry-after", "")
        if header.replace(".", "", 1).isdecimal():
            return _seconds(float(header))
        return _seconds(parsedate_to_datetime(header).timestamp() - time.time()) if header else None
    except (ValueError, TypeError, OverflowError):
        return None


def _seconds(seconds: float) -> float | None:
    return max(0.0, seconds) if math.isfinite(seconds) else None


def problem(content: str) -> Problem:
    """Read the description of an error: JSON in the forms that servers use, a page, or plain text."""
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        return Problem(_page_words(content))
    body = body[0] if isinstance(body, list) and body else body
    error = body.get("error") or body if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return Problem(one_line(str(error)))
    message = next((error[name] for name in ("message", "detail", "msg", "error") if error.get(name)), error)
    raw = error["metadata"].get("raw") if isinstance(error.get("metadata"), dict) else None  # of a server behind it
    words = " - ".join(part if isinstance(part, str) else json.dumps(part) for part in (message, raw) if part)
    code, kind = error.get("code"), error.get("type")
    status = int(str(code)) if re.fullmatch("[1-5][0-9][0-9]", str(code)) else None
    return Problem(one_line(words), f"{code or ''} {kind or ''}".strip().lower(), str(error.get("param") or ""), status)


def _page_words(content: str) -> str:
    """Return the title or the text of an HTML page, or plain text, in one line."""
    titled = _TITLE.search(content[:5000])
    text = titled[1] if titled else _TAGS.sub(" ", content[:20000])
    return one_line(html.unescape(text))


def read(content: bytes, *, seconds: float, attempts: int, batch: bool = False) -> Reply:
    """Parse a chat completion; raises `ErrorBody` for the description of an error, `Broken` for anything else.

    Characters that cannot be stored (unpaired surrogates) become "?"; a count that is no whole number is unknown.
    """
    try:
        body: Any = json.loads(content)
        if isinstance(body, dict) and (body.get("error") or body.get("object") == "error") and not body.get("choices"):
            raise ErrorBody(problem(json.dumps(body)))
        choice, usage = body["choices"][0], body.get("usage") or {}
        if choice.get("error"):
            raise ErrorBody(problem(json.dumps(choice)))
        text = _text(choice["message"])
        counts = [usage.get(f"{side}_tokens") for side in ("prompt", "completion")]
        finish_reason, served, mark = choice.get("finish_reason"), body.get("model"), body.get("system_fingerprint")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise Broken(_page_words(content[:20000].decode(errors="replace"))[:200]) from error
    prompt_tokens, completion_tokens = map(_count, counts)
    return Reply(
        text=_storable(text) or "",
        finish_reason=_storable(finish_reason),
        served_model=_storable(served),
        fingerprint=_storable(mark),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        seconds=seconds,
        attempts=attempts,
        batch=batch,
    )


def _text(message: Any) -> str | None:
    """Return the text of a message: a string, the texts of its parts, or a refusal; `TypeError` for anything else."""
    content = message["content"] if "content" in message else message["refusal"]
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if part.get("type") in (None, "text", "output_text"))
    if content is None:
        content = message.get("refusal")
    if not isinstance(content, str | None):
        raise TypeError(content)
    return content


def _storable(value: Any) -> str | None:
    """Return `value` as text that UTF-8 can hold; None stays None."""
    return None if value is None else str(value).encode("utf-8", "replace").decode()


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST else None
