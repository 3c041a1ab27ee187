"""Every key of params.yaml: its type and meaning by the models of `reset.params`, and what conf/ says of it."""

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from docs.generate import comments, types
from reset.evidence.columns import line_comments
from reset.params.document import Params

ROW = "<name>"  # the row of a table, whose names are free
TAGS = ("method", "pick")  # keys that say which type a row has
_PLACE = r"(?:(?:Tables?|Figures?|footnotes?) \d+|(?:[A-Z]\.)?\d+(?:\.\d+)*)"
PAPER = re.compile(rf"paper (?:silent|{_PLACE}(?:(?:, | and | to ){_PLACE})*)")


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of params.yaml, or, with `rows`, a table whose rows are alike."""

    path: tuple[str, ...]  # with ROW in place of a row's name
    kind: str
    meaning: str
    module: str  # of `reset.params`, that declares the section
    only: tuple[tuple[str, str], ...] = ()  # key and value of the rows that have it, such as ("method", "dpo")
    notes: tuple[str, ...] = ()  # what the files of conf/ say
    sources: tuple[str, ...] = ()  # places of the paper, or "paper silent"; of the key, else of what it lies in
    leaf: bool = True

    @property
    def name(self) -> str:
        """The key as it is written in a message: `recipes.<name>.beta`."""
        return ".".join(self.path)


def every_key(conf: Path) -> list[Key]:
    """Return all keys in the order of the models, with what the files of `conf` say of them."""
    said = notes(conf)
    keys = _merged(_section(Params, ()))
    return [replace(key, notes=_said_of(key.path, said), sources=_sources(key, said)) for key in keys]


def _sources(key: Key, said: list[tuple[tuple[str, ...], str]]) -> tuple[str, ...]:
    """The places of the paper that are named at the key, else at the nearest of those that it lies in."""
    for length in range(len(key.path), 0, -1):
        texts = [*_said_of(key.path[:length], said), *([key.meaning] if length == len(key.path) else [])]
        if found := [place for text in texts for place in PAPER.findall(text)]:
            return tuple(dict.fromkeys(found))
    return ()


def _merged(keys: Iterator[Key]) -> list[Key]:
    """Make one key of those that differ only in the rows that have them."""
    alike: dict[tuple[str, str, str], list[Key]] = {}
    for key in keys:
        alike.setdefault((key.name, key.kind, key.meaning), []).append(key)
    return [
        replace(same[0], only=tuple(dict.fromkeys(one for key in same for one in key.only))) for same in alike.values()
    ]


def notes(conf: Path) -> list[tuple[tuple[str, ...], str]]:
    """Return all comments at keys of the files under `conf`, those of config.yaml first."""
    files = sorted(conf.rglob("*.yaml"), key=lambda path: (path.parent != conf, path))
    return [item for path in files for item in comments.of_keys(path).items()]


def matches(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Whether `path` is a key that `pattern` stands for."""
    return len(pattern) == len(path) and all(a in (ROW, b) for a, b in zip(pattern, path, strict=True))


def _said_of(pattern: Sequence[str], said: list[tuple[tuple[str, ...], str]]) -> tuple[str, ...]:
    """What conf/ says at the keys that `pattern` stands for, each text once."""
    return tuple(dict.fromkeys(text for path, text in said if matches(pattern, path)))


def _section(model: type[BaseModel], under: tuple[str, ...], members: Sequence[type[BaseModel]] = ()) -> Iterator[Key]:
    """Yield the keys of a model, or of the `members` of a union whose rows a tag tells apart."""
    members = members or (model,)
    for name, owner in dict.fromkeys((name, _owner(one, name)) for one in members for name in one.model_fields):
        having = [one for one in members if name in one.model_fields and _owner(one, name) is owner]
        only = () if len(having) == len(members) else _tags(having)
        for key in _field(having[0], name, (*under, name), only):
            yield replace(key, kind=_tag_words(members, name), only=()) if name in TAGS else key


def _tag_words(members: Sequence[type[BaseModel]], tag: str) -> str:
    return " or ".join(f"`{value}`" for name, value in _tags(members) if name == tag)


def _tags(having: Sequence[type[BaseModel]]) -> tuple[tuple[str, str], ...]:
    """The values of the tag by which rows of these types are known."""
    tag = next(name for name in TAGS if name in having[0].model_fields)
    return tuple((tag, value) for one in having for value in get_args(one.model_fields[tag].annotation))


def _field(model: type[BaseModel], name: str, path: tuple[str, ...], only: Any) -> Iterator[Key]:
    field, owner = model.model_fields[name], _owner(model, name)
    inner, rows = _sections(field.annotation)
    below = (*path, ROW) if rows else path
    meaning = " ".join(sentence(text) for text in (*_docs(inner), _comment(owner, name)) if text)
    kind = f"table of rows{''.join(', ' + one for one in types.limits(field.metadata))}" if rows else types.words(field)
    module = (inner[0] if inner and len(path) == 1 else owner).__module__.rpartition(".")[2]
    yield Key(path=path, kind=kind, meaning=meaning, module=module, only=only, leaf=not inner)
    if inner:
        yield from (replace(key, only=key.only or only) for key in _section(inner[0], below, inner))


def _sections(kind: Any) -> tuple[list[type[BaseModel]], bool]:
    """The sections that a type holds, and whether they are rows of a table."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind], False
    found = [inner for one in get_args(kind) for inner in _sections(one)[0]]
    return found, bool(found) and (get_origin(kind) is dict or any(_sections(one)[1] for one in get_args(kind)))


def sentence(text: str) -> str:
    """Begin with a capital letter, unless a name comes first, and end with a full stop."""
    first = text.split(maxsplit=1)[0]
    text = text[0].upper() + text[1:] if first.isalpha() and first.islower() else text
    return text if text.endswith((".", ":")) else f"{text}."


def _docs(inner: Sequence[type[BaseModel]]) -> list[str]:
    """The docstrings of sections; of a union's members that of what they have in common, then each one's own."""
    if len(inner) < 2:
        return [inspect.cleandoc(one.__doc__ or "") for one in inner]
    common = inner[0].__mro__[1]
    own = [
        f"`{'`, `'.join(value for _, value in _tags([one]))}`: {inspect.cleandoc(one.__doc__ or '')}" for one in inner
    ]
    return [" ".join([inspect.cleandoc(common.__doc__ or ""), *own])]


def _owner(model: type[BaseModel], name: str) -> type[BaseModel]:
    """The class that declares a field, of which the model may be a subclass."""
    return next(one for one in model.__mro__ if name in vars(one).get("__annotations__", {}))


def _comment(owner: type[BaseModel], name: str) -> str:
    """The comment at a field; where a subclass narrows a field without a word, that of the class above."""
    classes = [one for one in owner.__mro__ if name in vars(one).get("__annotations__", {})]
    return next((text for one in classes if (text := _field_comments(one).get(name))), "")


@cache
def _field_comments(owner: type[BaseModel]) -> dict[str, str]:
    """The comments in a class, by the field at whose declaration they stand."""
    text = inspect.getsource(owner)
    said = line_comments(text)
    body = [node for node in ast.parse(text).body[0].body if isinstance(node, ast.AnnAssign)]  # type: ignore[attr-defined]
    return {
        node.target.id: " ".join(said[n] for n in range(node.lineno, (node.end_lineno or 0) + 1) if n in said)
        for node in body
        if isinstance(node.target, ast.Name)
    }
