"""The command of the dress rehearsal: what stops it is one line."""

import pytest
from click.testing import CliRunner

from benchmarks import dress_rehearsal
from benchmarks.dress_rehearsal import complaint


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("Error: no such file\nERROR: failed to reproduce 'mix@mtl'\n\n", "no such file"),
        ("Traceback\nKeyError: 1\n", "KeyError: 1"),
        ("", "no word"),
    ],
)
def test_the_line_that_says_why_is_told(printed, said):
    assert complaint(printed) == said


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    shown = CliRunner().invoke(dress_rehearsal.main, ["--folder", str(tmp_path / "file")])
    assert shown.exit_code == 2 and "is a file" in shown.output
