"""Every scale of conf/ composes to a params.yaml without a mistake; the committed one is the default's."""

import ast
import inspect
import re
from importlib import import_module
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from reset import params, registry
from reset.checking import gold
from reset.files.code import file_of, tree
from reset.micro.model import vocabulary
from reset.params.document import Params
from reset.sources import UNANSWERABLE
from reset.sources.construction import construct
from tests.support import ROOT
from tests.support.imports import module_of
from tests.support.scales import SHIPPED

pytestmark = pytest.mark.slow


@pytest.fixture(params=SHIPPED)
def scale(request, composed):
    """The parameters of a scale, loaded."""
    return params.load(composed(request.param))


def test_the_scales_that_are_shipped_lie_in_conf():
    assert all((ROOT / f"conf/scale/{name}.yaml").is_file() for name in SHIPPED)


def test_the_committed_file_is_the_composition_of_the_default(composed):
    assert (ROOT / "params.yaml").read_text() == composed("micro").read_text()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_scale_says_its_name(name, composed):
    assert params.load(composed(name)).scale == name


def overrides_of(path: Path) -> str:
    """The scale and the study that the command in the first lines of a study's file names."""
    found = re.search(r"`(?:dvc exp run|reset-lm compose) ([^`]*)`", path.read_text())
    assert found, f"{path}: no command to run it"
    words = [word for word in found[1].split() if word != "-S"]
    scale = next((word.removeprefix("scale=") for word in words if word.startswith("scale=")), "micro")
    return " ".join([scale, *(word for word in words if not word.startswith("scale="))])


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "conf/studies").glob("*.yaml")))
def test_a_study_composes_by_the_command_that_its_file_names(name, composed):
    overrides = overrides_of(ROOT / f"conf/studies/{name}.yaml")
    assert f"studies={name}" in overrides
    params.load(composed(overrides))


def test_studies_that_add_to_the_default_can_run_together(composed):
    """No two of them call different rows by one name."""
    names = [path.stem for path in (ROOT / "conf/studies").glob("*.yaml") if overrides_of(path).startswith("micro ")]
    default = params.load(composed("micro"))
    studies = {name: params.load(composed(f"micro +studies={name}")) for name in sorted(names)}
    for table in ("systems", "interpolated", "curated", "recipes", "pools"):
        known = getattr(default, table).keys()
        added = {
            name: {key: row for key, row in getattr(study, table).items() if key not in known}
            for name, study in studies.items()
        }
        for name, other in combinations(added, 2):
            mine, theirs = added[name], added[other]
            shared = mine.keys() & theirs.keys()
            assert all(mine[key] == theirs[key] for key in shared), f"{name} and {other}: {table}"
            assert table != "pools" or not shared, f"{name} and {other}: {shared}"


def taken(plug_in: str) -> tuple[set[str], set[str]]:
    """The keyword arguments of a plug-in's constructor, and those without a default.

    Sources are asked, whose options may be inherited; of the others, which may not be installed, the text is read.
    """
    name = plug_in.partition(":")[2]
    if plug_in in registry.SOURCES.values():
        kind = getattr(import_module(plug_in.partition(":")[0]), name)
        options = inspect.signature(kind).parameters
        return set(options), {key for key, one in options.items() if one.default is one.empty}
    path = file_of(module_of(plug_in))
    assert path
    kind = next(node for node in tree(path).body if isinstance(node, ast.ClassDef) and node.name == name)
    made = [node for node in kind.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if not made:
        return set(), set()
    arguments = made[0].args
    names = [argument.arg for argument in arguments.kwonlyargs]
    needed = {name for name, default in zip(names, arguments.kw_defaults, strict=True) if default is None}
    return set(names), needed


def rows(p: Params) -> list[tuple[str, str, dict[str, Any]]]:
    """All rows that build a plug-in: key, "module:Class", keyword arguments."""
    found = [(f"datasets.{n}", registry.SOURCES[d.source], d.options) for n, d in p.datasets.items()]
    found += [
        (f"base.{n}", registry.BASES[b.kind], {"needs": b.needs, "seed": 0, **b.options}) for n, b in p.base.items()
    ]
    found += [
        (f"sample.engines.{n}", registry.ENGINES[n], {"model": "", **options})
        for n, options in p.sample.engines.items()
    ]
    for name, judge in p.judges.items():
        model = {} if judge.model is None else {"model": judge.model}
        found.append((f"judges.{name}", registry.JUDGES[judge.kind], {"name": name, **judge.options, **model}))
    return found


def test_the_options_of_every_row_are_those_its_plug_in_takes(scale):
    for key, plug_in, options in rows(scale):
        known, needed = taken(plug_in)
        assert needed <= options.keys() <= known, key


def test_the_paper_s_numbers_stand_in_its_scale(composed):
    p = params.load(composed("paper"))
    recipes = {name: (row.learning_rate, row.batch_size, row.zero_stage) for name, row in p.recipes.items()}
    assert recipes == {"context": (1e-5, 16, 3), "instructions": (1e-5, 32, 3), "continued": (8e-6, 32, 3)}
    assert {(row.weight_decay, row.warmup_ratio, row.eval_steps, row.epochs) for row in p.recipes.values()} == {
        (0.05, 0.03, 100, 1.0)
    }
    assert (p.train.max_tokens, p.sample.max_tokens, p.sample.max_tokens + p.sample.max_prompt_tokens) == (
        2048,
        480,
        2048,
    )
    candidates = p.prompts["candidates"].rows
    assert sum(candidates.values()) == 8000
    assert sum(count for name, count in candidates.items() if name in p.mixtures["if"].parts["instructions"]) == 2000
    assert p.curated["reset_s"].share * 8000 == 2000
    assert (
        sum(count for name, count in p.prompts["test"].rows.items() if p.evaluate.groups[name] != "instruction") == 6000
    )


@pytest.mark.parametrize("name", ["smoke", "rehearsal"])
def test_small_scales_have_the_systems_of_the_default(name, composed):
    small, default = params.load(composed(name)), params.load(composed("micro"))
    for table in ("systems", "pools", "curated", "evaluate"):
        ours, theirs = getattr(small, table), getattr(default, table)
        if table == "curated":  # toys may be allowed what cannot win elsewhere
            ours, theirs = (
                {name: (row.pool, row.pick, row.share, row.rating) for name, row in rows.items()}
                for rows in (ours, theirs)
            )
        assert ours == theirs if table != "evaluate" else ours.systems == theirs.systems


@pytest.mark.parametrize("name", ["micro", "smoke", "rehearsal", "gpu", "paper"])
def test_the_gold_control_takes_as_much_of_each_data_set_as_is_answered(name, composed):
    p = params.load(composed(name))
    assert p.mixtures["gold"].take == p.prompts["candidates"].rows
    assert p.systems["mtl_gold"].recipe == p.systems["mtl_reset"].recipe


def test_the_study_of_fewer_rows_adds_to_the_default_and_takes_as_many_steps(composed):
    default, study = params.load(composed("micro")), params.load(composed("micro +studies=less_is_more"))
    assert {name: study.systems[name] for name in default.systems} == default.systems
    added = {name: row for name, row in study.systems.items() if name not in default.systems}
    assert len(added) == 4 and added.keys() <= set(study.evaluate.systems)
    for row in added.values():
        curated, recipe = study.curated[row.data.removeprefix("curated/")], study.recipes[row.recipe]
        assert curated.share * recipe.epochs == study.recipes["continued"].epochs
        assert recipe.model_copy(update={"epochs": 1.0}) == study.recipes["continued"]


def test_the_study_of_better_winners_chooses_from_the_defaults_pool_and_trains_like_reset(composed):
    default, study = params.load(composed("micro")), params.load(composed("micro +studies=better_winners"))
    added = {name: row for name, row in study.systems.items() if name not in default.systems}
    assert len(added) == 4 and added.keys() <= set(study.evaluate.systems)
    for row in added.values():
        curated = study.curated[row.data.removeprefix("curated/")]
        assert (curated.pool, curated.sweeps) == (study.curated["reset"].pool, study.curated["reset"].sweeps)
        assert (row.init, row.recipe) == (study.systems["mtl_reset"].init, study.systems["mtl_reset"].recipe)


def test_the_study_of_self_or_gold_lets_references_compete_where_no_judge_that_chooses_reads_them(composed):
    default, study = params.load(composed("micro")), params.load(composed("micro +studies=self_or_gold"))
    assert study.systems.keys() - default.systems.keys() == {"mtl_self_or_gold"}
    assert {name: study.curated[name] for name in default.curated} == default.curated
    ours = study.curated["self_or_gold"]
    assert ours == study.curated["reset"].model_copy(update={"gold": True})
    assert {name for name, row in study.pools.items() if row.gold} == {ours.pool}
    assert study.systems["mtl_self_or_gold"].recipe == study.systems["mtl_reset"].recipe
    assert list(gold.check(study)) == []
    sure = gold.check(params.load(composed("micro +studies=self_or_gold objectives.task.weight=1.0")))
    assert [str(finding) for finding in sure] == [
        "curated.self_or_gold.gold: the reference competes, and is always best by 'exact_match' (objective task), "
        "'rouge_l' (objective task), which compares answers with it -> set that objective's weight to 0, or name "
        "verdicts that read no reference"
    ]


def test_the_greedy_control_is_the_default_with_one_system_more(composed):
    default, study = params.load(composed("micro")), params.load(composed("micro +studies=greedy_control"))
    assert study.systems.keys() - default.systems.keys() == {"mtl_greedy"}
    assert study.pools["mtl_greedy_candidates"].prompts == study.curated["reset"].prompts
    assert study.systems["mtl_greedy"].recipe == study.systems["mtl_reset"].recipe


def drawn(source):
    """The first test examples of a source of the micro world, if it has any."""
    records = source.generate("test") if "test" in source.splits else ()
    return source.outcomes(islice(records, 40))


def test_the_study_of_abstention_changes_questions_and_objectives_alone(composed):
    default, study = params.load(composed("micro")), params.load(composed("micro +studies=abstention"))
    asked = {"nq", "ms_marco", "searchqa", "bioasq"}
    for name, row in study.datasets.items():
        own = dict(row.options)
        assert (own.pop("unanswerable", None) is not None) == (name in asked)
        assert own == default.datasets[name].options
        source = construct(row.source, row.options, key=name, max_passages=study.prepare.max_passages)
        assert (UNANSWERABLE in {one.checks for one in drawn(source)}) == (name in asked)
    assert study.judges.keys() - default.judges.keys() == {"abstention"}
    assert (study.systems, study.pools, study.curated) == (default.systems, default.pools, default.curated)
    phrases = study.judges["abstention"].options["phrases"]
    assert any(phrase in study.datasets["nq"].options["unanswerable"]["reply"] for phrase in phrases)
    words = study.datasets["nq"].options["unanswerable"]["reply"].rstrip(".").split()
    assert {f" {word}" for word in words} <= {*vocabulary()}  # of the micro world's models


def test_a_local_copy_can_be_given_by_its_folder_alone(tmp_path):
    from dvc.utils.hydra import compose_and_dump

    file = tmp_path / "params.yaml"
    compose_and_dump(file, str(ROOT / "conf"), None, "config", None, ["scale=rehearsal", "data_folder=/mine"])
    row = yaml.safe_load(file.read_text())["datasets"]["nq"]
    assert (row["path"], row["needs"]) == ("/mine/nq.jsonl", "/mine/nq.jsonl")
    assert Path(row["path"]).is_absolute()


def test_the_study_of_other_methods_has_every_method(composed):
    p = params.load(composed("micro +studies=other_methods"))
    assert {p.recipes[p.systems[name].recipe].method for name in p.evaluate.systems} == set(registry.METHODS)


def test_the_study_of_real_text_is_the_laptop_with_dpo_on_the_same_pool(composed):
    laptop, study = params.load(composed("laptop")), params.load(composed("laptop +studies=real_text"))
    assert study.systems.keys() - laptop.systems.keys() == {"mtl_dpo", "mtl_unfiltered"}
    assert study.recipes[study.systems["mtl_dpo"].recipe].method == "dpo"
    assert study.curated["pairs"].pool == study.curated["reset"].pool == study.curated["random"].pool
    assert set(study.prompts["test"].rows) == set(laptop.prompts["test"].rows)
    assert study.judges.keys() == laptop.judges.keys()
    assert study.curated["pairs"].rating == laptop.curated["reset"].rating


def test_the_second_nli_model_on_real_text_reads_as_the_judge_does_and_chooses_nothing(composed):
    study = params.load(composed("laptop +studies=real_text"))
    judge, watcher = study.judges["summac"], study.watchers["second"]
    assert (watcher.kind, watcher.options) == (judge.kind, judge.options)
    assert study.base["second"] != study.base["nli"] and watcher.model == "base/second"
    assert not [row for row in study.judges.values() if row.model == watcher.model]


def test_the_control_of_the_filter_on_real_text_is_the_random_one_without_it(composed):
    study = params.load(composed("laptop +studies=real_text"))
    random, unfiltered = (study.curated[name].model_dump() for name in ("random", "unfiltered"))
    assert {key for key in random if random[key] != unfiltered[key]} == {"truncated", "looping"}
    assert (unfiltered["pick"], unfiltered["truncated"], unfiltered["looping"]) == ("random", "keep", "keep")
    one, other = (study.systems[name].model_dump(exclude={"data"}) for name in ("mtl_random", "mtl_unfiltered"))
    assert one == other and ("mtl_random", "mtl_unfiltered") in map(tuple, study.report.comparisons)


def test_scale_own_takes_a_real_model_by_one_word_and_one_row(composed):
    p = params.load(composed("own models=chat base.chat.options.id=mine base.chat.needs=mine"))
    assert (p.template, {row.kind for row in p.base.values()}) == ("chat", {"hub"})
    assert p.base["chat"].options["id"] == p.base["chat"].needs == "mine"
    models = {p.describe.model, p.systems["mtl"].init, p.pools["base"].model}
    assert models == {"base/chat"} and p.judges["summac"].model == "base/nli"
    for key, plug_in, options in rows(p):
        known, needed = taken(plug_in)
        assert needed <= options.keys() <= known, key


@pytest.mark.parametrize(
    ("overrides", "rater", "nli"),
    [
        ("paper", "Qwen/Qwen3-30B-A3B-Instruct-2507", "tals/albert-xlarge-vitaminc-mnli"),
        ("paper raters=gpt nli=deberta", "gpt-5", "cross-encoder/nli-deberta-v3-base"),
        ("own models=chat +raters=open stand_ins=[]", "Qwen/Qwen3-30B-A3B-Instruct-2507", None),
    ],
)
def test_raters_and_nli_models_are_groups_that_one_word_changes(composed, overrides, rater, nli):
    p = params.load(composed(overrides))
    assert p.judges["rater"].options["model"] == rater
    assert p.base["nli"].options["id"] == (nli or "cross-encoder/nli-deberta-v3-base")
    assert p.judges["summac"].model == "base/nli" and p.judges["summac"].options["sentences"] == "english"
    for key, plug_in, options in rows(p):
        known, needed = taken(plug_in)
        assert needed <= options.keys() <= known, key


def test_scale_paper_judges_in_bfloat16_on_every_gpu(composed):
    p = params.load(composed("paper"))
    assert p.judges["summac"].options["dtype"] == "bfloat16"
    assert (p.cluster.workers, p.cluster.worker_gpus, p.train.processes) == (None, 1.0, 8)  # as many as GPUs


def test_the_studies_of_general_ability_change_no_system_no_choice_and_no_average(composed):
    laptop, study = params.load(composed("laptop")), params.load(composed("laptop +studies=[ifeval,lm_eval]"))
    assert (study.systems, study.pools, study.curated) == (laptop.systems, laptop.pools, laptop.curated)
    assert (study.objectives, study.mixtures) == (laptop.objectives, laptop.mixtures)
    assert study.datasets.keys() - laptop.datasets.keys() == {"ifeval"}
    assert study.evaluate.groups.items() - laptop.evaluate.groups.items() == {("ifeval", "ability")}
    assert (laptop.ability.systems, study.ability.systems) == ({}, {"mtl": "mtl", "mtl_reset": "mtl_reset"})
