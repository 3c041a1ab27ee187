"""vLLM's own OpenAI-compatible server, on the loopback."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from reset.runs.launcher import free_port

START_S = 400
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the loopback needs no proxy


def wait_for(address, server):
    """Wait until the server is healthy; fail when it dies or takes too long."""
    for _ in range(START_S):
        assert server.poll() is None, f"the server ended with status {server.returncode}"
        try:
            with DIRECT.open(address, timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(1)
    pytest.fail(f"the server was not healthy within {START_S} s")


@contextmanager
def serving(model, log, *options):
    """Yield the base address of a server of `model`; its last words are printed when it has ended."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.forking_vllm", "--model", str(model), "--enforce-eager"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--max-model-len", "1024", *options]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("w") as written:
        running = subprocess.Popen(command, env=environment, stdout=written, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", running)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.terminate()
        running.wait(timeout=60)
        print(log.read_text()[-3000:])
