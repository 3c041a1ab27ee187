"""Tasks of lm-evaluation-harness: what is told where it is not installed, its figures, and a run on a tiny model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reset.ability import lm_eval_tasks
from reset.errors import ResetError
from tests.support import ROOT

FOUND = {
    "results": {
        "quiz": {
            "alias": "quiz",
            "acc,none": 0.51234567,
            "acc_stderr,none": 0.1,
            "exact_match,strict-match": 1,
            "exact_match_stderr,strict-match": "N/A",
        }
    },
    "n-samples": {"quiz": {"original": 9, "effective": 4}},
}
TASK = """\
task: quiz
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""


def test_a_package_that_is_not_installed_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(lm_eval_tasks, "find_spec", lambda name: None)
    with pytest.raises(ResetError, match="the package lm_eval, which is not installed: `pip install lm_eval`") as told:
        lm_eval_tasks.require()
    assert "\n" not in told.value.message


def test_metrics_are_named_by_metric_and_filter_with_their_standard_errors():
    assert lm_eval_tasks.figures(FOUND, "quiz") == {
        "examples": 4,
        "metrics": {
            "acc": {"value": 0.512346, "stderr": 0.1},
            "exact_match (strict-match)": {"value": 1, "stderr": None},
        },
    }


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder with a task file and its data."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [{"question": f"the home of {name} is", "choices": ["red", "blue"], "answer": 0} for name in "abcd"]
    (folder / "quiz.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "quiz.yaml").write_text(TASK % json.dumps(str(folder / "quiz.jsonl")))
    return folder


@pytest.mark.slow
def test_a_tiny_model_is_measured_offline_on_a_task_of_ones_own(tmp_path, tasks, micro_model):
    pytest.importorskip("lm_eval")
    settings = f"tasks=['quiz'], own_tasks=Path({str(tasks)!r}), few_shot=0, examples=3, chat_template=False, batch=2"
    code = f"""
import json
from pathlib import Path
from reset.ability.lm_eval_tasks import Settings, measure
print(json.dumps(measure(Path({str(micro_model)!r}), Settings({settings}))))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["tasks"]["quiz"]["examples"] == 3
    assert 0 <= told["tasks"]["quiz"]["metrics"]["acc"]["value"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "message"),
    [("qiz", "lm_eval has no task 'qiz'. Did you mean 'quiz'"), ("lost", "data that are not on this machine")],
)
def test_a_task_that_cannot_be_measured_is_told_in_one_line(tasks, micro_model, task, message):
    pytest.importorskip("lm_eval")
    (tasks / "lost.yaml").write_text((TASK % '"no/such/file.jsonl"').replace("task: quiz", "task: lost"))
    settings = lm_eval_tasks.Settings([task], tasks, None, 2, chat_template=False, batch=2)
    with pytest.raises(ResetError, match=message) as told:
        lm_eval_tasks.measure(micro_model, settings)
    assert "\n" not in told.value.message
