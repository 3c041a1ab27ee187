"""The LLM judge: what it asks of a small server on this machine, and what it makes of the replies."""

import json
from dataclasses import replace

import pytest

from reset.errors import ResetError
from reset.judges import Answer, Paid
from reset.judges.openai import OpenAIRater
from reset.llm.ledger import Ledger, location
from reset.llm.rating import render
from tests.support.chat_server import Fault, Server, completion, settings

pytestmark = pytest.mark.slow


def answer(number, text="A duck.", split="train", references=()):
    return Answer(f"a{number}", text, "instruction", split, f"Describe a duck, {number}.", "", [], references, None)


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))
    with Server(lambda body: "[[5]]") as running:
        yield running
        running.shutdown()


def rater(server, *, weak_model=None, pairwise_model=None, **changed):
    return OpenAIRater(
        name="rater",
        model="strong",
        weak_model=weak_model,
        pairwise_model=pairwise_model,
        server=settings(server, concurrency=3, **changed),
    )


def prompt(body):
    return body["messages"][0]["content"]


def test_prompt_is_table_5():
    text = render("rating.txt", question="Describe a duck.", answer="A duck.")
    assert text.startswith("[System]\nPlease act as an impartial judge and evaluate the quality of the response")
    assert '"[[rating]]", for example: "Rating: [[5]]".' in text
    assert "]\nDescribe a duck.\n[" in text
    assert "]\nAnswer: A duck.\n[" in text


def test_the_input_of_an_instruction_is_shown_with_it(server):
    one = replace(answer(1, split="test", references=["B"]), passages=["Ducks swim.", "Geese fly."])
    list(rater(server, pairwise_model="strong").verdicts([one]))
    assert len(server.asked) == 3
    assert all("Describe a duck, 1.\n\nDucks swim.\n\nGeese fly.\n[" in prompt(body) for body in server.asked)


def test_each_answer_gets_the_rating_of_its_own_question_divided_by_ten(server):
    server.reply = lambda body: f"Fine. Rating: [[{prompt(body).split('Describe a duck, ')[1][0]}]]"
    verdicts = list(rater(server).verdicts([answer(number) for number in range(1, 8)]))
    assert [(v.answer_id, v.name, v.score) for v in verdicts] == [(f"a{n}", "rating", n / 10) for n in range(1, 8)]
    assert verdicts[0].detail == {
        "rating": 1,
        "reply": "Fine. Rating: [[1]]",
        "model": "strong-0613",
        "fingerprint": "fp_1",
    }
    asked = server.asked[0]
    assert (asked["model"], asked["temperature"], asked["max_tokens"]) == ("strong", 0, 512)


def test_weak_rating_is_asked_for_training_prompts_only(server):
    server.reply = lambda body: "[[9]]" if body["model"] == "strong" else "[[2]]"
    verdicts = rater(server, weak_model="weak").verdicts([answer(1, split="train"), answer(2, split="test")])
    assert [(v.answer_id, v.name, v.score) for v in verdicts] == [
        ("a1", "rating", 0.9),
        ("a1", "rating_weak", 0.2),
        ("a2", "rating", 0.9),
    ]


def test_reply_without_a_rating_is_unscored_and_kept(server):
    server.reply = lambda body: "I cannot rate this."
    (verdict,) = rater(server).verdicts([answer(1)])
    assert (verdict.score, verdict.reason) == (None, "no rating from 1 to 10 in the reply")
    assert verdict.detail["reply"] == "I cannot rate this."


def test_refused_question_is_unscored(server):
    def reply(body):
        raise Fault(400)

    server.reply = reply
    (verdict,) = rater(server).verdicts([answer(1)])
    assert (verdict.score, verdict.reason) == (None, "the server refused (status 400): as asked")
    assert "as asked" in verdict.detail["error"]


def test_structured_output_is_asked_for_and_read(server):
    server.reply = lambda body: json.dumps({"explanation": "good", "rating": 8})
    (verdict,) = rater(server, reply_format="json_schema").verdicts([answer(1)])
    assert verdict.score == 0.8
    assert server.asked[0]["response_format"]["type"] == "json_schema"
    server.reply = lambda body: "Good. Rating: [[3]]"
    (verdict,) = rater(server, reply_format="regex").verdicts([answer(1)])
    assert verdict.score == 0.3
    assert "regex" in server.asked[1]["structured_outputs"]


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [("A", "B", 1.0), ("B", "A", 0.0), ("A", "A", 0.5), ("B", "B", 0.5), ("C", "C", 0.5), ("A", "C", 0.75)],
)
def test_a_comparison_is_asked_in_both_orders_and_a_judge_of_places_says_nothing(server, first, second, score):
    def reply(body):
        if "Assistant A" not in prompt(body):
            return "[[5]]"
        mine = prompt(body).index("A duck.") < prompt(body).index("The reference.")
        return f"So: [[{first if mine else second}]]"

    server.reply = reply
    one = answer(1, split="test", references=["The reference."])
    verdicts = {v.name: v for v in rater(server, pairwise_model="strong").verdicts([one])}
    assert verdicts["preference"].score == score
    assert verdicts["preference"].detail["choices"] == [first, second]
    assert len(server.asked) == 3


def test_a_comparison_without_a_reference_or_a_choice_is_null(server):
    asked = [answer(1, split="test"), answer(2, split="test", references=["B"]), answer(3, references=["B"])]
    verdicts = [v for v in rater(server, pairwise_model="strong").verdicts(asked) if v.name == "preference"]
    assert [(v.answer_id, v.score, v.reason) for v in verdicts] == [
        ("a1", None, "the example has no reference"),
        ("a2", None, "no choice of A, B or C in a reply"),
    ]


def test_the_same_answers_again_are_asked_nothing_and_the_pool_is_charged(server):
    judge = rater(server)
    assert isinstance(judge, Paid)
    assert judge.prepare([answer(1), answer(2)], "mtl").startswith("2 requests to make, 0 (0%) in the ledger; about ")
    first = list(judge.verdicts([answer(1), answer(2)]))
    again = rater(server)
    assert again.prepare([answer(1), answer(2)], "reset").startswith("0 requests to make, 2 (100%) in the ledger")
    assert list(again.verdicts([answer(1), answer(2)])) == first
    assert len(server.asked) == 2
    with Ledger(location()) as ledger:
        assert [(row["pool"], row["replies"]) for row in ledger.spend("rater")] == [("mtl", 2)]


def test_missing_key_names_the_environment_variable(server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    judge, said = rater(server), r"judge 'rater' needs a key in the environment variable OPENAI_API_KEY"
    with pytest.raises(ResetError, match=said):
        judge.prepare([answer(1)], "mtl")
    with pytest.raises(ResetError, match=said):
        list(judge.verdicts([answer(1)]))
    assert judge.estimate([answer(1)], "mtl").questions == 1
    assert server.asked == []


@pytest.mark.parametrize(
    ("text", "finish_reason", "reason"),
    [
        ("Rating: [[6]]", "length", "the reply is not finished: finish_reason 'length'"),
        ("Rating: [[6]]", "content_filter", "the server's filter stopped the reply"),
        ("<think>It may deserve [[9]]", "stop", "the reply ends within a thought"),
        ("", "stop", "the reply is empty"),
        ('The format is "Rating: [[5]]".', "stop", "no rating from 1 to 10 in the reply"),
    ],
)
def test_a_reply_that_is_not_finished_or_quotes_the_scale_is_null_and_kept(server, text, finish_reason, reason):
    server.reply = lambda body: completion("strong", text, finish_reason=finish_reason)
    (verdict,) = rater(server).verdicts([answer(1)])
    assert (verdict.score, verdict.reason, verdict.detail["reply"]) == (None, reason, text)


def test_a_comparison_that_is_cut_off_is_null(server):
    server.reply = lambda body: completion("strong", "[[A]]", finish_reason="length")
    asked = [answer(1, split="test", references=["B"])]
    (verdict,) = [v for v in rater(server, pairwise_model="strong").verdicts(asked) if v.name == "preference"]
    assert (verdict.score, verdict.reason) == (None, "the reply is not finished: finish_reason 'length'")


def test_a_flagged_prompt_with_all_its_answers_is_null_and_the_others_are_rated(server):
    def reply(body):
        if "Describe a duck, 3." in prompt(body):
            raise Fault(403, body=b'{"error": {"message": "Your input was flagged"}}')
        return "[[5]]"

    server.reply = reply
    sampled = [replace(answer(3, text=f"Duck {n}."), answer_id=f"a{n}") for n in range(20)]
    verdicts = list(rater(server).verdicts([*sampled, *(answer(n) for n in range(30, 35))]))
    assert {v.reason for v in verdicts[:20]} == {"the server refused (status 403): Your input was flagged"}
    assert [v.score for v in verdicts[20:]] == [0.5] * 5


def test_the_fields_of_a_request_are_those_of_the_parameters(server):
    fields = {"max_tokens": None, "max_completion_tokens": 900, "temperature": None, "seed": 3}
    (verdict,) = rater(server, fields=fields).verdicts([answer(1)])
    assert verdict.score == 0.5
    (asked,) = server.asked
    assert {name: asked[name] for name in asked if name != "messages"} == {
        "model": "strong",
        "max_completion_tokens": 900,
        "seed": 3,
    }
