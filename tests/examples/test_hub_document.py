"""The row of the hub in docs/your-data.md, as it is printed: composed, fetched and prepared by the commands printed."""

import io
import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.support import ROOT
from tests.support.clones import clone, run
from tests.support.hub_server import commit, hub

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DOCUMENT = (ROOT / "docs/your-data.md").read_text()
REPOSITORY, OTHER = "me/manuals", "de"


def printed(start: str) -> str:
    """The indented block of the document that begins with `start`."""
    found = re.search(rf"^    {re.escape(start)}.*?\n(?=\n)", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    assert found, start
    return textwrap.dedent(found[0])


def records(rows: int, hall: str) -> bytes:
    """A Parquet file of questions, in the columns that the row names."""
    columns = {
        "question": [f"Where is pump {n}?" for n in range(rows)],
        "context": [f"Pump {n} stands in {hall} {n}. It is new." for n in range(rows)],
        "answer": [f"{hall} {n}" for n in range(rows)],
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def repository() -> dict[str, bytes]:
    """Two configurations in the form of the hub: their files are named by the card."""
    card = {
        "configs": [
            {
                "config_name": name,
                "data_files": [{"split": s, "path": f"{name}/{s}-*.parquet"} for s in ("train", "validation")],
            }
            | ({"default": True} if name == "en" else {})
            for name in ("en", OTHER)
        ]
    }
    files = {"README.md": f"---\n{yaml.safe_dump(card)}---\n# Manuals\n".encode()}
    for name, hall in (("en", "hall"), (OTHER, "Halle")):
        for split, rows in (("train", 700), ("validation", 50)):
            files[f"{name}/{split}-00000-of-00001.parquet"] = records(rows, hall)
    return files


def line(folder: Path, row: str) -> Path:
    """A clone with scale own, in which `row` stands for the data set of the file."""
    clone(folder)
    scale = folder / "conf/scale/own.yaml"
    edited = re.sub(r"  manuals:\n.*?\n(?=\n)", textwrap.indent(row, "  "), scale.read_text(), count=1, flags=re.DOTALL)
    scale.write_text(edited)
    run(folder, "reset-lm", "compose", "scale=own", "data_folder=../mine")
    return folder


def read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run the document's commands against a hub on this machine; return the account of the fetch and the test rows."""
    with hub({f"datasets/{REPOSITORY}": repository()}) as server:
        facts = {"HF_ENDPOINT": server.address, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_XET": "1"}
        for name, value in {**facts, "HF_HUB_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0"}.items():
            monkeypatch.setenv(name, value)
        for command in printed("reset-lm compose\n    dvc repro prepare").splitlines():
            run(folder, *command.split())
    rows = (folder / "data/raw/manuals/test.jsonl").read_text().splitlines()
    return json.loads((folder / "metrics/fetch/manuals.json").read_text()), [json.loads(row) for row in rows]


def test_row_of_the_document_brings_the_rows_that_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = line(tmp_path / "line", printed("manuals:"))
    account, rows = read(folder, monkeypatch)
    assert (account["records"], account["rows_in"], account["set_aside"]) == ({"train": 600, "test": 50}, 650, {})
    assert account["parts"][0]["from"] == f"{REPOSITORY} train, its first 600 rows"
    assert (account["revision"], account["licence"]) == (commit(f"datasets/{REPOSITORY}"), "yours")
    assert rows[3]["answer"] == "hall 3"
    prepared = json.loads((folder / "metrics/prepare/manuals.json").read_text())
    assert prepared["rows_out"] == 650


def test_configuration_of_the_row_is_the_one_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = printed("manuals:")
    assert "config: null" in row
    _, rows = read(line(tmp_path / "line", row.replace("config: null", f"config: {OTHER}")), monkeypatch)
    assert rows[3]["answer"] == "Halle 3"
