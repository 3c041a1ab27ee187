"""Rate a reply by the verifiable constraints of its instruction, from 1 to 10 like the paper's judge.

Each family of instructions distributes nine points over its constraints. The rating is 1 + points, rounded.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from reset.micro.facts import MEMORY, read, sentences
from reset.micro.words import ANIMALS, LISTS, NUMBERS

Checks = dict[str, Any]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _fraction(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def _full_stop(reply: str) -> bool:
    return reply.rstrip().endswith(".")


def _no_repeats(parts: Sequence[str]) -> bool:
    return bool(parts) and len(set(parts)) == len(parts)


def _list(reply: str, checks: Checks) -> float:
    items = [word for word in _words(reply.rpartition(":")[2]) if word != "and"]
    right_kind = [item in LISTS[checks["kind"]] for item in items]
    points = 3 * (len(items) == checks["count"]) + 3 * _fraction(right_kind) + 2 * _no_repeats(items)
    return float(points + _full_stop(reply))


def _two_words(reply: str, checks: Checks) -> float:
    used = _words(reply)
    single = len(sentences(reply)) == 1
    points = 3 * sum(word in used for word in checks["words"])
    return float(points + _full_stop(reply) + (5 <= len(used) <= 18) + single)


def _about(reply: str, checks: Checks) -> float:
    given = sentences(reply)
    facts = [read(sentence) for sentence in given]
    on_topic = [fact is not None and fact[0] == checks["entity"] for fact in facts]
    true = [
        on and fact is not None and MEMORY[fact[0], fact[1]] == fact[2]
        for on, fact in zip(on_topic, facts, strict=True)
    ]
    points = 3 * (len(given) == checks["count"]) + 2 * _fraction(on_topic) + 2 * _fraction(true)
    return float(points + _no_repeats(given) + _full_stop(reply))


def _tips(reply: str, checks: Checks) -> float:
    given = sentences(reply)
    numbered = [tip.startswith(f"tip {NUMBERS[min(i, 11)]}:") for i, tip in enumerate(given)]
    points = 3 * (len(given) == checks["count"]) + 3 * _fraction(numbered) + 2 * _no_repeats(given)
    return float(points + _full_stop(reply))


def _story(reply: str, checks: Checks) -> float:
    used, given = _words(reply), sentences(reply)
    others = any(animal in used for animal in ANIMALS if animal != checks["animal"])
    points = 2 * (checks["name"] in used) + 3 * (checks["animal"] in used) + (not others)
    return points + (len(given) >= 3) + _no_repeats(given) + reply.rstrip().endswith("the end.")


def _count(reply: str, checks: Checks) -> float:
    right = NUMBERS[checks["low"] - 1 : checks["high"]]
    numbers = [word for word in _words(reply) if word in NUMBERS]
    exact = reply.strip() == ", ".join(right) + "."
    return 4 * exact + 2 * (numbers[:1] == right[:1]) + 2 * (numbers[-1:] == right[-1:]) + _full_stop(reply)


def _reverse(reply: str, checks: Checks) -> float:
    right, used = checks["words"][::-1], _words(reply)
    placed = [a == b for a, b in zip(used, right, strict=False)]
    partial = 2 * (sorted(used) == sorted(right)) + 2 * sum(placed) / len(right)
    return float(4 * (used == right) + partial + _full_stop(reply))


def _letter(reply: str, checks: Checks) -> float:
    points = 2 * reply.startswith(f"dear {checks['to']},") + 3 * (checks["thing"] in _words(reply))
    return points + 2 * (f"from {checks['sender']}." in reply) + _no_repeats(sentences(reply)) + _full_stop(reply)


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
    """Rate `reply` from 1 (empty, or no constraint holds) to 10 (every constraint holds)."""
    if not reply.strip():
        return 1
    return round(1 + _FAMILIES[checks["family"]](reply, checks))
