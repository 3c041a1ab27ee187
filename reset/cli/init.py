"""`reset-lm init`: make a scale of a user's own files by five questions.

A question comes with a line that explains it, and is asked again while its answer cannot be read.
"""

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from reset import params
from reset.cli.compose import CONF, CURRENT, unchanged_if_it_fails, write
from reset.errors import ResetError
from reset.files.atomic import atomic

if TYPE_CHECKING:
    from reset.scales.answers import Data
    from reset.scales.columns import Columns
    from reset.scales.files import Look

Answer = TypeVar("Answer")
FOLDERS = (Path("mine"), Path("../mine"))  # where files are looked for if none are named
DEVICES = ("/dev/nvidiactl", "/dev/kfd")

DATA = """\
1. Which files hold your data? Name files or folders, with spaces between, such as ../mine/a.jsonl "../my data/b.csv".
   JSON Lines, JSON, CSV, TSV, Parquet and Arrow are read. A folder is one data set; its files have the same columns."""
COLUMNS = """\
2. What is the task of each data set, and what is in its columns? Write the task and column=part, with commas, such as
   abstractive_qa, text=passages. Tasks: instruction, extractive_qa, abstractive_qa, summarization. Parts: instruction,
   question, passages, references, id, split."""
MODEL = """\
3. Which model is trained? Name one of the Hugging Face hub, such as Qwen/Qwen2.5-0.5B-Instruct, or a folder, or toy: a
   model of 0.6 million parameters, to try the line within minutes."""
JUDGE = """\
4. Which judges rate the answers? Name words (no model), nli (faithfulness to a context), reward or llm (instructions);
   several with commas, another model after =, such as nli, llm=my-rater@http://127.0.0.1:8001/v1."""
MACHINE = """\
5. Which machine runs it? Say cpu, gpu, or the number of GPUs, such as gpus=8."""
ENTER = "Enter takes what stands in brackets; Ctrl-C ends, and nothing is written."


@click.command()
@click.option("--data", multiple=True, help="A file, or a folder that is read as one data set. Give it again for more.")
@click.option(
    "--columns", multiple=True, help="column=part, or 'DATASET: task, column=part, ...'. Give it again for more."
)
@click.option("--model", help="An id of the hub, a folder, or toy.")
@click.option("--judge", multiple=True, help="words, nli[=MODEL], reward[=MODEL] or llm[=MODEL@URL].")
@click.option("--machine", help="cpu, gpu, or gpus=NUMBER.")
@click.option("--name", default="mine", show_default=True, help="Name of the scale.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the default of what is not given.")
@click.option("--force", is_flag=True, help="Overwrite a scale that init wrote.")
def init(
    data: tuple[str, ...],
    columns: tuple[str, ...],
    model: str | None,
    judge: tuple[str, ...],
    machine: str | None,
    name: str,
    yes: bool,
    force: bool,
) -> None:
    """Make a scale of your own files: five questions, conf/scale/NAME.yaml, and params.yaml composed from it.

    Each question shows its default; an option answers it beforehand. The first records of each file are read, and what
    they seem to be is said. Tasks: instruction, extractive_qa, abstractive_qa, summarization. Parts: instruction,
    question, passages, references, id, split. Splits come from file names, else from a column, else from shares.

    \b
    Example:
      reset-lm init
      reset-lm init --data ../mine/a.jsonl --data ../mine/b.csv --yes
      reset-lm init --data b.csv --columns "b: abstractive_qa, text=passages" --model Qwen/Qwen2.5-0.5B-Instruct \\
        --judge nli --machine gpu --name manuals --yes
    """  # noqa: D301  (click reads the \b)
    from reset.scales import answers as read  # reading files takes pyarrow, half a second
    from reset.scales import scale

    path = _free(CONF / "scale" / f"{read.name(name)}.yaml", force)
    if not yes:
        click.echo(ENTER)
    found = _data(data, columns, yes)
    tasks, here = {one.columns.task for one in found}, _gpus()
    start = _ask(MODEL, "model", model, _usual() if here else read.TOY, read.model, yes)
    rating = _ask(
        JUDGE, "judge", ",".join(judge) or None, _judge(start, tasks), lambda text: read.judges(text, tasks), yes
    )

    def made(text: str) -> str:
        return scale.text(read.Answers(name, found, start, rating, read.gpus(text)), CONF)

    text = _ask(MACHINE, "machine", machine, ("cpu", "gpu")[here] if here < 2 else f"gpus={here}", made, yes)
    _write(path, name, text)
    click.echo(f"{path} and params.yaml written. Next: reset-lm check, then dvc repro")


def _free(path: Path, force: bool) -> Path:
    """Return the path of a scale that may be written."""
    if path.exists() and not force:
        raise ResetError(f"{path} exists: give another --name, or --force to overwrite it")
    if path.exists() and "# Written by `reset-lm init`" not in path.read_text(encoding="utf-8"):
        raise ResetError(f"{path} is not overwritten, since init did not write it: give another --name")
    return path


def _data(paths: Sequence[str], columns: Sequence[str], yes: bool) -> "list[Data]":
    """Return the data sets: the first two questions."""
    from reset.scales import answers
    from reset.scales.columns import given
    from reset.scales.files import looks

    usual = next((files for folder in FOLDERS if (files := _files(folder))), None)
    if yes and not paths and not usual:
        raise ResetError("Name your files: --data mine/a.jsonl --data mine/b.csv")
    seen = _ask(DATA, "files", shlex.join(paths) or None, usual, lambda text: looks(_words(text)), yes)
    said = given(columns, seen)
    if not yes:
        click.echo(COLUMNS)
    found = [answers.data(one, _columns(one, said[one.name], yes)) for one in seen]
    answers.whole(found)
    for one in found:
        click.echo(f"  {one.look.name}: {one.columns}; splits: {one.splits_from}")
    return found


def _columns(one: "Look", said: str, yes: bool) -> "Columns":
    """Return what is in the columns of a data set: as it is said, or as the user says when shown the guess."""
    from reset.scales.columns import guessed

    if yes or said:
        return guessed(one, said)
    shown = ", ".join(f"{column} ({example})" for column in one.columns[:12] if (example := one.example(column)))
    click.echo(f"  {one.name} ({one.path}): {shown}")
    try:
        guess = guessed(one)
    except ResetError as error:
        click.echo(f"  {error.message}")
        return _prompt(f"  {one.name}", None, lambda text: guessed(one, text))
    return _prompt(f"  {one.name}", str(guess), lambda text: guess if text == str(guess) else guessed(one, text))


def _words(text: str) -> list[str]:
    """Return the paths that a user has typed, as a shell reads them."""
    try:
        return [os.path.expanduser(word) for word in shlex.split(text)]
    except ValueError as error:
        raise ResetError(f"{text}: a quotation mark is not closed") from error


def _usual() -> str:
    """Return the id of the chat model that conf/ names."""
    from reset.scales.parts import Parts

    return str(Parts(CONF / "models/chat.yaml")["base"]["chat"]["options"]["id"])


def _judge(model: str, tasks: set[str]) -> str:
    """Return the usual judges of the tasks: of a toy only words."""
    from reset.scales.answers import RATES, TOY

    usual = [kind for kind in ("nli", "reward") if model != TOY and tasks.intersection(RATES[kind])]
    return ",".join(usual) or "words"


def _files(folder: Path) -> str:
    """Return the files of a folder that can be read, as the answer to a question."""
    from reset.examples.formats import known

    return shlex.join(str(file) for file in sorted(folder.glob("*")) if file.is_file() and known(file))


def _gpus() -> int:
    """Return the number of GPUs here; torch, which takes seconds to import, is asked where there may be one."""
    if not any(map(os.path.exists, DEVICES)):
        return 0
    from reset.checking.machine import devices

    return len(devices())


def _ask(
    explanation: str, question: str, given: str | None, default: str | None, read: Callable[[str], Answer], yes: bool
) -> Answer:
    """Return the answer to a question, which is given, the default, or what the user types."""
    if given is not None or yes:
        return read(given if given is not None else str(default))
    click.echo(explanation)
    return _prompt(question, default, read)


def _prompt(question: str, default: str | None, read: Callable[[str], Answer]) -> Answer:
    """Ask until the answer can be read; of one that cannot, one line says why. The end of the input ends it all."""

    def value(text: str) -> Answer:
        try:
            return read(text)
        except ResetError as error:
            raise click.UsageError(error.message) from error

    try:
        answer: Answer = click.prompt(question, default=default, value_proc=value)
    except click.Abort as error:
        click.echo()  # the question's line
        raise ResetError("Ended before the last question: nothing is written. Options answer too: --help") from error
    return answer


def _write(path: Path, name: str, text: str) -> None:
    """Write the scale and compose it; if that fails or is interrupted, every file is as before."""
    with unchanged_if_it_fails(path, CURRENT, params.FILE):
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        write([f"scale={name}"])
