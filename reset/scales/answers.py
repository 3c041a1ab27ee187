"""The answers that make a scale, as options and prompts take them; a bad one is a `ResetError` of one line."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import yaml

from reset.errors import ResetError, nearest
from reset.judges.verdict_names import ABSTRACTIVE
from reset.scales.columns import Columns
from reset.scales.files import Look, column_splits
from reset.sources.own import SPLITS

TOY = "toy"
JUDGES = ("words", "nli", "reward", "llm")
RATES = {"nli": ABSTRACTIVE, "reward": ("instruction",), "llm": ("instruction",)}
MACHINES = ("cpu", "gpu", "gpus=<number>")
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Data:
    """A data set: what was seen of it, what is in its columns, and the splits that it will have."""

    look: Look
    columns: Columns
    splits: frozenset[str]
    drawn: bool  # by shares, since neither file names nor a column say the split

    @property
    def trained(self) -> bool:
        """Whether its train rows have a response to train on."""
        return "train" in self.splits and "references" in self.columns.fields

    @property
    def splits_from(self) -> str:
        """Say where its splits come from."""
        if self.drawn:
            return "drawn by shares"
        said = "names of files" if self.look.splits else f"column '{self.columns.fields['split']}'"
        return f"{', '.join(split for split in SPLITS if split in self.splits)}, by {said}"

    @property
    def context(self) -> bool:
        """Whether its answers are to be faithful to passages."""
        return self.columns.task != "instruction"


@dataclass(frozen=True)
class Judge:
    """A judge: its kind; the model, null for the usual one; for a language model also its server."""

    kind: str
    model: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Answers:
    """All answers: what `scale.text` makes a scale of."""

    name: str
    data: Sequence[Data]
    model: str
    judges: Sequence[Judge]
    gpus: int


def data(look: Look, columns: Columns) -> Data:
    """Say which splits a data set has: those of its file names, else of its column, else shares of all three."""
    column = columns.fields.get("split")
    said = look.splits or (column_splits(look, column) if column else None)
    return Data(look, columns, said or frozenset(SPLITS), drawn=not said)


def whole(found: Sequence[Data]) -> None:
    """Raise `ResetError` if data sets do not make a line: something to train on, to test on, and to be faithful to."""
    if not any(one.trained for one in found):
        raise ResetError("No file has train rows with a response: nothing to train on")
    if not any("test" in one.splits for one in found):
        raise ResetError(
            "No file has test rows: give one, or take 'train' out of the files' names and a share is drawn"
        )
    if not any(one.context for one in found):
        raise ResetError(
            "All files are instructions. ReSet weighs instructions against faithfulness to a context: give a file of "
            "questions or summaries too, or copy conf/scale/own.yaml and name other objectives (docs/objectives.md)"
        )


def name(text: str) -> str:
    """Return the name of a scale, which is the name of a file and a word of a command."""
    if not re.fullmatch(r"[A-Za-z]\w*", text, re.ASCII) or not isinstance(yaml.safe_load(text), str):
        raise ResetError(f"'{text}' is no name for a scale: letters, digits and _, a letter first, and no word of YAML")
    return text


def model(text: str) -> str:
    """Return `toy`, a folder, or what has the form of an id of the hub."""
    if text == TOY or Path(text).is_dir() or (HUB_ID.fullmatch(text) and not text.startswith(".")):
        return text
    raise ResetError(f"'{text}' is no folder and no id of the hub, such as Qwen/Qwen2.5-0.5B-Instruct; or say {TOY}")


def judges(text: str, found_tasks: Collection[str]) -> list[Judge]:
    """Read "words", or several of nli, reward and llm with commas, each with =model, llm with =model@url.

    Raises `ResetError` for a judge that there is not, and for one that rates none of the tasks of the data.
    """
    found = [_judge(word) for word in filter(None, map(str.strip, text.split(",")))]
    kinds = [one.kind for one in found]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise ResetError(f"judge {twice} is named twice")
    if {"reward", "llm"} <= set(kinds):
        raise ResetError("reward and llm both rate instructions: name one of them")
    for kind in kinds:
        if kind != "words" and not set(RATES[kind]) & set(found_tasks):
            raise ResetError(f"judge {kind} rates answers of {' and '.join(RATES[kind])}, and no file has this task")
    return [one for one in found if one.kind != "words"]


def _judge(word: str) -> Judge:
    kind, _, rest = word.partition("=")
    if kind not in JUDGES:
        raise ResetError(f"Unknown judge '{kind}'. {nearest(kind, JUDGES)}")
    if kind == "words" and rest:
        raise ResetError("judge words has no model")
    named, _, url = rest.rpartition("@") if kind == "llm" and "@" in rest else (rest, "", "")
    if url and not re.fullmatch(r"https?://\S+", url):
        raise ResetError(f"'{url}' is no address of a server, such as http://127.0.0.1:8001/v1")
    return Judge(kind, (named if kind == "llm" else model(named)) if named else None, url or None)


def gpus(text: str) -> int:
    """Return the number of GPUs: of "cpu" 0, of "gpu" 1, of "gpus=8" eight."""
    if text in ("cpu", "gpu"):
        return int(text == "gpu")
    if not re.fullmatch(r"gpus=[1-9]\d{0,3}", text):
        raise ResetError(f"Unknown machine '{text}'. Known: {', '.join(MACHINES)}")
    return int(text.removeprefix("gpus="))


def engine(answered: Answers) -> str:
    """Return vLLM for a real model on GPUs, if it is installed; else transformers."""
    real = answered.gpus and answered.model != TOY
    return "vllm" if real and find_spec("vllm") else "transformers"
