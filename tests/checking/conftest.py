"""A world in which everything that a params.yaml needs is there: a hub, a judge's server, files. Tests break it."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from reset.checking import machine, run
from reset.checking.run import Report
from reset.params import references
from reset.params.document import Params
from tests.support.chat_server import Server, settings
from tests.support.families import FAMILIES
from tests.support.hub_server import commit, hub

MODEL, NLI, SET = "models/mine/tiny", "models/mine/nli", "datasets/databricks/databricks-dolly-15k"
Files = dict[str, bytes]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    """Two small models and a data set, file by file."""
    folder = FAMILIES["llama_2"].save(tmp_path_factory.mktemp("tiny"))
    tiny = {file.name: file.read_bytes() for file in folder.iterdir()}
    labels = {"entailment": 0, "neutral": 1, "contradiction": 2}
    config = {**json.loads(tiny["config.json"]), "architectures": ["LlamaForSequenceClassification"]}
    config |= {"label2id": labels, "id2label": {str(number): label for label, number in labels.items()}}
    records = b'{"instruction": "Count.", "context": "", "response": "One.", "category": "open_qa"}\n'
    return {MODEL: tiny, NLI: {**tiny, "config.json": json.dumps(config).encode()}, SET: {"dolly.jsonl": records}}


@dataclass
class World:
    """What params.yaml says, what the hub serves, and how the judge's server replies."""

    content: dict[str, Any]
    repositories: dict[str, Files]
    server: Server
    patch: pytest.MonkeyPatch
    gated: list[str] = field(default_factory=list)
    endpoint: str | None = None  # in place of the hub

    def change(self, repository: str, file: str = "config.json", **values: Any) -> None:
        """Change values of a JSON file."""
        changed = json.loads(self.repositories[repository][file]) | values
        self.repositories[repository][file] = json.dumps(changed).encode()

    def check(self, *, offline: bool = False) -> Report:
        """Check params.yaml against the world."""
        with hub(self.repositories, gated=self.gated) as served:
            address = self.endpoint or served.address
            self.patch.setattr(constants, "ENDPOINT", address)  # both are made of HF_ENDPOINT at the first import
            template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
            self.patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
            p = Params.model_validate(self.content)
            assert list(references.problems(p)) == []
            return run.check(p, offline=offline)


@pytest.fixture
def world(
    minimal: dict[str, Any], files: dict[str, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world without a fault."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    monkeypatch.setattr(machine, "devices", list)
    server = Server(lambda body: "Rating: [[5]]", models=["strong"])
    _fill(minimal, server)
    with server:
        yield World(minimal, copy.deepcopy(files), server, monkeypatch)
        server.shutdown()
    close_session()


def _fill(content: dict[str, Any], server: Server) -> None:
    (Path() / "mine.jsonl").write_text('{"q": "Where?", "c": "It is there.", "a": "there"}\n')
    own = {"source": "own", "path": "mine.jsonl", "needs": "mine.jsonl", "shares": {"train": 0.5, "test": 0.5}}
    own["options"] = {"task": "extractive_qa", "fields": {"question": "q", "passages": "c", "references": "a"}}
    talk = {"source": "dolly", "needs": "reset/examples/hub.py", "revision": commit(SET)}
    content["datasets"]["talk"] |= talk
    content["datasets"]["nq"] |= own
    content["template"] = "chat"
    content["base"] = {
        name: {"kind": "hub", "needs": "reset/bases/hub.py", "options": {"id": id, "revision": commit(f"models/{id}")}}
        for name, id in (("tiny", "mine/tiny"), ("nli", "mine/nli"))
    }
    content["describe"]["model"] = content["systems"]["mtl"]["init"] = "base/tiny"
    summac = {"max_doc_sents": 100, "use_contradiction": False, "batch_tokens": 512}
    rater = {"model": "strong", "weak_model": None, "pairwise_model": None, "server": settings(server)}
    content["judges"] = {
        "rater": {"kind": "openai", "needs": "reset/llm", "model": None, "options": rater},
        "summac": {"kind": "summac", "needs": "models/base/nli", "model": "base/nli", "options": summac},
    }


Break = Callable[[World], None]
