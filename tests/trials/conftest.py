"""One undisturbed project for all trials, and a server that starts their stages."""

from collections.abc import Iterator

import pytest

from tests.support.trial_rounds import Rounds, rounds


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    with rounds(tmp_path_factory.mktemp("trials") / "all", seed=0) as found:
        yield found
