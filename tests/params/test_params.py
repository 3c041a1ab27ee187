"""params.yaml: every problem at once, each with its key and the nearest known name."""

import pytest
import yaml

from reset import params
from reset.errors import ResetError
from reset.params.training import Dpo
from tests.support import ROOT


@pytest.fixture
def problems(tmp_path, minimal):
    """Change the small params.yaml by a function and return what `load` says of it, split into its problems."""

    def load(change):
        change(minimal)
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(minimal))
        with pytest.raises(ResetError) as raised:
            params.load(path)
        assert "\n" not in raised.value.message
        start = f"{path}: "
        assert raised.value.message.startswith(start)
        return raised.value.message.removeprefix(start).split("; ")

    return load


def test_the_file_of_this_repository_has_no_mistake():
    assert params.load(ROOT / "params.yaml").decode["greedy"].temperatures == [0.0]


def test_a_file_without_a_mistake_loads_typed_and_frozen(tmp_path, minimal):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(minimal))
    loaded = params.load(path)
    assert loaded.pools["mtl_candidates"].sweeps == 2
    with pytest.raises(ValueError, match="frozen"):
        loaded.seed = 1


def test_a_whole_number_may_stand_for_a_rate(tmp_path, minimal):
    minimal["recipes"]["full"]["epochs"] = 2
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    assert params.load(tmp_path / "params.yaml").recipes["full"].epochs == 2.0


@pytest.mark.parametrize(
    ("change", "start"),
    [
        (
            lambda p: p.update(sede=1),
            "unknown key 'sede'. Did you mean 'seed'? Known: ability, base, cluster, curated, data_folder, ",
        ),
        (
            lambda p: p["prepare"].update(max_passage=1),
            "unknown key 'prepare.max_passage'. Did you mean 'max_passages'? Known: max_broken, max_chars, ",
        ),
        (
            lambda p: p["recipes"]["full"].update(epoch=1),
            "unknown key 'recipes.full.epoch'. Did you mean 'epochs'? Known: adapter, batch_size, beta2, ",
        ),
        (
            lambda p: p["objectives"]["style"].update(wait=1.0),
            "unknown key 'objectives.style.wait'. Did you mean 'weight'? Known: compare, floor, ",
        ),
        (
            lambda p: p["datasets"]["nq"].update(shares={"tran": 1.0}),
            "unknown key 'datasets.nq.shares.tran'. Did you mean 'train'? Known: dev, test, train",
        ),
        (
            lambda p: p["objectives"]["style"]["verdicts"].update(summarisation="rouge_l"),
            "unknown key 'objectives.style.verdicts.summarisation'. Did you mean 'summarization'? Known: ",
        ),
    ],
)
def test_an_unknown_key_at_any_depth_names_the_nearest(problems, change, start):
    (problem,) = problems(change)
    assert problem.startswith(start)


def test_a_missing_key_is_named(problems):
    assert problems(lambda p: p["sample"].pop("engine")) == ["key 'sample.engine' is missing"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda p: p["pools"]["mtl"].update(sweeps="two"),
            "pools.mtl.sweeps: Input should be a valid integer (it is 'two')",
        ),
        (
            lambda p: p["tracking"].update(enabled="no"),
            "tracking.enabled: Input should be a valid boolean (it is 'no')",
        ),
        (lambda p: p.update(seed=0.5), "seed: Input should be a valid integer (it is 0.5)"),
        (
            lambda p: p["judge"].update(max_null=2.0),
            "judge.max_null: Input should be less than or equal to 1 (it is 2.0)",
        ),
        (
            lambda p: p["datasets"]["nq"].update(dev_from_train=1.0),
            "datasets.nq.dev_from_train: Input should be less than 1 (it is 1.0)",
        ),
        (
            lambda p: p["prompts"]["test"].update(split="tests"),
            "prompts.test.split: Input should be 'train', 'dev' or 'test' (it is 'tests')",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_key(problems, change, problem):
    assert problems(change) == [problem]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda p: p["curated"]["reset"].update(sweeps=3),
            "curated.reset.sweeps is 3, must be at most the 2 of pool 'mtl_candidates'",
        ),
        (
            lambda p: p["curated"]["reset"].update(gold=True),
            "curated.reset.gold is true, but pools.mtl_candidates.gold is false: the pool must have the references",
        ),
        (
            lambda p: p["pools"]["mtl_candidates"].update(gold=True),
            "pools.mtl_candidates.gold is true, but in no row of curated does the reference compete, so that judges "
            "would rate it for nothing: set gold: true in such a row, or false in the pool",
        ),
        (
            lambda p: p["pools"]["mtl"].update(gold=True),
            "pools.mtl.gold is true, but the pool is evaluated (evaluate.systems): must be false",
        ),
        (
            lambda p: p.update(template="mikro"),
            "template: no template 'mikro'. Did you mean 'micro'? Known: alpaca, chat, micro, vicuna",
        ),
        (
            lambda p: p["datasets"]["nq"].update(source="micr"),
            "datasets.nq.source: no source 'micr'. Did you mean 'micro'? Known: ",
        ),
        (
            lambda p: p["mixtures"]["mtl"]["parts"].update(nq=["tolk"]),
            "mixtures.mtl.parts: no data set 'tolk'. Did you mean 'talk'? Known: nq, talk",
        ),
        (
            lambda p: p["prompts"]["test"].update(rows={"tolk": 1}),
            "prompts.test.rows: no data set 'tolk'. Did you mean 'talk'? Known: nq, talk",
        ),
        (
            lambda p: p["base"]["micro"].update(kind="micro_ml"),
            "base.micro.kind: no kind of base model 'micro_ml'. Did you mean 'micro_lm'? Known: ",
        ),
        (
            lambda p: p["systems"]["mtl"].update(init="base/mikro"),
            "systems.mtl.init: no model 'base/mikro'. Did you mean 'base/micro'? Known: ",
        ),
        (
            lambda p: p["systems"]["mtl"].update(data="mixtures/mlt"),
            "systems.mtl.data: no training data 'mixtures/mlt'. Did you mean 'mixtures/mtl'? Known: ",
        ),
        (
            lambda p: p["systems"]["reset"].update(dev="mlt"),
            "systems.reset.dev: no mixture 'mlt'. Did you mean 'mtl'? Known: mtl",
        ),
        (
            lambda p: p["systems"]["reset"].update(recipe="ful"),
            "systems.reset.recipe: no recipe 'ful'. Did you mean 'full'? Known: full",
        ),
        (
            lambda p: p["pools"]["mtl"].update(model="mlt"),
            "pools.mtl.model: no model 'mlt'. Did you mean 'mtl'? Known: base/micro, mtl, reset",
        ),
        (
            lambda p: p["pools"]["mtl"].update(decode="gredy"),
            "pools.mtl.decode: no decode grid 'gredy'. Did you mean 'greedy'? Known: both, greedy",
        ),
        (
            lambda p: p["sample"].update(engine="vllm"),
            "sample.engine: no row of sample.engines 'vllm'. Known: transformers",
        ),
        (
            lambda p: p["judges"]["rater"].update(kind="rubrik"),
            "judges.rater.kind: no kind of judge 'rubrik'. Did you mean 'rubric'? Known: ",
        ),
        (
            lambda p: p["judges"]["rater"].update(model="base/micro_nly"),
            "judges.rater.model: no model 'base/micro_nly'. Did you mean 'base/micro'? Known: ",
        ),
        (
            lambda p: p["curated"]["reset"].update(pool="mtl_candidate"),
            "curated.reset.pool: no pool 'mtl_candidate'. Did you mean 'mtl_candidates'? Known: ",
        ),
        (
            lambda p: p["evaluate"].update(systems=["mlt"]),
            "evaluate.systems: no pool 'mlt'. Did you mean 'mtl'? Known: mtl, mtl_candidates",
        ),
    ],
)
def test_a_misspelt_reference_names_the_nearest(problems, change, problem):
    (found,) = problems(change)
    assert found.startswith(problem)


def test_all_problems_of_shape_are_reported_together(problems):
    def change(p):
        p["sede"] = p.pop("seed")
        p["pools"]["mtl"]["sweeps"] = 0
        p["select"]["tusk"] = 1.0

    found = problems(change)
    assert [problem.split(".")[0].split(" ")[0] for problem in found] == ["key", "pools", "unknown", "unknown"]


def test_all_problems_of_reference_are_reported_together(problems):
    def change(p):
        p["template"] = "mikro"
        p["pools"]["mtl"]["decode"] = "gredy"
        p["systems"]["mtl"]["recipe"] = "ful"

    assert [problem.split(":")[0] for problem in problems(change)] == [
        "template",
        "systems.mtl.recipe",
        "pools.mtl.decode",
    ]


def test_a_curated_set_must_name_the_prompts_of_its_pool(problems):
    assert problems(lambda p: p["curated"]["reset"].update(prompts="test")) == [
        "curated.reset.prompts is 'test', but pool 'mtl_candidates' answers 'candidates'"
    ]


def test_evaluated_pools_must_answer_the_evaluated_prompts(problems):
    assert problems(lambda p: p["evaluate"].update(systems=["mtl", "mtl_candidates"])) == [
        "evaluate.prompts is 'test', but pool 'mtl_candidates' answers 'candidates'"
    ]


def test_dvc_must_watch_the_local_copy_that_is_read(problems):
    assert problems(lambda p: p["datasets"]["nq"].update(path="mine/nq.jsonl")) == [
        "datasets.nq.needs is 'reset/micro', must be its path 'mine/nq.jsonl'"
    ]


@pytest.mark.parametrize("name", ["talk.dev", "a b", "a/b", "../a", "a@b", ""])
def test_a_row_has_a_name_that_files_and_stages_can_have(problems, name):
    def change(p):
        p["mixtures"][name] = p["mixtures"]["mtl"]

    assert problems(change) == [f"mixtures: a row's name has only letters, digits, _ and -, not '{name}'"]


def dpo(p, **changed):
    """Make the recipe a DPO recipe and the curated rows pairs."""
    p["recipes"]["dpo"] = {**p["recipes"]["full"], "method": "dpo", "beta": 0.1, "sft_weight": 0.0, **changed}
    p["curated"]["pairs"] = {**p["curated"]["reset"], "pick": "pairs", "margin": 0.5}
    p["systems"]["mtl_dpo"] = {**p["systems"]["reset"], "recipe": "dpo", "data": "curated/pairs"}


def test_a_recipe_and_its_rows_may_be_of_another_method(tmp_path, minimal):
    dpo(minimal)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    loaded = params.load(tmp_path / "params.yaml")
    assert (loaded.recipes["dpo"].beta, loaded.curated["pairs"].margin) == (0.1, 0.5)


def test_rows_of_several_kinds_report_all_their_problems_by_key(problems):
    def change(p):
        dpo(p, betta=0.1)
        del p["recipes"]["dpo"]["beta"], p["curated"]["reset"]["pick"]
        p["recipes"]["kto"] = {**p["recipes"]["full"], "method": "kto", "beta": 0.1, "micro_batch_size": 1}
        p["recipes"]["kto"] |= {"desirable_weight": 1.0, "undesirable_weight": 0.0}
        p["recipes"]["ppo"] = {**p["recipes"]["full"], "method": "ppo"}
        p["curated"]["pairs"]["temperature"] = 1.0

    found = problems(change)
    assert sorted(found) == [
        "key 'curated.reset.pick' is missing",
        "key 'recipes.dpo.beta' is missing",
        "recipes.kto.loss: Input should be 'token' (it is 'sequence')",
        "recipes.kto.micro_batch_size: Input should be greater than or equal to 2 (it is 1)",
        "recipes.kto.undesirable_weight: Input should be greater than 0 (it is 0.0)",
        "recipes.ppo.method: no method 'ppo'. Did you mean 'dpo'? Known: dpo, kto, sft, weighted_sft",
        "unknown key 'curated.pairs.temperature'. Known: combine, disagreement, floor, gold, length_penalty, looping, "
        "margin, mask, near_identical, per_prompt, pick, pool, prompts, rating, share, sweeps, truncated",
        "unknown key 'recipes.dpo.betta'. Did you mean 'beta'? Known: " + ", ".join(sorted(known_of_dpo())),
    ]


def known_of_dpo():
    return Dpo.model_fields


@pytest.mark.parametrize(
    ("system", "data", "recipe", "problem"),
    [
        (
            "mtl_dpo",
            "curated/reset",
            "dpo",
            "is dpo, which needs curated rows with pick: pairs, but 'curated/reset' has",
        ),
        (
            "mtl_dpo",
            "mixtures/mtl",
            "dpo",
            "is dpo, which needs curated rows with pick: pairs, but 'mixtures/mtl' has ",
        ),
        (
            "reset",
            "curated/pairs",
            "full",
            "is sft, which needs curated rows with pick: best or random or best_overall, but ",
        ),
    ],
)
def test_a_method_needs_rows_of_its_kind(problems, system, data, recipe, problem):
    def change(p):
        dpo(p)
        p["systems"][system] |= {"data": data, "recipe": recipe}

    (found,) = problems(change)
    assert found.startswith(f"systems.{system}: recipe '{recipe}' {problem}")


def test_every_evaluated_data_set_has_a_group_and_every_group_a_data_set(problems):
    assert problems(lambda p: p["evaluate"].update(groups={"nqs": "seen"})) == [
        "evaluate.groups: no data set 'nqs'. Did you mean 'nq'? Known: nq, talk",
        "evaluate.groups lacks 'nq', which is evaluated",
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["systems"]["mtl"].update(init="reset"),
        lambda p: p["systems"]["mtl"].update(init="mtl"),
        lambda p: p["systems"]["mtl"].update(data="curated/reset"),
    ],
)
def test_a_system_cannot_be_needed_to_train_itself(problems, change):
    assert problems(change) == ["systems.mtl depends on itself"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "params.yaml: No such file or directory"),
        ("a: [", "params.yaml: not YAML (while parsing "),
        ("", "params.yaml: Input should be a valid dictionary or instance of Params (it is None)"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ResetError) as raised:
        params.load(tmp_path / "params.yaml")
    assert message in raised.value.message
    assert "\n" not in raised.value.message


def test_a_row_that_a_table_lacks_is_named():
    with pytest.raises(ResetError) as raised:
        params.row({"mtl": 1, "reset": 2}, "rest", "pools")
    assert raised.value.message == (
        "Unknown pools 'rest' (params.yaml: pools). Did you mean 'reset'? Known: mtl, reset"
    )


@pytest.mark.parametrize(
    ("systems", "tasks", "message"),
    [
        ({"mtl": "reset"}, ["quiz"], "ability.systems.mtl is 'reset', must be the model of pools.mtl, 'mtl'"),
        ({"mtl": "mtl"}, [], "ability.tasks is empty, but ability.systems names systems to measure"),
        ({"mlt": "mtl"}, ["quiz"], "ability.systems: no evaluated pool 'mlt'. Did you mean 'mtl'?"),
    ],
)
def test_what_is_measured_for_general_ability_must_be_an_evaluated_pool_with_its_model(
    problems, systems, tasks, message
):
    (problem,) = problems(lambda p: p["ability"].update(systems=systems, tasks=tasks))
    assert problem.startswith(message)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"init": "mtll"}, "interpolated.half.init: no model 'mtll'. Did you mean 'mtl'?"),
        ({"other": "mtl"}, "interpolated.half.other is 'mtl', as its init: the mean would be that model"),
        ({"weight": 1.0}, "interpolated.half.weight: Input should be less than 1 (it is 1.0)"),
        ({"other": "half"}, "interpolated.half depends on itself"),
        ({"other": "lora"}, "interpolated.half.other: 'lora' keeps its adapter apart; set adapter.merge of its recipe"),
        ({"named": "mtl"}, "interpolated.mtl: systems has a row of this name too: name it otherwise"),
    ],
)
def test_a_mean_that_cannot_be_is_refused(composed, tmp_path, row, problem):
    content = yaml.safe_load(composed("micro").read_text())
    adapter = {
        "rank": 4,
        "alpha": 8.0,
        "dropout": 0.0,
        "target_modules": ["q_proj"],
        "quantise": "none",
        "merge": False,
    }
    content["recipes"]["lora"] = {**content["recipes"]["full"], "adapter": adapter}
    content["systems"]["lora"] = {**content["systems"]["mtl"], "recipe": "lora"}
    own = {"init": "mtl", "other": "cd/at/50", "weight": 0.5}
    content["interpolated"] = {row.get("named", "half"): {**own, **{k: v for k, v in row.items() if k in own}}}
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ResetError) as refused:
        params.load(path)
    assert problem in refused.value.message


def test_a_mean_may_answer_be_trained_further_and_be_averaged_again(composed, tmp_path):
    content = yaml.safe_load(composed("micro").read_text())
    content["interpolated"] = {
        "half": {"init": "mtl", "other": "mtl_reset", "weight": 0.5},
        "quarter": {"init": "base/micro", "other": "half", "weight": 0.5},
    }
    content["pools"]["half"] = {**content["pools"]["mtl"], "model": "half"}
    content["systems"]["on"] = {**content["systems"]["mtl_gold"], "init": "quarter"}
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    assert params.load(path).interpolated["quarter"].other == "half"


def on_hub(p, *splits, name="nq", take=(), **changed):
    """Read a data set from these splits of the hub."""
    place = {"id": "a/b", "config": None, "data_files": None, "splits": dict.fromkeys(splits, "x"), "licence": "x"}
    p["datasets"][name] |= {"hub": {**place, "take": dict.fromkeys(take, 5)}, **changed}


LACK_TRAIN = [
    "prompts.candidates.rows has 'nq', but datasets.nq.hub.splits lacks 'train'",
    "mixtures.mtl.parts.nq has no row to train on: datasets.nq.hub.splits lacks 'train'",
]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda p: on_hub(p, "test"), LACK_TRAIN),
        (lambda p: on_hub(p, "test", "dev", dev_from_train=0.1), LACK_TRAIN),
        (lambda p: on_hub(p, "test", shares={"train": 1.0}), LACK_TRAIN),
        (lambda p: on_hub(p, "train"), ["prompts.test.rows has 'nq', but datasets.nq.hub.splits lacks 'test'"]),
        (lambda p: on_hub(p, "test", name="talk"), [LACK_TRAIN[1].replace("nq", "talk")]),
        (
            lambda p: on_hub(p, "train", "test", take=["dev"]),
            ["datasets.nq.hub.take has 'dev', which hub.splits lacks"],
        ),
    ],
)
def test_a_split_that_is_asked_for_must_be_among_those_of_the_hub(problems, change, expected):
    assert problems(change) == expected


def dev_prompts(p):
    p["prompts"]["more"] = {"split": "dev", "skip": 0, "rows": {"nq": 1}}
    on_hub(p, "train", "test", dev_from_train=0.1)


def beside_another(p):
    on_hub(p, "test", name="talk")
    p["mixtures"]["mtl"]["parts"]["talk"] = ["talk", "nq"]


@pytest.mark.parametrize(
    "change",
    [
        lambda p: on_hub(p, "train", "test", take=["test"]),
        lambda p: on_hub(p, "test", path="mine", needs="mine"),  # the files' own names say their splits
        dev_prompts,
        beside_another,
    ],
)
def test_a_split_that_may_be_there_is_not_refused(tmp_path, minimal, change):
    change(minimal)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("processes", "hostfile", "must"),
    [(1, None, "3: micro_batch_size times train.processes"), (2, "hosts", "3: micro_batch_size")],
)
def test_a_batch_is_a_whole_number_of_passes(problems, processes, hostfile, must):
    def change(p):
        p["recipes"]["full"]["micro_batch_size"] = 3
        p["train"] |= {"processes": processes, "hostfile": hostfile}

    assert problems(change) == [f"recipes.full.batch_size is 4, must be a multiple of {must}"]
