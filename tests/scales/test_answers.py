"""What a user answers to the questions of `reset-lm init`, and what of it cannot be."""

import pytest

from reset.errors import ResetError
from reset.scales import answers
from reset.scales.files import looks

TASKS = ["extractive_qa", "instruction"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nli,nli", "judge nli is named twice"),
        ("reward, llm", "reward and llm both rate instructions: name one of them"),
        ("nly", "Unknown judge 'nly'. Did you mean 'nli'?"),
        ("words=a/b", "judge words has no model"),
        ("llm=gpt@localhost", "'localhost' is no address of a server, such as http://127.0.0.1:8001/v1"),
        ("nli=no model", "'no model' is no folder and no id of the hub"),
    ],
)
def test_judges_that_cannot_be_are_named(text: str, message: str) -> None:
    with pytest.raises(ResetError) as told:
        answers.judges(text, TASKS)
    assert told.value.message.startswith(message)


def test_a_judge_that_rates_no_task_of_the_data_is_refused() -> None:
    with pytest.raises(ResetError, match=r"^judge reward rates answers of instruction, and no file has this task$"):
        answers.judges("reward", ["extractive_qa"])


def test_judges_come_with_their_models_and_servers_and_words_are_none() -> None:
    assert answers.judges("words", TASKS) == []
    given = "words, nli=a/b,llm=gpt@http://127.0.0.1:8001/v1"
    found = answers.judges(given, ["summarization", "instruction"])
    assert found == [answers.Judge("nli", "a/b", None), answers.Judge("llm", "gpt", "http://127.0.0.1:8001/v1")]


@pytest.mark.parametrize(("text", "count"), [("cpu", 0), ("gpu", 1), ("gpus=1", 1), ("gpus=8", 8)])
def test_a_machine_has_so_many_gpus(text: str, count: int) -> None:
    assert answers.gpus(text) == count


@pytest.mark.parametrize("text", ["gpus=0", "gpus=", "tpu", "gpus=8x"])
def test_a_machine_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(ResetError, match=f"^Unknown machine '{text}'. Known: cpu, gpu"):
        answers.gpus(text)


@pytest.mark.parametrize("text", ["1st", "my-scale", "null", "on", "", "a b", "\u00fcber"])
def test_a_name_that_would_not_be_a_word_in_a_file_of_yaml_is_refused(text: str) -> None:
    with pytest.raises(ResetError, match=f"^'{text}' is no name for a scale"):
        answers.name(text)
    assert answers.name("my_scale2") == "my_scale2"


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(ResetError, match=r"^Name a file at least$"):
        looks([])
