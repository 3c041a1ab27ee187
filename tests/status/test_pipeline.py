"""dvc.yaml as a user's params.yaml fills it: `${...}` is a value of it, and one that it lacks is named."""

import pytest

from reset.errors import ResetError
from reset.status.pipeline import value

PARAMS = {"pools": {"mtl": {"sweeps": 2}}, "seed": 0}


def test_a_dotted_key_is_a_value_of_params_yaml() -> None:
    assert value(PARAMS, " pools.mtl.sweeps ") == 2
    assert value(PARAMS, "seed") == 0


@pytest.mark.parametrize("key", ["pools.reset", "seed.more", "rows"])
def test_a_key_that_params_yaml_lacks_is_named(key: str) -> None:
    with pytest.raises(ResetError, match=f"^dvc.yaml: params.yaml has no '{key}'$"):
        value(PARAMS, key)
