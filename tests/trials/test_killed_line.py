"""Each long stage killed at random moments, and `dvc repro` in every way; `make trials` is the long form."""

from collections.abc import Iterator

import pytest

from tests.support.trial_rounds import STOPS, Rounds, Trial, by_dvc, rounds
from tests.support.trials import STAGES, Project

pytestmark = pytest.mark.slow
CHEAP = ["fetch", "prepare"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    with rounds(tmp_path_factory.mktemp("trials") / "all", seed=0) as found:
        yield found


@pytest.fixture(scope="module")
def cheap(made: Rounds, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return by_dvc(made, tmp_path_factory.mktemp("dvc") / "base", CHEAP)


def require(trial: Trial, runs: int = 1) -> None:
    assert (trial.wrong, trial.repeated, trial.runs) == ([], 0, runs)
    assert trial.kills


@pytest.mark.parametrize("name", STAGES)
def test_a_killed_stage_ends_with_the_rows_of_an_undisturbed_one_and_leaves_nothing(made: Rounds, name: str) -> None:
    require(made.stage(name, kills=2, rounds=1))


@pytest.mark.parametrize("how", STOPS)
def test_a_stopped_repro_ends_with_the_rows_of_an_undisturbed_one_and_leaves_nothing(
    made: Rounds, cheap: Project, how: str
) -> None:
    require(made.repro(cheap, CHEAP, how, kills=2, rounds=1))
