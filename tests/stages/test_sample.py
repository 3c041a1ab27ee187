"""What marks the answers in the store: all that decides an answer, and nothing that says which are asked for."""

import pytest

from reset.files import hashing
from reset.params.document import Params
from stages.sample import _mark


@pytest.fixture
def mark(minimal, tmp_path):
    """A function that marks the answers of a model under parameters, with changes by section."""
    (tmp_path / "weights").write_text("1")

    def marked(weights="1", **changes):
        (tmp_path / "weights").write_text(weights)
        sections = {key: minimal[key] | value if isinstance(value, dict) else value for key, value in changes.items()}
        return _mark(Params.model_validate(minimal | sections), tmp_path)

    return marked


@pytest.mark.parametrize(
    "change",
    [
        {"weights": "2"},
        {"template": "alpaca"},
        {"template_options": {"system": "Be brief."}},
        {"sample": {"max_tokens": 9}},
        {"sample": {"max_prompt_tokens": 65}},
        {"sample": {"engines": {"transformers": {"batch": 16, "dtype": "bfloat16"}}}},
        {"sample": {"engine": "vllm", "engines": {"vllm": {"max_model_len": 128, "options": {}}}}},
    ],
    ids=str,
)
def test_another_model_template_limit_or_option_has_another_mark(mark, change):
    assert mark(**change) != mark()


@pytest.mark.parametrize(
    "change",
    [{"sample": {"chunk_prompts": 3}}, {"seed": 1}, {"pools": {}}, {"scale": "other"}, {"sample": {"max_failed": 0.5}}],
    ids=str,
)
def test_what_decides_only_which_answers_are_asked_for_changes_no_mark(mark, change):
    assert mark(**change) == mark()


def test_another_code_or_library_has_another_mark(mark, monkeypatch):
    before = mark()
    monkeypatch.setattr("reset.files.code.code_hash", lambda *modules, **without: "other")
    assert mark() != before
    monkeypatch.undo()
    monkeypatch.setattr(hashing, "_versions", lambda: {"torch": "1.0"})
    assert mark() != before


def test_the_dtype_that_auto_stands_for_is_in_the_mark(mark, monkeypatch):
    marks = set()
    for native in (True, False):
        monkeypatch.setattr("reset.model.precision._on_cpu", lambda native=native: native)
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        marks.add(mark())
    assert len(marks) == 2
