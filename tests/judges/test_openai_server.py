"""The rater asks a real server: vLLM's own, on the loopback, with a model too small to rate anything."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from reset.judges import Answer
from reset.judges.openai import OpenAIRater

pytestmark = pytest.mark.slow
pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")

START_S = 400
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_for(address, server):
    """Wait until the server is healthy; fail with its last words when it dies or takes too long."""
    for _ in range(START_S):
        assert server.poll() is None, f"the server ended with status {server.returncode}"
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(1)
    pytest.fail(f"the server was not healthy within {START_S} s")


@pytest.fixture(scope="module")
def server(micro_model, tmp_path_factory):
    """The base address of a running OpenAI-compatible server of the model `tiny`."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "chat.jinja").write_text(TEMPLATE)
    port = free_port()
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(micro_model)]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port), "--enforce-eager"]
    command += ["--dtype", "float32", "--max-model-len", "1024", "--chat-template", str(folder / "chat.jinja")]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", running)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.terminate()
        running.wait(timeout=60)
        print((folder / "log").read_text()[-3000:])


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
