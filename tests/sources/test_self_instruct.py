import pytest

from reset.sources.self_instruct import SelfInstruct

ROW = {"instruction": "Sort these.", "input": "", "output": "a b c"}


def test_row_without_input_is_kept(example):
    assert example(SelfInstruct(), ROW).references == ["a b c"]


def test_row_with_input_is_set_aside(reason):
    assert reason(SelfInstruct(), {**ROW, "input": "c a b"}) == "has an input"


def test_kept_input_is_a_passage(example):
    assert example(SelfInstruct(keep_input=True), {**ROW, "input": "c a b"}).passages == ["c a b"]


@pytest.mark.parametrize("field", ["instruction", "output"])
def test_blank_instruction_or_output_is_set_aside(reason, field):
    assert reason(SelfInstruct(), {**ROW, field: ""}) == "empty instruction or response"


@pytest.mark.parametrize(
    "prompt", ["Tell a joke.\n\nOutput:", "Tell a joke. Output:", "Tell a joke.\n\n", "Tell a joke.\n"]
)
def test_prompt_loses_its_output_mark_and_completion_its_end_token(example, prompt):
    made = example(SelfInstruct(), {"prompt": prompt, "completion": " Knock, knock.<|endoftext|>"})
    assert (made.instruction, made.references) == ("Tell a joke.", ["Knock, knock."])


@pytest.mark.parametrize("prompt", ["Sort.\nInput: c a\nOutput:", "Task: Sort.\n\nInput: c a\n\nOutput:"])
def test_prompt_with_a_marked_input_is_set_aside(reason, prompt):
    assert reason(SelfInstruct(), {"prompt": prompt, "completion": " a c<|endoftext|>"}) == "has an input"


def test_completion_of_nothing_but_the_end_token_is_empty(reason):
    row = {"prompt": "Say nothing.\n\n", "completion": " <|endoftext|>"}
    assert reason(SelfInstruct(), row) == "empty instruction or response"


@pytest.mark.parametrize(
    "instances",
    [
        [{"input": "", "output": "x"}, {"input": "i", "output": "y"}],
        {"input": ["", "i"], "output": ["x", "y"]},
    ],
)
def test_task_is_unpacked_into_its_instances_in_both_forms(instances):
    task = {"id": "seed_1", "name": "n", "instruction": "Do.", "instances": instances}
    assert list(SelfInstruct().unpack(task)) == [
        {"id": "seed_1_0", "instruction": "Do.", "input": "", "output": "x"},
        {"id": "seed_1_1", "instruction": "Do.", "input": "i", "output": "y"},
    ]
