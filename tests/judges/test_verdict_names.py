"""The table of verdict names against what each kind of judge really says of each task and split."""

import pytest

from reset import registry
from reset.errors import ResetError
from reset.judges import TASKS, Answer, verdict_names
from reset.judges.verdict_names import SPLITS
from tests.judges import test_llm, test_minicheck, test_reward, test_summac
from tests.support.chat_server import Server, settings

pytestmark = pytest.mark.slow


def answer(task, split):
    passages = [] if task == "instruction" else ["The duck sat on the pond all day.", "It was warm."]
    return Answer(
        "a", "The duck sat on the pond.", task, split, "Describe.", "Where?", passages, ["On the pond."], None
    )


def said(judge, task, split):
    """The names of the verdicts that a judge gives; none if it does not judge the task."""
    return {verdict.name for verdict in judge.verdicts([answer(task, split)])} if task in judge.tasks else set()


@pytest.fixture(scope="module")
def server():
    with Server(lambda body: "[[5]]") as running:
        yield running
        running.shutdown()


@pytest.fixture
def built(tmp_path, server, monkeypatch):
    """A function that builds a judge of a kind, and the options of its row."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))

    def build(kind, **more):
        options, model = dict(more), {}
        if kind in ("summac", "minicheck", "claims"):
            save, family = (test_minicheck.save, "roberta") if kind == "minicheck" else (test_summac.save, "bert")
            model = {"model": str(save(tmp_path / kind, family))}
            options |= {"batch_tokens": 256} | ({"max_doc_sents": 10} if kind == "summac" else {})
        if kind == "reward":
            model = {"model": test_reward.save(tmp_path / kind)}
            options |= {"batch_tokens": 256, "max_tokens": 400, "scale": 1.0}
        if kind == "llm":
            model = {"model": test_llm.save(tmp_path / kind, {})}
            options |= {"engine": "transformers", "settings": test_llm.ENGINES["transformers"]}
        if kind == "openai":
            models = {"model": "large", "weak_model": None, "pairwise_model": None, **more}
            options = {**models, "server": settings(server, concurrency=1)}
        return registry.build(registry.JUDGES, kind, "judges.row.options", name="row", **options, **model), options

    return build


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("lexical", {}),
        ("lexical", {"more": ["k_precision"]}),
        ("summac", {}),
        ("summac", {"tasks": ["extractive_qa", "summarization"]}),
        ("minicheck", {}),
        ("minicheck", {"tasks": ["extractive_qa"]}),
        ("claims", {}),
        ("claims", {"tasks": ["abstractive_qa"]}),
        ("reward", {}),
        ("reward", {"tasks": ["instruction", "abstractive_qa"]}),
        ("llm", {}),
        ("self_consistency", {}),
        ("self_consistency", {"tasks": ["instruction", "summarization"]}),
        ("verifiable", {"languages": "none"}),
        ("rubric", {}),
        ("reference", {}),
        ("openai", {}),
        ("openai", {"weak_model": "small", "pairwise_model": "large"}),
    ],
)
def test_the_names_told_are_those_that_the_judge_gives(built, kind, options):
    judge, row = built(kind, **options)
    for task in TASKS:
        for split in SPLITS:
            told = verdict_names.names(kind, "row", row, task, split)
            assert set(told) == said(judge, task, split), (task, split)
            assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("kind", "tasks"), [("summac", ["instruction"]), ("claims", []), ("minicheck", ["qa"]), ("reward", ["summary"])]
)
def test_a_task_that_a_kind_cannot_judge_is_refused(built, kind, tasks):
    with pytest.raises(ResetError, match=r"judges\.row\.options\.tasks"):
        built(kind, tasks=tasks)


def test_every_kind_of_judge_is_in_the_table():
    assert verdict_names.KINDS.keys() == registry.JUDGES.keys()
    assert registry.JUDGES.keys() >= verdict_names.STAND_INS


def test_an_older_params_yaml_has_no_stand_ins():
    assert verdict_names.stand_ins({"judges": {"rater": {"kind": "reference", "options": {}}}}) == set()
