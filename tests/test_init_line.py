"""A new user's way: the two files of docs/your-data.md, `reset-lm init`, `reset-lm check`, `dvc repro`."""

import re
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.clones import clone, ran, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_init_check_and_repro_make_a_report_of_the_files_of_the_documents(tmp_path: Path) -> None:
    folder = clone(tmp_path / "line")
    found = re.search(r"python - <<'END'\n(.*?)\n    END", (ROOT / "docs/your-data.md").read_text(), re.DOTALL)
    assert found
    run(folder, sys.executable, "-c", textwrap.dedent("    " + found[1].lstrip()))
    reset_lm = (sys.executable, "-m", "reset.cli.main")
    assert "conf/scale/mine.yaml and params.yaml written" in run(folder, *reset_lm, "init", "--yes")
    assert "scale mine: 0 errors" in run(folder, *reset_lm, "check", "--offline")
    scale = folder / "conf/scale/mine.yaml"
    scale.write_text(
        re.sub(r"questions: 100|instructions: 100", lambda row: row[0].replace("100", "12"), scale.read_text())
    )
    run(folder, *reset_lm, "compose")
    assert {"train@mtl_reset", "report"} <= ran(run(folder, "dvc", "repro"))
    assert (folder / "metrics/report/index.html").is_file()
    assert ran(run(folder, "dvc", "repro")) == set()
