"""The pipeline as a document: dvc.yaml against the code it runs and the parameters it runs with, at every scale."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo

from reset import registry
from reset.examples import origins
from reset.files import code
from reset.files.code import closure, data_files, file_of, imported
from tests.support import ROOT
from tests.support.imports import module_of, plug_ins, registered

SCALES = (
    "micro",
    "smoke",
    "rehearsal",
    "own",
    "laptop",
    "gpu",
    "paper",
    "paper sample.engine=openai",
    "micro +studies=interpolation",
    "laptop +studies=[ifeval,lm_eval]",
    "laptop +studies=real_text",
)  # with overrides
STAGES = sorted(path.stem for path in (ROOT / "stages").glob("*.py") if path.stem != "__init__")

JUDGING = ("reset.judging.build", "reset.judging.judge")  # hashed by stage `identify`, beside the plug-in
# What a stage imports without using what it does there.
UNUSED = {
    # raw records are copied: what makes examples of them decides nothing, and must not download all data sets anew
    "fetch": {"reset.model.prompts", "reset.normalise", "reset.sources.retrieval"},
    # the raw records, a dependency of their own, are all that the micro world says to it
    "prepare": {f"reset.micro{module}" for module in (".facts", ".grounded", ".instructions", ".words")},
    "train": {"reset.model.prompts"},  # the record `Prompt`; what is rendered stands in the rows
    # carry requests to a server, and send them again: what is asked and how it is read stands in the engine's file
    "sample": {f"reset.llm{module}" for module in ("", ".asking", ".faults", ".key", ".size", ".wire")},
    # the ledger says what judges were paid, as DVC does not: the page tells it, and no other result rests on it
    "report": {"reset.llm", "reset.llm.ledger"},
}
# Parameters that no stage depends on: they say how a stage works or when it stops, not what comes out.
NOT_WHAT = {
    "data_folder",  # stands in the paths of `datasets`
    "tracking.enabled",
    "train.processes",
    "train.hostfile",
    "train.save_minutes",
    "train.max_cut",
    "train.max_loss_rise",
    "train.loss_window",
    "sample.chunk_prompts",
    "sample.max_failed",
    "judge.chunk_answers",
    "judge.max_null",
    "cluster.workers",
    "cluster.ray_address",
    "cluster.worker_cpus",
    "cluster.worker_gpus",
    "cluster.max_restarts",
    "store.max_gb",
    "plan",
}
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")]  # DVC's own
HEAVY = ("torch", "transformers", "vllm", "mlflow", "datasets", "deepspeed", "trl", "ray")


class Line:
    """dvc.yaml as DVC resolves it with the parameters of one scale."""

    def __init__(self, folder: Path, params: Path) -> None:
        shutil.copy(ROOT / "dvc.yaml", folder)
        shutil.copy(params, folder / "params.yaml")
        self.params: dict[str, Any] = yaml.safe_load(params.read_text())
        self.repo = Repo.init(str(folder), no_scm=True)
        self.paths: dict[str, list[Path]] = {}  # the files and folders that each stage depends on
        self.watched: dict[str, set[str]] = {}  # the parameters
        self.outs: dict[str, list[Path]] = {}
        for stage in self.repo.index.stages:
            watched = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
            self.watched[stage.name] = {name for dep in watched for name in dep.params}
            self.paths[stage.name] = [Path(dep.def_path) for dep in stage.deps if dep not in watched]
            self.outs[stage.name] = [Path(out.def_path) for out in stage.outs]
        self._written = {out for outs in self.outs.values() for out in outs}
        self._makers: dict[Path, set[str]] = {}
        for address, outs in self.outs.items():
            for out in outs:
                for path in (out, *out.parents):
                    self._makers.setdefault(path, set()).add(address)

    def code(self, address: str) -> list[Path]:
        """The files and folders of the repository's own code that a stage depends on."""
        return [path for path in self.paths[address] if path.parts[0] in ("reset", "stages")]

    def makers(self, path: Path) -> set[str]:
        """The stages that write `path`, into it, or a folder that it is in."""
        around = (self._makers[parent] for parent in path.parents if parent in self._written)
        return self._makers.get(path, set()).union(*around)


@pytest.fixture(scope="session")
def lines(composed, tmp_path_factory):
    """The line at a scale."""
    return cache(lambda scale: Line(tmp_path_factory.mktemp("line"), composed(scale)))


@pytest.fixture(params=SCALES)
def line(request, lines):
    return lines(request.param)


def command(address: str) -> str:
    """The module of stages/ that runs `address`."""
    return address.partition("@")[0]


def chosen(params: dict[str, Any], address: str) -> dict[str, str]:
    """The plug-ins that the parameters choose for a stage: table -> module."""
    name, _, key = address.partition("@")
    if name in ("fetch", "prepare"):
        row = params["datasets"][key]
        found = {"SOURCES": module_of(registry.SOURCES[row["source"]])}
        where = registry.load(registry.SOURCES, row["source"], "source").where
        on_hub = (row["hub"] or where.hub) and not row["path"]
        return found | ({"HUB": module_of(origins.HUB["hub"])} if on_hub else {})
    if name == "base":
        return {"BASES": module_of(registry.BASES[params["base"][key]["kind"]])}
    if name == "train":
        recipe = params["recipes"][params["systems"][key]["recipe"]]
        return {"METHODS": module_of(registry.METHODS[recipe["method"]])}
    if name == "sample":
        return {"ENGINES": module_of(registry.ENGINES[params["sample"]["engine"]])}
    if name == "watch":
        return {"JUDGES": module_of(registry.JUDGES[params["watchers"][key]["kind"]])}
    if name in ("identify", "judge"):
        return {"JUDGES": module_of(registry.JUDGES[params["judges"][key.partition("-")[0]]["kind"]])}
    return {}


def decisive(params: dict[str, Any], address: str) -> set[Path]:
    """The files that decide a stage's result: its import closure with the plug-ins it uses."""
    stage, tables = command(address), chosen(params, address)
    if stage == "prepare":
        tables.pop("HUB", None)
    if stage == "judge":  # what decides the verdicts is hashed in the judge's identity, which it depends on
        found = closure([f"stages.{stage}"], without=[name for name in closure(JUDGING) if name != "stages.judge"])
    else:
        found = closure([f"stages.{stage}", *tables.values()], without=UNUSED.get(stage, ()))
    assert f"stages.{stage}" in found
    return {*found.values(), *(file for path in found.values() for file in data_files(path))}


def covers(listed: Path, file: Path) -> bool:
    return file == listed or listed in file.parents


def test_every_stage_lists_the_modules_that_decide_its_result(line):
    missing = [
        f"{address}: {file}"
        for address in line.outs
        for file in sorted(decisive(line.params, address))
        if not any(covers(listed, file) for listed in line.code(address))
    ]
    assert missing == []


def test_no_stage_lists_a_module_that_decides_nothing_at_any_scale(lines):
    listed: dict[tuple[str, Path], bool] = {}
    for line in map(lines, SCALES):
        for address in line.outs:
            files = decisive(line.params, address)
            for path in line.code(address):
                key = (address.partition("@")[0], path)
                listed[key] = listed.get(key, False) or any(covers(path, file) for file in files)
    assert len(listed) > 60
    assert [f"{stage}: {path}" for (stage, path), needed in listed.items() if not needed] == []


def test_a_module_that_is_not_listed_is_found(lines):
    line = lines("micro")
    files = decisive(line.params, "sample@mtl")
    assert Path("reset/engines/transformers/engine.py") in files  # by its plug-in table
    assert Path("reset/engines/transformers/cache.py") in files  # by the plug-in's import
    assert Path("reset/model/tokens.py") in files  # by an import inside a function
    assert Path("reset/llm/rating.txt") in decisive(lines("paper").params, "identify@rater")
    assert Path("reset/examples/hub.py") in decisive(lines("paper").params, "fetch@dolly")


def test_the_scales_choose_every_plug_in_there_is(lines):
    used = {
        (table, module)
        for line in map(lines, SCALES)
        for address in line.outs
        for table, module in chosen(line.params, address).items()
    }
    tables = {name: table for name, table in vars(registry).items() if name.isupper()} | {"HUB": origins.HUB}
    assert set(tables) == {"SOURCES", "ENGINES", "JUDGES", "BASES", "METHODS", "HUB"}
    used.add(("JUDGES", "reset.judges.minicheck"))  # by path alone: no scale names such a model
    used |= {
        ("JUDGES", f"reset.judges.{name}") for name in ("abstention", "claims", "self_consistency")
    }  # no paper's scale has them
    assert {(name, module_of(entry)) for name, table in tables.items() for entry in table.values()} == used


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_builds_plug_ins_has_them_among_its_dependencies(stage, lines):
    modules = closure([f"stages.{stage}"])
    tables = {table for path in modules.values() for table in registered(path)}
    tables |= {"HUB"} if any("reset.examples.hub" in plug_ins(path) for path in modules.values()) else set()
    known = {
        table
        for line in map(lines, SCALES)
        for address in line.outs
        if command(address) == stage
        for table in chosen(line.params, address)
    }
    assert tables <= known


def test_the_declared_sets_name_modules_that_are_there():
    declared = {room.rstrip(".") for room in code.UNWATCHED}.union(*UNUSED.values())
    assert [module for module in declared if file_of(module) is None] == []
    for stage, modules in UNUSED.items():
        entries = [*registry.SOURCES.values(), *registry.ENGINES.values()]
        reached = closure([f"stages.{stage}", *map(module_of, entries)])
        assert modules <= reached.keys()


def leaves(content: Any, key: str = "") -> Iterator[str]:
    """The dotted keys of all single values."""
    if isinstance(content, dict) and content:
        for name, value in content.items():
            yield from leaves(value, f"{key}.{name}" if key else str(name))
    else:
        yield key


def unread(line: Line) -> set[str]:
    """The parameters that belong to no stage: rows that nothing names, engines that are not chosen."""
    p = line.params
    used = {
        "recipes": {row["recipe"] for row in p["systems"].values()},
        "decode": {row["decode"] for row in p["pools"].values()},
        "sample.engines": {p["sample"]["engine"]},
    }
    nothing = {"ability.systems", "ability.needs"} if p["ability"]["systems"] else {"ability"}  # of paths; no stage
    tables = {"recipes": p["recipes"], "decode": p["decode"], "sample.engines": p["sample"]["engines"]}
    return nothing | {f"{name}.{row}" for name, table in tables.items() for row in table if row not in used[name]}


def test_every_parameter_is_a_dependency_of_some_stage_or_declared_not_to_be(line):
    watched = {name for address in line.outs for name in line.watched[address]}
    idle = watched | NOT_WHAT | unread(line) | {f"datasets.{name}.needs" for name in line.params["datasets"]}
    free = [key for key in leaves(line.params) if not any(key == name or key.startswith(f"{name}.") for name in idle)]
    assert free == []


def test_objectives_decide_what_is_chosen_and_shown_but_neither_answers_nor_verdicts(line):
    watching = {address.partition("@")[0] for address in line.outs if "objectives" in line.watched[address]}
    assert watching == {"identify", "select", "evaluate", "watch", "report"}  # identify: which verdicts anybody reads


def test_parameters_that_are_declared_without_a_stage_are_there_and_have_none(line):
    watched = {name for address in line.outs for name in line.watched[address]}
    assert {name for name in NOT_WHAT for key in leaves(line.params) if f"{key}.".startswith(f"{name}.")} == NOT_WHAT
    assert [key for key in NOT_WHAT if any(key == name or key.startswith(f"{name}.") for name in watched)] == []


def test_every_data_dependency_is_an_output_or_was_there_before(line):
    for address in line.outs:
        for path in line.paths[address]:
            if path.parts[0] in ("reset", "stages", "conf", "labels"):
                assert (ROOT / path).exists(), f"{address}: {path}"
            elif path.parts[0] in ("data", "models", "metrics"):
                assert line.makers(path), f"{address}: {path}"
            elif str(path) == line.params["report"]["seeds"]:  # of runs that were gathered before
                assert (ROOT / path).is_file()
            else:
                assert line.params["data_folder"] and str(path).startswith(line.params["data_folder"]), path


def test_stages_stand_in_dvc_yaml_behind_what_they_depend_on_or_train_on_curated_rows(line):
    """The line is straight: only `train` comes twice, first on mixtures, then on what `select` chose."""
    order = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
    back = {
        (maker.partition("@")[0], address.partition("@")[0])
        for address in line.outs
        for path in line.paths[address]
        for maker in line.makers(path)
        if order.index(maker.partition("@")[0]) > order.index(address.partition("@")[0])
    }
    assert back == {("select", "train")}


def test_no_stage_writes_into_its_own_input(line):
    writes = [(a, path) for a in line.outs for path in line.paths[a] if a in line.makers(path)]
    inside = [(a, path) for a, outs in line.outs.items() for path in line.paths[a] if {*path.parents} & {*outs}]
    assert writes + inside == []


def test_every_stage_module_is_run_by_default_but_those_that_are_asked_for(lines):
    assert {command(address) for address in lines("micro").outs} == set(STAGES) - {"ability", "interpolate"}
    asked = {command(address) for address in lines("laptop +studies=[ifeval,lm_eval]").outs}
    assert asked | {command(address) for address in lines("micro +studies=interpolation").outs} == set(STAGES)


def test_the_default_line_depends_on_nothing_of_general_ability(lines):
    line = lines("micro")
    of_it = [Path("stages/ability.py"), Path("reset/ability"), Path("reset/sources/ifeval.py")]
    assert [a for a in line.outs for listed in line.code(a) for path in of_it if covers(listed, path)] == []


def test_dvc_finds_no_circle_and_no_output_twice(line):
    line.repo.index.check_graph()
    assert len(line.outs) > 30


def modules(folder: str) -> dict[str, Path]:
    paths = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.py"))
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def test_the_library_never_imports_the_stages():
    found = modules("reset")
    assert len(found) > 50
    assert [name for name, path in found.items() if any(i.partition(".")[0] == "stages" for i in imported(path))] == []


def test_plug_ins_never_import_each_other():
    tables = (registry.SOURCES, registry.ENGINES, registry.JUDGES, origins.HUB)
    known = {module_of(entry) for table in tables for entry in table.values()}
    bases = {module_of(entry) for entry in registry.BASES.values()}
    assert {f"{name}: {i}" for name in known | bases for i in imported(file_of(name)) & (known | bases)} == set()


@pytest.mark.parametrize("stage", STAGES)
def test_importing_a_stage_loads_no_heavy_library(stage):
    code = f"import sys, stages.{stage}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
