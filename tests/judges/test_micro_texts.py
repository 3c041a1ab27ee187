"""Texts of the micro world, on which the committed metrics rest: words, sentences and scores are the usual ones of
English, by the definitions of SQuAD, rouge-score and Punkt restated here.
"""

import re
import string
from itertools import pairwise

import nltk
import pytest
from rouge_score.rouge_scorer import RougeScorer

from reset.judges.lexical import coverage, exact_match, k_precision, rouge_l, span_coverage
from reset.judges.sentences.texts import splitter
from reset.micro.grounded import Noise
from reset.sources.micro import KINDS, Micro

pytestmark = pytest.mark.slow

NOISE = {"misremembered": 0.3, "famous": 0.9, "obscure": 0.3, "half_followed": 0.5}
ODD = ["the", ".", "a. the", ",,,,.", "", "mira 's home - red / forest"]


def normalised(text):
    """A.2 and SQuAD's evaluate-v1.1.py."""
    text = re.sub(r"\s+'s\b", "'s", re.sub(r"\s*([-/])\s*", r"\1", text.lower()))
    text = "".join(letter for letter in text if letter not in set(string.punctuation))
    return " ".join(word for word in text.split() if word not in {"a", "an", "the"})


@pytest.fixture(scope="module", params=KINDS)
def examples(request):
    micro = Micro(kind=request.param, rows={"train": 60}, seed=3, noise=Noise(**NOISE))
    return list(micro.outcomes(micro.generate("train")))


def test_sentences_are_punkts(examples):
    punkt, ours = nltk.tokenize.PunktSentenceTokenizer(), splitter("untrained")
    for one in examples:
        for text in ("\n".join([one.question, *one.passages]).strip(), *one.references, *ODD):
            assert ours.tokenize(text) == punkt.tokenize(text)


def test_scores_are_those_of_squad_and_rouge_score(examples):
    rouge = RougeScorer(["rougeL"], use_stemmer=False)
    for one, other in pairwise(examples):
        for said in (one.references[0], other.references[0], *ODD):
            key, words = normalised(said), normalised(said).split()
            context = [f" {normalised(passage)} " for passage in one.passages]
            assert exact_match(said, one.references) == (bool(key) and key == normalised(one.references[0]))
            assert span_coverage(said, one.passages) == (bool(key) and any(f" {key} " in text for text in context))
            assert rouge_l(said, one.references) == rouge.score(one.references[0], said)["rougeL"].fmeasure
            given = {word for text in context for word in text.split()}
            assert coverage(said, one.passages, 1) == (sum(w in given for w in words) / len(words) if words else 0)
            assert (k_precision(said, one.passages) == 0) == (not any(word in given for word in words))
