"""The share that is claimed counts lines and branches, of all files and by folder."""

import pytest

from benchmarks import covered


def file(lines: int, seen: int, branches: int = 0, taken: int = 0) -> dict[str, int]:
    return {"num_statements": lines, "covered_lines": seen, "num_branches": branches, "covered_branches": taken}


FILES = {"reset/errors.py": file(10, 10), "reset/llm/key.py": file(4, 2, 4, 1), "reset/llm/a/b.py": file(2, 2)}


def test_lines_and_branches_count_alike() -> None:
    assert covered.share(FILES) == pytest.approx(15 / 20)
    assert covered.share({"reset/__init__.py": file(0, 0)}) == 1


def test_a_folder_has_what_lies_below_it() -> None:
    assert covered.folders(FILES) == {"reset": 1.0, "llm": 0.5}
