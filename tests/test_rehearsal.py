"""The line on real records: scale `rehearsal` on samples of the real data sets, which are not part of this project."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.clones import ROOT, clone, run

REAL = Path(os.environ.get("RESET_REAL_DATA", ROOT / "../shared/data/real")).resolve()
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.mark.skipif(not REAL.is_dir(), reason="the samples of the real data sets are not here")
def test_real_records_go_through_every_stage(tmp_path: Path) -> None:
    folder = clone(tmp_path)
    overrides = ("scale=rehearsal", f"data_folder={REAL}", "evaluate.systems=[base,mtl,mtl_reset]")
    run(folder, sys.executable, "-m", "reset.cli.compose", *overrides)
    run(folder, "dvc", "repro", "describe", "evaluate@base", "evaluate@mtl", "evaluate@mtl_reset")  # every kind
    for name in ("select", "systems", "judge"):
        assert list((folder / "metrics" / name).rglob("*.json"))
    run(folder, "dvc", "repro", "--single-item", "report")
    assert (folder / "metrics/report/index.html").is_file()
    asides = [json.loads(path.read_text())["set_aside"] for path in (folder / "metrics/prepare").glob("*.json")]
    assert len(asides) >= 9
    assert any("prompter turn" in aside for aside in asides)
