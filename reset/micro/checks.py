"""Score a reply against the verifiable constraints of its instruction: a rating of 1 to 10, as the paper's judge gives.

Each family spreads nine points over its constraints; the rating is one more than the points, rounded.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from reset.micro.facts import MEMORY, read, sentences
from reset.micro.words import ANIMALS, LISTS, NUMBERS

Checks = dict[str, Any]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def _ends(reply: str) -> bool:
    return reply.rstrip().endswith(".")


def _no_repeats(parts: Sequence[str]) -> bool:
    return bool(parts) and len(set(parts)) == len(parts)


def _list(reply: str, checks: Checks) -> float:
    items = [word for word in _words(reply.rpartition(":")[2]) if word != "and"]
    known = [item in LISTS[checks["kind"]] for item in items]
    return float(3 * (len(items) == checks["count"]) + 3 * _share(known) + 2 * _no_repeats(items) + _ends(reply))


def _two_words(reply: str, checks: Checks) -> float:
    used = _words(reply)
    one = len(sentences(reply)) == 1
    return float(3 * sum(word in used for word in checks["words"]) + _ends(reply) + (5 <= len(used) <= 18) + one)


def _about(reply: str, checks: Checks) -> float:
    told = sentences(reply)
    facts = [read(sentence) for sentence in told]
    on_topic = [fact is not None and fact[0] == checks["entity"] for fact in facts]
    true = [
        on and fact is not None and MEMORY[fact[0], fact[1]] == fact[2]
        for on, fact in zip(on_topic, facts, strict=True)
    ]
    return float(
        3 * (len(told) == checks["count"]) + 2 * _share(on_topic) + 2 * _share(true) + _no_repeats(told) + _ends(reply)
    )


def _tips(reply: str, checks: Checks) -> float:
    given = sentences(reply)
    numbered = [tip.startswith(f"tip {NUMBERS[min(i, 11)]}:") for i, tip in enumerate(given)]
    return float(3 * (len(given) == checks["count"]) + 3 * _share(numbered) + 2 * _no_repeats(given) + _ends(reply))


def _story(reply: str, checks: Checks) -> float:
    used, told = _words(reply), sentences(reply)
    others = any(animal in used for animal in ANIMALS if animal != checks["animal"])
    points = 2 * (checks["name"] in used) + 3 * (checks["animal"] in used) + (not others)
    return points + (len(told) >= 3) + _no_repeats(told) + reply.rstrip().endswith("the end.")


def _count(reply: str, checks: Checks) -> float:
    right = NUMBERS[checks["low"] - 1 : checks["high"]]
    said = [word for word in _words(reply) if word in NUMBERS]
    exact = reply.strip() == ", ".join(right) + "."
    return 4 * exact + 2 * (said[:1] == right[:1]) + 2 * (said[-1:] == right[-1:]) + _ends(reply)


def _reverse(reply: str, checks: Checks) -> float:
    right, said = checks["words"][::-1], _words(reply)
    placed = [a == b for a, b in zip(said, right, strict=False)]
    near = 2 * (sorted(said) == sorted(right)) + 2 * sum(placed) / len(right)
    return float(4 * (said == right) + near + _ends(reply))


def _letter(reply: str, checks: Checks) -> float:
    points = 2 * reply.startswith(f"dear {checks['to']},") + 3 * (checks["thing"] in _words(reply))
    return points + 2 * (f"from {checks['sender']}." in reply) + _no_repeats(sentences(reply)) + _ends(reply)


_FAMILIES: dict[str, Callable[[str, Checks], float]] = {
    "list": _list,
    "words": _two_words,
    "about": _about,
    "tips": _tips,
    "story": _story,
    "count": _count,
    "reverse": _reverse,
    "letter": _letter,
}


def rating(reply: str, checks: Checks) -> int:
    """Rate `reply` from 1 (nothing asked for is there) to 10 (every constraint holds)."""
    if not reply.strip():
        return 1
    return round(1 + _FAMILIES[checks["family"]](reply, checks))
