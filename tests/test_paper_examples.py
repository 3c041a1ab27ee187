"""Golden: the inputs that the paper prints in Tables 9 to 15 are what its template renders.

The text of the paper is no part of the project; it is read from ../shared/paper. Scanning lost the marks `###`, in most
tables the header and the blanks between blocks, so both sides are compared without marks and with blanks as one.
"""

import os
import re
from pathlib import Path

import pytest

from reset.model.prompts import INSTRUCTIONS, TEMPLATES, render
from tests.support import SHARED

FOLDER = Path(os.environ.get("RESET_PAPER", SHARED / "paper")).resolve()
HEADER = TEMPLATES["alpaca"].text.partition("### ")[0]
ANSWER = "Model Generated Answer Goes Here"
# table -> (task, passages shown)
TABLES = {
    9: ("extractive_qa", 5),
    10: ("summarization", 1),
    11: ("abstractive_qa", 10),
    12: ("extractive_qa", 5),
    13: ("extractive_qa", 5),
    14: ("summarization", 1),
    15: ("instruction", 0),
}


@pytest.fixture(scope="module")
def paper() -> str:
    files = sorted(FOLDER.glob("*.txt")) if FOLDER.is_dir() else []
    if not files:
        pytest.skip(f"no text of the paper in {FOLDER}")
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def printed(paper: str, table: int) -> str:
    """What stands above a table's caption, behind the caption before it."""
    before = paper[: paper.index(f"\nTable {table}: An example of")]
    start = max(before.rfind(f"\nTable {n}:") for n in range(1, 16))
    return before[before.index("\n", start + 1) :].strip().strip("`").strip()


def plain(text: str) -> str:
    """Without marks; blanks as one; "Instruction" and "Instruction:" alike."""
    text = " ".join(re.sub(r"#+|`", " ", text).split())
    return re.sub(r"^Instruction:? ", "Instruction: ", text)


@pytest.mark.parametrize("table", TABLES)
def test_the_paper_s_printed_input_is_what_the_template_renders(paper: str, table: int) -> None:
    task, count = TABLES[table]
    text = plain(printed(paper, table))
    shown, _, answer = text.partition("Response: ")
    assert answer == ANSWER
    shown = shown.removeprefix(plain(HEADER) + " ")
    given = shown.partition("Input:")[2].strip()
    asked, *passages = given.split("Passage: ") if task.endswith("_qa") else ["", *filter(None, [given])]
    assert len(passages) == count
    instruction = INSTRUCTIONS.get(task, shown.partition("Input:")[0].removeprefix("Instruction: ").strip())
    example = {
        "instruction": instruction,
        "question": asked.removeprefix("Question: ").strip(),
        "passages": [passage.strip() for passage in passages],
    }
    rendered = render(example, "alpaca").text
    assert rendered.startswith(HEADER)
    assert plain(rendered.removeprefix(HEADER)) == plain(f"{shown} Response:")
