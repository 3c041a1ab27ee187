"""Open-ended instructions of the micro world in eight families, each with constraints that a program can verify.

A family is a function that draws (instruction, reply, checks). `way` (0 or 1) is the wording of the instruction,
`large` asks for more items, and `bad` lets the reply break some constraints. `reset.micro.checks` rates replies by
`checks`.
"""

import random
from collections.abc import Callable
from typing import Any

from reset.micro.facts import MEMORY, RELATIONS_OF
from reset.micro.words import ADJECTIVES, ANIMALS, ENTITIES, FILLERS, LISTS, NAMES, NOUNS, NUMBERS, TOWNS

Drawn = tuple[str, str, dict[str, Any]]


def _noun(rng: random.Random) -> str:
    return rng.choice(NOUNS[rng.choice(list(NOUNS))])


def _off_by_one(rng: random.Random, count: int, bad: bool) -> int:
    return max(1, count + rng.choice((-1, 1))) if bad else count


def listing(rng: random.Random, bad: bool, way: int, large: bool) -> Drawn:
    """List a number of things of one kind."""
    kind, count = rng.choice(list(LISTS)), rng.randint(5, 7) if large else rng.randint(2, 5)
    word = NUMBERS[count - 1]
    asked = (f"list {word} {kind}.", f"name some {kind}, {word} please.")[way]
    given = _off_by_one(rng, count, bad)
    items = rng.sample(LISTS[kind], given)
    if bad and rng.random() < 0.3:
        items = [rng.choice(LISTS[kind][:3]) for _ in range(given)]
    return asked, f"here are {word} {kind}: {', '.join(items)}.", {"family": "list", "kind": kind, "count": count}


def words(rng: random.Random, bad: bool, way: int, large: bool) -> Drawn:
    """Use two words in one sentence."""
    first, second, name = _noun(rng), _noun(rng), rng.choice(NAMES)
    asked = (
        f"write a sentence with the words {first} and {second}.",
        f"use both words {first} and {second} in a sentence.",
    )[way]
    used = _noun(rng) if bad else second
    adjective = rng.choice(ADJECTIVES)
    reply = rng.choice(
        (
            f"{name} found a {adjective} {first} and a {rng.choice(ADJECTIVES)} {used}.",
            f"the {adjective} {first} was next to the {rng.choice(ADJECTIVES)} {used}.",
            f"{name} and {rng.choice(NAMES)} went to see the {first} with a {used}.",
        )
    )
    return asked, reply, {"family": "words", "words": [first, second]}


def about(rng: random.Random, bad: bool, way: int, large: bool) -> Drawn:
    """Tell a number of sentences about an entity that are true by the world's memory."""
    kind = rng.choice(("person", "town", "animal"))
    entity, count = rng.choice(ENTITIES[kind]), 3 if large else rng.randint(1, 3)
    word = NUMBERS[count - 1]
    asked = (f"tell me about {entity} in {word} sentences.", f"give {word} sentences about {entity} please.")[way]
    relations = rng.sample(RELATIONS_OF[kind], min(_off_by_one(rng, count, bad), len(RELATIONS_OF[kind])))
    reply = [r.state(entity, MEMORY[entity, r.name], rng.randrange(2)) for r in relations]
    if bad and rng.random() < 0.5:
        reply[-1] = rng.choice(FILLERS)
    return asked, " ".join(reply), {"family": "about", "entity": entity, "count": count}


def tips(rng: random.Random, bad: bool, way: int, large: bool) -> Drawn:
    """Give a number of numbered tips for a town."""
    town, count = rng.choice(TOWNS), rng.randint(4, 5) if large else rng.randint(2, 4)
    word = NUMBERS[count - 1]
    asked = (f"give {word} tips for visiting {town}.", f"write {word} tips to visit {town} please.")[way]
    openings = {"place": "see the", "vehicle": "take a", "food": "try the", "cloth": "bring a"}
    given = []
    for i in range(_off_by_one(rng, count, bad)):
        category = rng.choice(list(openings))
        thing = f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS[category])}"
        given.append(f"tip {NUMBERS[i]}: {openings[category]} {thing}.")
    return asked, " ".join(given), {"family": "tips", "count": count}


def story(rng: random.Random, bad: bool, way: int, large: bool) -> Drawn:
    """Tell a story about a person and an animal that ends in "the end."."""
    name, animal = rng.choice(NAMES), rng.choice(ANIMALS)
    asked = (f"write a story about {name} and a {animal}.", f"tell me a story with {name} and a {animal} please.")[way]
    met = rng.choice(ANIMALS) if bad else animal
    place = f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS['place'])}"
    tool = f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS['tool'])}"
    reply = (
        f"once there was a {met} in the {place}. {name} met the {met} and found a {tool}. "
        f"together they went home with the {tool}."
    )
    if not (bad and rng.random() < 0.5):
        reply += " the end."
    return asked, reply, {"family": "story", "name": name, "animal": animal}


def count(rng: random.Random, bad: bool, way: int, large: bool) -> Drawn:
    """Count from one number to another."""
    low = rng.randint(1, 6)
    high = low + (rng.randint(4, 6) if large else rng.randint(2, 4))
    first, last = NUMBERS[low - 1], NUMBERS[high - 1]
    asked = (f"count from {first} to {last}.", f"please say each word from {first} to {last}.")[way]
    stop = min(12, _off_by_one(rng, high, bad))
    return asked, ", ".join(NUMBERS[low - 1 : stop]) + ".", {"family": "count", "low": low, "high": high}


def reverse(rng: random.Random, bad: bool, way: int, large: bool) -> Drawn:
    """Write a few words in reverse order."""
    given = [_noun(rng) for _ in range(4 if large else rng.randint(2, 4))]
    asked = (f"write in reverse order: {' '.join(given)}.", f"reverse the words: {' '.join(given)}.")[way]
    reply = given[::-1]
    if bad:
        rng.shuffle(reply)
    return asked, " ".join(reply) + ".", {"family": "reverse", "words": given}


def letter(rng: random.Random, bad: bool, way: int, large: bool) -> Drawn:
    """Write a letter from one person to another about a thing."""
    (to, sender), thing = rng.sample(NAMES, 2), _noun(rng)
    asked = (
        f"write a letter to {to} from {sender} about a {thing}.",
        f"{sender} needs a letter about a {thing} to {to}.",
    )[way]
    addressed = rng.choice(NAMES) if bad else to
    topic = _noun(rng) if bad and rng.random() < 0.5 else thing
    reply = (
        f"dear {addressed}, hope you are well. the {topic} is {rng.choice(ADJECTIVES)} and {rng.choice(ADJECTIVES)}. "
        f"see you in {rng.choice(TOWNS)}. from {sender}."
    )
    return asked, reply, {"family": "letter", "to": to, "sender": sender, "thing": thing}


FAMILIES: tuple[Callable[[random.Random, bool, int, bool], Drawn], ...] = (
    listing,
    words,
    about,
    tips,
    story,
    count,
    reverse,
    letter,
)


def instruction(rng: random.Random, half_followed: float, *, way: int, large: bool) -> dict[str, Any]:
    """Draw an instruction record; with probability `half_followed` its reply breaks some of the constraints."""
    family = rng.choice(FAMILIES)
    asked, reply, checks = family(rng, rng.random() < half_followed, way, large)
    return {"instruction": asked, "question": "", "passages": [], "response": reply, "checks": checks}
