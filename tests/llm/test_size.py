"""What a server sends is read up to a size, and with the synchronous client up to a time."""

from types import SimpleNamespace

import pytest

from reset.llm import size
from reset.llm.wire import Broken


def response(*parts, path="/v1/chat/completions"):
    request = SimpleNamespace(url=SimpleNamespace(path=path))
    return SimpleNamespace(iter_bytes=lambda: iter(parts), request=request)


def read(given, seconds=10.0):
    (hook,) = size.bounded(seconds)["response"]
    hook(given)
    return given._content


def test_a_reply_is_read_whole():
    assert read(response(b"a", b"bc")) == b"abc"


def test_a_reply_that_is_too_large_is_given_up_and_a_file_may_be_larger(monkeypatch):
    monkeypatch.setattr(size, "LARGEST", 3)
    assert read(response(b"abc")) == b"abc"
    with pytest.raises(Broken, match="the server sends more than 3 bytes"):
        read(response(b"ab", b"cd"))
    assert read(response(b"ab", b"cd", path="/v1/files/1/content")) == b"abcd"


def test_a_reply_that_drips_beyond_its_time_is_given_up(monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr(size, "time", SimpleNamespace(monotonic=lambda: float(next(now))))
    assert read(response(*[b"a"] * 5), seconds=5.0) == b"aaaaa"
    with pytest.raises(TimeoutError, match="no whole reply within 5 s"):
        read(response(*[b"a"] * 20), seconds=5.0)
