"""The dress rehearsal: scale `paper` as composed, with tiny row counts, on a machine without GPUs or network.

Every https address that the scale names is answered on the loopback (`internet`): the hub, the files at plain
addresses, OpenAI. Its models are random ones of the real architectures (`paper_models`), its data sets invented text in
the published forms (`paper_data`). `OVERRIDES` is all that differs from `scale=paper`.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from reset.sources.construction import construct
from tests.support import chat_server, hub_server, paper_data, paper_models
from tests.support.fewer import only
from tests.support.internet import Internet, internet

Rows = dict[str, Any]
STRONG, WEAK = "Qwen/Qwen3-30B-A3B-Instruct-2507", "Qwen/Qwen3-4B-Instruct-2507"
GPT = ["gpt-5", "gpt-5-mini"]
TESTS = ("nq", "ms_marco", "cnn_dailymail", "searchqa", "bioasq", "wikisum", "alpaca", "vicuna_eval", "koala_eval")
TRAINED = ("dolly", "sharegpt", "self_instruct", "oasst1", "nq", "ms_marco", "cnn_dailymail")
OVERRIDES = (  # and the addresses of the open raters
    "data_folder=by_hand",
    *(f"prompts.test.rows.{name}=2" for name in TESTS),
    *(f"prompts.candidates.rows.{name}=4" for name in TRAINED),
    *(f"mixtures.{name}.rows=16" for name in ("if", "cd", "mtl", "gold")),
    *(f"mixtures.{name}.dev_rows=2" for name in ("if", "cd", "mtl")),
    "sample.max_tokens=24",
    "sample.engine=transformers",  # in place of vLLM
    "train.processes=2",
)

DATASETS = (
    "dolly",
    "sharegpt",
    "oasst1",
    "nq",
    "ms_marco",
    "cnn_dailymail",
    "bioasq",
    "alpaca",
)  # of each kind of file
SYSTEMS = ("base", "cd_25", "mtl_reset_s")  # of each kind of init, data, recipe and model that answers


@dataclass
class Ran:
    """What a command printed, each line with the time at which it came."""

    lines: list[tuple[float, str]]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(line for _, line in self.lines)

    def stages(self) -> dict[str, float]:
        """The stages that DVC ran, with the seconds from the start of each to that of the next, or to the end."""
        starts = [(at, line.split("'")[1]) for at, line in self.lines if line.startswith("Running stage")]
        ends = [at for at, _ in starts[1:]] + [at for at, _ in self.lines[-1:]]
        return {name: end - at for (at, name), end in zip(starts, ends, strict=bool(starts))}


class Unexpected(AssertionError):
    """A command failed, or did not although it should; `ran` has what it printed."""

    def __init__(self, ran: "Ran", message: str) -> None:
        super().__init__(message)
        self.ran = ran


@dataclass
class World:
    """A clone of the project, what it may ask, and what it asked."""

    folder: Path
    net: Internet
    raters: dict[str, chat_server.Server]
    hub: hub_server.HubServer
    more: dict[str, str] = field(default_factory=dict)  # variables of the environment

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a user's shell there."""
        beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        own = {"PATH": beside, "PYTHONPATH": str(self.folder), "HF_HOME": str(self.folder.parent / "hub_cache")}
        own |= {"OPENAI_API_KEY": "sk-rehearsal", "PYTHONUNBUFFERED": "1"}
        return {**kept, **own, **self.net.environment, **self.more}

    def run(self, *command: str, fails: bool = False, **environment: str) -> "Ran":
        """Run a command as a user would; its exit status must be 0, or with `fails` another."""
        ran = Ran([])
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            ran.lines += [(time.monotonic(), line) for line in process.stdout or ()]
        if bool(process.returncode) != fails:
            raise Unexpected(ran, f"{' '.join(command)}\n{ran.text[-6000:]}")
        return ran

    def compose(self, *more: str) -> None:
        """Write params.yaml: scale `paper` with `OVERRIDES`, the raters' addresses, and `more`."""
        server = "judges.rater.options"
        urls = [f"{server}.server.base_url={self.raters[STRONG].base_url}"]
        urls += [f"{server}.weak_server.base_url={self.raters[WEAK].base_url}"]
        open_raters = [] if "raters=gpt" in more else urls
        self.run(sys.executable, "-m", "reset.cli.compose", "scale=paper", *OVERRIDES, *open_raters, *more)
        self.hub.commits = pinned(self.read())

    def read(self) -> Rows:
        """The content of params.yaml."""
        content: Rows = yaml.safe_load((self.folder / "params.yaml").read_text())
        return content

    def write(self, content: Rows) -> None:
        """Write params.yaml."""
        (self.folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def pinned(content: Rows) -> dict[str, str]:
    """The commits that params.yaml, or the sources that it names, pin; a hub that lacks them would be another one."""
    models = {f"models/{row['options']['id']}": row["options"]["revision"] for row in content["base"].values()}
    wheres = [(construct(row["source"], row["options"], key="").where, row) for row in content["datasets"].values()]
    sets = {f"datasets/{where.hub}": row["revision"] or where.revision for where, row in wheres if where.hub}
    return {name: revision for name, revision in {**models, **sets}.items() if revision != hub_server.MAIN}


def keep(content: Rows) -> None:
    """Leave `DATASETS` and `SYSTEMS` in params.yaml, and of the other rows what these need."""
    content |= only(content, SYSTEMS)
    content["datasets"] = {name: content["datasets"][name] for name in DATASETS}
    for row in content["prompts"].values():
        row["rows"] = {name: count for name, count in row["rows"].items() if name in DATASETS}
    for row in content["mixtures"].values():
        row["parts"] = {name: [one for one in part if one in DATASETS] for name, part in row["parts"].items()}
    evaluate, report = content["evaluate"], content["report"]
    evaluate["groups"] = {name: group for name, group in evaluate["groups"].items() if name in DATASETS}
    for name in ("pipelines", "paper_rows"):
        report[name] = {}
    report["comparisons"] = [["mtl_reset_s", "cd_25"]]


def as_on_gpus(content: Rows) -> None:
    """Sample by vLLM in workers of Ray, each on a CPU in place of a GPU."""
    content["sample"]["engine"] = "vllm"
    content["sample"]["engines"]["vllm"]["options"] = {"dtype": "float32", "enforce_eager": True}
    content["cluster"] |= {"workers": 2, "worker_cpus": 1.0, "worker_gpus": 0.0}


def rating(body: Mapping[str, Any]) -> str:
    """A reply with a rating that follows from the question."""
    return f"It answers the question. Rating: [[{1 + zlib.crc32(json.dumps(body['messages']).encode()) % 10}]]"


@contextmanager
def world(folder: Path, clone: Path) -> Iterator[World]:
    """Everything that the scale asks, for the project in `clone`; `folder` holds the models."""
    for made in (folder / "models", clone / "by_hand"):
        shutil.rmtree(made, ignore_errors=True)
    models = paper_models.save(folder / "models")
    paper_data.by_hand(clone / "by_hand")
    with ExitStack() as stack:
        hub = stack.enter_context(hub_server.hub({**models, **paper_data.hub()}))
        files = {host: stack.enter_context(_files(content)) for host, content in paper_data.addresses().items()}
        raters = {name: stack.enter_context(_rater([name])) for name in (STRONG, WEAK)}
        today = stack.enter_context(_rater(GPT, today=True))
        hosts = {"huggingface.co": hub, "api.openai.com": today, **files}
        net = stack.enter_context(internet(hosts))
        yield World(clone, net, {**raters, GPT[0]: today}, hub)


@contextmanager
def _rater(models: list[str], *, today: bool = False) -> Iterator[chat_server.Server]:
    def reply(body: Rows) -> str:
        return str(chat_server.today(body, rating(body))) if today else rating(body)

    with chat_server.Server(reply, models=models) as server:
        yield server
        server.shutdown()


@contextmanager
def _files(content: Mapping[str, bytes]) -> Iterator[ThreadingHTTPServer]:
    """A host that has the files `content`, by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = content.get(self.path)
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
