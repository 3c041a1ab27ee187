"""A starting model from the hub: all its files are of one commit, which is recorded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from reset.bases.hub import HubModel
from reset.errors import ResetError
from tests.support.families import FAMILIES
from tests.support.hub_server import HubServer, commit, hub

NAME = "models/mine/tiny"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub({NAME: FAMILIES["llama_2"].save(tmp_path / "tiny")}) as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        template = f"{served.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        close_session()
        yield served
    close_session()


def model(revision: str | None) -> HubModel:
    return HubModel(needs=Path(), seed=0, id="mine/tiny", revision=revision)


@pytest.mark.parametrize("revision", [None, "main", commit(NAME)])
def test_the_commit_that_was_loaded_is_recorded(server: HubServer, tmp_path: Path, revision: str | None) -> None:
    figures = model(revision).build(tmp_path / "into", tmp_path / "work")
    assert figures["revision"] == commit(NAME)
    files = [path for method, path, _ in server.seen if "/resolve/" in path]
    assert files and all(f"/resolve/{commit(NAME)}/" in path for path in files)


def test_a_revision_that_is_not_there_is_one_line(server: HubServer, tmp_path: Path) -> None:
    with pytest.raises(ResetError, match=r"base model 'mine/tiny' is not a local folder and cannot be downloaded"):
        model("v9").build(tmp_path / "into", tmp_path / "work")


def test_a_local_folder_has_no_commit(tmp_path: Path) -> None:
    source = FAMILIES["llama_2"].save(tmp_path / "tiny")
    local = HubModel(needs=Path(), seed=0, id=str(source), revision=None)
    assert local.build(tmp_path / "into", tmp_path / "work")["revision"] is None
