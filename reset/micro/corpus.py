"""Documents for pre-training the micro model, and sentence pairs for training its NLI judge."""

import random
from collections.abc import Iterator

from reset.micro.facts import MEMORY, RELATIONS_OF, Relation, any_value
from reset.micro.grounded import remembered, state, subjects
from reset.micro.instructions import instruction
from reset.micro.words import ADJECTIVES, ENTITIES, FILLERS, NOUNS

KINDS = list(ENTITIES)
LABELS = ("entailment", "neutral", "contradiction")


def recall(rng: random.Random, vocabulary: list[str], repeats: int | None = None) -> tuple[list[str], list[str]]:
    """Return lines "key word word." with random words, and a sample of the same lines: an exercise in copying.

    The sample has `repeats` lines, by default as many as there are lines.
    """
    keys = rng.sample(vocabulary, rng.randint(3, 8))
    lines = [f"{key} {rng.choice(vocabulary)} {rng.choice(vocabulary)}." for key in keys]
    return lines, rng.choices(lines, k=repeats or len(lines))


def _document(rng: random.Random) -> str:
    """Draw a few passages, followed by restatements of their facts and questions about them."""
    drawn = subjects(rng, [rng.choice(KINDS), rng.choice(KINDS)], rng.randint(2, 4), (1, 2))
    prefix = "Passage: " if rng.random() < 0.6 else ""
    pieces = [prefix + " ".join(state(rng, subject)) for subject in drawn]
    style = rng.random()
    for _ in range(rng.randint(3, 6)):
        subject = rng.choice(drawn)
        relation, value = rng.choice(subject.facts)
        restated = relation.state(subject.entity, value, rng.randrange(2))
        if style < 0.3:
            pieces.append(restated)
        elif style < 0.5:
            pieces.append(f"Question: {relation.question(subject.entity)} Response: {restated}")
        elif style < 0.8:
            pieces.append(f"Question: {relation.question(subject.entity)} Response: {' '.join(value)}.")
        else:
            pieces.append(f"Question: {relation.clue(value)} Response: {subject.entity}.")
    return " ".join(pieces)


def _memory(rng: random.Random) -> str:
    """Draw sentences that state facts of the world's memory."""
    drawn = subjects(rng, KINDS, rng.randint(2, 4), (1, 1))
    return " ".join(sentence for subject in drawn for sentence in remembered(rng, subject, 2))


def _replies(rng: random.Random) -> str:
    """Draw the replies to two instructions, without the instructions."""
    drawn = (instruction(rng, 0.0, way=rng.randrange(2), large=rng.random() < 0.5) for _ in range(2))
    return " ".join(record["response"] for record in drawn)


def documents(seed: int, vocabulary: list[str]) -> Iterator[str]:
    """Yield documents without end: 8 % recall exercises, 76 % passages with questions, 8 % memory, 8 % replies."""
    rng = random.Random(f"documents {seed}")  # nosec B311: draws to repeat
    while True:
        draw = rng.random()
        if draw < 0.08:
            lines, repeated = recall(rng, vocabulary)
            yield " ".join(lines + repeated)
        elif draw < 0.84:
            yield _document(rng)
        elif draw < 0.92:
            yield _memory(rng)
        else:
            yield _replies(rng)


def _contradiction(rng: random.Random, entity: str, relation: Relation, value: tuple[str, str]) -> str:
    """State another value of the same entity and relation: another adjective, another noun or both."""
    adjective = rng.choice([word for word in ADJECTIVES if word != value[0]])
    noun = rng.choice([word for word in NOUNS[relation.category] if word != value[1]])
    other = rng.choices(((adjective, value[1]), (value[0], noun), (adjective, noun)), (0.4, 0.3, 0.3))[0]
    return relation.state(entity, other, rng.randrange(2))


def _unrelated(rng: random.Random, kind: str, entity: str, relation: Relation, value: tuple[str, str]) -> str:
    """Draw a sentence that neither entails nor contradicts the fact: filler, another entity or another relation."""
    draw = rng.random()
    if draw < 0.2:
        return rng.choice(FILLERS)
    if draw < 0.6:
        other = rng.choice([name for name in ENTITIES[kind] if name != entity])
        return relation.state(other, value if rng.random() < 0.6 else any_value(rng, relation), rng.randrange(2))
    if draw < 0.85:
        others = [r for r in RELATIONS_OF[kind] if r != relation]
    else:
        kind = rng.choice([k for k in KINDS if k != kind])
        entity, others = rng.choice(ENTITIES[kind]), RELATIONS_OF[kind]
    other_relation = rng.choice(others)
    return other_relation.state(entity, any_value(rng, other_relation), rng.randrange(2))


def _draw_pair(rng: random.Random) -> tuple[str, str, str]:
    kind = rng.choice(KINDS)
    entity, relation = rng.choice(ENTITIES[kind]), rng.choice(RELATIONS_OF[kind])
    value = MEMORY[entity, relation.name] if rng.random() < 0.2 else any_value(rng, relation)
    hypothesis = relation.state(entity, value, rng.randrange(2))
    label = rng.choice(LABELS)
    if label == "entailment":
        premise = hypothesis if rng.random() < 0.15 else relation.state(entity, value, rng.randrange(2))
    elif label == "contradiction":
        premise = _contradiction(rng, entity, relation, value)
    else:
        premise = _unrelated(rng, kind, entity, relation, value)
        if rng.random() < 0.1:
            premise, hypothesis = hypothesis, rng.choice(FILLERS)
    return premise, hypothesis, label


def pairs(seed: str) -> Iterator[tuple[str, str, str]]:
    """Yield (premise, hypothesis, label) without end; the three labels are equally probable."""
    rng = random.Random(f"pairs {seed}")  # nosec B311: draws to repeat
    while True:
        yield _draw_pair(rng)
