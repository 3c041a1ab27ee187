"""A checkpoint is named by its system and share, and stands on the way from the system's start to what was chosen."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from reset import checkpoint_names, params
from reset.checkpoint_names import Point
from reset.errors import ResetError
from reset.params.document import Params


@pytest.mark.parametrize(("share", "folder"), [(0.25, "at/25"), (1.0, "at/100"), (0.125, "at/12.5"), (0.07, "at/7")])
def test_folder_is_named_in_per_cent(share: float, folder: str) -> None:
    assert checkpoint_names.folder(share) == folder


def test_step_of_a_share_is_a_step_of_the_training() -> None:
    assert [checkpoint_names.step(share, 109) for share in (0.001, 0.25, 0.5, 1.0)] == [1, 27, 54, 109]


def test_system_of_a_model_is_the_one_in_whose_training_it_came_about() -> None:
    assert [checkpoint_names.system(model) for model in ("cd/at/25", "cd", "base/micro")] == ["cd", "cd", "base/micro"]


def test_way_of_a_training_goes_from_its_start_over_what_was_kept_to_what_was_chosen() -> None:
    inits = {"cd": "base/micro", "cd_if": "cd", "mtl": "base/micro"}
    keep = {"cd": [0.5, 0.25, 1.0], "cd_if": [0.5], "mtl": []}
    evaluated = {"base": "base/micro", "cd": "cd", "early": "cd/at/25", "half": "cd/at/50", "mtl": "mtl"}
    assert checkpoint_names.ways(inits, keep, evaluated) == [
        *(Point("cd", "base", 0.0), Point("cd", "early", 0.25), Point("cd", "half", 0.5), Point("cd", "cd", None)),
    ]


def load(content: dict[str, Any], folder: Path) -> Params:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return params.load(path)


def test_pool_and_system_may_name_a_checkpoint(minimal: dict[str, Any], tmp_path: Path) -> None:
    minimal["systems"]["mtl"]["keep"] = [0.5]
    minimal["pools"]["mtl"]["model"] = minimal["systems"]["reset"]["init"] = "mtl/at/50"
    assert load(minimal, tmp_path).pools["mtl"].model == "mtl/at/50"
    minimal["systems"]["mtl"]["keep"] = [0.25]
    with pytest.raises(ResetError, match=r": no model 'mtl/at/50'\. Did you mean 'mtl/at/25'"):
        load(minimal, tmp_path)


def test_share_beyond_the_training_is_refused(minimal: dict[str, Any], tmp_path: Path) -> None:
    minimal["systems"]["mtl"]["keep"] = [25.0]
    with pytest.raises(ResetError, match=r"systems\.mtl\.keep\.0: Input should be less than or equal to 1"):
        load(minimal, tmp_path)


def test_system_that_starts_from_its_own_checkpoint_goes_in_a_circle(minimal: dict[str, Any], tmp_path: Path) -> None:
    minimal["systems"]["mtl"] |= {"keep": [0.5], "init": "mtl/at/50"}
    with pytest.raises(ResetError, match=r"systems\.mtl depends on itself"):
        load(minimal, tmp_path)
