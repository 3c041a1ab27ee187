"""Stages on tiny inputs that are killed and run again, and what must hold after that.

A project of five stages (`fetch`, `prepare`, `sample`, `judge` by a paid server, `train`) lies in a folder; an
undisturbed copy of it says what the killed one must end with: the same files, the same rows, no process left, nothing
in the folder for temporary files, and no request for a reply that the ledger had.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import yaml

from reset.files import schemas, tables
from reset.micro.model import language_model, word_tokenizer
from tests.support import ROOT, chat_server, clones
from tests.support.warm import Server as Warm

Rows = dict[str, Any]
Asked = tuple[str, str]  # model, prompt
MARK = "RESET_TRIAL"  # environment variable by which the processes of a trial are known
KEPT = (".store", ".ledger", ".tracking", ".dvc/cache", ".dvc/tmp")  # what makes a later run shorter
OURS = (".git", ".dvc", ".store", ".ledger", ".tracking", "reset", "stages", "conf", "tmp")  # no results
STAGES = {
    "fetch": ("instructions", "data/raw/instructions"),
    "prepare": ("instructions", "data/raw/instructions", "data/examples/instructions"),
    "sample": ("mtl_candidates", "models/first", "data/prompts.parquet", "data/answers.parquet", "data/asked.parquet"),
    "judge": ("rater", "mtl_candidates", "rater.json", "data/answers.parquet", "data/asked.parquet", "data/v.parquet"),
    "train": ("mtl", "models/first", "rows.parquet", "dev.parquet", "models/mtl"),
}
NEEDS = {"prepare": ["fetch"], "judge": ["sample"]}
PROMPTS, TRAINED = 48, 64


def parameters(server: "Server") -> Rows:
    """The committed params.yaml with few rows, and with a rater behind `server`."""
    p: Rows = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    p["datasets"]["instructions"]["options"]["rows"] = {"train": 4000, "dev": 20}
    p["decode"]["intent"] |= {"temperatures": [0.0, 0.7], "top_ks": [5]}
    p["sample"] |= {"chunk_prompts": 4, "max_tokens": 48}
    p["judge"] |= {"chunk_answers": 40, "max_null": 1.0}
    p["train"] |= {"save_minutes": 0.0, "max_loss_rise": 100.0}
    p["recipes"]["full"] |= {"batch_size": 4, "micro_batch_size": 4, "eval_steps": 2}
    asked = chat_server.settings(server, max_retries=1)
    options = {"model": "strong", "weak_model": "weak", "pairwise_model": "strong", "server": asked}
    p["judges"]["rater"] = {"kind": "openai", "needs": "reset/llm", "model": None, "options": options}
    return p


def pipeline() -> Rows:
    """The five stages for DVC; what one writes another depends on."""
    return {
        "stages": {
            name: {
                "cmd": " ".join(("python", "-m", f"stages.{name}", *words)),
                "deps": [result(other) for other in NEEDS.get(name, [])] + ["params.yaml"],
                "outs": [result(name)],
            }
            for name, words in STAGES.items()
        }
    }


def result(stage: str) -> str:
    """The file or folder that a stage writes, and that trials compare."""
    return "data/answers.parquet" if stage == "sample" else STAGES[stage][-1]


@dataclass
class Server:
    """The paid rater: what it was asked, and what it was asked although the ledger had the reply."""

    base_url: str
    asked: Counter[Asked] = field(default_factory=Counter)
    known: set[Asked] = field(default_factory=set)
    repeated: int = 0

    def reply(self, body: Rows) -> str:
        """A rating that follows from the prompt, after 10 ms."""
        prompt = str(body["messages"][0]["content"])
        asked = str(body["model"]), prompt
        self.asked[asked] += 1
        self.repeated += asked in self.known
        time.sleep(0.01)
        return f"Fine. Rating: [[{1 + len(prompt) % 10}]]"


@contextmanager
def rater() -> Iterator[Server]:
    """A running rater on the loopback."""
    state = Server("")
    with chat_server.Server(state.reply) as running:
        state.base_url = running.base_url
        yield state
        running.shutdown()


class Project:
    """A project in `folder`, whose processes carry a mark of its own; `warm` starts its stages."""

    def __init__(self, folder: Path, server: Server, warm: Warm | None = None) -> None:
        self.folder, self.server, self._mark, self._warm = folder, server, uuid.uuid4().hex, warm

    def make(self) -> "Project":
        """Write parameters and inputs; what `fetch` and `sample` make is not there yet."""
        self.folder.mkdir(parents=True)
        for name in ("reset", "stages", "conf"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / "tmp").mkdir()
        _write_yaml(self.folder / "params.yaml", parameters(self.server))
        _write_yaml(self.folder / "dvc.yaml", pipeline())
        tokenizer = word_tokenizer(1024)
        for model in (language_model(tokenizer, layers=2, width=64, heads=2, max_tokens=1024, seed=1), tokenizer):
            model.save_pretrained(self.folder / "models/first")
        tables.write(self.folder / "data/prompts.parquet", schemas.EXAMPLES, map(_prompt, range(PROMPTS)))
        tables.write(self.folder / "rows.parquet", schemas.MIXTURES, map(_trained, range(TRAINED)))
        tables.write(self.folder / "dev.parquet", schemas.MIXTURES, map(_trained, range(4)))
        self.finish([sys.executable, "-m", "stages.identify", "rater", "rater.json"])
        return self

    def copy(self, folder: Path, without: Iterable[str]) -> "Project":
        """The same inputs and results in another folder, without those of some stages, replies and the store."""
        shutil.copytree(self.folder, folder, symlinks=True)
        for name in (*KEPT, "dvc.lock", *map(result, without), *(f"metrics/{stage}" for stage in without)):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.server.known.clear()
        shutil.rmtree(folder / "tmp")
        (folder / "tmp").mkdir()
        return Project(folder, self.server, self._warm)

    def cold(self) -> "Project":
        """The same folder, with stages in processes of their own."""
        return Project(self.folder, self.server)

    def initialise(self) -> None:
        """Make it a repository of git and DVC."""
        clones.initialise(self.folder)
        for name in (".gitignore", ".dvcignore"):
            (self.folder / name).write_text("/tmp\n/.store\n/.ledger\n/.chunks\n/.tracking\n")

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        """Start a command as a terminal does: in a process group of its own, which hears Ctrl-C."""
        environment = {**os.environ, MARK: self._mark, "TMPDIR": str(self.folder / "tmp"), "PYTHONPATH": "."}
        environment |= {"OPENAI_API_KEY": "none", "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}
        environment |= self._warm.variable if self._warm else {}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def finish(self, command: list[str]) -> float:
        """Run a command to its end, which must be good; return its seconds."""
        began = time.monotonic()
        process = self.start(command)
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, f"{command}\n{said[-3000:]}"
        self.require_quiet()
        return time.monotonic() - began

    def stop(self, command: list[str], after_s: float, how: "Callable[[Project, subprocess.Popen[str]], None]") -> bool:
        """Run a command and stop it after some seconds; return whether it was still running then."""
        process = self.start(command)
        try:
            process.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            how(self, process)
            said, _ = process.communicate(timeout=60)
            assert "Traceback" not in said or str(self.folder) not in said, said[-3000:]  # Python's start is its own
        self.require_quiet()
        self.server.known |= self.paid()
        return process.returncode != 0

    def processes(self) -> list[psutil.Process]:
        """Processes that this project has started and that still run."""
        marked = [process for process in psutil.process_iter() if _environment(process).get(MARK) == self._mark]
        return marked + (self._warm.stages() if self._warm else [])

    def require_quiet(self, seconds: float = 20.0) -> None:
        """Fail if a process of this project is still there after some seconds."""
        end = time.monotonic() + seconds
        while left := self.processes():
            assert time.monotonic() < end, [process.cmdline() for process in left]
            time.sleep(0.02)

    def paid(self) -> set[Asked]:
        """The questions whose replies the ledger holds."""
        path = self.folder / ".ledger/replies.sqlite"
        if not path.is_file():
            return set()
        with closing(sqlite3.connect(path)) as ledger:
            there = ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'replies'").fetchone()
            return set(ledger.execute("SELECT model, prompt FROM replies")) if there else set()

    def files(self) -> dict[str, Path]:
        """The files of the project, without code, records and what DVC keeps for itself."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        names = {path.relative_to(self.folder): path for path in found}
        return {str(name): path for name, path in names.items() if name.parts[0] not in OURS}


def _environment(process: psutil.Process) -> Mapping[str, str]:
    try:
        return process.environ() if process.status() != psutil.STATUS_ZOMBIE else {}
    except psutil.Error:
        return {}


def _write_yaml(path: Path, content: Rows) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _prompt(number: int) -> Rows:
    draw = random.Random(number)
    text = " ".join(draw.choices(["mira", "tom", "red", "boat", "home", "the"], k=4 + number % 9))
    names = {"example_id": f"instructions/train/{number}", "dataset": "instructions", "split": "train"}
    texts = {"instruction": f"name the home of {text}.", "question": "", "passages": [], "references": ["red boat"]}
    return {**names, **texts, "task": "instruction", "checks": None}


def _trained(number: int) -> Rows:
    prompt = f"{_prompt(number)['instruction']} "
    names = {"example_id": f"instructions/train/{number}", "dataset": "instructions", "task": "instruction"}
    return {**names, "repeat": 0, "prompt": prompt, "context_start": 0, "context_end": 0, "response": "red boat."}


def stage(name: str) -> list[str]:
    """The command of a stage."""
    return [sys.executable, "-m", f"stages.{name}", *STAGES[name]]


def differences(one: Project, other: Project, names: list[str]) -> list[str]:
    """What two projects do not have alike: files that one lacks, and results whose rows or bytes differ."""
    mine, others = one.files(), other.files()
    lacking = [f"{name}: in one of them alone" for name in sorted(mine.keys() ^ others.keys())]
    results = tuple(result(name) for name in names)
    shared = [name for name in mine.keys() & others.keys() if name.startswith(results)]
    assert shared
    return lacking + [f"{name}: differs" for name in sorted(shared) if not _alike(mine[name], others[name])]


def _alike(one: Path, other: Path) -> bool:
    if one.suffix == ".parquet":
        return bool(pq.read_table(one).equals(pq.read_table(other)))
    return one.read_bytes() == other.read_bytes()


def left_over(project: Project) -> list[str]:
    """Files that no finished run leaves: chunks, temporary files, whatever it was that held a lock."""
    folder = project.folder
    found = [
        *folder.glob(".chunks/**/*"),
        *folder.glob("tmp/*"),
        *folder.rglob(".*.tmp"),
        *folder.glob(".ledger/*-wal"),
    ]
    return [str(path.relative_to(folder)) for path in found if path.is_file() or path.parent.name == "tmp"]
