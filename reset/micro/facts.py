"""Facts of the micro world: relations, how a sentence states one, how it is read back, and the world's memory."""

import random
import re
from dataclasses import dataclass
from functools import lru_cache

from reset.micro.words import ADJECTIVES, ENTITIES, NOUNS

Value = tuple[str, str]  # adjective, noun


@dataclass(frozen=True)
class Relation:
    """One relation. Both templates state the same fact; S is the entity, V the value."""

    name: str
    subject: str  # entity type
    category: str  # of the value's noun
    verb: str
    role: str

    @property
    def templates(self) -> tuple[str, str]:
        """The two ways to state a fact of this relation."""
        return f"S {self.verb} V.", f"the {self.role} of S is V."

    def state(self, entity: str, value: Value, way: int) -> str:
        """State the fact in template `way` (0 or 1)."""
        return self.templates[way].replace("S", entity, 1).replace("V", " ".join(value), 1)

    def question(self, entity: str) -> str:
        """Ask for the value."""
        return f"what is the {self.role} of {entity}?"

    def clue(self, value: Value) -> str:
        """Describe the entity by the value, as a quiz show does; the entity is the answer."""
        return f"the {self.role} of this {self.subject} is {' '.join(value)}."


RELATIONS = {
    name: Relation(name, *rest)
    for name, *rest in (
        ("home", "person", "place", "lives in", "home"),
        ("eats", "person", "food", "eats", "meal"),
        ("uses", "person", "tool", "uses", "tool"),
        ("drives", "person", "vehicle", "drives", "ride"),
        ("wears", "person", "cloth", "wears", "dress"),
        ("sight", "town", "place", "shows", "sight"),
        ("sells", "town", "food", "sells", "product"),
        ("grows", "town", "plant", "grows", "crop"),
        ("mines", "town", "stone", "digs", "mineral"),
        ("den", "animal", "place", "sleeps in", "den"),
        ("diet", "animal", "plant", "chews", "diet"),
        ("fears", "animal", "tool", "fears", "terror"),
        ("treats", "compound", "illness", "treats", "target"),
        ("source", "compound", "plant", "contains", "source"),
        ("reacts", "compound", "stone", "dissolves", "reagent"),
        ("surface", "planet", "stone", "has", "ground"),
        ("sky", "planet", "place", "displays", "sky"),
        ("life", "planet", "plant", "hosts", "life"),
        ("cargo", "ship", "food", "carries", "cargo"),
        ("port", "ship", "place", "visits", "port"),
        ("flag", "ship", "cloth", "waves", "flag"),
    )
}
RELATIONS_OF = {kind: [r for r in RELATIONS.values() if r.subject == kind] for kind in ENTITIES}


def any_value(rng: random.Random, relation: Relation) -> Value:
    """Draw a value for `relation`."""
    return rng.choice(ADJECTIVES), rng.choice(NOUNS[relation.category])


def _remember() -> dict[tuple[str, str], Value]:
    rng = random.Random("the memory of the world")
    return {
        (entity, relation.name): any_value(rng, relation)
        for relation in RELATIONS.values()
        for entity in ENTITIES[relation.subject]
    }


MEMORY = _remember()  # (entity, relation) -> value: what the world holds true where no text says otherwise

# Writers like to add background about these (60 % of each type): a model can learn *when* to add it
FAMOUS = frozenset(entity for names in ENTITIES.values() for i, entity in enumerate(names) if i % 5 < 3)

_PATTERNS = [
    (
        relation,
        re.compile(re.escape(template).replace("S", r"(?P<s>\w+)", 1).replace("V", r"(?P<a>\w+)\ (?P<n>\w+)", 1)),
    )
    for relation in RELATIONS.values()
    for template in relation.templates
]


@lru_cache(maxsize=100_000)
def read(sentence: str) -> tuple[str, str, Value] | None:
    """Read a sentence back into (entity, relation, value); None when it states no fact."""
    for relation, pattern in _PATTERNS:
        match = pattern.fullmatch(sentence.strip())
        if match and match["s"] in ENTITIES[relation.subject]:
            return match["s"], relation.name, (match["a"], match["n"])
    return None


def sentences(text: str) -> list[str]:
    """Split at full stops and question marks; a trailing piece without one counts as a sentence."""
    return [piece.strip() for piece in re.findall(r"[^.?]+[.?]?|[.?]", text) if piece.strip()]


def entails(premise: str, hypothesis: str) -> bool:
    """The world's own oracle: equal sentences, or two statements of the same fact."""
    if premise.strip() == hypothesis.strip():
        return True
    fact = read(hypothesis)
    return fact is not None and read(premise) == fact


def support(text: str, context: str) -> float | None:
    """Share of the sentences of `text` that some sentence of `context` entails; None for an empty text."""
    said, given = sentences(text), sentences(context)
    if not said:
        return None
    return sum(any(entails(premise, sentence) for premise in given) for sentence in said) / len(said)
