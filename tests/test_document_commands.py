"""Commands in README and docs are ones that the programs take: their options exist, and their overrides compose."""

import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import click
import pytest

from reset.cli import compose as composing
from reset.cli.main import main
from tests.support import ROOT

pytestmark = pytest.mark.slow

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SWEEPS = [(r"=range\(\d+\)$", "=0"), (r"=([^,\[{]+),.*$", r"=\1")]  # of a queue of experiments, the first one


def printed(program: str) -> list[list[str]]:
    """The commands of a program in indented lines and in cells of tables, of all documents, as lists of words."""
    text = "\n".join(document.read_text() for document in DOCUMENTS).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    lines += re.findall(r"\| `([^`]+)` \|", text)
    parts = [part.strip() for line in lines for part in re.split(r"\s#\s|;|&&", line)]
    return [shlex.split(part) for part in parts if part.startswith(f"{program} ")]


RESET_LM = printed("reset-lm")
PLAIN: dict[tuple[str, ...], str] = {}  # params.yaml of a scale and of models, once
EXPERIMENTS = [words for words in printed("dvc") if words[:3] == ["dvc", "exp", "run"]]


@pytest.mark.parametrize("words", RESET_LM, ids=" ".join)
def test_a_command_of_reset_lm_takes_the_options_that_a_document_gives(words: list[str]) -> None:
    name, *given = words[1:]
    assert isinstance(main, click.Group)
    command = main.get_command(click.Context(main), name)
    assert command is not None
    try:
        command.make_context(name, given)
    except click.BadParameter as error:
        assert "does not exist" in error.message  # the file is the reader's


def overrides(words: list[str]) -> list[str]:
    """What `-S` sets in a command of DVC."""
    return [value for flag, value in pairwise(words) if flag == "-S"]


def composed(folder: Path, given: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """params.yaml from a copy of conf/ with overrides."""
    shutil.copytree(ROOT / "conf", folder / "conf")
    monkeypatch.chdir(folder)
    (folder / "conf/current.yaml").write_text(composing.merged({}, given))
    composing._compose()
    return (folder / "params.yaml").read_text()


def known(override: str, params: str) -> bool:
    """Whether the key that an override sets is one that the scale has, or a group of conf/."""
    key = override.partition("=")[0].lstrip("+")
    if (ROOT / "conf" / key).is_dir():
        return True
    content = composing.yaml.safe_load(params)
    for part in key.split("."):
        if not isinstance(content, dict) or part not in content:
            return False
        content = content[part]
    return True


def cases() -> list[list[str]]:
    """The overrides of each command, once."""
    given = [overrides(words) for words in EXPERIMENTS] + [words[2:] for words in RESET_LM if words[1] == "compose"]
    return sorted({tuple(one) for one in given if one and "-h" not in one})  # type: ignore[arg-type]


@pytest.mark.parametrize("given", cases(), ids=" ".join)
def test_overrides_in_a_document_compose(given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = []
    for override in given:
        for pattern, instead in SWEEPS:
            override = re.sub(pattern, instead, override)
        first.append(override)
    scale = [one for one in first if one.startswith("scale=")]
    groups = (*scale, *(one for one in first if one.startswith("models=")))
    if groups not in PLAIN:
        PLAIN[groups] = composed(tmp_path / "plain", [*groups], monkeypatch)
    unknown = [one for one in first if not known(one, PLAIN[groups]) and not one.startswith("data_folder=")]
    assert unknown == []
    assert composed(tmp_path / "whole", first, monkeypatch)
