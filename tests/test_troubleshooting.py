"""docs/troubleshooting.md quotes messages as the programs print them."""

import ast
import re
from functools import cache

import pytest

from tests.support import ROOT

TEXT = (ROOT / "docs/troubleshooting.md").read_text()
OTHERS = {"dvc: command not found", "Unable to acquire lock"}  # the shell's and DVC's
HOLE = "\0"


def quoted() -> list[str]:
    """The messages in the first cells."""
    cells = re.findall(r"^\| (`+) ?(.+?) ?\1 \| ", TEXT, flags=re.MULTILINE)
    return [cell for _, cell in cells if cell not in OTHERS]


@cache
def literals() -> str:
    """Every text in the code, one a line, with a hole where a value is put in."""
    found = []
    for folder in ("reset", "stages"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else HOLE for part in node.values]
                    found.append("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return "\n".join(found)


@pytest.mark.parametrize("message", quoted())
def test_a_message_is_one_that_the_code_prints(message: str) -> None:
    parts = [part.strip(" ;:,.()'") for part in message.split("…")]
    telling = [part for part in parts if len(part) > 5]
    assert telling
    for part in telling:
        assert part in literals(), part


def test_the_page_has_a_message_of_every_kind() -> None:
    assert len(quoted()) > 20
