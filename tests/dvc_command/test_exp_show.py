"""`dvc exp show` without flags: few columns, narrow enough to be read, whatever else a run measures."""

from pathlib import Path

import pytest
from dvc.compare import TabularData

from reset.dvc_command import exp_show
from tests.support import ROOT

MACROS = ("faithfulness_seen", "instruction", "oracle")
COLUMNS = [f"metrics/systems/{system}.json:macro.{one}.mean" for system in ("mtl", "if_cd") for one in MACROS]


def table() -> tuple[TabularData, dict[str, list[str]]]:
    headers = {"metrics": [*COLUMNS, "metrics/fetch/nq.json:rows_in"], "params": ["seed"], "deps": ["reset/llm"]}
    found = TabularData(["Experiment", "Created", *(name for names in headers.values() for name in names)])
    for run in ("workspace", "main"):
        found.append([run, "-", *("0.5" for _ in headers["metrics"]), "0", "abc"])
    return found, headers


def test_only_compared_averages_of_the_first_pair_are_left_with_a_word_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # params.yaml: mtl_reset - mtl
    found, headers = table()
    assert exp_show._leave_few(found, headers)
    scores = ["mtl\nseen\nfaithful.", "mtl\ninstruct."]
    assert headers == {"metrics": scores, "params": ["seed"], "deps": []}
    assert set(found.keys()) == {"Experiment", "Created", "seed", *scores}


def test_params_of_another_form_leave_the_table_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("lr: 0.1\n")
    found, headers = table()
    before = list(found.keys())
    assert not exp_show._leave_few(found, headers)
    assert list(found.keys()) == before


def test_long_words_stay_whole_where_their_beginnings_are_the_same() -> None:
    assert exp_show._narrow({"a": "mtl_reset_2_random faithfulness", "b": "mtl task"}) == {
        "a": "mtl_reset_2_random\nfaithful.",
        "b": "mtl\ntask",
    }
    alike = {"a": "mtl instructing", "b": "mtl instruction"}
    assert exp_show._narrow(alike) == {"a": "mtl\ninstructing", "b": "mtl\ninstruction"}
