"""A judge of the user's own class: as documented, checked before a run, hashed, and judging in the stage."""

import re
import sys
from itertools import count

import pytest
import yaml

from reset import params, registry
from reset.errors import ResetError
from reset.judges import Answer, verdict_names
from reset.judging import build
from tests.support import ROOT

NUMBERS = count()
TEXT = (ROOT / "docs/judges.md").read_text()
DOCUMENTED = re.search(r"brief\.py`[^`]*?:\n\n((?:    .*\n|\n)+)", TEXT)
ONE = Answer("a1", "A red mill by the river.", "summarization", "test", "Sum up.", "", ["A mill."], [], None)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module into the working folder and returns its name, which no other test has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(content):
        name = f"own_judge_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(content)
        return name

    return write


def documented():
    assert DOCUMENTED
    return "".join(line[4:] if line.strip() else "\n" for line in DOCUMENTED[1].splitlines(keepends=True))


def test_the_documented_class_judges(module):
    content = documented()
    assert len([line for line in content.splitlines() if line.strip()]) <= 15
    kind = f"{module(content)}:Brief"
    by = registry.build(registry.JUDGES, kind, "judges.brief.options", name="brief", most=3)
    (verdict,) = by.verdicts([ONE])
    assert (verdict.name, verdict.score, verdict.detail) == ("brief", 0.5, {"words": 6})
    assert verdict_names.names(kind, "brief", {}, "summarization", "dev") == ["brief"]
    assert verdict_names.names(kind, "brief", {}, "instruction", "dev") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"most": "3"}, "judges.brief.options.most: Input should be a valid integer (it is '3')"),
        ({"most": 0}, "judges.brief.options.most: Input should be greater than or equal to 1 (it is 0)"),
        ({}, "judges.brief.options.most: Field required (it is {})"),
        ({"most": 3, "mots": 3}, "unknown key 'judges.brief.options.mots'. Did you mean 'most'? Known: most"),
    ],
)
def test_options_are_checked_by_the_model_of_the_class(module, options, said):
    kind = f"{module(documented())}:Brief"
    with pytest.raises(ResetError) as error:
        registry.build(registry.JUDGES, kind, "judges.brief.options", name="brief", **options)
    assert error.value.message == f"params.yaml: {said}"


def test_without_a_model_they_are_checked_by_the_types_of_the_constructor(module):
    kind = module("class J:\n  tasks = ['summarization']\n  def __init__(self, *, most: int): self.most = most\n")
    with open(f"{kind}.py", "a") as file:
        file.write("  def verdicts(self, answers): yield from ()\n")
    assert registry.build(registry.JUDGES, f"{kind}:J", "judges.j.options", name="j", most=3).most == 3
    with pytest.raises(ResetError, match=r"judges\.j\.options\.most: Input should be a valid integer \(it is '3'\)"):
        registry.build(registry.JUDGES, f"{kind}:J", "judges.j.options", name="j", most="3")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import no_such_package", "module '{m}' cannot be imported (ModuleNotFoundError: No module named 'no_such"),
        ("class J(", "module '{m}' cannot be imported (SyntaxError: '(' was never closed"),
        ("undefined", "module '{m}' cannot be imported (NameError: name 'undefined' is not defined)"),
        ("class K: pass", "module '{m}' has no class 'J'. Known: K"),
        ("class Jj: pass\nJ = 1", "module '{m}' has no class 'J'. Did you mean 'Jj'? Known: Jj"),
        ("class J: pass", "lacks the method `verdicts`, which yields a Verdict for each answer"),
        ("class J:\n  def verdicts(self, a): ...", "lacks `tasks`, the set of tasks whose answers it judges"),
    ],
)
def test_a_class_that_cannot_be_used_is_one_line(module, content, said):
    name = module(content)
    with pytest.raises(ResetError) as error:
        registry.load(registry.JUDGES, f"{name}:J", "judge")
    assert said.format(m=name) in error.value.message
    assert error.value.message.startswith(f"class '{name}:J'")
    assert verdict_names.problem(f"{name}:J", {}) == error.value.message
    assert verdict_names.names(f"{name}:J", "j", {}, "summarization", "dev") == []


@pytest.mark.parametrize("tasks", ["'summarization'", "['summary']", "[]", "None"])
def test_its_tasks_are_known_ones(module, tasks):
    kind = f"{module(f'class J:{chr(10)}  tasks = {tasks}{chr(10)}  def verdicts(self, a): ...')}:J"
    assert "its `tasks` must be a set of instruction, extractive_qa, " in (verdict_names.problem(kind, {}) or "")


def test_what_params_yaml_says_of_it_is_checked(module, minimal):
    name = module(documented())
    row = {"kind": f"{name}:Brief", "needs": "elsewhere.py", "model": "base/micro", "options": {"most": 3}}
    minimal["judges"]["brief"] = row

    def said():
        with open("params.yaml", "w") as file:
            yaml.safe_dump(minimal, file)
        try:
            params.load()
        except ResetError as error:
            return error.message
        return None

    assert f"judges.brief.needs is 'elsewhere.py', must be the file of its class, '{name}.py', or its folder" in said()
    assert "judges.brief.model is 'base/micro', but a class of your own gets none" in said()
    row |= {"needs": f"{name}.py", "model": None}
    assert said() is None
    row["kind"] = f"{name}:Breif"
    assert said().endswith(f"judges.brief.kind: class '{row['kind']}': module '{name}' has no class 'Breif'. "
                           "Did you mean 'Brief'? Known: Brief")  # fmt: skip


def test_an_edit_of_its_file_changes_its_identity(module):
    name = module(documented())
    row = {"kind": f"{name}:Brief", "needs": f"{name}.py", "model": None, "options": {"most": 3}}
    first = build.identity(row)
    assert first["class_hash"] == first["needs_hash"]
    with open(f"{name}.py", "a") as file:
        file.write("# more\n")
    second = build.identity(row)
    assert first["class_hash"] != second["class_hash"] and first["code_hash"] == second["code_hash"]
    by, _ = build.load("judges", "brief", row, {"workers": 1, "ray_address": None})
    assert by.tasks == {"summarization"}
