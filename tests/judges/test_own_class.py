"""A judge of the user's own class: as documented, checked before a run, hashed, and judging in the stage."""

import re
import sys
from itertools import count
from types import SimpleNamespace

import pytest
import yaml

from reset import params, registry
from reset.errors import ResetError
from reset.judges import Answer, verdict_names
from reset.judging import build
from reset.params import own_classes
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
        ("raise RuntimeError(1)", "module '{m}' cannot be imported (RuntimeError: 1)"),
        ("import sys; sys.exit(2)", "module '{m}' cannot be imported (SystemExit: 2)"),
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


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ("1 / 0", "failed ({m}.py, line 5): ZeroDivisionError: division by zero"),
        ("sys.exit(3)", "failed ({m}.py, line 5): SystemExit: 3"),
        ("open('no such file')", "failed ({m}.py, line 5): FileNotFoundError: [Errno 2] No such file"),
        ("None", ": its `verdicts` gave None, must yield one Verdict per answer"),
        ("[]", "gave no verdict on answer 'a1', must give one on each"),
        ("[0.5]", "gave 0.5, must give one Verdict per answer"),
        ("[V('a1', 'other', 0.5)]", "gave a verdict named 'other', must be named like its row, 'j'"),
        ("[V('a2', 'j', 0.5)]", "gave a verdict on answer 'a2', which it was not asked about, or has judged already"),
        ("2 * [V('a1', 'j', 1)]", "gave a verdict on answer 'a1', which it was not asked about, or has judged already"),
        ("[V('a1', 'j', '1')]", "gave the score '1', must be from 0 to 1, or None with a reason"),
        ("[V('a1', 'j', float('nan'))]", "gave the score nan, must be from 0 to 1, or None with a reason"),
        ("[V('a1', 'j', None, 7)]", "gave the reason 7, must be a text or None"),
        ("[V('a1', 'j', 1, None, [1])]", "gave the detail [1], must be a dict or None"),
        ("[V('a1', 'j', 1, None, {'a': {1}})]", "gave the detail {'a': {1}}, must be what JSON can hold (Object of"),
        ("[V('a1', 'j', 1, None, {'a': float('inf')})]", "gave the detail {'a': inf}, must be what JSON can hold (Out"),
    ],
)
def test_what_a_class_gives_wrongly_or_raises_is_one_line(module, gives, said):
    name = module(
        "import sys; from reset.judges import Verdict as V\nclass J:\n  tasks = ['summarization']\n"
        f"  def verdicts(self, answers):\n    return {gives}\n"
    )
    row = {"kind": f"{name}:J", "needs": f"{name}.py", "model": None, "options": {}}
    by, _ = build.load("judges", "j", row, {"workers": 1, "ray_address": None})
    with pytest.raises(ResetError) as error:
        list(by.verdicts([ONE]))
    assert said.replace("{m}", name) in error.value.message
    assert error.value.message.startswith(f"judges.j: class '{name}:J'")


def test_a_numpy_score_is_a_score_and_a_constructor_may_take_any_option(module):
    name = module(
        "import numpy; from reset.judges import Verdict\nclass J:\n  tasks = ['summarization']; unanswerable = True\n"
        "  def __init__(self, name, **more): self.name, self.more = name, more\n"
        "  def verdicts(self, answers): yield Verdict('a1', self.name, numpy.float32(self.more['x']))\n"
    )
    row = {"kind": f"{name}:J", "needs": f"{name}.py", "model": None, "options": {"x": 0.5}}
    by, _ = build.load("watchers", "j", row, {"workers": 1, "ray_address": None})
    (verdict,) = by.verdicts([ONE])
    assert (verdict.score, type(verdict.score)) == (0.5, float)
    assert by.unanswerable  # what a class says of itself is passed on


def test_a_constructor_that_raises_is_one_line(module):
    name = module(
        "class J:\n  tasks = ['summarization']\n  def __init__(self): {}['a']\n  def verdicts(self, a): ...\n"
    )
    row = {"kind": f"{name}:J", "needs": f"{name}.py", "model": None, "options": {}}
    with pytest.raises(ResetError, match=rf"judges\.j: class '{name}:J' failed \({name}\.py, line 3\): KeyError: 'a'"):
        build.load("judges", "j", row, {"workers": 1, "ray_address": None})


def test_a_model_of_options_that_the_constructor_does_not_take_is_told(module):
    name = module(documented().replace("*, name, options", "*, name").replace("options.most", "3"))
    with pytest.raises(ResetError, match="has a model `Options`, so its constructor must take `options`"):
        registry.build(registry.JUDGES, f"{name}:Brief", "judges.brief.options", name="brief", most=3)


def test_needs_must_hold_what_the_class_imports_also_through_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/judge.py").write_text("import json, reset\nfrom . import near\nfrom mine.other import x\n")
    (tmp_path / "mine/near.py").write_text("def f(): import far\n")
    (tmp_path / "mine/other.py").write_text("x = 1\n")
    (tmp_path / "far.py").write_text("")

    def said(needs):
        row = SimpleNamespace(kind="mine.judge:J", needs=needs, model=None)
        return list(own_classes.problems(SimpleNamespace(judges={"j": row}, watchers={})))

    mend = "put both into a folder and name that, or an edit there judges nothing anew"
    assert said("mine/judge.py") == [
        f"judges.j.needs is 'mine/judge.py', but the class imports '{file}': {mend}"
        for file in ("far.py", "mine/near.py", "mine/other.py")
    ]
    assert said("mine") == [f"judges.j.needs is 'mine', but the class imports 'far.py': {mend}"]
    (tmp_path / "mine/near.py").write_text("import other_package\n")
    assert said("mine") == []


@pytest.mark.parametrize("kind", [":J", "own:", "a b:J", ".own:J", "/tmp/own.py:J", "own:J:K"])
def test_what_is_no_module_and_class_is_refused(kind):
    assert verdict_names.problem(kind, {}) == (
        f"class '{kind}' must be written module:Class, such as brief:Brief or folder.brief:Brief"
    )
    row = SimpleNamespace(kind=kind, needs="own.py", model=None)
    assert list(own_classes.problems(SimpleNamespace(judges={"j": row}, watchers={}))) == []


def test_an_edit_between_identify_and_judge_stops_the_stage(module):
    name = module(documented())
    row = {"kind": f"{name}:Brief", "needs": f"{name}.py", "model": None, "options": {"most": 3}}
    identified = build.identity(row)
    build.require_unchanged("brief", identified)
    with open(f"{name}.py", "a") as file:
        file.write("# more\n")
    said = rf"judges\.brief: {name}\.py was edited after stage `identify` ran: run the same command again"
    with pytest.raises(ResetError, match=said):
        build.require_unchanged("brief", identified)
    with pytest.raises(ResetError, match=r"judges\.brief: its code was edited after stage `identify` ran"):
        build.require_unchanged("brief", {**build.identity(row), "code_hash": "other"})


def test_of_a_class_in_an_installed_package_the_package_is_hashed(module, tmp_path, monkeypatch):
    package = tmp_path / "site" / f"package_{next(NUMBERS)}"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "judge.py").write_text(documented())
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.syspath_prepend(str(package.parent))
    row = {"kind": f"{package.name}.judge:Brief", "needs": "none", "model": None, "options": {"most": 3}}
    first = build.identity(row)
    (package / "words.py").write_text("")
    assert first["class_hash"] != build.identity(row)["class_hash"]
