"""Records of the micro world that have a context: questions over passages, and summaries.

Training targets have errors like those of real data, at the rates of `Noise`: spans from memory instead of the
passages, and background sentences that the passages do not support. Test targets have none.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from reset.micro.facts import FAMOUS, MEMORY, RELATIONS_OF, Relation, Value, any_value
from reset.micro.words import ADJECTIVES, ENTITIES, FILLERS

INSTRUCTIONS = {
    "extractive_qa": "extract the answer span from the passages.",
    "abstractive_qa": "answer in a full sentence from the passages.",
    "summarization": "summarize the text in a few sentences.",
}


Rate = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Noise:
    """Probabilities of errors in training targets, each in [0, 1]."""

    misremembered: Rate  # an extractive answer comes from memory, or has a random adjective
    famous: Rate  # a target about a famous entity adds unsupported background
    obscure: Rate  # the same for the other entities
    half_followed: Rate  # a reply breaks some constraints of its instruction


NONE = Noise(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Subject:
    """An entity with the facts that a passage states about it."""

    kind: str
    entity: str
    facts: tuple[tuple[Relation, Value], ...]


def subjects(rng: random.Random, kinds: Sequence[str], count: int, facts: tuple[int, int]) -> list[Subject]:
    """Draw `count` distinct entities with between `facts[0]` and `facts[1]` facts each."""
    drawn: dict[str, Subject] = {}
    while len(drawn) < count:
        kind = rng.choice(kinds)
        entity = rng.choice(ENTITIES[kind])
        if entity not in drawn:
            relations = rng.sample(RELATIONS_OF[kind], min(rng.randint(*facts), len(RELATIONS_OF[kind])))
            drawn[entity] = Subject(kind, entity, tuple((r, any_value(rng, r)) for r in relations))
    return list(drawn.values())


def state(rng: random.Random, subject: Subject) -> list[str]:
    """Return one sentence per fact of `subject`, each in one of its two wordings."""
    return [relation.state(subject.entity, value, rng.randrange(2)) for relation, value in subject.facts]


def remembered(rng: random.Random, subject: Subject, count: int) -> list[str]:
    """Return `count` sentences about `subject` from the world's memory: background that no passage supports."""
    relations = rng.sample(RELATIONS_OF[subject.kind], count)
    return [r.state(subject.entity, MEMORY[subject.entity, r.name], rng.randrange(2)) for r in relations]


def _adds_background(rng: random.Random, subject: Subject, noise: Noise) -> bool:
    return rng.random() < (noise.famous if subject.entity in FAMOUS else noise.obscure)


def _misremember(rng: random.Random, subject: Subject, relation: Relation, value: Value) -> str:
    if rng.random() < 0.5:
        return " ".join(MEMORY[subject.entity, relation.name])
    return f"{rng.choice(ADJECTIVES)} {value[1]}"


def question(rng: random.Random, kinds: Sequence[str], noise: Noise, *, spans: bool, clues: float) -> dict[str, Any]:
    """Draw a question over two to five passages; the answer is a span if `spans`, else a sentence.

    With probability `clues` the question is a quiz clue and the entity is the answer.
    """
    drawn = subjects(rng, kinds, rng.randint(2, 5), (1, 2))
    passages = [" ".join(state(rng, subject)) for subject in drawn]
    asked = rng.choice(drawn)
    relation, value = rng.choice(asked.facts)
    if rng.random() < clues:
        text, response = relation.clue(value), asked.entity
    else:
        text, response = relation.question(asked.entity), " ".join(value)
        if spans and rng.random() < noise.misremembered:
            response = _misremember(rng, asked, relation, value)
    if not spans:
        answer = [relation.state(asked.entity, value, rng.randrange(2))]
        if _adds_background(rng, asked, noise):
            answer += remembered(rng, asked, 1)
        response = " ".join(answer)
    task = "extractive_qa" if spans else "abstractive_qa"
    return {"instruction": INSTRUCTIONS[task], "question": text, "passages": passages, "response": response}


def summary(rng: random.Random, kinds: Sequence[str], noise: Noise) -> dict[str, Any]:
    """Draw a text about three entities with two facts each; its summary restates the first fact of each."""
    drawn = subjects(rng, kinds, 3, (2, 2))
    text, kept = [], []
    for subject in drawn:
        text += state(rng, subject)
        relation, value = subject.facts[0]
        kept.append(relation.state(subject.entity, value, rng.randrange(2)))
        if rng.random() < 0.5:
            text.append(rng.choice(FILLERS))
    if _adds_background(rng, drawn[0], noise):
        kept += remembered(rng, drawn[0], 2)
    return {
        "instruction": INSTRUCTIONS["summarization"],
        "question": "",
        "passages": [" ".join(text)],
        "response": " ".join(kept),
    }
