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
import pytest
import yaml

from tests.support import ROOT
from tests.support.hub_server import commit, hub

pytestmark = pytest.mark.slow
SET, GATED = "mine/set", "mine/gated"
COMMIT = commit(f"datasets/{SET}")

PROGRAM = """
import json, sys
from reset.examples.hub import Hub
from reset.sources import Where
found = Hub(Where(hub=sys.argv[1], revision="main", data_files="plain/{split}/*.parquet"), None)
rows = int(sys.argv[2]) if len(sys.argv) > 2 else None
print(json.dumps([found.commit(), [row["text"][:8] for row in found.records("train", rows)]]))
"""


def table(rows: int, width: int, group: int | None = None) -> bytes:
    file, texts = io.BytesIO(), [f"{row:08}{os.urandom(width).hex()}" for row in range(rows)]
    pq.write_table(pa.table({"text": texts}), file, compression="none", row_group_size=group)
    return file.getvalue()


def read(name: str, endpoint: str, home: Path, *rows: str) -> subprocess.CompletedProcess[str]:
    """Load the data set in a process of its own: the library reads its endpoint once, when it is imported."""
    return run(endpoint, home, "-c", PROGRAM, name, *rows)


def run(endpoint: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in `home` with the hub at `endpoint`."""
    hubs = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")} | hubs
    environment |= {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=120)


def test_branch_is_pinned_to_its_commit_and_a_broken_download_goes_on(tmp_path: Path) -> None:
    files = {"plain/train/0000.parquet": table(30, 500_000), "plain/train/0001.parquet": table(3, 10)}
    with hub({f"datasets/{SET}": files}, breaks=True) as server:  # the library keeps what has come in pieces of 10 MB
        done = read(SET, server.address, tmp_path)
        seen: list[Any] = list(server.seen)
    assert done.returncode == 0, (done.stderr[-3000:], seen)
    commit, rows = json.loads(done.stdout.splitlines()[-1])
    assert (commit, len(rows)) == (COMMIT, 33)
    bodies = [(path, ranged) for method, path, ranged in seen if method == "GET" and "/resolve/" in path]
    assert all(f"/resolve/{COMMIT}/" in path for path, _ in bodies)  # never the branch, which may move meanwhile
    large = [ranged for path, ranged in bodies if path.endswith("0000.parquet")]
    assert large[0] in (None, "bytes=0-") and any(ranged and ranged != "bytes=0-" for ranged in large[1:]), large


def test_the_first_rows_of_a_split_come_in_order_without_the_rest_of_its_files(tmp_path: Path) -> None:
    files = {"plain/train/0000.parquet": table(1_200, 50_000, group=20)}  # 120 MB in groups of 2 MB
    with hub({f"datasets/{SET}": files}) as server:
        done = read(SET, server.address, tmp_path, "30")
        sent, paths = server.sent, [path for method, path, _ in server.seen if "/resolve/" in path]
    assert done.returncode == 0, done.stderr[-3000:]
    commit, rows = json.loads(done.stdout.splitlines()[-1])
    assert (commit, rows) == (COMMIT, [f"{row:08}" for row in range(30)])
    assert sent < 60_000_000, sent  # the library reads 32 MB ahead
    assert paths and all(f"/resolve/{COMMIT}/" in path for path in paths)


def test_a_row_names_another_repository_and_how_much_of_it_is_taken(tmp_path: Path, minimal: dict[str, Any]) -> None:
    elsewhere = {"id": SET, "config": None, "data_files": "plain/{split}/*.parquet", "licence": "ours"}
    hub_row = {**elsewhere, "splits": {"train": "validation", "test": "train"}, "take": {"test": 3}}
    minimal["datasets"]["nq"] |= {"source": "mrqa", "hub": hub_row, "revision": "main"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    files = {f"plain/{split}/0.parquet": table(5, 10) for split in ("train", "validation")}
    with hub({f"datasets/{SET}": files}) as server:
        done = run(server.address, tmp_path, "-m", "stages.fetch", "nq", "raw/nq")
    assert done.returncode == 0, done.stderr[-3000:]
    facts = json.loads((tmp_path / "metrics/fetch/nq.json").read_text())
    assert (facts["records"], facts["rows_in"], facts["set_aside"]) == ({"train": 5, "test": 3}, 8, {})
    assert [part["from"] for part in facts["parts"]] == [f"{SET} train, its first 3 rows", f"{SET} validation"]
    assert (facts["origin"], facts["revision"], facts["licence"]) == (SET, COMMIT, "ours")
    kept = [json.loads(line)["text"][:8] for line in (tmp_path / "raw/nq/test.jsonl").read_text().splitlines()]
    assert kept == ["00000000", "00000001", "00000002"]


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
