"""The LLM judge's client against a faulty loopback server: throughput, requests sent twice, and a second run.

    python -m benchmarks.rater [--quick]

5,000 replies are rated by a server that takes 100 ms for each and meets 1 % of first attempts each with a 429, a 500
and a broken body, and 0.25 % with a time-out. The reference is the ideal client on the same server: all slots always
busy, no fault, requests x latency / concurrency, after the one request by which a new form is tried. Beside it stands
the time that the server itself was busy with all attempts, the unavoidable ones included, over the slots.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.result import check, publish
from reset.judges import Answer
from reset.judges.openai import OpenAIRater

LATENCY_S, TIMEOUT_S, RATE, CONCURRENCY = 0.1, 1.0, 0.01, 8


@contextmanager
def server() -> Iterator[str]:
    """A server in a process of its own; yields its base URL."""
    command = [sys.executable, "-m", "benchmarks.faulty_server", f"--latency-s={LATENCY_S}", f"--rate={RATE}"]
    running = subprocess.Popen([*command, f"--hang-s={TIMEOUT_S * 2}"], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout
        yield f"http://127.0.0.1:{int(running.stdout.readline())}"
    finally:
        running.terminate()
        running.wait()


def counts(address: str) -> dict[str, Any]:
    """What the server says of the requests so far."""
    with urllib.request.urlopen(f"{address}/counts", timeout=10) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def rate(address: str, requests: int) -> tuple[float, int]:
    """Judge the pool once; return the seconds and how many answers were rated."""
    options = {"base_url": f"{address}/v1", "concurrency": CONCURRENCY, "timeout_s": TIMEOUT_S, "max_retries": 5}
    options |= {"max_wait_s": 600.0}
    options |= {"requests_per_minute": None, "tokens_per_minute": None, "reply_format": "text", "batch_poll_s": None}
    options |= {"prices_usd": {}, "max_cost_usd": None}
    rater = OpenAIRater(name="rater", model="faulty", weak_model=None, pairwise_model=None, server=options)
    answers = [
        Answer(str(number), f"Reply {number}. " * 20, "instruction", "test", "Say it.", "", (), (), None)
        for number in range(requests)
    ]
    started = time.monotonic()
    verdicts = list(rater.verdicts(answers))
    return time.monotonic() - started, sum(verdict.score is not None for verdict in verdicts)


def main() -> None:
    """Run, print, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 requests")
    quick = parser.parse_args().quick
    requests = 1000 if quick else 5000
    with TemporaryDirectory() as folder, server() as address:
        os.environ["RESET_LEDGER"] = str(Path(folder) / "replies.sqlite")
        os.environ.setdefault("OPENAI_API_KEY", "none")
        seconds, rated = rate(address, requests)
        first = counts(address)
        again_s, again_rated = rate(address, requests)
        second = counts(address)
    ideal = LATENCY_S + requests * LATENCY_S / CONCURRENCY
    print(f"{requests} requests, {rated} rated in {seconds:.1f} s; ideal {ideal:.1f} s; server: {first}")
    print(f"second run: {again_rated} rated in {again_s:.1f} s, {second['asked'] - first['asked']} requests")
    checks = [
        check("share of the ideal throughput", ideal / seconds, ">= 0.9"),
        check("share of answers rated", rated / requests, ">= 1"),
        check("requests sent twice", first["answered_twice"], "<= 0"),
        check("requests of a second run", second["asked"] - first["asked"], "<= 0"),
    ]
    publish(
        "rater",
        checks,
        libraries=["openai"],
        quick=quick,
        requests=requests,
        seconds=round(seconds, 2),
        ideal_s=ideal,
        share_of_the_servers_own_time=round(first["busy_s"] / CONCURRENCY / seconds, 4),
        second_run_s=round(again_s, 2),
        server=first,
    )


if __name__ == "__main__":
    main()
