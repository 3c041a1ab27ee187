"""Facts of the micro world: relations, sentences that state a fact, a parser of such sentences, and the memory."""

import random
import re
from dataclasses import dataclass
from functools import lru_cache

from reset.micro.words import ADJECTIVES, ENTITIES, NOUNS

Value = tuple[str, str]  # adjective, noun


@dataclass(frozen=True)
class Relation:
    """A relation between entities and values, such as `home`, with its wording."""

    name: str
    subject: str  # kind of entity, a key of ENTITIES
    category: str  # of the value's noun, a key of NOUNS
    verb: str  # "lives in"
    role: str  # "home"

    @property
    def templates(self) -> tuple[str, str]:
        """The two sentences that state a fact; S stands for the entity, V for the value."""
        return f"S {self.verb} V.", f"the {self.role} of S is V."

    def state(self, entity: str, value: Value, way: int) -> str:
        """Return the sentence that states the fact, by template number `way` (0 or 1)."""
        return self.templates[way].replace("S", entity, 1).replace("V", " ".join(value), 1)

    def question(self, entity: str) -> str:
        """Return a question for the value."""
        return f"what is the {self.role} of {entity}?"

    def clue(self, value: Value) -> str:
        """Return a quiz clue: it describes an entity by its value, and the entity is the answer."""
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


def _draw_memory() -> dict[tuple[str, str], Value]:
    rng = random.Random("the memory of the world")  # nosec B311: draws to repeat
    return {
        (entity, relation.name): any_value(rng, relation)
        for relation in RELATIONS.values()
        for entity in ENTITIES[relation.subject]
    }


MEMORY = _draw_memory()  # (entity, relation) -> value: the fact that is true where no passage says otherwise

# The 60 % of each kind about which training targets add background at the rate `Noise.famous`, the others being at
# `Noise.obscure`: a model can learn *when* to add it
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
    """Parse a sentence into (entity, relation, value); None if it states no fact."""
    for relation, pattern in _PATTERNS:
        match = pattern.fullmatch(sentence.strip())
        if match and match["s"] in ENTITIES[relation.subject]:
            return match["s"], relation.name, (match["a"], match["n"])
    return None


def sentences(text: str) -> list[str]:
    """Split a text at full stops and question marks; a last piece without either is a sentence too."""
    return [piece.strip() for piece in re.findall(r"[^.?]+[.?]?|[.?]", text) if piece.strip()]


def entails(premise: str, hypothesis: str) -> bool:
    """Return whether the sentences are equal or state the same fact: the oracle for NLI in this world."""
    if premise.strip() == hypothesis.strip():
        return True
    fact = read(hypothesis)
    return fact is not None and read(premise) == fact


def support(text: str, context: str) -> float | None:
    """Return the fraction of sentences of `text` that some sentence of `context` entails; None for an empty text."""
    hypotheses, premises = sentences(text), sentences(context)
    if not hypotheses:
        return None
    texts, facts = set(premises), set(map(read, premises)) - {None}  # as `entails`, but each premise is read once
    return sum(sentence in texts or read(sentence) in facts for sentence in hypotheses) / len(hypotheses)
