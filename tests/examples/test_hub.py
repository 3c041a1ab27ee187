"""The hub without a network: `datasets` reads a local folder as it reads a repository."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reset.errors import ResetError
from reset.sources import Where

datasets = pytest.importorskip("datasets")
hub = pytest.importorskip("reset.examples.hub")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder laid out like the Parquet branch of a repository."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "mine/plain/validation").mkdir(parents=True)
    pq.write_table(pa.table({"text": ["one", "two"]}), tmp_path / "mine/plain/validation/0000.parquet")
    return tmp_path / "mine"


def test_rows_of_a_split_are_read_by_the_pattern_of_the_source(repository):
    where = Where(hub=str(repository), data_files="plain/{split}/*.parquet")
    assert list(hub.Hub(where, None).records("validation")) == [{"text": "one"}, {"text": "two"}]


def test_missing_files_are_one_line(repository):
    where = Where(hub=str(repository), data_files="plain/{split}/*.parquet", revision="main")
    with pytest.raises(ResetError) as caught:
        list(hub.Hub(where, None).records("test"))
    assert caught.value.message.startswith(f"Cannot load '{repository}' at revision 'main' from the hub: ")
    assert "\n" not in caught.value.message


def test_loading_script_is_not_run(repository):
    (repository / "mine.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ResetError, match=r"Dataset scripts are no longer supported"):
        list(hub.Hub(Where(hub=str(repository / "mine.py")), None).records("train"))


def test_unreachable_hub_is_one_line_with_the_way_out(repository):
    with pytest.raises(ResetError, match=r"Cannot load 'some/set' at revision 'v9' .*set `path` to a local copy"):
        hub.Hub(Where(hub="some/set", revision="main"), "v9").commit()
