"""`reset-lm compose` keeps what it was told, and an experiment changes what -S says and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from reset.cli.compose import compose
from tests.support import ROOT
from tests.support.clones import initialise

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def composed(*overrides: str) -> dict[str, object]:
    result = CliRunner().invoke(compose, list(overrides))
    assert result.exit_code == 0, result.output
    return params()


def params() -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load(Path("params.yaml").read_text())
    return content


def test_the_committed_file_is_what_compose_writes_of_the_default(project: Path) -> None:
    composed("scale=micro")
    composed()
    assert params() == yaml.safe_load((ROOT / "params.yaml").read_text())


def test_scale_folder_and_values_stay_until_a_scale_is_named_again(project: Path) -> None:
    composed("scale=own", "data_folder=../mine", "seed=2")
    kept = composed("objectives.faithfulness.weight=3.0")
    assert (kept["scale"], kept["data_folder"], kept["seed"]) == ("own", "../mine", 2)
    assert composed()["objectives"]["faithfulness"]["weight"] == 3.0  # type: ignore[index]
    afresh = composed("scale=smoke")
    assert (afresh["scale"], afresh["data_folder"], afresh["seed"]) == ("smoke", None, 0)


def test_a_study_is_added_and_stays(project: Path) -> None:
    rows = composed("+studies=less_is_more")["systems"]
    assert "mtl_half" in rows  # type: ignore[operator]
    assert "mtl_half" in composed("seed=1")["systems"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("scale=owm", "There is no conf/scale/owm.yaml. Did you mean 'own'?"),
        ("seed", "an override reads key=value"),
        ("~pools.mtl", "`compose` takes key=value"),
        ("seed=1,2", "`compose` takes key=value"),
        ("objectives.task.wieght=3", "unknown key 'objectives.task.wieght'. Did you mean 'weight'?"),
        ("raters=gpt", "raters=... replaces a group that this scale does not have: add it by +raters=... (gpt, open)"),
        ("ratrs=gpt", "'ratrs' is neither a key of params.yaml nor a group of conf/. Did you mean 'raters'?"),
        ("+sede=1", "'sede' is neither a key of params.yaml nor a group of conf/. Did you mean 'seed'?"),
        ("seed=x", "seed: Input should be a valid integer"),
    ],
)
def test_an_override_that_cannot_be_is_one_line_and_changes_nothing(project: Path, override: str, message: str) -> None:
    before = [(project / name).read_bytes() for name in ("params.yaml", "conf/current.yaml")]
    result = CliRunner().invoke(compose, [override])
    assert result.exit_code == 1
    assert message in result.output and len(result.output.splitlines()) == 1
    assert [(project / name).read_bytes() for name in ("params.yaml", "conf/current.yaml")] == before


def test_an_experiment_changes_what_it_says_and_nothing_else(project: Path) -> None:
    composed("scale=own", "data_folder=../mine")
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, project)
    for name in ("stages", "reset"):
        shutil.copytree(ROOT / name, project / name)

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    initialise(project)
    shutil.copy(ROOT / ".dvc/config", project / ".dvc/config")
    run("git", "add", "-A")
    run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "composed")
    dvc = str(Path(sys.executable).with_name("dvc"))
    run(dvc, "exp", "run", "-S", "objectives.faithfulness.weight=3.0", "identify@lexical")
    changed = params()
    assert (changed["scale"], changed["data_folder"]) == ("own", "../mine")
    assert changed["objectives"]["faithfulness"]["weight"] == 3.0  # type: ignore[index]
