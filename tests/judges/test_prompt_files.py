"""A judge in the user's own words: what its file may say, what a model is asked, and how its replies are read."""

from dataclasses import replace

import pytest

from reset.errors import ResetError
from reset.files.code import closure
from reset.judges import PROMPTS, Answer, prompt_files, prompt_path, verdict_names
from reset.judges.llm import LlmRater
from reset.judges.openai import OpenAIRater
from reset.judges.ratings import own
from reset.judging import build
from reset.llm.rating import fields_in
from reset.llm.reading import Reading
from tests.judges import test_llm
from tests.support import ROOT
from tests.support.chat_server import Server, settings

pytestmark = pytest.mark.slow

EXAMPLES = sorted(file.stem for file in (ROOT / PROMPTS).glob("*.md"))
PLAIN = """---
tasks: summarization
scale: {least: 1, most: 5}
read: last_number
---
Passages: {passages}
Answer: {answer}
Points from 1 to 5, as in {"points": 3}:
"""
GROUNDED = Answer(
    "a1", "The mill is red.", "summarization", "test", "Sum up.", "", ["A red mill.", "It is old."], ["Red."], None
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with prompt files that a test writes by `write`."""
    (tmp_path / PROMPTS).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(content, name="mine"):
    prompt_path(name).write_text(content)
    return name


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))
    with Server(lambda body: "4") as running:
        yield running
        running.shutdown()


def judge(server, prompt, **changed):
    return OpenAIRater(name="mine", model="strong", prompt=prompt, server=settings(server, **changed))


def asked(server):
    return server.asked[-1]["messages"][0]["content"]


def test_fields_are_filled_in_and_the_points_become_their_place_on_the_scale(folder, server):
    by = judge(server, write(PLAIN))
    (verdict,) = by.verdicts([GROUNDED])
    assert by.tasks == {"summarization"}
    assert (verdict.name, verdict.score, verdict.detail["rating"]) == ("mine", 0.75, 4)
    assert asked(server) == (
        'Passages: A red mill.\n\nIt is old.\nAnswer: The mill is red.\nPoints from 1 to 5, as in {"points": 3}:'
    )
    assert verdict_names.names("openai", "row", {"prompt": "mine"}, "summarization", "dev") == ["row"]
    assert verdict_names.names("llm", "row", {"prompt": "mine"}, "instruction", "dev") == []


@pytest.mark.parametrize(
    "text", ["{passages} {answer} {fence}", "{{answer}} {0.__class__} %s $answer", "{", "\\1 \\g<0>", "{answer!r}"]
)
def test_what_looks_like_a_field_in_an_answer_stays_as_it_is(folder, server, text):
    (verdict,) = judge(server, write(PLAIN)).verdicts([replace(GROUNDED, text=text, passages=["{answer}"])])
    assert asked(server).startswith(f"Passages: {{answer}}\nAnswer: {text}\nPoints")
    assert verdict.score == 0.75


def test_a_name_in_two_braces_is_text_and_an_answer_cannot_know_the_fence(folder, server):
    text = PLAIN.replace("Answer:", "{{answer}} is [{fence}]")
    (first, second) = [replace(GROUNDED, answer_id=n, text=n) for n in ("one", "two")]
    list(judge(server, write(text), concurrency=1).verdicts([first, second]))
    fences = {body["messages"][0]["content"].split("{answer} is [")[1][:16] for body in server.asked}
    assert len(fences) == 2 and all(len(fence) == 16 for fence in fences)


@pytest.mark.parametrize(
    ("rule", "of", "words", "reply", "points"),
    [
        ("last_number", "", {}, "I see 3 faults. Points: 4", 4),
        ("last_number", "", {}, "Points: 4/5.", 4),
        ("last_number", "", {}, "4 out of 5", 4),
        ("last_number", "", {}, "Points: 2.5", 2.5),
        ("last_number", "", {}, "<think>5</think> Points: 2", 2),
        ("last_number", "", {}, "\uff14", 4),
        ("last_number", "", {}, "Points: 7", None),
        ("last_number", "", {}, "none", None),
        ("brackets", "", {}, "A [[5]] says the answer. Rating: [[2]]", 2),
        ("brackets", "", {"good": 5, "bad": 1}, "So: [[Good]]", 5),
        ("regex", r"score: (\d)", {}, "score: 1, no, score: 3", 3),
        ("regex", r"\d$", {}, "so 2", 2),
        ("regex", r"(?i)verdict: (yes|no)", {"yes": 5, "no": 1}, "Verdict: Yes", 5),
        ("regex", r"score: (\w+)", {}, "score: four", None),
        ("regex", r"score: (\d) of (\d)", {}, "score: 2 of 5", 2),
        ("json", "points", {}, '{"points": 3}', 3),
        ("json", "points", {}, '```json\n{"points": "3"}\n```', 3),
        ("json", "points", {"faithful": 5}, '{"points": "Faithful"}', 5),
        ("json", "points", {"true": 5}, '{"points": true}', 5),
        ("json", "points", {}, '{"points": true}', None),
        ("json", "points", {}, '{"points": [3]}', None),
        ("json", "points", {}, "Points: 3", None),
    ],
)
def test_a_reply_is_read_by_the_rule_of_the_file(rule, of, words, reply, points):
    assert Reading(rule, of, 1, 5, words).points(reply) == points


def test_a_pattern_that_does_not_end_stops_with_its_name(monkeypatch):
    monkeypatch.setattr("reset.llm.reading.REGEX_S", 0.05)
    with pytest.raises(ResetError, match=r"read\.regex '\(a\+\)\+\(b\+\)\+c' takes over 0\.05 s on a reply"):
        Reading("regex", "(a+)+(b+)+c", 1, 5).points("a" * 3000 + "b" * 3000)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{answer}", "{anser}", "unknown field '{anser}'. Did you mean 'answer'? Known: answer, fence, passages, "),
        ("{answer}", "it", "the text has no field {answer}, so that nothing is judged"),
        ("summarization", "summary", "tasks: unknown task 'summary'. Did you mean 'summarization'? Known: "),
        ("summarization", "[]", "tasks"),
        ("least: 1", "least: 9", "scale: least is 9, most is 5: least must be below most; a judge for whom less is be"),
        ("least: 1", "least: one", "scale.least: Input should be a valid number"),
        ("least: 1, ", "", "scale.least: Field required"),
        ("last_number", "{regex: '('}", "read.regex: '(' is no regular expression (missing )"),
        ("last_number", "first_number", "read: Input should be 'last_number' or 'brackets' (it is 'first_number')"),
        ("scale", "scales", "unknown key 'scales'. Did you mean 'scale'? Known: max_tokens, read, scale, tasks, "),
        ("last_number", "last_number\nwords: {yes: 9}", "words: 'yes' gives 9, off the scale from 1 to 5"),
        ("last_number", "last_number\nwords: {good: 5}", "words: `read: last_number` reads no words"),
        ("---\ntasks", "tasks", "must begin with a head between two lines `---`"),
        ("tasks:", "tasks: [", "its head is no YAML ("),
        ("summarization", "summarization\nmax_tokens: 0", "max_tokens: Input should be greater than or equal to 1"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_with_its_name(folder, old, new, said):
    write(PLAIN.replace(old, new, 1))
    with pytest.raises(ResetError) as error:
        own("row", "mine")
    assert error.value.message.startswith(f"conf/judge_prompts/mine.md: {said}")
    assert verdict_names.problem("openai", {"prompt": "mine"}) == error.value.message
    assert verdict_names.names("openai", "row", {"prompt": "mine"}, "summarization", "dev") == []


@pytest.mark.parametrize("name", ["minne", "../mine", "/etc/passwd", ""])
def test_a_file_that_is_not_there_names_those_that_are(folder, name):
    write(PLAIN)
    with pytest.raises(ResetError, match=r"^no prompt file '.*' in conf/judge_prompts\..*Known: mine$"):
        prompt_files.read(name)


def test_what_the_prompt_shows_and_the_example_lacks_is_null(folder, server):
    by = judge(server, write(PLAIN.replace("Answer:", "Reference: {reference}\nAnswer:")))
    verdicts = by.verdicts([replace(GROUNDED, passages=[]), replace(GROUNDED, answer_id="a2", references=[])])
    assert [(v.score, v.reason) for v in verdicts] == [
        (None, "the example has no passage"),
        (None, "the example has no reference"),
    ]
    assert server.asked == [] and by.estimate([replace(GROUNDED, passages=[])], "pool").questions == 0


def test_a_weaker_model_and_a_form_of_reply_are_refused_beside_a_prompt(folder, server):
    write(PLAIN)
    with pytest.raises(ResetError, match="with a prompt of your own they must be null"):
        OpenAIRater(name="mine", model="strong", weak_model="weak", prompt="mine", server=settings(server))
    with pytest.raises(ResetError, match=r"reply_format is regex, must be text: the prompt file 'mine' says"):
        judge(server, "mine", reply_format="regex")


SAID = {
    "annotated_example": (['{"spans": [], "verdict": "partly"}', '{"verdict": "maybe"}'], 0.5, "abstractive_qa"),
    "criteria": (["It jumps about.\nCoherence: 2, so\ncoherence: 2", "coherence: 9"], 0.25, "summarization"),
    "rubric_with_reference": (["A gap. Rating: [[3]]", "I cannot say."], 0.5, "instruction"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_asks_with_all_it_shows_and_reads_its_replies(name, server, monkeypatch):
    monkeypatch.chdir(ROOT)
    (reply, unread), score, task = SAID[name]
    file = prompt_files.read(name)
    one = replace(GROUNDED, task=task)
    server.reply = lambda body: reply
    (verdict,) = judge(server, name).verdicts([one])
    assert (verdict.name, verdict.score) == (file.verdict, score)
    shown = {"passages": "A red mill.\n\nIt is old.", "answer": one.text, "reference": "Red.", "question": "Sum up."}
    assert all(shown[field] in asked(server) for field in fields_in(file.text) if field != "fence")
    assert "{fence}" not in asked(server) and server.asked[0]["max_tokens"] == file.max_tokens
    server.reply = lambda body: unread
    (verdict,) = judge(server, name).verdicts([replace(one, text="Another.")])
    least, most = file.scale.least, file.scale.most
    assert (verdict.score, verdict.reason) == (None, f"no rating from {least:g} to {most:g} in the reply")


def test_a_model_in_this_process_is_asked_the_same(folder, tmp_path):
    write(PLAIN.replace("summarization", "[summarization, instruction]").replace("Points from", "{passages}"))
    model = test_llm.save(tmp_path / "model", {"Red.": "Rating: [[4]]"}, window=12)
    options = {"engine": "transformers", "settings": test_llm.ENGINES["transformers"], "prompt": "mine"}
    by = LlmRater(name="row", model=model, **options)
    assert by.tasks == LlmRater.tasks_of(options) == {"summarization", "instruction"}
    lacking, said = by.verdicts([replace(GROUNDED, passages=[]), replace(GROUNDED, answer_id="a2")])
    assert (lacking.name, lacking.reason) == ("row", "the example has no passage")
    assert said.detail["reply"]


def test_a_judge_without_a_prompt_does_not_depend_on_how_prompts_are_read():
    decisive = closure(["reset.judging.build", "reset.judging.judge", "reset.judges.summac"])
    assert "reset.judges.sentences.nli" in decisive
    assert [name for name in decisive if name.startswith("reset.llm") or name == "reset.judges.prompt_files"] == []


def test_an_edit_of_a_prompt_file_changes_the_identity_of_its_judge_alone(folder):
    write(PLAIN)
    rows = [
        {"kind": "openai", "needs": "reset/llm", "model": None, "options": options}
        for options in ({"prompt": "mine"}, {})
    ]
    before = [build.identity(row) for row in rows]
    write(PLAIN.replace("Points", "Marks"))
    after = [build.identity(row) for row in rows]
    assert before[0]["prompt_hash"] != after[0]["prompt_hash"] and before[1] == after[1]


def test_the_documents_name_every_example():
    told = (ROOT / "docs/judges.md").read_text()
    assert EXAMPLES and all(f"`{name}`" in told for name in EXAMPLES)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("tasks: instruction", "the key 'tasks' is there twice"),
        ("words: {Yes: 1, yes: 5}", "the key 'yes' is there twice"),
        ("verdict: a/b", "verdict: a verdict's name has only letters, digits, _ and -, not 'a/b'"),
        ("verdict: ''", "verdict: a verdict's name has only letters, digits, _ and -, not ''"),
    ],
)
def test_keys_that_are_there_twice_and_names_that_cannot_be_are_refused(folder, more, said):
    name = write(PLAIN.replace("read: last_number", f"read: brackets\n{more}"))
    with pytest.raises(ResetError) as error:
        prompt_files.read(name)
    assert error.value.message == f"{prompt_path(name)}: {said}"


def test_a_folder_is_no_prompt_file(folder):
    prompt_path("mine").mkdir()
    with pytest.raises(ResetError, match=r"no prompt file 'mine' in .*\. Known: none$"):
        prompt_files.read("mine")


@pytest.mark.parametrize(("text", "times"), [("{question} {answer}", 1), ("{question} {passages} {answer}", 1)])
def test_the_input_of_an_instruction_is_shown_once(folder, server, text, times):
    head = "---\ntasks: instruction\nscale: {least: 1, most: 5}\nread: last_number\n---\n"
    list(judge(server, write(head + text)).verdicts([replace(GROUNDED, task="instruction")]))
    assert asked(server).count("A red mill.") == times
