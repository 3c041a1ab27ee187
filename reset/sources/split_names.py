"""The names of splits, in files' names and in columns: one list of spellings for all readers."""

import re

SPELLINGS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "development": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
    "testing": "test",
}
VAGUE = ("eval", "evaluation", "heldout", "holdout")  # dev for some, test for others: never guessed
_SET = re.compile(r"(set|split|data)$")  # testset, train_split
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # TestSet.csv holds the words Test and Set


def spelled(name: str) -> str | None:
    """Return the split that `name` spells, whatever its case and the blanks around it; None if it spells none."""
    return SPELLINGS.get(name.strip().lower())


def words(path: str) -> list[str]:
    """Return the words of a file's path in lower case, without digits: `my/TestSet2.csv` is my, test, set, csv."""
    return [_SET.sub("", word.lower()) or word.lower() for word in _WORD.findall(path)]
