"""The mark under which a system's training resumes: another value of what decides it is another training."""

import pytest
import yaml
from click.testing import CliRunner

from reset.files import hashing
from stages import train


@pytest.fixture
def mark(minimal, tmp_path, monkeypatch):
    """A function that tells the mark of a system's training under parameters, with changes by section."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RANK", "1")  # as one of several processes: it trains under the mark and does nothing else
    marks = []
    monkeypatch.setattr(train, "_train_rank", lambda data, dev, init, work, row, p: marks.append(work.name))

    def marked(data="rows", **changes):
        for name, text in (("init", "weights"), ("data", data), ("dev", "rows")):
            (tmp_path / name).write_text(text)
        sections = {key: minimal[key] | value if isinstance(value, dict) else value for key, value in changes.items()}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal | sections))
        done = CliRunner().invoke(train.main, ["mtl", "init", "data", "dev", "into"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return marks[-1]

    return marked


def recipe(minimal, **changes):
    return {"recipes": {"full": minimal["recipes"]["full"] | changes}}


def test_another_template_option_seed_length_or_row_has_another_mark(mark, minimal):
    marks = [
        mark(),
        mark(data="other rows"),
        mark(template="alpaca"),
        mark(template="chat"),
        mark(template="chat", template_options={"system": "Be brief."}),
        mark(seed=1),
        mark(train={"max_tokens": 65}),
        mark(systems={"mtl": minimal["systems"]["mtl"] | {"keep": [0.5]}}),
        mark(**recipe(minimal, learning_rate=0.002)),
        mark(**recipe(minimal, beta2=0.99)),
    ]
    assert len(set(marks)) == len(marks)


def test_what_decides_only_how_long_it_takes_or_how_it_is_shown_changes_no_mark(mark):
    before = mark()
    assert mark(train={"save_minutes": 5.0}, scale="other", plan=None, sample={"max_tokens": 9}) == before


def test_another_code_or_library_has_another_mark(mark, monkeypatch):
    before = mark()
    with monkeypatch.context() as patch:
        patch.setattr("reset.files.code.code_hash", lambda *modules, **without: "other")
        assert mark() != before
    monkeypatch.setattr(hashing, "_versions", lambda: {"torch": "1.0"})
    assert mark() != before
