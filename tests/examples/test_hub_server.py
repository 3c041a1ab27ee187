"""A data set of the hub over HTTP: the commit behind a branch, a connection that breaks off, a set one must ask for."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.hub_server import commit, hub

SET, GATED = "mine/set", "mine/gated"
COMMIT = commit(f"datasets/{SET}")

PROGRAM = """
import json, sys
from reset.examples.hub import Hub
from reset.sources import Where
found = Hub(Where(hub=sys.argv[1], revision="main", data_files="plain/{split}/*.parquet"), None)
print(json.dumps([found.commit(), sum(1 for row in found.records("train"))]))
"""


def table(rows: int, width: int) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"text": [os.urandom(width).hex() for _ in range(rows)]}), file, compression="none")
    return file.getvalue()


def read(name: str, endpoint: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Load the data set in a process of its own: the library reads its endpoint once, when it is imported."""
    hubs = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")} | hubs
    command = [sys.executable, "-c", PROGRAM, name]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_branch_is_pinned_to_its_commit_and_a_broken_download_goes_on(tmp_path: Path) -> None:
    files = {"plain/train/0000.parquet": table(30, 500_000), "plain/train/0001.parquet": table(3, 10)}
    with hub({f"datasets/{SET}": files}, breaks=True) as server:  # the library keeps what has come in pieces of 10 MB
        done = read(SET, server.address, tmp_path)
        seen: list[Any] = list(server.seen)
    assert done.returncode == 0, (done.stderr[-3000:], seen)
    commit, rows = json.loads(done.stdout.splitlines()[-1])
    assert (commit, rows) == (COMMIT, 33)
    bodies = [(path, ranged) for method, path, ranged in seen if method == "GET" and "/resolve/" in path]
    assert all(f"/resolve/{COMMIT}/" in path for path, _ in bodies)  # never the branch, which may move meanwhile
    large = [ranged for path, ranged in bodies if path.endswith("0000.parquet")]
    assert large[0] in (None, "bytes=0-") and any(ranged and ranged != "bytes=0-" for ranged in large[1:]), large


def test_set_that_one_must_ask_for_is_one_line(tmp_path: Path) -> None:
    name = f"datasets/{GATED}"
    with hub({name: {}}, gated=[name]) as server:
        done = read(GATED, server.address, tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert (
        f"Cannot load '{GATED}' at revision '{commit(name)}' from the hub" in last
        and "set `path` to a local copy" in last
    )


def test_hub_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    done = read(SET, "http://127.0.0.1:9", tmp_path)
    assert done.returncode == 1
    assert f"Cannot load '{SET}' at revision 'main' from the hub" in done.stderr.strip().splitlines()[-1]
