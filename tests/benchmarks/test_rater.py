"""The rater's benchmark: its server fails as declared, and the client's figures are the server's own."""

import json
import subprocess
import sys

import pytest

from tests.support import ROOT


@pytest.mark.slow
def test_the_faulty_server_costs_no_reply_and_none_is_asked_twice(tmp_path):
    code = (
        "import benchmarks.rater as rater, os, json\n"
        f"os.environ['RESET_LEDGER'] = {str(tmp_path / 'replies.sqlite')!r}\n"
        "os.environ['OPENAI_API_KEY'] = 'none'\n"
        "with rater.server() as address:\n"
        "    _, rated = rater.rate(address, 300)\n"
        "    first = rater.counts(address)\n"
        "    rater.rate(address, 300)\n"
        "    print(json.dumps([rated, first, rater.counts(address)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    rated, first, second = json.loads(done.stdout)
    faults = sum(count for name, count in first["faults"].items() if name != "none")
    assert (rated, first["answered"], first["answered_twice"]) == (300, 300, 0)
    assert faults > 0
    assert first["asked"] == 300 + faults
    assert second["asked"] == first["asked"]
