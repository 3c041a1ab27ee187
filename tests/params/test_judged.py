"""Which verdicts the judges give is known before a run: what is asked for and not given, or given twice, is refused."""

import pytest
import yaml

from reset import params
from reset.errors import ResetError
from reset.judges import Read
from reset.params import judged
from tests.support.paper_objectives import PLAIN

pytestmark = pytest.mark.slow

LEXICAL = {"kind": "lexical", "needs": "reset/normalise.py", "model": None, "options": {}}
SERVER = {"base_url": "http://127.0.0.1:1/v1"}


@pytest.fixture
def problems(tmp_path, minimal):
    """Change the small params.yaml by a function and return what `load` says of it, split into its problems."""

    def load(change):
        change(minimal)
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(minimal))
        try:
            params.load(path)
        except ResetError as error:
            return error.message.removeprefix(f"{path}: ").split("; ")
        return []

    return load


def openai(p, **options):
    models = {"model": "large", "weak_model": "small", "pairwise_model": None, **options}
    p["judges"]["rater"] = {
        "kind": "openai",
        "needs": "reset/llm",
        "model": None,
        "options": {**models, "server": SERVER},
    }


def test_a_rating_that_no_judge_gives_is_refused_with_the_nearest(problems):
    assert problems(lambda p: p["curated"]["reset"].update(rating="rating_typo")) == [
        "curated.reset.rating: no judge gives 'rating_typo' on instruction prompts of split train. "
        "Did you mean 'rating'? Known: rating, rating_weak"
    ]


def test_a_weak_rating_needs_a_weak_model(problems):
    def change(p):
        openai(p, weak_model=None)
        p["curated"]["reset"]["rating"] = "rating_weak"

    assert problems(change) == [
        "curated.reset.rating: no judge gives 'rating_weak' on instruction prompts of split train. "
        "Did you mean 'rating'? Known: rating"
    ]


def test_a_weak_rating_is_given_of_training_prompts_alone(problems):
    def change(p):
        openai(p)
        p["curated"]["reset"]["rating"] = "rating_weak"

    assert problems(change) == []
    (problem,) = problems(lambda p: p["prompts"]["candidates"].update(split="dev"))
    assert problem.startswith("curated.reset.rating: no judge gives 'rating_weak' on instruction prompts of split dev.")


def test_a_score_that_no_judge_gives_for_its_task_is_refused(problems):
    def change(p):
        p["judges"]["words"] = LEXICAL
        p["objectives"]["grounded"] = {**PLAIN, "verdicts": {"summarization": "span_coverage"}}

    (problem,) = problems(change)
    assert problem.startswith(
        "objectives.grounded.verdicts.summarization: no judge gives 'span_coverage' on summarization prompts of split "
    )


def test_any_set_of_judges_will_do_that_gives_what_objectives_name(problems):
    def change(p):
        p["judges"] = {"nli": {"kind": "minicheck", "needs": "models/base/micro", "model": "base/micro", "options": {}}}
        for name in ("instruction", "style"):
            p["objectives"][name] = {**PLAIN, "verdicts": {"summarization": "nli"}}

    assert problems(change) == []


def test_two_judges_that_give_the_same_verdict_are_refused_before_they_judge(problems):
    assert problems(lambda p: p["judges"].update(a=LEXICAL, b=LEXICAL))[0] == (
        "judges.b gives the verdict 'exact_match', which judges.a gives already"
    )
    assert problems(lambda p: p["judges"].pop("b")) == []


def test_a_watcher_is_asked_for_what_it_gives_under_a_name_of_its_own(problems):
    assert problems(lambda p: p["watchers"]["words"].update(verdicts=["k_precison"])) == [
        "watchers.words.verdicts: no verdict 'k_precison'. "
        "Known: bigram_coverage, exact_match, rouge_l, span_coverage, unigram_coverage"
    ]

    def change(p):
        nli = {"kind": "summac", "needs": "models/base/micro", "model": "base/micro", "options": {}}
        p["judges"]["nli"], p["watchers"] = nli, {"nli": {**nli, "verdicts": None}}

    assert problems(change) == [
        "watchers.nli: its verdict would be called 'nli', as that of a judge: name it otherwise"
    ]


def test_a_judge_that_can_only_be_a_stand_in_must_be_called_one(problems):
    def change(p):
        p["judges"]["rater"]["kind"] = "reference"
        p["base"]["toy"] = {"kind": "micro_nli", "needs": "reset/micro", "options": {}}
        p["judges"]["nli"] = {"kind": "summac", "needs": "models/base/toy", "model": "base/toy", "options": {}}
        p["select"]["stand_ins"] = True

    of_micro = problems(change)
    assert of_micro == ["stand_ins lacks 'rater', which is of kind reference"]

    def real(p):
        p["datasets"]["talk"]["source"] = "own"

    assert problems(real) == [
        "stand_ins lacks 'nli', which has the model 'base/toy', which knows the micro world alone",
        *of_micro,
    ]
    assert problems(lambda p: p.update(stand_ins=["rater", "nli"])) == []


def test_a_row_that_no_verdict_chooses_is_refused(problems):
    assert problems(lambda p: p.update(stand_ins=["rater"])) == [
        "curated.reset: all its objectives are of weight 0 or rest on stand-ins, which `select` leaves out"
    ]
    assert problems(lambda p: p["select"].update(stand_ins=True)) == []
    assert problems(lambda p: p["objectives"]["instruction"].update(weight=0.0)) == [
        "objectives: every weight is 0, so that nothing chooses"
    ]


def test_a_floor_of_what_does_not_choose_or_out_of_range_is_refused(problems):
    assert problems(lambda p: p["curated"]["reset"].update(floor={"faithfulness": 0.5, "score": 3.0})) == [
        "curated.reset.floor: 'faithfulness' does not choose. Known: instruction, score, style"
    ]
    assert problems(lambda p: p["curated"]["reset"].update(floor={"instruction": 1.5, "style": None})) == [
        "curated.reset.floor.instruction is 1.5, must be from 0 to 1"
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"verdicts": {}}, "objectives.safety: no verdict speaks for it"),
        ({"floor": 1.5}, "objectives.safety.floor: Input should be less than or equal to 1 (it is 1.5)"),
        ({"weight": -1.0}, "objectives.safety.weight: Input should be greater than or equal to 0 (it is -1.0)"),
        (
            {"verdicts": {"instruction": {"take": "min", "of": ["rating", "toxic"], "null_if": "any"}}},
            "objectives.safety.verdicts.instruction: no judge gives 'toxic' on instruction prompts of split test. "
            "Known: rating, rating_weak",
        ),
        ({"compare": ["seen"]}, "objectives.safety.compare: it has no average 'seen'. Known: all"),
        ({"transform": "inverse"}, "objectives.safety.transform: Input should be 'none' or 'invert' (it is 'inverse')"),
        (
            {"verdicts": {"instruction": {"take": "sum", "of": ["a", "b"], "null_if": "any"}}},
            "objectives.safety.verdicts.instruction.take: Input should be 'mean', 'min', 'max', 'median', 'vote', "
            "'deviation' or 'dissent' "
            "(it is 'sum')",
        ),
    ],
)
def test_an_objective_that_cannot_be_is_refused_in_one_line(problems, change, problem):
    row = {**PLAIN, "verdicts": {"instruction": "rating"}, **change}
    assert problems(lambda p: p["objectives"].update(safety=row)) == [problem]


def test_an_objective_has_a_name_of_its_own(problems):
    row = {**PLAIN, "verdicts": {"instruction": "rating"}}
    assert problems(lambda p: p["objectives"].update(score=row, style_seen=row)) == [
        f"objectives.{name}: '{name}' is the name of another figure: name the objective otherwise"
        for name in ("score", "style_seen")
    ]


def test_the_trade_off_is_between_two_objectives_that_are_there(problems):
    assert problems(lambda p: p["report"].update(tradeoff=["instruction", "stile"])) == [
        "report.tradeoff: no objective 'stile'. Did you mean 'style'? Known: instruction, style"
    ]
    assert problems(lambda p: p["report"].update(tradeoff=["style", "style"])) == [
        "report.tradeoff: names 'style' twice, must name two objectives"
    ]


def test_a_stand_in_and_a_comparison_name_rows_that_are_there(problems):
    def change(p):
        p["stand_ins"] = ["ratter"]
        p["report"]["comparisons"] = [["mtl", "rest"]]

    assert [problem.split(". ")[0] for problem in problems(change)] == [
        "stand_ins: no judge or watcher 'ratter'",
        "report.comparisons: no pool 'rest'",
    ]


def test_a_comparison_has_two_systems(problems):
    (problem,) = problems(lambda p: p["report"].update(comparisons=[["mtl"]]))
    assert problem.startswith("report.comparisons.0: List should have at least 2 items")


def test_stand_ins_are_told_by_the_names_of_their_verdicts(minimal, tmp_path):
    minimal["judges"]["words"] = LEXICAL
    minimal["watchers"]["more"] = {**LEXICAL, "options": {"more": ["k_precision"]}, "verdicts": None}
    minimal["stand_ins"] = ["rater", "more"]
    minimal["select"]["stand_ins"] = True
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    p = params.load(tmp_path / "params.yaml")
    assert params.not_choosing(p) == set()
    assert params.stand_ins(p) == {
        *("rating", "rating_weak", "oracle", "more:exact_match", "more:span_coverage", "more:rouge_l"),
        *("more:unigram_coverage", "more:bigram_coverage", "more:k_precision"),
    }


def test_only_what_selections_and_evaluations_read_is_read(composed):
    p = params.load(composed("paper"))
    found = judged.read(p, "rater")
    assert found["mtl_candidates"] == Read({"rating": 1, "rating_weak": 2}, [])  # ReSet-S alone reads the second sweep
    assert found["mtl_greedy_candidates"] == Read({"rating": 1}, [])
    assert found["mtl"] == found["base"] == Read({"rating": 1})
    assert found.keys() == p.pools.keys()
    assert judged.asks_a_server(p.judges["rater"]) and not judged.asks_a_server(p.judges["summac"])


def test_references_are_read_by_the_verdicts_of_the_sets_in_which_they_compete(composed):
    p = params.load(composed("paper"))
    curated = p.curated | {"reset": p.curated["reset"].model_copy(update={"gold": True})}
    found = judged.read(p.model_copy(update={"curated": curated}), "rater")
    assert found["mtl_candidates"] == Read({"rating": 1, "rating_weak": 2}, ["rating"])  # not what ReSet-S alone reads


def test_of_a_pool_that_nothing_reads_no_verdict_is_paid(composed):
    p = params.load(composed("paper"))
    p = p.model_copy(update={"curated": {}, "evaluate": p.evaluate.model_copy(update={"systems": ["mtl"]})})
    assert judged.read(p, "rater")["mtl_candidates"] == judged.read(p, "rater")["reset"] == Read({}, [])


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("near_identical", 1.5, "curated.reset.near_identical: Input should be less than or equal to 1 (it is 1.5)"),
        ("disagreement", -0.1, "curated.reset.disagreement: Input should be greater than or equal to 0 (it is -0.1)"),
        ("length_penalty", -1, "curated.reset.length_penalty: Input should be greater than or equal to 0 (it is -1)"),
        ("share", 0.0, "curated.reset.share: Input should be greater than 0 (it is 0.0)"),
        ("per_prompt", 0, "curated.reset.per_prompt: Input should be greater than or equal to 1 (it is 0)"),
    ],
)
def test_what_makes_a_winner_stays_within_its_range(problems, key, value, problem):
    (found,) = problems(lambda p: p["curated"]["reset"].update({key: value}))
    assert found.replace("best.", "") == problem


def test_a_bound_of_disagreement_takes_several_verdicts_of_an_objective_with_a_weight(problems):
    several = {"instruction": {"take": "mean", "of": ["rating", "rating_weak"], "null_if": "any"}}

    def change(p, name="instruction"):
        p["curated"]["reset"]["disagreement"] = 0.2
        p["objectives"][name]["verdicts"] = several

    said = "curated.reset.disagreement is 0.2, but one verdict speaks for each objective: let several speak for one"
    (found,) = problems(lambda p: change(p, "style"))  # of weight 0
    assert found.startswith(said)
    assert problems(change) == []


@pytest.mark.parametrize(
    ("mask", "pick", "problem"),
    [
        ({"verdict": "sumac"}, {}, "mask.verdict: no judge tells sentences by 'sumac'. Did you mean 'summac'?"),
        ({"verdict": "rating"}, {}, "mask.verdict: no judge tells sentences by 'rating'. Known: summac"),
        ({}, {"pick": "pairs", "margin": 0.5}, "mask: answers of pick: pairs are trained whole, must be null"),
        ({}, {"pick": "labelled", "margin": 0.5}, "mask: answers of pick: labelled are trained whole, must be null"),
        ({"below": 0.0}, {}, "mask.below: Input should be greater than 0 (it is 0.0)"),
    ],
)
def test_a_mask_takes_a_judge_of_sentences_and_rows_that_it_can_mask(composed, tmp_path, mask, pick, problem):
    content = yaml.safe_load(composed("micro").read_text())
    content["curated"]["more"] = {**content["curated"]["reset"], **pick}
    content["curated"]["more"]["mask"] = {"verdict": "summac", "below": 0.5, **mask}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ResetError) as refused:
        params.load(tmp_path / "params.yaml")
    assert f"curated.more.{problem}" in refused.value.message


def test_a_weight_stays_within_what_can_be_added_up(problems):
    (found,) = problems(lambda p: p["objectives"]["instruction"].update(weight=1e308))
    assert found == "objectives.instruction.weight: Input should be less than or equal to 1000000 (it is 1e+308)"


def test_a_combination_names_each_verdict_once(problems):
    twice = {"take": "deviation", "of": ["rating", "rating"], "null_if": "any"}
    (found,) = problems(lambda p: p["objectives"]["instruction"]["verdicts"].update(instruction=twice))
    assert "objectives.instruction.verdicts.instruction" in found and "names 'rating' twice, must name each" in found


def test_several_answers_to_a_prompt_are_for_picks_of_whole_answers(problems):
    assert problems(lambda p: p["curated"]["reset"].update(pick="best_overall", per_prompt=2)) == []
    pairs = problems(lambda p: p["curated"]["reset"].update(pick="pairs", margin=0.0, per_prompt=2))
    assert not any("per_prompt" in one for one in pairs)
    several = {"pick": "labelled", "margin": 0.0, "per_prompt": 2}
    problem = "curated.reset.per_prompt is 2, must be 1 for pick: labelled"
    assert problem in problems(lambda p: p["curated"]["reset"].update(several))


def test_what_is_only_reported_need_not_be_given_on_prompts_that_are_chosen_from(problems):
    def change(p, **more):
        openai(p, pairwise_model="large")
        p["objectives"]["preferred"] = {**PLAIN, "weight": 0.0, **more, "verdicts": {"instruction": "preference"}}

    said = (
        "objectives.preferred.verdicts.instruction: no judge gives 'preference' on instruction prompts of split train"
    )
    assert problems(change) == []
    for more in ({"weight": 1.0}, {"floor": 0.5}):
        (problem,) = problems(lambda p, more=more: change(p, **more))
        assert problem.startswith(said)
    (problem,) = problems(lambda p: p["objectives"]["preferred"].update(floor=None, verdicts={"instruction": "win"}))
    assert "no judge gives 'win' on instruction prompts of split test" in problem
