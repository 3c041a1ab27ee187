"""Every function that reads a text of a user's, a model's or a server's takes time linear in it.

Each is given n, 2n and 4n characters of texts that are made to be slow; the figure is the CPU time of 4n divided by
that of 2n, the least of three, which is 2 for linear and 4 for quadratic time. ROUGE-L is linear in an answer of
bounded length: its reference grows. Times below `SHORT_S` are noise and count as linear.
"""

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from benchmarks.result import check, digits, publish
from reset import normalise
from reset.choosing.candidates import loops
from reset.judges import lexical
from reset.judges.abstention import Abstention
from reset.judges.claims import clauses
from reset.judges.rouge import rouge_l
from reset.judges.sentences.texts import splitter, width
from reset.llm import rating, reply_text
from reset.llm.reading import Reading
from reset.micro import facts
from reset.report import records

CALLS = itertools.count()  # each call gets a text of its own
SHORT_S, BAR = 0.02, "< 3.0"
Text = Callable[[int], str]


def _repeated(piece: str, before: str = "", after: str = "") -> Text:
    return lambda size: before + piece * (size // len(piece)) + after


TEXTS: Mapping[str, Text] = {
    "blanks and a hyphen": _repeated(" ", after="-"),
    "one word": _repeated("a"),
    "words": lambda size: " ".join(map(str, range(size // 6))),
    "possessives": _repeated(" 's"),
    "quotes": _repeated('"'),
    "single quotes": _repeated(" 'a"),
    "open brackets": _repeated("["),
    "nested lists": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "ratings without a value": _repeated("rating "),
    "a rating and stars": _repeated("*", before="rating"),
    "a value and blanks": _repeated(" ", before="[[5]]"),
    "many values": _repeated("[[5]] or "),
    "quoted lines": _repeated("\n>"),
    "headings": _repeated("\n#"),
    "line ends": _repeated("\n"),
    "thoughts": _repeated("<think></think>"),
    "open thoughts": _repeated("<think>"),
    "full stops": _repeated("."),
    "letters and full stops": _repeated("a. "),
    "a stop and blanks": _repeated(" ", before=".", after="a"),
    "ideographs": _repeated("\u4e2d"),
    "ideographic stops": _repeated("\u3002\u300d"),
    "Thai and a blank": _repeated("\u0e01 "),
    "Hangul": _repeated("\uac00"),
    "piled marks": _repeated("\u0301\u0316", before="a"),
    "joiners": _repeated("\u200d"),
    "emoji": _repeated("\U0001f468\u200d"),
    "right-to-left marks": _repeated("\u202e\u05d0"),
    "half surrogates": _repeated("\ud83d"),
    "NUL": _repeated("\0"),
    "ligatures": _repeated("\ufdfa"),
}
FUNCTIONS: Mapping[str, Callable[[str], Any]] = {
    "normalise": normalise.normalise,
    "comparable": normalise.comparable,
    "only_articles": normalise.only_articles,
    "has_span": lambda text: normalise.has_span(text, text),
    "rouge_words": normalise.rouge_words,
    "exact_match": lambda text: lexical.exact_match(text, [text]),
    "span_coverage": lambda text: lexical.span_coverage(text, [text]),
    "coverage": lambda text: lexical.coverage(text, [text], 2),
    "k_precision": lambda text: lexical.k_precision(text, [text]),
    "abstains": Abstention(name="", phrases=["do not say", "'s -"], most_words=20).abstains,
    "rouge_l": lambda text: rouge_l(text[:2000], [text]),
    "loops": loops,
    "sentences, untrained": splitter("untrained").tokenize,
    "sentences, english": splitter("english").tokenize,
    "width": width,
    "clauses": clauses,
    "rating": rating.rating,
    "json_rating": rating.json_rating,
    "choice": rating.choice,
    "last number": Reading("last_number", "", 1, 5).points,
    "words in brackets": Reading("brackets", "", 0, 1, {"yes": 1, "no": 0}).points,
    "prompt file": lambda text: rating.fill(text.replace("{", "("), {}),
    "unfinished": lambda text: reply_text.unfinished(text, "stop"),
    "render": lambda text: rating.render("rating.txt", question=text, answer=text),
    "micro sentences": facts.sentences,
    "span of a passage": lambda text: records.span(text, [text]),
    "half of a passage": lambda text: records.span(text[: len(text) // 2] + "b", [text]),
}


def seconds(function: Callable[[str], Any], text: str, runs: int = 1) -> float:
    """Return the least CPU time of `runs` calls, none of which finds its text in a cache."""
    times = []
    for _ in range(runs):
        fresh = text + " " * next(CALLS)
        started = time.process_time()
        function(fresh)
        times.append(time.process_time() - started)
    return min(times)


def growth(function: Callable[[str], Any], make: Text, size: int) -> float:
    """Return the time of 4 `size` characters divided by that of 2 `size`; 2 where it is too short to tell."""
    longest = seconds(function, make(4 * size))
    if longest < SHORT_S:
        return 2.0
    return seconds(function, make(4 * size), 3) / seconds(function, make(2 * size), 3)


@click.command()
@click.option("--quick", is_flag=True, help="Shorter texts.")
def main(quick: bool) -> None:
    """Measure how the time of each function grows with each text."""
    size = 5_000 if quick else 50_000
    rows = [
        {"function": name, "text": text, "ratio": digits(growth(function, make, size))}
        for name, function in FUNCTIONS.items()
        for text, make in TEXTS.items()
    ]
    worst = {name: max(row["ratio"] for row in rows if row["function"] == name) for name in FUNCTIONS}
    checks = [check(f"{name}: time of 4n / time of 2n, worst text", ratio, BAR) for name, ratio in worst.items()]
    publish("texts", checks, libraries=["regex", "nltk"], quick=quick, characters=4 * size, ratios=rows)


if __name__ == "__main__":
    main()
