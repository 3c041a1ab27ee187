"""The environment's `dvc`: stages find its interpreter, and dvc.lock is what DVC itself would write."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from reset.dvc_command.lock_file import entry_text, replaced
from reset.runs.stage_server import SOCKET
from tests.support import ROOT
from tests.support.clones import initialise

pytestmark = pytest.mark.slow
DVC = Path(sys.executable).with_name("dvc")
PIPELINE = """
stages:
  count:
    foreach: ${rows}
    do:
      cmd: python -c "import sys; print(sys.prefix); open('${key}.txt', 'w').write('${item.text}')"
      params: ["rows.${key}"]
      outs: ["${key}.txt"]
"""
BARE = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "DVC_NO_ANALYTICS": "1"}
BARE |= {SOCKET: "0"}  # these stages need no libraries
LOCK = "schema: '2.0'\nstages:\n  a@1:\n    cmd: x\n  a@10:\n    cmd: y\n"


def params(**changed: object) -> str:
    rows = {
        "one": {"text": "a" * 90, "rate": 1e-5, "none": None, "off": "off"},
        "two": {"text": "b", "list": [1, None]},
    }
    return yaml.safe_dump({"rows": {**rows, **changed}})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    initialise(tmp_path)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text(params())
    return tmp_path


def repro(folder: Path, *command: str) -> str:
    """Run `command` as a newcomer's shell does: without the environment's folder on PATH."""
    done = subprocess.run([*command, "repro"], cwd=folder, env=BARE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_stages_run_under_the_interpreter_of_dvc_without_activating_anything(project: Path) -> None:
    assert sys.prefix in repro(project, str(DVC))


def test_the_lock_is_byte_for_byte_what_dvc_writes(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    on_path = f"PATH={DVC.parent}:/usr/bin:/bin"
    for content in (params(), params(two={"text": "c"}), params(three={"text": "d", "rate": 0.1})):
        (project / "params.yaml").write_text(content)
        repro(project, str(DVC))
        ours = (project / "dvc.lock").read_text()
        (project / "dvc.lock").unlink()
        for key in ("one", "two", "three"):
            (project / f"{key}.txt").unlink(missing_ok=True)
        repro(project, "env", on_path, sys.executable, "-m", "dvc")
        assert yaml.safe_load(ours) == yaml.safe_load((project / "dvc.lock").read_text())
        if "d" not in content:
            assert ours == (project / "dvc.lock").read_text()
        (project / "dvc.lock").write_text(ours)


def test_a_second_repro_does_nothing_and_leaves_the_lock_alone(project: Path) -> None:
    repro(project, str(DVC))
    before = (project / "dvc.lock").stat()
    assert "up to date" in repro(project, str(DVC))
    assert (project / "dvc.lock").stat().st_mtime_ns == before.st_mtime_ns


def test_an_entry_takes_the_place_of_its_old_one_and_a_new_one_goes_to_the_end() -> None:
    assert replaced(LOCK, entry_text({"a@1": {"cmd": "z"}})) == LOCK.replace("cmd: x", "cmd: z")
    assert replaced(LOCK, entry_text({"a@10": {"cmd": "z"}})) == LOCK.replace("cmd: y", "cmd: z")
    assert replaced(LOCK, entry_text({"b": {"cmd": "z"}})) == f"{LOCK}  b:\n    cmd: z\n"


@pytest.mark.parametrize(
    "other",
    [
        "",
        "stages: {}\n",
        f"{LOCK}datasets:\n- name: x\n",
        LOCK.replace("2.0", "1.0"),
        LOCK[:-1],
        LOCK.replace("1:\n", "1: &x\n"),
    ],
)
def test_a_lock_of_another_form_is_left_to_dvc(other: str) -> None:
    assert replaced(other, entry_text({"a@1": {"cmd": "z"}})) is None


WATCHED = """
import dvc.dvcfile as dvcfile
from dvc.repo import Repo
from dvc.utils.serialize import parse_yaml
from reset.dvc_command.lock_file import update_in_place

whole = []
parse = dvcfile.Lockfile._load_yaml
dvcfile.Lockfile._load_yaml = lambda self, **kwargs: whole.append(1) or parse(self, **kwargs)
update_in_place()
lock = lambda: dvcfile.Lockfile(repo, "dvc.lock")
text = lambda: open("dvc.lock").read()
repo = Repo(".")
with repo.lock:
    stages = [stage for stage in repo.index.stages]
    lock().load()
    before = len(whole)
    for stage in stages:
        stage.cmd = f"{stage.cmd} # 1e-5 off"
        dvcfile.ProjectFile(repo, "dvc.yaml").dump_stages([stage], update_pipeline=False)
        assert lock().load() == parse_yaml(text(), "dvc.lock"), "what was kept is not what the file says"
    assert text().count("# 1e-5 off") == len(stages) == 2
    print("parsed whole:", len(whole) - before)
    changed = text().replace("# 1e-5 off", "# by hand")
    open("dvc.lock", "w").write(changed)
    assert lock().load() == parse_yaml(changed, "dvc.lock"), "a change by another program went unnoticed"
    print("and after a change:", len(whole) - before)
"""


def test_a_lock_is_parsed_again_only_if_another_program_has_changed_it(project: Path) -> None:
    repro(project, str(DVC))
    watched = project / "watched.py"
    watched.write_text(WATCHED)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(watched)]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-2:] == ["parsed whole: 0", "and after a change: 1"], done.stdout + done.stderr


def heavy(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a `dvc` command with this checkout's code."""
    environment |= BARE | {"PYTHONPATH": str(ROOT)}
    whole = [sys.executable, "-m", "reset.dvc_command.main", *command]
    return subprocess.run(whole, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_heavy_run_is_checked_before_its_first_stage_and_a_no_op_is_not(project: Path) -> None:
    content = yaml.safe_load(params()) | {"base": {"llama": {"kind": "hub"}}}  # which `reset-lm check` finds incomplete
    (project / "params.yaml").write_text(yaml.safe_dump(content))
    refused = heavy(project, "repro", "--keep-going")
    assert refused.returncode and "no stage was run (RESET_CHECK=0 goes on without)" in refused.stderr
    assert "params.yaml: " in refused.stderr and not list(project.glob("*.txt"))
    assert heavy(project, "repro", "count@one").returncode == 0  # a target that is named needs not all
    assert heavy(project, "repro", RESET_CHECK="0").returncode == 0
    assert "up to date" in heavy(project, "repro").stdout


SHOWN = """
import json, yaml
weight = yaml.safe_load(open("params.yaml"))["objectives"]["faithfulness"]["weight"]
for number, name in enumerate(("base", "mtl", "mtl_reset")):
    macro = {"faithfulness_seen": {"mean": weight / 10 + number}, "task": {"mean": 0.5}, "oracle": {"mean": 0.25}}
    json.dump({"macro": macro, "datasets": {"nq": {"n": 7}}}, open(f"metrics/systems/{name}.json", "w"))
"""


def shown(folder: Path, *flags: str) -> str:
    environment = {**os.environ, "COLUMNS": "400", "DVC_NO_ANALYTICS": "1"}
    command = [str(DVC), "exp", "show", "--no-pager", *flags]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def titles(table: str) -> list[str]:
    """The titles of a printed table, whose words stand one below the other, flush right."""
    columns: dict[int, list[str]] = {}
    for line in table.split("workspace")[0].splitlines():
        for word in re.finditer(r"[\w.]+", line):
            columns.setdefault(word.end(), []).append(word[0])
    return [" ".join(words) for _, words in sorted(columns.items())]


def test_experiments_are_shown_with_the_scores_that_sum_them_up_and_what_differs(project: Path) -> None:
    (project / "metrics/systems").mkdir(parents=True)
    outs = [{f"metrics/systems/{name}.json": {"cache": False}} for name in ("base", "mtl", "mtl_reset")]
    stage = {"cmd": "python score.py", "deps": ["score.py"], "params": ["objectives"], "metrics": outs}
    (project / "score.py").write_text(SHOWN)
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"score": stage}}))
    for weight in (1.0, 2.0):
        row = {"transform": "none", "floor": None, "weight": weight, "verdicts": {"extractive_qa": "span_coverage"}}
        objectives = {"faithfulness": {**row, "compare": ["seen"]}, "task": {**row, "weight": 1.0, "compare": ["all"]}}
        content = {"objectives": objectives, "report": {"comparisons": [["mtl_reset", "mtl"]]}, "seed": 0}
        (project / "params.yaml").write_text(yaml.safe_dump({**content, "evaluate": {"systems": ["base", "mtl"]}}))
        repro(project, str(DVC))
        subprocess.run(["git", "add", "-A"], cwd=project, check=True)
        who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
        subprocess.run(["git", *who, "commit", "-qm", "ran"], cwd=project, check=True)
    assert titles(shown(project, "--num", "2"))[2:] == [
        *("mtl seen faithful.", "mtl task", "mtl_reset seen faithful.", "mtl_reset task"),
        "objectives.faithfulness.weight",
    ]
    for flags in (("--drop", "^$"), ("--csv",), ("--md",)):
        assert "metrics/systems/base.json:macro.oracle.mean" in shown(project, *flags)


@pytest.mark.parametrize("damage", ["cut", "turned"])
def test_a_damaged_file_of_the_cache_is_never_put_in_place_of_a_result(project: Path, damage: str) -> None:
    assert heavy(project, "repro").returncode == 0
    for cached in (path for path in (project / ".dvc/cache/files").rglob("*") if path.is_file()):
        content = cached.read_bytes()
        cached.chmod(0o644)
        cached.write_bytes(content[:-1] if damage == "cut" else content[:-1] + b"!")
        cached.chmod(0o444)  # as DVC has it
    for key in ("one", "two"):
        (project / f"{key}.txt").unlink()
    assert heavy(project, "repro").returncode == 0
    assert [(project / f"{key}.txt").read_text() for key in ("one", "two")] == ["a" * 90, "b"]


@pytest.mark.parametrize("left", ["", '{"write": {"/a', "[]"])
def test_a_list_of_locks_that_a_killed_dvc_has_cut_stops_no_later_one(project: Path, left: str) -> None:
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    (project / ".dvc/tmp/rwlock").write_text(left)
    ran = heavy(project, "repro")
    assert ran.returncode == 0, ran.stderr
    assert (project / "one.txt").is_file() and json.loads((project / ".dvc/tmp/rwlock").read_text()) == {}


def test_of_two_at_once_one_does_the_work_and_the_other_says_that_it_is_busy_or_does_nothing(project: Path) -> None:
    slow = PIPELINE.replace("import sys;", "import sys, time; time.sleep(1);")
    (project / "dvc.yaml").write_text(slow)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: heavy(project, "repro"), range(2)))
    assert 0 in [ran.returncode for ran in both]
    for ran in both:
        assert "Traceback" not in ran.stdout + ran.stderr
        assert ran.returncode == 0 or "busy" in ran.stderr or "Unable to acquire lock" in ran.stderr, ran.stderr
    assert heavy(project, "repro").returncode == 0
    assert [(project / f"{key}.txt").read_text() for key in ("one", "two")] == ["a" * 90, "b"]


def test_the_way_to_free_the_cache_that_the_documents_give_keeps_what_experiments_made(project: Path) -> None:
    (found,) = re.findall(r"`(dvc gc [^`]+)`", (ROOT / "docs/scale.md").read_text())
    known = {**os.environ, "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(ROOT)}

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=project, env=known, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run(str(DVC), "repro")
    run("git", "add", "-A")
    run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "ran")
    run(str(DVC), "exp", "run", "-n", "other", "-S", "rows.two.text=c", "count@two")
    run("git", "checkout", "-q", "--", ".")
    run(str(DVC), "checkout", "--force")
    run(str(DVC), *found.split()[1:], "--force")
    run(str(DVC), "exp", "apply", "other")
    assert (project / "two.txt").read_text() == "c"
