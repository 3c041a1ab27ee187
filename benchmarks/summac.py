"""Our SummaC-ZS against untouched summac 0.0.4: the same weights, splitter and device, one process of one thread each.

    SUMMAC_PYTHON=path/to/python python -m benchmarks.summac [--quick] [--rounds 3] [--records cnn_dailymail.jsonl]
    SUMMAC_PYTHON=path/to/python python -m benchmarks.summac --family deberta [--quick] [--rounds 3] [--records ...]
    python -m benchmarks.summac --memory

SUMMAC_PYTHON is the Python of an environment with `torch==2.13.0 summac==0.0.4 "numpy<2"`. Measured, alternating with
the reference, as the median of the rounds, in seconds of the processor, which other programs change little: a pool of
200 prompts with 14 answers each from the micro world, one of real documents (JSON lines with `article` and
`highlights`) where given, and the pools' first answers alone.

The micro world's pool is that of the default run (data/answers/mtl_candidates.parquet) where it is there. Otherwise,
and of real documents, an answer is one to three sentences, drawn from the reference, the document and another record's
reference. The weights are a BERT's that nobody trained: speed and equality do not ask what it says.

With `--family deberta` they are an untrained DeBERTa-v3-xsmall's. One of its pairs is seven times the work, so a pool
is the answers to one prompt, and eight first answers are judged alone. The result is `summac_deberta.json`.

`--memory` compares the peak memory of judging 10,000 answers with that of 100,000, by a small model.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.result import check, digits, publish
from benchmarks.summac_pools import CANDIDATES, NOISE, Pool, deberta, micro, model, pool, real, run
from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.summac import SummaC
from reset.micro.grounded import Noise
from reset.sources.micro import Micro

CHUNK = 2000  # `judge.chunk_answers`
PROMPTS = {"bert": {"pool": 200, "single answers": 200}, "deberta": {"pool": 1, "single answers": 8}}
BARS = {"bert": {"pool": ">= 10", "single answers": ">= 2"}, "deberta": {"pool": ">= 4", "single answers": ">= 4"}}
ANSWERS, QUESTIONS = Path("data/answers/mtl_candidates.parquet"), Path("data/prompts/candidates.parquet")


def answers(of: Pool) -> list[Answer]:
    """The pool as a judge sees it."""
    return [
        Answer(str(number), text, "summarization", "test", "", "", [document], [], None)
        for number, (document, text) in enumerate(of)
    ]


def ours(judge: SummaC, of: Pool) -> tuple[float, list[float]]:
    """Seconds and scores, in chunks as the stage `judge` gives them."""
    asked = answers(of)
    started = time.process_time()
    scores = [
        verdict.score or 0.0
        for start in range(0, len(asked), CHUNK)
        for verdict in judge.verdicts(asked[start : start + CHUNK])
    ]
    return time.process_time() - started, scores


def theirs(python: str, weights: str, of: Pool) -> tuple[float, list[float]]:
    """The same of the reference, in a process of its own."""
    job = {"model": weights, "documents": [one[0] for one in of], "answers": [one[1] for one in of]}
    script = Path(__file__).with_name("summac_reference.py")
    text = json.dumps(job)
    # -P: this folder, where `summac` is another thing, stays out of what the script imports from
    done = subprocess.run([python, "-P", str(script)], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ResetError(f"{python}: {(done.stderr.splitlines() or ['no word'])[-1]}")
    result = json.loads(done.stdout.splitlines()[-1])
    return result["seconds"], result["scores"]


def compare(judge: SummaC, python: str, weights: str, of: Pool, rounds: int) -> dict[str, float]:
    """Median seconds of both, their ratio, and the largest difference of a score."""
    mine, reference, apart = [], [], 0.0
    for _ in range(rounds):
        seconds, scores = ours(judge, of)
        mine.append(seconds)
        seconds, golden = theirs(python, weights, of)
        reference.append(seconds)
        apart = max(apart, *(abs(a - b) for a, b in zip(scores, golden, strict=True)))
    medians = statistics.median(mine), statistics.median(reference)
    figures = {"ours_s": medians[0], "summac_s": medians[1], "ratio": medians[1] / medians[0], "apart": apart}
    return {"answers": len(of)} | {name: digits(value) for name, value in figures.items()}


def memory(judge: SummaC, counts: tuple[int, int]) -> float:
    """Peak memory after so many answers over that after the first so many; each chunk has documents of its own."""
    peaks, done = [], 0

    def chunks() -> Iterator[Pool]:
        seed = 0
        while True:
            source = Micro(kind="cnn_dailymail", rows={"train": CHUNK // CANDIDATES}, seed=seed, noise=Noise(**NOISE))
            yield pool([("\n".join(one["passages"]), one["response"]) for one in source.generate("train")])
            seed += 1

    for chunk in chunks():
        ours(judge, chunk)
        done += len(chunk)
        if (not peaks and done >= counts[0]) or done >= counts[1]:
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        if done >= counts[1]:
            return float(peaks[-1] / peaks[0])
    raise AssertionError("chunks never end")


def main() -> None:
    """Run, print, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 prompts, a small model, one round; fewer answers")
    parser.add_argument("--records", type=Path, help="real documents")
    parser.add_argument("--family", choices=BARS, default="bert", help="whose shape the NLI model has")
    parser.add_argument("--rounds", type=int, default=3, help="times that each side judges each pool")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory:
        checks, figures = growth((4_000, 12_000) if options.quick else (10_000, 100_000)), {}
    else:
        checks, figures = speed(options)
    kind = "_memory" if options.memory else "_deberta" if options.family == "deberta" else ""
    name, libraries = f"summac{kind}", ["torch", "transformers", "summac"]
    publish(name, checks, libraries=libraries, quick=options.quick, threads=1, **figures)


def speed(options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Checks of ratios and differences, with the figures behind them."""
    python = os.environ.get("SUMMAC_PYTHON", sys.executable)
    counts = {kind: min(20, count) if options.quick else count for kind, count in PROMPTS[options.family].items()}
    prompts, bars = max(counts.values()), BARS[options.family]
    rounds = 1 if options.quick else options.rounds
    tables_there = ANSWERS.is_file() and QUESTIONS.is_file()
    pools = {"micro": run(ANSWERS, QUESTIONS, prompts) if tables_there else pool(micro(prompts))}
    if options.records:
        pools["real"] = pool(real(options.records, prompts))
    checks, figures = [], dict[str, Any](rounds=rounds, pool_of_a_run=tables_there)
    with TemporaryDirectory() as folder:
        texts = [text for of in pools.values() for one in of for text in one]
        weights = nli(Path(folder) / "nli", texts, options)
        judge = SummaC(name="summac", model=weights, max_doc_sents=100, batch_tokens=2048, short="drop")
        ours(judge, [("A document to warm up with.", "An answer to warm up with.")])  # as the reference does
        for name, of in pools.items():
            documents = [*{document: None for document, _ in of}]
            singles = [*{document: (document, text) for document, text in reversed(of)}.values()]
            few = set(documents[: counts["pool"]])
            parts = {
                "pool": [one for one in of if one[0] in few],
                "single answers": singles[: counts["single answers"]],
            }
            for kind, part in parts.items():
                found = figures[f"{name}, {kind}"] = compare(judge, python, weights, part, rounds)
                print(f"{name}, {kind}: {found}", flush=True)
                checks.append(check(f"{name}, {kind}: times as fast as summac", found["ratio"], bars[kind]))
                checks.append(check(f"{name}, {kind}: largest difference of a score", found["apart"], "<= 0.0001"))
    return checks, figures


def nli(folder: Path, texts: list[str], options: argparse.Namespace) -> str:
    """The model of the benchmark, a small one for a quick run."""
    if options.family == "deberta":
        return deberta(folder, texts, layers=2 if options.quick else 12)
    return model(folder, texts, *((2, 64) if options.quick else (4, 256)))


def growth(counts: tuple[int, int]) -> list[dict[str, Any]]:
    """Check that memory stays flat."""
    with TemporaryDirectory() as folder:
        weights = model(Path(folder) / "small", [text for one in micro(CHUNK) for text in one], 2, 64)
        judge = SummaC(name="summac", model=weights, max_doc_sents=100, batch_tokens=2048)
        grown = memory(judge, counts)
    return [check(f"peak memory at {counts[1]} answers over that at {counts[0]}", grown, "<= 1.1")]


if __name__ == "__main__":
    main()
