"""Each long stage killed at random moments, and `dvc repro` in every way; `make trials` is the long form."""

import pytest

from reset.runs.stage_server import SOCKET
from tests.support.trial_rounds import STOPS, Rounds, Trial, by_dvc
from tests.support.trials import STAGES, Project

pytestmark = pytest.mark.slow
CHEAP = ["fetch", "prepare"]


@pytest.fixture(scope="module")
def cheap(made: Rounds, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return by_dvc(made, tmp_path_factory.mktemp("dvc") / "base", CHEAP)


def require(trial: Trial) -> None:
    assert (trial.wrong, trial.repeated) == ([], 0)
    assert trial.kills and trial.runs


@pytest.mark.parametrize("name", STAGES)
def test_a_killed_stage_ends_with_the_rows_of_an_undisturbed_one_and_leaves_nothing(made: Rounds, name: str) -> None:
    require(made.stage(name, kills=2))


def test_a_stage_in_a_process_of_its_own_ends_with_the_dvc_that_started_it(
    made: Rounds, cheap: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SOCKET, "0")  # no server, as where there is a GPU
    require(made.repro(cheap, CHEAP, "SIGKILL to dvc alone", kills=2))


@pytest.mark.parametrize("how", STOPS)
def test_a_stopped_repro_ends_with_the_rows_of_an_undisturbed_one_and_leaves_nothing(
    made: Rounds, cheap: Project, how: str
) -> None:
    require(made.repro(cheap, CHEAP, how, kills=2))
