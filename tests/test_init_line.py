"""A new user's way: the two files of docs/your-data.md, `reset-lm init`, `reset-lm check`.

The line itself is run on other files (tests/test_own_line.py).
"""

import re
import sys
import textwrap
from pathlib import Path

import pytest

from reset import params
from tests.support import ROOT
from tests.support.clones import clone, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_init_makes_a_scale_of_the_files_of_the_documents_that_check_finds_sound(tmp_path: Path) -> None:
    folder = clone(tmp_path / "line")
    found = re.search(r"python - <<'END'\n(.*?)\n    END", (ROOT / "docs/your-data.md").read_text(), re.DOTALL)
    assert found
    run(folder, sys.executable, "-c", textwrap.dedent("    " + found[1].lstrip()))
    reset_lm = (sys.executable, "-m", "reset.cli.main")
    assert "conf/scale/mine.yaml and params.yaml written" in run(folder, *reset_lm, "init", "--yes")
    assert "scale mine: 0 errors" in run(folder, *reset_lm, "check", "--offline")
    assert params.load(folder / "params.yaml").systems.keys() >= {"mtl", "mtl_reset", "mtl_random"}
