"""The rater asks a real server: vLLM's own, on the loopback, with a model too small to rate anything."""

import pytest
from vllm_server import serving

from reset.judges import Answer
from reset.judges.openai import OpenAIRater

pytestmark = pytest.mark.slow
pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")

TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.fixture(scope="module")
def server(micro_model, tmp_path_factory):
    """The base address of a running OpenAI-compatible server of the model `tiny`."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "chat.jinja").write_text(TEMPLATE)
    named = ("--served-model-name", "tiny", "--chat-template", str(folder / "chat.jinja"))
    with serving(micro_model, folder / "log", *named) as base_url:
        yield base_url


def rater(server, reply_format):
    options = {"base_url": server, "concurrency": 2, "timeout_s": 120.0, "max_retries": 0}
    options |= {"requests_per_minute": None, "tokens_per_minute": None, "reply_format": reply_format}
    options |= {"batch_poll_s": None, "prices_usd": {}, "max_cost_usd": None}
    return OpenAIRater(name="rater", model="tiny", weak_model=None, pairwise_model=None, server=options)


@pytest.fixture
def answers(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))
    return [
        Answer(str(i), text, "instruction", "test", "list two foods.", "", (), (), None)
        for i, text in enumerate(("here are two foods: soup, bread.", "soup."))
    ]


def test_a_reply_without_a_rating_is_null_and_kept_as_evidence(server, answers):
    verdicts = list(rater(server, "text").verdicts(answers))
    assert [verdict.answer_id for verdict in verdicts] == ["0", "1"]
    for verdict in verdicts:
        assert (verdict.name, verdict.score) == ("rating", None)
        assert verdict.reason == "no rating from 1 to 10 in the reply"
        assert isinstance(verdict.detail["reply"], str)


def test_what_was_answered_is_not_asked_again(server, answers, monkeypatch):
    first = list(rater(server, "text").verdicts(answers))
    assert list(rater("http://127.0.0.1:1/v1", "text").verdicts(answers)) == first  # where nobody listens
