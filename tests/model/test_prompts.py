"""Prompts are the paper's, letter by letter, and say which characters are context."""

import pytest

from reset.errors import ResetError
from reset.model.prompts import CHAT, INSTRUCTIONS, TEMPLATES, render


def test_table_2_with_the_question_before_the_passages(example_row):
    prompt = render(example_row(instruction="Do it.", question="Who?", passages=["One.", "Two."]), "alpaca")
    assert prompt.text == (
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
        "response that appropriately completes the request.\n\n### Instruction:\nDo it.\n\n### Input:\nQuestion: Who?\n"
        "Passage: One.\nPassage: Two.\n\n### Response:\n"
    )
    assert prompt.text[prompt.start : prompt.end] == "Passage: One.\nPassage: Two."


def test_table_6(example_row):
    prompt = render(example_row(instruction="Do it.", question="Who?", passages=["One."]), "vicuna")
    assert prompt.text == (
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
        "detailed, and polite answers to the user's questions.\n\n### USER: Do it.\nQuestion: Who?\nPassage: One.\n"
        "### ASSISTANT:"
    )


def test_the_micro_template_puts_the_question_last(example_row):
    prompt = render(example_row(instruction="do it.", question="who?", passages=["one.", "two."]), "micro")
    assert prompt.text == (
        "### Instruction: do it. ### Input: Passage: one.\nPassage: two.\nQuestion: who? ### Response:"
    )
    assert prompt.text[prompt.start : prompt.end] == "Passage: one.\nPassage: two."


def test_a_summary_shows_the_text_as_it_is(example_row):
    prompt = render(example_row(question="", passages=["A text."]), "alpaca")
    assert "### Input:\nA text.\n\n### Response:\n" in prompt.text
    assert prompt.text[prompt.start : prompt.end] == "A text."


@pytest.mark.parametrize("template", sorted(TEMPLATES.keys() - {CHAT}))
def test_an_example_without_context_has_an_empty_input(example_row, template):
    prompt = render(example_row(question="", passages=[]), template)
    assert prompt.start == prompt.end
    whole = TEMPLATES[template].text
    assert prompt.text == whole.replace("{instruction}", example_row()["instruction"]).replace("{input}", "")


def test_a_chat_s_message_is_the_instruction_and_its_input_behind_a_blank_line(example_row):
    whole = render(example_row(instruction="Do it.", question="Who?", passages=["One.", "Two."]), CHAT)
    assert whole.text == "Do it.\n\nQuestion: Who?\nPassage: One.\nPassage: Two."
    assert whole.text[whole.start : whole.end] == "Passage: One.\nPassage: Two."
    assert render(example_row(instruction="Do it.", question="", passages=[]), CHAT).text == "Do it."


@pytest.mark.parametrize("template", list(TEMPLATES))
def test_braces_in_a_text_are_kept_as_they_are(example_row, template):
    texts = {"instruction": "a {input} b", "question": "c {instruction}?", "passages": ["d {input} {0}"]}
    prompt = render(example_row(**texts), template)
    for text in ("a {input} b", "c {instruction}?", "d {input} {0}"):
        assert prompt.text.count(text) == 1
    assert prompt.text[prompt.start : prompt.end] == "Passage: d {input} {0}"


def test_each_context_dependent_task_forbids_new_information():
    assert set(INSTRUCTIONS) == {"extractive_qa", "abstractive_qa", "summarization"}
    assert all("Do not include new information beyond the given passages." in text for text in INSTRUCTIONS.values())


def test_an_unknown_template_names_the_nearest(example_row):
    with pytest.raises(ResetError) as raised:
        render(example_row(), "alpacca")
    assert raised.value.message == (
        "Unknown template 'alpacca'. Did you mean 'alpaca'? Known: alpaca, chat, micro, vicuna"
    )
