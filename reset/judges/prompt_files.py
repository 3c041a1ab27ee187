"""Prompt files: what an LLM judge is asked in the user's own words, of which tasks, and how its reply is read.

A file `conf/judge_prompts/<name>.md` is a YAML head between two lines `---`, and the text of the prompt. docs/judges.md
has the keys of the head and the fields of the text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import regex
import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from reset.errors import ResetError, nearest, shown
from reset.judges import PROMPTS, TASKS, prompt_path
from reset.llm.rating import FENCE, fields_in

FIELDS = ("question", "passages", "answer", "reference", "references", "task")
TAGS = ("a rule", "a pattern", "a key", "str", "list[str]")  # pydantic's names for the forms of one key


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Scale(_Head):
    """The points that a reply may give; they become (points - least) / (most - least)."""

    least: float
    most: float


class ByRegex(_Head):
    """The last match of a pattern: its first group, or all of it."""

    regex: str


class ByKey(_Head):
    """The value of a key of a reply that is one JSON object."""

    json_key: str = Field(alias="json")


def _rule(value: Any) -> str:
    """Return which rule is meant, so that only its own form is checked."""
    if isinstance(value, ByKey | ByRegex | dict):
        return "a key" if isinstance(value, ByKey) or (isinstance(value, dict) and "json" in value) else "a pattern"
    return "a rule"


class PromptFile(_Head):
    """The head of a prompt file, and its text."""

    tasks: str | list[str] = Field(min_length=1)  # whose answers are judged
    verdict: str | None = None  # name of the verdict; None: that of the judge
    scale: Scale
    read: Annotated[
        Annotated[Literal["last_number", "brackets"], Tag("a rule")]
        | Annotated[ByRegex, Tag("a pattern")]
        | Annotated[ByKey, Tag("a key")],
        Discriminator(_rule),
    ]
    words: dict[str, float] = {}  # a reply's words -> points, where it says no number
    max_tokens: int = Field(default=512, ge=1)  # of a reply; 512: paper 2.2
    text: str

    @property
    def judged(self) -> tuple[str, ...]:
        """The tasks, in their usual order."""
        named = [self.tasks] if isinstance(self.tasks, str) else self.tasks
        return tuple(task for task in TASKS if task in named)


def read(name: str) -> PromptFile:
    """Return the prompt `name`; raises one `ResetError` with all that is wrong with its file."""
    file = prompt_path(name)
    if not name or Path(name).name != name or not file.is_file():
        known = [found.stem for found in PROMPTS.glob("*.md") if found.is_file()]
        raise ResetError(f"no prompt file '{name}' in {PROMPTS}. {nearest(name, known)}")
    try:
        return _parsed(str(file), file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ResetError(f"{file}: cannot be read ({error})") from error


@cache  # params.yaml is checked for each task and split
def _parsed(file: str, content: str) -> PromptFile:
    before, rule, rest = content.removeprefix("\ufeff").replace("\r\n", "\n").partition("---\n")
    head, end, text = rest.partition("\n---\n")
    if before.strip() or not rule or not end:
        raise ResetError(f"{file}: must begin with a head between two lines `---`")
    try:
        keys: Any = yaml.safe_load(head)
        twice = _twice(yaml.compose(head))
    except yaml.YAMLError as error:
        raise ResetError(f"{file}: its head is no YAML ({' '.join(str(error).split())})") from error
    if twice:
        raise ResetError(f"{file}: the key '{twice[0]}' is there twice")
    if not isinstance(keys, dict) or "text" in keys:
        raise ResetError(f"{file}: its head must be a table of tasks, scale, read ..., and no text")
    return _checked(file, keys, text.strip("\n"))


def _twice(node: yaml.Node | None) -> list[str]:
    """Return the keys that a table of the head has twice, in any case: `words` are read so."""
    if not isinstance(node, yaml.MappingNode):
        return []
    names = [key.value.casefold() for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    own = [name for name, count in Counter(names).items() if count > 1]
    return [*own, *(name for _, value in node.value for name in _twice(value))]


def _checked(file: str, keys: Mapping[Any, Any], text: str) -> PromptFile:
    if unknown := [key for key in keys if key not in PromptFile.model_fields]:
        raise ResetError(f"{file}: unknown key {shown(unknown[0])}. {nearest(str(unknown[0]), _keys())}")
    words = keys.get("words")
    if isinstance(words, dict):  # YAML reads yes and no as truth values
        keys = {**keys, "words": {said: points for word, points in words.items() for said in _said(word)}}
    try:
        found = PromptFile.model_validate({**keys, "text": text})
    except ValidationError as error:
        places = [".".join(str(part) for part in item["loc"] if part not in TAGS) for item in error.errors()]
        said = dict(zip(places, error.errors(), strict=True))
        lines = [f"{place}: {item['msg']} (it is {shown(item['input'])})" for place, item in said.items()]
        raise ResetError(f"{file}: {'; '.join(lines)}") from error
    if lines := list(_problems(found)):
        raise ResetError(f"{file}: {'; '.join(lines)}")
    return found


def _keys() -> list[str]:
    return [key for key in PromptFile.model_fields if key != "text"]


def _said(word: Any) -> tuple[str, ...]:
    return (("no", "false"), ("yes", "true"))[word] if isinstance(word, bool) else (str(word).strip().casefold(),)


def _problems(found: PromptFile) -> Iterator[str]:
    """Yield a line for each contradiction in a prompt file."""
    least, most = found.scale.least, found.scale.most
    if found.verdict is not None and not re.fullmatch(r"[\w-]+", found.verdict):
        yield f"verdict: a verdict's name has only letters, digits, _ and -, not '{found.verdict}'"
    for task in [found.tasks] if isinstance(found.tasks, str) else found.tasks:
        if task not in TASKS:
            yield f"tasks: unknown task '{task}'. {nearest(task, TASKS)}"
    if least >= most:
        mend = "a judge for whom less is better is an objective with `transform: invert`"
        yield f"scale: least is {least:g}, most is {most:g}: least must be below most; {mend}"
    for word, points in found.words.items():
        if not least <= points <= most:
            yield f"words: '{word}' gives {points:g}, off the scale from {least:g} to {most:g}"
    if found.words and found.read == "last_number":
        yield "words: `read: last_number` reads no words; set read to brackets, a regex or a JSON key"
    if isinstance(found.read, ByRegex):
        try:
            regex.compile(found.read.regex)
        except regex.error as error:
            yield f"read.regex: '{found.read.regex}' is no regular expression ({error})"
    fields = fields_in(found.text)
    for field in fields:
        if field not in (*FIELDS, FENCE):
            mend = f"(as text, write {{{{{field}}}}})"
            yield f"unknown field '{{{field}}}'. {nearest(field, [*FIELDS, FENCE])} {mend}"
    if "answer" not in fields:
        yield "the text has no field {answer}, so that nothing is judged"
