"""The house: which room may import which, and no circle between rooms or between files."""

import networkx as nx
import pytest

from tests.support import ROOT
from tests.support.rooms import circles, graph, imports, modules, upward

# Room -> the rooms that it may import. A new arrow is a decision: write it here, and in docs/layout.md say why.
MAY_IMPORT = {
    "errors": "",
    "normalise": "",
    "looping": "",
    "thoughts": "",
    "checkpoint_names": "",
    "objectives": "",
    "registry": "errors",
    "files": "errors",
    "llm": "errors normalise thoughts",
    "tracking": "errors files",
    "runs": "errors files",
    "model": "errors files",
    "params": "checkpoint_names errors files judges model objectives registry",
    "interpolation": "errors files model",
    "micro": "model",
    "sources": "errors micro model normalise registry",
    "examples": "errors files model normalise registry runs sources",
    "training": "checkpoint_names errors files model registry runs",
    "ability": "errors model",
    "bases": "errors micro runs training",
    "engines": "errors llm model registry",
    "sampling": "engines errors files looping model normalise runs thoughts",
    "judges": "errors engines llm micro model normalise registry runs",
    "judging": "errors files judges model registry runs",
    "choosing": "errors files judges looping model normalise objectives thoughts",
    "scoring": "choosing errors files objectives",
    "report": "checkpoint_names choosing errors files objectives scoring",
    "planning": (
        "bases checkpoint_names choosing engines errors files judges llm micro model params registry sampling training"
    ),
    "checking": (
        "bases checkpoint_names engines errors examples files judges llm model objectives params planning registry "
        "runs sources status training"
    ),
    "scales": "errors examples judges sources",
    "status": "files llm params planning errors",
    "evidence": (
        "checkpoint_names choosing errors examples files judges model objectives report scoring sources tracking"
    ),
    "dvc_command": "checking errors evidence files planning runs status",
    "cli": (
        "checking choosing errors evidence examples files judges llm model objectives params planning registry report "
        "runs sampling scales status tracking"
    ),
}
NOT_FOR_STAGES = {"checking", "cli", "dvc_command", "evidence", "scales", "status"}


@pytest.fixture(scope="module")
def house() -> nx.DiGraph:
    return graph(ROOT)


def test_a_room_imports_what_it_may_and_needs_every_permission(house: nx.DiGraph) -> None:
    drawn = {name.removeprefix("reset."): set(house.successors(name)) for name in house if name != "stages"}
    assert {name: sorted(room.removeprefix("reset.") for room in rooms) for name, rooms in drawn.items()} == {
        name: sorted(rooms.split()) for name, rooms in MAY_IMPORT.items()
    }


def test_stages_import_neither_commands_nor_what_comes_after_a_run(house: nx.DiGraph) -> None:
    assert {room.removeprefix("reset.") for room in house.successors("stages")} & NOT_FOR_STAGES == set()


def test_there_is_no_circle_between_rooms(house: nx.DiGraph) -> None:
    assert len(house) > 20
    assert (circles(house), upward(house)) == ([], [])


def test_there_is_no_circle_between_files() -> None:
    known = modules(ROOT)
    files = nx.DiGraph((name, other) for name in known for other in imports(name, known) - {name})
    assert len(files) > 150
    assert circles(files) == []


def test_a_circle_is_found_and_the_arrow_that_runs_upward_named() -> None:
    drawn = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "a"), ("a", "c"), ("d", "a")])
    assert circles(drawn) == [["a", "b", "c"]]
    assert upward(drawn) == [("c", "a")]
