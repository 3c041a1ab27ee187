"""The server's key: from the environment variable OPENAI_API_KEY alone, and in no message."""

import os

from reset.errors import ResetError

VARIABLE = "OPENAI_API_KEY"
_SHORTEST_SECRET = 6  # "none", the usual key of a local server, is no secret and a common word


def api_key() -> str | None:
    """Return the key without blanks and line breaks around it; None if there is none.

    Raises `ResetError` for a key that no HTTP header can hold.
    """
    key = os.environ.get(VARIABLE, "").strip()
    if key and not (key.isascii() and key.isprintable()):
        raise ResetError(f"{VARIABLE}: the key has a line break or a character beyond ASCII inside; set it anew")
    return key or None


def one_line(text: str, most: int = 300) -> str:
    """Return `text` in one line of at most `most` characters, with the key replaced by ***."""
    key = os.environ.get(VARIABLE, "").strip()
    if len(key) >= _SHORTEST_SECRET:
        text = text.replace(key, "***")
    text = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}..."
