import logging
import tracemalloc

import pytest

from reset.engines import Completion
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.runs.chunks import Chunks
from reset.sampling.decode_settings import arms
from reset.sampling.pieces import TOO_LONG, Pool
from reset.sampling.sample import _count_planned, sample

pytestmark = pytest.mark.slow

TEMPERATURES, TOP_KS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [5, 10, 20, 50, 70, 90, 100]
INTENT, PAPER = arms(TEMPERATURES, TOP_KS, 1.0), arms(TEMPERATURES, TOP_KS, 0.0)


class Echo:
    """An engine whose answer is its request; it can be killed at a call, and fail on some prompts."""

    def __init__(self, killed_at=None, fails_on=()):
        self.calls, self.killed_at, self.fails_on, self.computed = 0, killed_at, fails_on, []

    def generate(self, requests):
        for number, request in enumerate(reversed(requests)):
            if self.calls == self.killed_at and number == 3:
                raise KeyboardInterrupt
            self.computed.append(request.answer_id)
            if request.answer_id.split("|")[0] in self.fails_on:
                yield Completion(request.answer_id, "", 0, "error: broken", None)
            else:
                text = f"{request.token_ids} {request.temperature} {request.top_k} {request.seed}"
                yield Completion(request.answer_id, text, 4, "stop" if request.seed % 2 else "length", -1.5)
        self.calls += 1


def tokenize(prompt, max_tokens):
    """As many tokens as the prompt has words; no room is left for over 40, and over 30 are cut."""
    count = len(prompt.text.split())
    return None if count > 40 else (list(range(min(count, 30))), count > 30)


@pytest.fixture
def prompts(tmp_path):
    rows = (
        {
            "example_id": f"nq/train/{number}",
            "dataset": "nq",
            "split": "train",
            "task": "extractive_qa" if number % 2 else "instruction",
            "instruction": "do it " * (1 + number),
            "question": "",
            "passages": [],
            "references": ["it"],
            "checks": None,
        }
        for number in range(10)
    )
    tables.write(tmp_path / "prompts.parquet", schemas.EXAMPLES, rows)
    return tmp_path / "prompts.parquet"


def run(prompts, engine, *, grid=INTENT, sweeps=1, store="store", chunk_prompts=3, max_failed=0.5, fit=tokenize):
    into = prompts.parent / "pool.parquet"
    pool = Pool("mtl", grid, sweeps, 0, "micro", 64, 400)
    chunks = Chunks(prompts.parent / store, "mark")
    account, figures = sample(
        prompts,
        into,
        pool,
        load=lambda: (engine, fit),
        chunks=chunks,
        chunk_prompts=chunk_prompts,
        max_failed=max_failed,
    )
    return list(tables.read(into, schemas.ANSWERS)), account, figures


def test_answers_come_in_the_order_of_prompts_sweeps_and_settings(prompts):
    rows, account, _ = run(prompts, Echo(), sweeps=2)
    assert len(rows) == account.rows_out == 140 and len({row["answer_id"] for row in rows}) == 140
    assert [row["example_id"] for row in rows] == [f"nq/train/{number // 14}" for number in range(140)]
    first = rows[0]
    assert first["answer_id"] == f"nq/train/0|{first['setting']}|0"
    assert first["text"].endswith(f"{first['temperature']} {first['top_k']} {first['seed']}")
    assert (first["system"], first["dataset"], first["task"]) == ("mtl", "nq", "instruction")


def test_a_killed_run_goes_on_and_ends_with_the_same_rows(prompts):
    whole = run(prompts, Echo(), store="other")
    killed = Echo(killed_at=2)
    with pytest.raises(KeyboardInterrupt):
        run(prompts, killed)
    assert sum(len(list(store.iterdir())) for store in (prompts.parent / "store").iterdir()) == 2
    again = Echo()
    rows, account, figures = run(prompts, again)
    assert again.calls == 2 and len(again.computed) == 4 * 7
    assert (rows, account.as_dict(), figures) == (whole[0], whole[1].as_dict(), whole[2])


def test_nothing_is_loaded_when_every_chunk_is_there(prompts):
    first = run(prompts, Echo())[0]

    class Unused:
        def generate(self, requests):
            raise AssertionError

    assert run(prompts, Unused())[0] == first


def test_chunks_of_another_size_change_no_row(prompts):
    assert run(prompts, Echo(), store="a", chunk_prompts=1)[0] == run(prompts, Echo(), store="b", chunk_prompts=50)[0]


def test_the_papers_literal_grid_keeps_seven_answers_and_computes_one(prompts, caplog):
    engine = Echo()
    with caplog.at_level(logging.WARNING):
        rows, _, figures = run(prompts, engine, grid=PAPER)
    greedy = [row for row in rows if row["top_k"]]
    prompts_of_arm = {row["example_id"] for row in greedy}
    assert len(rows) == 70 and len(greedy) == 7 * len(prompts_of_arm) and 0 < len(prompts_of_arm) < 10
    assert len(engine.computed) == 70 - 6 * len(prompts_of_arm)
    for example_id in prompts_of_arm:
        assert len({row["text"] for row in greedy if row["example_id"] == example_id}) == 1
    assert figures["saved_answers"] == 6 * len(prompts_of_arm)
    assert f"{figures['saved_answers']} of 70 answers repeat the greedy answer to their prompt" in caplog.text


def test_figures_count_tokens_endings_cut_prompts_and_distinct_answers_by_task(prompts):
    rows, _, figures = run(prompts, Echo(), grid=PAPER, fit=lambda prompt, most: ([1], len(prompt.text.split()) > 20))
    distinct = {
        task: len({(r["example_id"], r["text"]) for r in rows if r["task"] == task}) / 5
        for task in ("extractive_qa", "instruction")
    }
    assert figures["tokens"] == 4 * 70 and sum(figures["finished"].values()) == 70
    assert figures["distinct_per_prompt"] == distinct
    assert figures["cut_prompts"] == 3  # 2 words an instruction and 5 of the template


def test_a_prompt_that_cannot_fit_has_rows_that_say_so(prompts):
    too_long = lambda prompt, most: None if len(prompt.text.split()) > 20 else ([1], False)  # noqa: E731
    rows, account, _ = run(prompts, Echo(), fit=too_long)
    failed = [row for row in rows if row["finish_reason"] == TOO_LONG]
    assert len(rows) == 70 and len(failed) == account.set_aside[TOO_LONG] == 21
    assert {(row["text"], row["tokens"], row["mean_logprob"]) for row in failed} == {("", 0, None)}


def test_too_many_failures_stop_the_run_as_soon_as_they_are_too_many(prompts):
    engine = Echo(fails_on=["nq/train/0", "nq/train/1", "nq/train/2"])
    message = (
        r"^pool: 21 of 70 answers failed so far, more than sample.max_failed \(0.2\) .* most often: error: broken$"
    )
    with pytest.raises(ResetError, match=message):
        run(prompts, engine, max_failed=0.2)
    assert engine.calls == 1 and not (prompts.parent / "pool.parquet").exists()


def test_a_prompt_set_without_rows_is_an_error(tmp_path):
    tables.write(tmp_path / "prompts.parquet", schemas.EXAMPLES, [])
    with pytest.raises(ResetError, match=r"prompts\.parquet: no prompts"):
        run(tmp_path / "prompts.parquet", Echo())


def test_plans_are_not_held_together(prompts):
    def peak(rows):
        path = prompts.parent / f"{rows}.parquet"
        some = list(tables.read(prompts, schemas.EXAMPLES))
        tables.write(path, schemas.EXAMPLES, some[:rows])
        tracemalloc.start()
        _count_planned(path, Pool("mtl", INTENT, 500, 0, "micro", 64, 400))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)  # what is loaded once
    assert peak(10) < 1.5 * peak(1)
