"""Stage `sample`, stopped in any way and started again, ends with the rows of an undisturbed run."""

import random
import resource
import signal
import subprocess
import sys
from functools import partial

import pytest
import yaml

from reset.files import schemas, tables
from reset.micro.words import ANIMALS, NAMES, TOWNS
from tests.support import warm

PROMPTS, KILLS = 64, 4  # `make trials` kills each stage twenty times
pytestmark = pytest.mark.slow


@pytest.fixture
def start(micro_model, minimal, example_row, tmp_path):
    """A function that starts the stage in a folder of its own, on the same prompts and parameters.

    `largest` bounds its files, in bytes: a disk that is full. Not `cold`, it has its libraries from the start.
    """
    draw = random.Random(0)
    rows = [
        example_row(n, passages=[" ".join(draw.choices(NAMES + TOWNS + ANIMALS, k=5 + n % 40))]) for n in range(PROMPTS)
    ]
    minimal["pools"]["mtl"] |= {"decode": "both", "sweeps": 2}
    minimal["sample"] |= {"max_tokens": 60, "chunk_prompts": 4}
    minimal["store"] = {"max_gb": 1.0}

    def starting(name, largest=None, cold=True):
        folder = tmp_path / name
        if not folder.exists():
            folder.mkdir()
            tables.write(folder / "prompts.parquet", schemas.EXAMPLES, rows)
            (folder / "params.yaml").write_text(yaml.safe_dump(minimal))
        files = ["prompts.parquet", "answers.parquet", "asked.parquet"]
        command = [sys.executable, "-m", "stages.sample", "mtl", str(micro_model), *files]
        environment = warm.environment(cold=cold)
        prepare = partial(alone, largest)
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=prepare
        )
        return folder, process

    return starting


def alone(largest):
    """Bound the files of this process, and let it hear Ctrl-C, to which a shell's background jobs are deaf."""
    if largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finished(process):
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said[-3000:]


def chunks(folder):
    """Chunks that are there, half-written ones left out."""
    return [path for path in folder.glob(".chunks/sample/mtl/*/*.parquet") if not path.name.startswith(".")]


def wait_for_chunks(folder, process, count):
    """Wait until `count` chunks are finished, or the process is."""
    while len(chunks(folder)) < count and process.poll() is None:
        try:
            process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue


def test_kill_9_at_random_moments_changes_no_row_of_the_table(start):
    folder, process = start("undisturbed", cold=False)
    finished(process)
    expected = list(tables.read(folder / "answers.parquet", schemas.ANSWERS))
    assert len(expected) == 4 * PROMPTS

    draw, kept = random.Random(), []
    for kill in range(KILLS):
        folder, process = start("killed", cold=False)
        wait_for_chunks(folder, process, len(chunks(folder)) + draw.randint(kill % 2, 2))
        try:
            process.wait(timeout=draw.uniform(0, 0.3))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, f"kill {kill} came too late"
        assert not (folder / "answers.parquet").exists()
        kept.append(len(chunks(folder)))
    assert kept == sorted(kept) and 0 < kept[-1] < PROMPTS // 4  # work was kept, and some was left
    before = {path.name: path.stat().st_mtime_ns for path in chunks(folder)}
    folder, process = start("killed", cold=False)
    wait_for_chunks(folder, process, kept[-1] + 1)
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in chunks(folder)}.items()
    finished(process)
    assert list(tables.read(folder / "answers.parquet", schemas.ANSWERS)) == expected
    assert not chunks(folder)


def test_ctrl_c_and_a_full_disk_lose_no_chunk_and_the_disk_is_told_in_a_line(start):
    folder, process = start("undisturbed", cold=False)
    finished(process)
    expected = list(tables.read(folder / "answers.parquet", schemas.ANSWERS))

    folder, process = start("disturbed")
    wait_for_chunks(folder, process, 3)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode != 0
    kept = len(chunks(folder))
    assert 3 <= kept < PROMPTS // 4

    folder, process = start("disturbed", largest=max(path.stat().st_size for path in chunks(folder)) + 2_000)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 1
    assert said.splitlines()[-1].endswith("file too large; finished work is kept, run the same command again to resume")
    assert len(chunks(folder)) >= kept and not (folder / "answers.parquet").exists()

    finished(start("disturbed", cold=False)[1])
    assert list(tables.read(folder / "answers.parquet", schemas.ANSWERS)) == expected
