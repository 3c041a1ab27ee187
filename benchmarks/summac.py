"""Our SummaC-ZS against untouched summac 0.0.4: the same weights, splitter, device and threads, one process each.

    SUMMAC_PYTHON=path/to/python python -m benchmarks.summac [--quick] [--rounds 3] [--records cnn_dailymail.jsonl]

SUMMAC_PYTHON is the Python of an environment with `torch==2.13.0 summac==0.0.4 "numpy<2"`. Measured, alternating with
the reference, as the median of the rounds: a pool of 200 prompts with 14 answers each from the micro world, one of real
documents (JSON lines with `article` and `highlights`) where given, and the pools' first answers alone.

The micro world's pool is that of the default run (data/answers/mtl_candidates.parquet) where it is there. Otherwise,
and of real documents, an answer is one to three sentences, drawn from the reference, the document and another record's
reference. The weights are a BERT's that nobody trained: speed and equality do not ask what it says. Then the peak
memory of judging 10,000 answers is compared with that of 100,000, all of one smaller model.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from benchmarks.result import check, publish
from reset import tables
from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.summac import SummaCZS, splitter
from reset.sources.micro import Micro

PROMPTS, CANDIDATES, CHUNK = 200, 14, 2000  # CHUNK: `judge.chunk_answers`
NOISE = {"misremembered": 0.2, "famous": 0.8, "obscure": 0.15, "half_followed": 0.25}
ANSWERS, QUESTIONS = Path("data/answers/mtl_candidates.parquet"), Path("data/prompts/candidates.parquet")
LABELS = ("entailment", "neutral", "contradiction")

Pool = list[tuple[str, str]]  # document, answer


def micro(prompts: int) -> list[tuple[str, str]]:
    """Documents of the micro world with their summaries."""
    source = Micro(kind="cnn_dailymail", rows={"train": prompts}, seed=0, noise=NOISE)
    return [("\n".join(record["passages"]), record["response"]) for record in source.generate("train")]


def run(answers: Path, prompts: Path, count: int) -> Pool:
    """The answers that a run's judge scores with SummaC, of its first `count` prompts."""
    examples = {row["example_id"]: row for row in tables.read(prompts, tables.EXAMPLES)}
    found: dict[str, Pool] = {}
    for row in tables.read(answers, tables.ANSWERS):
        if row["task"] in SummaCZS.tasks and row["text"].strip():
            example = examples[row["example_id"]]
            document = "\n".join([example["question"], *example["passages"]]).strip()
            found.setdefault(row["example_id"], []).append((document, row["text"]))
    return [one for of in list(found.values())[:count] for one in of]


def real(path: Path, prompts: int) -> list[tuple[str, str]]:
    """At most so many records of `path`."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:prompts]
    return [(record["article"], record["highlights"]) for record in records]


def pool(records: Sequence[tuple[str, str]]) -> Pool:
    """CANDIDATES answers to each document, seeded."""
    cut = splitter("untrained").tokenize
    found = []
    for number, (document, reference) in enumerate(records):
        draw = random.Random(number)
        said = [*cut(reference), *draw.sample(cut(document), min(3, len(cut(document))))]
        said += cut(records[(number + 1) % len(records)][1])[:2]
        found += [
            (document, " ".join(draw.sample(said, draw.randint(1, min(3, len(said)))))) for _ in range(CANDIDATES)
        ]
    return found


def model(folder: Path, texts: Sequence[str], layers: int, width: int) -> str:
    """Save an untrained BERT over the words of `texts`, in files that old and new transformers read."""
    torch.manual_seed(0)
    words = {word for text in texts for word in text.lower().split() if word.isalpha()}
    letters = {letter for text in texts for letter in text.lower() if not letter.isspace()}
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *sorted(letters),
        *(f"##{one}" for one in sorted(letters)),
    ]
    vocabulary += sorted(words - letters)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=4 * width,
        id2label=dict(enumerate(LABELS)),
        label2id={name: number for number, name in enumerate(LABELS)},
        initializer_range=0.2,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"))
    tokenizer.save_pretrained(folder)
    plain = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(plain), encoding="utf-8")
    return str(folder)


def answers(of: Pool) -> list[Answer]:
    """The pool as a judge sees it."""
    return [
        Answer(str(number), text, "summarization", "test", "", "", [document], [], None)
        for number, (document, text) in enumerate(of)
    ]


def ours(judge: SummaCZS, of: Pool) -> tuple[float, list[float]]:
    """Seconds and scores, in chunks as the stage `judge` gives them."""
    asked = answers(of)
    started = time.perf_counter()
    scores = [
        verdict.score or 0.0
        for start in range(0, len(asked), CHUNK)
        for verdict in judge.verdicts(asked[start : start + CHUNK])
    ]
    return time.perf_counter() - started, scores


def theirs(python: str, weights: str, of: Pool) -> tuple[float, list[float]]:
    """The same of the reference, in a process of its own."""
    job = {"model": weights, "documents": [one[0] for one in of], "answers": [one[1] for one in of]}
    script = Path(__file__).with_name("summac_reference.py")
    text = json.dumps(job | {"threads": torch.get_num_threads()})
    done = subprocess.run([python, str(script)], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ResetError(f"{python}: {(done.stderr.splitlines() or ['no word'])[-1]}")
    result = json.loads(done.stdout.splitlines()[-1])
    return result["seconds"], result["scores"]


def compare(judge: SummaCZS, python: str, weights: str, of: Pool, rounds: int) -> dict[str, float]:
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
    return {"answers": len(of)} | {name: round(value, 6) for name, value in figures.items()}


def memory(judge: SummaCZS, counts: tuple[int, int]) -> float:
    """Peak memory after so many answers over that after the first so many; each chunk has documents of its own."""
    peaks, done = [], 0

    def chunks() -> Iterator[Pool]:
        seed = 0
        while True:
            source = Micro(kind="cnn_dailymail", rows={"train": CHUNK // CANDIDATES}, seed=seed, noise=NOISE)
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
    parser.add_argument("--quick", action="store_true", help="20 prompts, a small model, one round")
    parser.add_argument("--records", type=Path, help="real documents")
    parser.add_argument("--rounds", type=int, default=3, help="times that each side judges each pool")
    options = parser.parse_args()
    python = os.environ.get("SUMMAC_PYTHON", sys.executable)
    prompts, rounds, size = (20, 1, (2, 64)) if options.quick else (PROMPTS, options.rounds, (4, 256))
    tables_there = ANSWERS.is_file() and QUESTIONS.is_file()
    pools = {"micro": run(ANSWERS, QUESTIONS, prompts) if tables_there else pool(micro(prompts))}
    if options.records:
        pools["real"] = pool(real(options.records, prompts))
    with TemporaryDirectory() as folder:
        texts = [text for of in pools.values() for one in of for text in one]
        weights = model(Path(folder) / "nli", texts, *size)
        judge = SummaCZS(name="summac", model=weights, max_doc_sents=100, batch_tokens=2048, short="drop")
        checks, figures = [], {}
        for name, of in pools.items():
            singles = [*{document: (document, text) for document, text in reversed(of)}.values()]
            for kind, part, bar in (("pool", of, ">= 10"), ("single answers", singles, ">= 2")):
                found = figures[f"{name}, {kind}"] = compare(judge, python, weights, part, rounds)
                print(f"{name}, {kind}: {found}", flush=True)
                checks.append(check(f"{name}, {kind}: times as fast as summac", found["ratio"], bar))
                checks.append(check(f"{name}, {kind}: largest difference of a score", found["apart"], "<= 0.0001"))
        counts = (4_000, 12_000) if options.quick else (10_000, 100_000)
        weights = model(Path(folder) / "small", texts, 2, 64)
        growth = memory(SummaCZS(name="summac", model=weights, max_doc_sents=100, batch_tokens=2048), counts)
    checks.append(check(f"peak memory at {counts[1]} answers over that at {counts[0]}", growth, "<= 1.1"))
    publish(
        "summac_quick" if options.quick else "summac",
        checks,
        libraries=["torch", "transformers", "summac"],
        threads=torch.get_num_threads(),
        rounds=rounds,
        pool_of_a_run=tables_there,
        **figures,
    )


if __name__ == "__main__":
    main()
