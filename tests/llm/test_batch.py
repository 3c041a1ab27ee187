"""Batch mode against a small stand-in for OpenAI's files and batches: submitted once, resumed, partly failed."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from reset.errors import ResetError
from reset.llm import Failure, Reply, batch
from reset.llm.ledger import CHARACTERS_PER_TOKEN
from tests.llm.conftest import questions

BASE = "https://example.org/v1"


class Batches:
    """The parts of an AsyncOpenAI client that Batch mode uses; a batch is over when it has been looked at twice."""

    def __init__(self, fails=(), status="completed"):
        self.stored, self.made, self.looked = {}, {}, 0
        self.counts_tokens = True
        self.fails, self.status, self.die = set(fails), status, None
        self.files = SimpleNamespace(create=self._upload, content=self._content)
        self.batches = SimpleNamespace(create=self._create, retrieve=self._retrieve, list=self._list)

    async def _upload(self, *, file, purpose):
        assert purpose == "batch"
        name = f"file-{len(self.stored)}"
        self.stored[name] = file[1].read().decode()
        return SimpleNamespace(id=name)

    async def _content(self, name):
        return SimpleNamespace(text=self.stored[name])

    async def _create(self, *, input_file_id, endpoint, completion_window):
        assert (endpoint, completion_window) == ("/v1/chat/completions", "24h")
        made = SimpleNamespace(id=f"batch-{len(self.made)}", input_file_id=input_file_id, errors=None, looks=0)
        self.made[made.id] = made
        if self.die == "create":
            raise KeyboardInterrupt
        return made

    async def _list(self, *, limit):
        for made in self.made.values():
            yield made

    async def _retrieve(self, name):
        made = self.made[name]
        made.looks += 1
        if self.die == "wait":
            raise KeyboardInterrupt
        made.status = "in_progress" if made.looks == 1 else self.status
        if made.status == "failed":
            made.errors = SimpleNamespace(data=[SimpleNamespace(message="no such model")])
        elif made.status != "in_progress":
            self._answer(made)
        return made

    def _answer(self, made):
        good, bad = [], []
        for line in map(json.loads, self.stored[made.input_file_id].splitlines()):
            prompt = line["body"]["messages"][0]["content"]
            if prompt in self.fails:
                self.fails.discard(prompt)
                error = {"status_code": 500, "body": {"error": {"message": "oops"}}}
                bad.append({"custom_id": line["custom_id"], "response": error, "error": None})
                continue
            body = {"choices": [{"message": {"content": f"of {prompt} [[6]]"}}], "model": "strong-0613"}
            if self.counts_tokens:
                body["usage"] = {"prompt_tokens": 100, "completion_tokens": 10}
            response = {"status_code": 200, "body": body}
            good.append({"custom_id": line["custom_id"], "response": response, "error": None})
        for kind, lines in (("output", good), ("error", bad)):
            self.stored[f"{made.id}-{kind}"] = "".join(json.dumps(line) + "\n" for line in lines)
            setattr(made, f"{kind}_file_id", f"{made.id}-{kind}" if lines else None)


def ask(client, asked, server, ledger):
    return asyncio.run(batch.ask(client, asked, server, ledger, judge="rater", pool="mtl"))


@pytest.fixture
def server(options):
    """Settings of Batch mode, not a running server."""
    return lambda **changed: options(base_url=BASE, batch_poll_s=0.001, **changed)


@pytest.fixture
def options():
    from reset.llm import settings

    plain = {"concurrency": 4, "timeout_s": 5.0, "max_retries": 1, "max_wait_s": 600.0, "requests_per_minute": None}
    plain |= {"tokens_per_minute": None, "reply_format": "text", "prices_usd": {"strong": (10.0, 100.0)}}
    return lambda **changed: settings(plain | {"max_cost_usd": None} | changed, judge="rater", models=["strong"])


def test_a_batch_is_submitted_waited_for_and_taken_in_at_half_the_price(server, ledger):
    client, asked = Batches(), questions(5)
    found = ask(client, asked, server(), ledger)
    assert [found[one.key].text for one in asked] == [f"of {one.prompt} [[6]]" for one in asked]
    assert len(client.made) == 1
    assert ledger.spent("rater", "mtl") == pytest.approx(5 * 0.002 / 2)
    assert ledger.open_batches("rater", BASE) == []
    assert next(ledger.rows())["batch"] == 1


def test_a_batch_whose_server_counts_no_tokens_is_charged_as_estimated(server, ledger):
    client, (question,) = Batches(), questions(1)
    client.counts_tokens = False
    ask(client, [question], server(), ledger)
    prompt_tokens = round(len(question.prompt) / CHARACTERS_PER_TOKEN)
    assert prompt_tokens > 0
    assert ledger.spent("rater", "mtl") == pytest.approx((prompt_tokens * 10 + question.max_tokens * 100) / 1e6 / 2)


@pytest.mark.parametrize("moment", ["create", "wait"])
def test_a_killed_run_goes_on_with_the_same_batch(server, ledger, moment):
    client, asked = Batches(), questions(5)
    client.die = moment
    with pytest.raises(KeyboardInterrupt):
        ask(client, asked, server(), ledger)
    client.die = None
    assert len(ask(client, asked, server(), ledger)) == 5
    assert len(client.made) == 1


def test_a_batch_of_other_questions_is_taken_in_too(server, ledger):
    client = Batches()
    client.die = "wait"
    with pytest.raises(KeyboardInterrupt):
        ask(client, questions(3), server(), ledger)
    client.die = None
    ask(client, questions(2, start=3), server(), ledger)
    assert all(isinstance(ledger.get(one, BASE), Reply) for one in questions(5))
    assert len(client.made) == 2


def test_lines_that_failed_are_submitted_again_alone(server, ledger):
    client, asked = Batches(fails=["Rate reply 1.", "Rate reply 3."]), questions(5)
    found = ask(client, asked, server(), ledger)
    assert all(isinstance(reply, Reply) for reply in found.values())
    assert [len(client.stored[made.input_file_id].splitlines()) for made in client.made.values()] == [5, 2]


def test_lines_that_fail_for_good_are_failures(server, ledger):
    client, asked = Batches(fails=["Rate reply 1."]), questions(2)
    found = ask(client, asked, server(max_retries=0), ledger)
    assert isinstance(found[asked[0].key], Reply | Failure)
    assert found[asked[1].key].reason == "the batch failed it (status 500)"


def test_a_batch_refused_as_a_whole_stops_the_run_and_is_forgotten(server, ledger):
    with pytest.raises(ResetError, match=r"batch batch-0 failed \(no such model\)"):
        ask(Batches(status="failed"), questions(2), server(), ledger)
    assert ledger.open_batches("rater", BASE) == []


def test_no_more_is_submitted_than_the_limit_has_room_for(server, ledger):
    client, asked = Batches(), questions(50)
    # at half the price a request holds (3 * $10 + 20 * $100) / 2 per million = $0.001015
    with pytest.raises(ResetError, match=r"max_cost_usd = 0\.01 leaves no room"):
        ask(client, asked, server(max_cost_usd=0.01), ledger)
    assert sum(ledger.get(one, BASE) is not None for one in asked) == 9
