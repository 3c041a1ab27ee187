"""The line on real records: scale `rehearsal` on samples of the real data sets, which are not part of this project."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.clones import ROOT, clone, run
from tests.support.fewer import write_only

REAL = Path(os.environ.get("RESET_REAL_DATA", ROOT / "../shared/data/real")).resolve()
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.mark.skipif(not REAL.is_dir(), reason="the samples of the real data sets are not here")
def test_real_records_go_through_every_stage(tmp_path: Path) -> None:
    folder = clone(tmp_path)
    short = ("scale=rehearsal", f"data_folder={REAL}", "sample.max_tokens=32")
    run(folder, sys.executable, "-m", "reset.cli.compose", *short)
    write_only(folder / "params.yaml", ("base", "mtl", "mtl_reset"))
    run(folder, "dvc", "repro")
    for name in ("select", "systems", "judge"):
        assert list((folder / "metrics" / name).rglob("*.json"))
    assert (folder / "metrics/report/index.html").is_file()
    asides = [json.loads(path.read_text())["set_aside"] for path in (folder / "metrics/prepare").glob("*.json")]
    assert len(asides) >= 9
    assert any("prompter turn" in aside for aside in asides)
