"""A server of the tests' own, a ledger, and questions."""

import json

import pytest

from reset.llm import Question, settings
from reset.llm.ledger import Ledger
from tests.support import chat_server
from tests.support.chat_server import Server

DECODING = json.dumps({"max_tokens": 20, "temperature": 0.0}, sort_keys=True)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key")


@pytest.fixture
def server():
    with Server(lambda body: "Rating: [[7]]") as running:
        yield running
        running.shutdown()


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "replies.sqlite") as opened:
        yield opened


@pytest.fixture
def options(server):
    """A function from what differs to the settings of the client."""

    def make(**changed):
        plain = chat_server.settings(server, max_retries=2)
        return settings(plain | changed, judge="rater", models=["strong"])

    return make


def questions(count, *, start=0, judge="rater"):
    return [Question(judge, "strong", f"Rate reply {number}.", DECODING) for number in range(start, start + count)]
