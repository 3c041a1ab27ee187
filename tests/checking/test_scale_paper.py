"""The check of scale `paper` as composed, in the world of the dress rehearsal: sound, and with each planted fault.

pytest -s -m slow tests/checking/test_scale_paper.py     prints the table of faults, findings and seconds
"""

import copy
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nltk
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from reset.checking import machine, options, run
from reset.checking.run import Report
from reset.params.document import Params
from tests.support import dress_rehearsal, paper_models
from tests.support.chat_server import Fault, today
from tests.support.clones import clone
from tests.support.dress_rehearsal import GPT, STRONG, Rows, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SHIPPED, TODAY = (), ("raters=gpt", "nli=deberta")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("paper")
    with dress_rehearsal.world(root, clone(root / "line")) as world:
        yield world


@pytest.fixture(scope="module")
def compositions(line: World) -> dict[tuple[str, ...], Rows]:
    """Scale `paper` as it ships, and with the other raters and the other NLI model."""
    made = {}
    for choice in (SHIPPED, TODAY):
        line.compose(*choice)
        made[choice] = line.read()
    return made


class Checked:
    """The world, what params.yaml says in it, and the check of it in this process."""

    def __init__(self, line: World, contents: dict[tuple[str, ...], Rows], patch: pytest.MonkeyPatch) -> None:
        self.line, self.patch = line, patch
        self.contents = copy.deepcopy(contents)
        self.content = self.contents[SHIPPED]

    def files(self, repository: str) -> dict[str, bytes]:
        """The files of a repository, which a test may change."""
        folder = self.line.hub.repositories[repository]
        assert isinstance(folder, Path)
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
        self.patch.setitem(self.line.hub.repositories, repository, files)  # type: ignore[arg-type]
        return files

    def change(self, repository: str, **values: Any) -> None:
        """Change values of a model's configuration."""
        files = self.files(repository)
        files["config.json"] = json.dumps(json.loads(files["config.json"]) | values).encode()

    def options(self, *names: str) -> Rows:
        """A part of the content, by the names that lead to it."""
        found: Rows = self.content
        for name in names:
            found = found[name]
        return found

    def check(self) -> Report:
        self.line.hub.commits = dress_rehearsal.pinned(self.content)
        return run.check(Params.model_validate(self.content))


@pytest.fixture
def checked(
    line: World, compositions: dict[tuple[str, ...], Rows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Checked]:
    for name, value in {**line.net.environment, "OPENAI_API_KEY": "sk-rehearsal"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(urllib.request, "_opener", None)  # urllib's own, which keeps the proxy of its first request
    monkeypatch.chdir(line.folder)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", "https://huggingface.co")
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "https://huggingface.co/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(machine, "devices", list)
    close_session()
    yield Checked(line, compositions, monkeypatch)
    close_session()


def no_golden_files(world: Checked) -> None:
    world.content["datasets"]["bioasq"]["path"] = "elsewhere/bioasq"


def gated(world: Checked) -> None:
    world.patch.setattr(world.line.hub, "gated", [paper_models.LLAMA])


def gone(world: Checked) -> None:
    world.patch.delitem(world.line.hub.repositories, "datasets/d0rj/wikisum")  # type: ignore[arg-type]


def not_converted(world: Checked) -> None:
    world.options("base", "vicuna", "options")["convert"] = False


def other_labels(world: Checked) -> None:
    labels = {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}
    world.change(paper_models.ALBERT, label2id=labels, id2label={number: label for label, number in labels.items()})


def no_splitter(world: Checked) -> None:
    world.options("judges", "summac", "options")["sentences"] = "punkt_tab"
    world.patch.setattr(nltk.data, "path", [])


def not_served(world: Checked) -> None:
    def reply(body: Rows) -> str:
        raise Fault(404, body=b'{"error": {"message": "The model does not exist."}}')

    world.patch.setattr(world.line.raters[STRONG], "models", ["Qwen/Qwen3-30B-A3B-Instruct"])
    world.patch.setattr(world.line.raters[STRONG], "reply", reply)


def fields_of_yesterday(world: Checked) -> None:
    world.patch.setattr(world.line.raters[STRONG], "reply", today)


def no_prices(world: Checked) -> None:
    world.content = world.contents[TODAY]
    world.options("judges", "rater", "options", "server").update(prices_usd={}, max_cost_usd=300.0)


def unpriced(world: Checked) -> None:
    world.content = world.contents[TODAY]
    world.options("judges", "rater", "options", "server").update(prices_usd={"gpt-5": [1.25, 10.0]})


def no_key(world: Checked) -> None:
    world.patch.delenv("OPENAI_API_KEY")


def no_template(world: Checked) -> None:
    world.content["template"] = "chat"


def long_rows(world: Checked) -> None:
    world.content["train"]["max_tokens"] = 4096


def long_prompts(world: Checked) -> None:
    world.content["sample"]["max_prompt_tokens"] = 2048


def small_disk(world: Checked) -> None:
    world.patch.setattr(machine.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))


def eight_ranks(world: Checked) -> None:
    world.patch.setattr(machine, "devices", lambda: [80 * 10**9])
    world.content["train"]["processes"] = 8


def no_vllm(world: Checked) -> None:
    world.content["sample"]["engine"] = "vllm"
    for module in (machine, options):
        world.patch.setattr(module, "find_spec", lambda package: None if package == "vllm" else object())


RATER = "judges.rater.options"
FAULTS: dict[str, tuple[Callable[[Checked], None], str, str, str]] = {  # -> level, place in params.yaml, words
    "BioASQ's files are missing": (no_golden_files, "error", "datasets.bioasq.path", "register at bioasq.org"),
    "a gated model": (gated, "error", "base.llama.options.id", "accept its terms at"),
    "a data set that is gone": (gone, "error", "datasets.wikisum.source", "has no dataset 'd0rj/wikisum'"),
    "pickled weights without convert": (not_converted, "error", "base.vicuna.options.id", "`convert: true`"),
    "other label names": (other_labels, "error", "judges.summac.options.labels", "SUPPORTS"),
    "no data of the sentence splitter": (no_splitter, "error", "judges.summac.options.sentences", "nltk.downloader"),
    "a model that the server lacks": (not_served, "error", f"{RATER}.model", "Did you mean"),
    "fields of a request are refused": (fields_of_yesterday, "error", f"{RATER}.server.fields", '"max_tokens": null'),
    "a cost limit without prices": (no_prices, "error", RATER, "prices_usd lacks"),
    "a model without a price": (unpriced, "warning", f"{RATER}.server.prices_usd", "no price of gpt-5-mini"),
    "no key": (no_key, "error", "judges.rater.kind", "export OPENAI_API_KEY"),
    "no chat template": (no_template, "error", "template", "chat template"),
    "rows longer than the positions": (long_rows, "warning", "train.max_tokens", "2048 positions"),
    "prompts longer than the positions": (long_prompts, "warning", "sample.max_prompt_tokens", "2048 positions"),
    "a full disk": (small_disk, "error", "systems", "are free"),
    "fewer GPUs than ranks": (eight_ranks, "error", "train.processes", "8 processes, but 1 GPUs"),
    "vLLM is not installed": (no_vllm, "error", "sample.engine", "make repro EXTRA=gpu"),
}
OF_BOTH_MODELS = ("no chat template", "rows longer than the positions", "prompts longer than the positions")


@pytest.mark.parametrize("choice", [SHIPPED, TODAY])
def test_scale_paper_is_sound_but_for_revisions_that_nobody_states(checked: Checked, choice: tuple[str, ...]) -> None:
    checked.content = checked.contents[choice]
    report = checked.check()
    assert report.of("error") == [] and report.of("skipped") == []
    branches = {f"datasets.{name}.revision" for name in ("sharegpt", "ms_marco", "wikisum")}
    branches |= {"base.nli.options.revision"} if choice == SHIPPED else set()
    no_gpu = next(finding for finding in report.of("warning") if finding.key == "cluster.worker_gpus")
    others = [finding for finding in report.of("warning") if finding != no_gpu]
    assert {finding.key for finding in others} == branches
    assert all("is a branch" in finding.what and "pin " in finding.mend for finding in others)
    asked = checked.line.raters[GPT[0] if choice else STRONG].asked[-1]
    assert ("max_completion_tokens" in asked, "temperature" in asked) == (bool(choice), not choice)
    assert checked.line.net.refused == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line(checked: Checked, fault: str) -> None:
    plant, level, key, words = FAULTS[fault]
    plant(checked)
    report = checked.check()
    found = [finding for finding in report.findings if finding.level == level and finding.key == key]
    assert found and all(words in str(finding) for finding in found), list(map(str, report.findings))
    assert len(found) == (2 if fault in OF_BOTH_MODELS else 1)
    others = [finding for finding in report.of("error") if finding not in found]
    assert others == [], list(map(str, others))
    assert report.seconds < 60
    print(f"| {fault} | {found[0]} | {report.seconds:.1f} |")
