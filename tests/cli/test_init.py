"""`reset-lm init` writes a scale that composes; a bad answer is one line, and nothing is left half-written."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from reset import params
from reset.checking import options
from reset.cli import init as command
from reset.cli.init import init
from tests.support import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project beside which `mine` has a file of instructions, one of questions and one of summaries."""
    folder, mine = tmp_path / "project", tmp_path / "mine"
    shutil.copytree(ROOT / "conf", folder / "conf")
    shutil.copy(ROOT / "params.yaml", folder)
    mine.mkdir()
    lines = (json.dumps({"instruction": f"Name {n}.", "response": f"{n}."}) for n in range(20))
    (mine / "instructions.jsonl").write_text("\n".join(lines))
    with (mine / "questions.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["question", "context", "answer"])
        rows.writerows([f"Where is pump {n}?", f"Pump {n} is in hall {n}.", f"hall {n}"] for n in range(20))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(command, "DEVICES", ())
    return folder


def run(*arguments: str, typed: Sequence[str] = ()) -> Result:
    return CliRunner().invoke(init, arguments, input="".join(f"{line}\n" for line in typed))


def done(*arguments: str, typed: Sequence[str] = ()) -> params.document.Params:
    """The parameters that a call has composed; their rows are those that the plug-ins take."""
    result = run(*arguments, typed=typed)
    assert result.exit_code == 0, result.output
    p = params.load()
    assert list(options.check(p)) == []
    return p


def state(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_defaults_make_a_scale_of_the_files_beside_the_project(project: Path) -> None:
    p = done("--yes")
    assert p.scale == "mine" and (project / "conf/scale/mine.yaml").is_file()
    assert {name: row.options["task"] for name, row in p.datasets.items()} == {
        "instructions": "instruction",
        "questions": "extractive_qa",
    }
    assert p.datasets["questions"].options["fields"] == {
        "question": "question",
        "passages": "context",
        "references": "answer",
    }
    assert p.evaluate.groups == {"instructions": "instruction", "questions": "seen"}
    assert (set(p.judges), p.stand_ins, set(p.base)) == ({"lexical", "rater"}, ["rater"], {"micro"})


def test_questions_that_are_answered_by_enter_make_the_same_scale(project: Path) -> None:
    done("--yes")
    by_options = (project / "conf/scale/mine.yaml").read_text()
    done("--force", typed=[""] * 6)
    assert (project / "conf/scale/mine.yaml").read_text() == by_options


def test_typed_answers_and_options_make_the_same_scale(project: Path) -> None:
    said = "abstractive_qa, question=question, context=passages, answer=references"
    answers = ["../mine/questions.csv", said, "me/chat", "nli=me/nli", "cpu"]
    typed = done("--name", "a", typed=answers)
    names = ("--data", "--columns", "--model", "--judge", "--machine")
    given = done("--name", "b", "--yes", *(word for pair in zip(names, answers, strict=True) for word in pair))
    assert typed.model_copy(update={"scale": "b"}) == given
    assert given.base["chat"].options == {"id": "me/chat", "revision": "main"}
    assert given.objectives["faithfulness"].verdicts == {"abstractive_qa": "summac"}
    assert "labels" not in given.judges["summac"].options
    assert (given.stand_ins, given.report.tradeoff) == ([], ["faithfulness", "task"])


@pytest.mark.parametrize(
    ("model", "judge", "machine"),
    [
        ("toy", "nli,llm", "cpu"),
        ("toy", "reward", "gpus=8"),
        ("me/chat", "words", "gpu"),
        ("me/chat", "nli,reward", "gpus=8"),
        ("me/chat", "nli,llm=me/rater@http://127.0.0.1:9/v1", "cpu"),
    ],
)
def test_models_judges_and_machines_go_together(project: Path, model: str, judge: str, machine: str) -> None:
    p = done(
        "--judge", judge, "--model", model, "--machine", machine, "--yes", "--columns", "questions: abstractive_qa"
    )
    rates = {"reward": "reward", "llm": "rating"}
    kinds = {word.partition("=")[0] for word in judge.split(",")}
    assert ("summac" in p.judges) == ("nli" in kinds) == ("nli" in p.base)
    assert p.objectives["instruction"].verdicts["instruction"] == rates.get(
        next(iter(kinds & rates.keys()), ""), "rating"
    )
    assert p.stand_ins == ([] if kinds & rates.keys() else ["rater"])
    assert (p.train.processes, p.cluster.workers) == ((8, None) if machine == "gpus=8" else (1, 1))


def test_a_model_in_a_folder_is_watched_and_has_no_revision(project: Path) -> None:
    Path("../model").mkdir()
    row = done("--yes", "--model", "../model").base["chat"]
    assert (row.needs, row.options) == ("../model", {"id": "../model", "revision": None})


def test_what_is_only_tested_is_unseen_and_what_has_no_test_rows_is_not_evaluated(project: Path) -> None:
    Path("../mine/questions.csv").rename("../mine/test.csv")
    shutil.copy("../mine/instructions.jsonl", "../mine/train.jsonl")
    p = done("--yes")
    assert p.evaluate.groups == {"instructions": "instruction", "test": "unseen"}
    assert p.mixtures["mtl"].parts == {"instructions": ["instructions"], "train": ["train"]}
    assert (set(p.prompts["candidates"].rows), set(p.prompts["test"].rows)) == (
        {"instructions", "train"},
        {"instructions", "test"},
    )
    assert (p.datasets["train"].shares, p.datasets["train"].dev_from_train) == (None, 0.05)


def test_another_scale_is_never_overwritten_without_being_told(project: Path) -> None:
    done("--yes")
    before = state(project)
    for arguments, line in (
        (("--yes",), "conf/scale/mine.yaml exists: give another --name, or --force"),
        (("--yes", "--force", "--name", "own"), "conf/scale/own.yaml is not overwritten, since init did not write it"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1 and line in result.output and len(result.output.splitlines()) == 1
    assert state(project) == before
    done("--yes", "--force")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "../mine/non.csv"), "../mine/non.csv: no such file or folder"),
        (("--columns", "contxt=passages"), "No file has what 'contxt=passages' names. Did you mean 'context'?"),
        (("--columns", "question: task=id"), "No file has what 'question: task=id' names. Did you mean 'questions:'?"),
        (("--columns", "context=pasage"), "Unknown part 'pasage' of an example. Did you mean 'passages'?"),
        (("--columns", "questions: abstractive"), "'abstractive' is no task and no column=part."),
        (("--columns", "questions: abstractive_qa, answer="), "needs a column for references"),
        (("--data", "../mine/instructions.jsonl"), "All files are instructions."),
        (("--model", "smollm"), "'smollm' is no folder and no id of the hub"),
        (("--judge", "nly"), "Unknown judge 'nly'. Did you mean 'nli'?"),
        (("--judge", "nli"), "judge nli rates answers of abstractive_qa and summarization, and no file has this task"),
        (("--judge", "reward", "--judge", "llm"), "reward and llm both rate instructions"),
        (("--judge", "llm=a@b"), "'b' is no address of a server"),
        (("--machine", "gpus=0"), "Unknown machine 'gpus=0'. Known: cpu, gpu, gpus=<number>"),
        (("--machine", "gpus=3"), "A batch of 8 rows cannot be shared by 3 GPUs equally"),
        (("--name", "a/b"), "'a/b' is no name for a scale"),
        (("--name", "null"), "'null' is no name for a scale"),
    ],
)
def test_a_bad_option_is_one_line_and_writes_nothing(project: Path, arguments: tuple[str, ...], message: str) -> None:
    before = state(project)
    result = run("--yes", *arguments)
    assert result.exit_code == 1 and message in result.output, result.output
    assert result.output.splitlines()[-1].startswith("Error: ")
    assert state(project) == before


def test_a_bad_answer_is_one_line_and_the_question_comes_again(project: Path) -> None:
    typed = ["../mine/non.csv", "", "", "answer=no", "", "smollm", "", "nly", "", "gpus=3", "cpu"]
    result = run(typed=typed)
    assert result.exit_code == 0, result.output
    errors = [line for line in result.output.splitlines() if "Error: " in line]
    assert len(errors) == 5 and params.load().scale == "mine"


@pytest.mark.parametrize("at", ["a question", "composing"])
def test_an_interrupt_leaves_nothing(project: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    def interrupted(*_: object, **__: object) -> None:
        Path("params.yaml").write_text("half")
        raise KeyboardInterrupt

    before = state(project)
    if at == "composing":
        monkeypatch.setattr("reset.cli.compose._compose", interrupted)
        assert run("--yes").exit_code == 1
    else:
        monkeypatch.setattr(click, "prompt", lambda *_, **__: (_ for _ in ()).throw(click.Abort()))
        assert run().exit_code == 1
    assert state(project) == before


def test_the_scale_keeps_the_comments_that_explain_it_and_no_row_of_another(project: Path) -> None:
    done("--yes")
    text = (project / "conf/scale/mine.yaml").read_text()
    assert "# for records without a split" in text and "paper A.3" in text
    content = yaml.safe_load(text)
    assert set(content["datasets"]) == {"instructions", "questions"} and content["defaults"] == [
        "_self_"
    ]  # a round comes after it
    assert set(params.load().datasets) == set(content["datasets"])


def test_each_question_is_a_sentence_with_an_example_and_its_default(project: Path) -> None:
    shown = run(typed=[""] * 6).output
    for sentence, example, default in (
        (
            "1. Which files hold your data?",
            "../mine/a.jsonl",
            "files [../mine/instructions.jsonl ../mine/questions.csv]",
        ),
        ("2. What is the task of each data set", "abstractive_qa, text=passages", "questions [extractive_qa, "),
        ("3. Which model is trained?", "Qwen/Qwen2.5-0.5B-Instruct", "model [toy]"),
        ("4. Which judges rate the answers?", "llm=my-rater@http://127.0.0.1:8001/v1", "judge [words]"),
        ("5. Which machine runs it?", "gpus=8", "machine [cpu]"),
    ):
        start, number = shown.index(sentence), int(sentence[0])
        question = shown[start : shown.find(f"\n{number + 1}. ", start)] if number < 5 else shown[start:]
        assert example in question and default in question, question
    assert max(map(len, shown.splitlines())) <= 130


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ('"../mine/a', "a quotation mark is not closed"),
        ("../mine", "instructions.jsonl, questions.csv have no column in common: name the files"),
        ("~/none.csv", "none.csv: no such file or folder"),
        ("../project", "holds no file whose name ends in .jsonl"),
        (" ", "Name a file at least"),
    ],
)
def test_files_that_cannot_be_read_are_one_line_and_asked_for_again(project: Path, typed: str, message: str) -> None:
    result = run(typed=[typed, *[""] * 6])
    assert result.exit_code == 0, result.output
    assert [message in line for line in result.output.splitlines() if "Error: " in line] == [True]


@pytest.mark.parametrize("answered", range(6))
def test_an_input_that_ends_early_is_one_line_and_writes_nothing(project: Path, answered: int) -> None:
    before = state(project)
    result = run(typed=[""] * answered)
    assert result.exit_code == 1 and state(project) == before
    assert result.output.splitlines()[-1].startswith("Error: Ended before the last question: nothing is written.")
