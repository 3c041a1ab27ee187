"""`reset-lm status --graph` shows which kinds of stages read from which, in lines that a terminal holds."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from dvc.repo import Repo

from reset.cli.status import drawn, status
from reset.errors import ResetError
from reset.report import words
from reset.status import stage_graph
from tests.support import ROOT

pytestmark = pytest.mark.slow


def test_each_kind_reads_from_the_kinds_that_dvc_says() -> None:
    graph, kinds = Repo(str(ROOT)).index.graph, {}
    for stage in graph:
        kind = stage.addressing.partition("@")[0]
        kinds.setdefault(kind, []).append({before.addressing.partition("@")[0] for before in graph.successors(stage)})
    nodes = stage_graph.read(ROOT)
    assert len(nodes) > 10
    assert {node.kind: (node.stages, set(node.reads_from)) for node in nodes} == {
        kind: (len(before), set.union(*before)) for kind, before in kinds.items()
    }
    assert [node.kind for node in nodes][:3] == ["fetch", "prepare", "screen"]


def test_the_stages_of_a_kind_are_one_line_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    lines = CliRunner().invoke(status, ["--graph"]).output.splitlines()
    assert lines[0].split() == ["10", "fetch", "<-", words.DASH]
    assert "   51 judge     <- sample, identify" in lines
    assert max(map(len, lines)) <= 100 and len(lines) < 24


def test_a_kind_with_many_others_before_it_goes_on_below() -> None:
    many = tuple(f"another_kind_{number}" for number in range(30))
    lines = drawn([stage_graph.Node("report", 1, many), stage_graph.Node("x", 500, ())]).splitlines()
    assert max(map(len, lines)) <= 100 and lines[-1] == f"  500 x       <- {words.DASH}"
    assert " ".join(lines).count("another_kind_") == 30


def test_as_json_it_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    nodes = json.loads(CliRunner().invoke(status, ["--graph", "--json"]).output)
    assert {"kind": "prepare", "stages": 10, "reads_from": ["fetch"]} in nodes


def test_without_a_pipeline_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("scale: micro\n")
    with pytest.raises(ResetError, match=r"dvc.yaml: No such file"):
        stage_graph.read(tmp_path)
