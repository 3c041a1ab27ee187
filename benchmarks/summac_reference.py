"""Untouched summac 0.0.4 on a pool of answers, run by the Python of its own environment; imports nothing of ReSet.

    python benchmarks/summac_reference.py < job.json > result.json

What is set from outside: which weights (a row added to summac's own table of models), entailment alone, and the
sentence splitter, an untrained Punkt on both sides, which needs no download.
"""

import json
import sys
import time

import summac.model_summac as reference

job = json.load(sys.stdin)
reference.nltk.tokenize.sent_tokenize = reference.nltk.tokenize.PunktSentenceTokenizer().tokenize
reference.model_map["bench"] = {"model_card": job["model"], "entailment_idx": 0, "contradiction_idx": 2}
reference.torch.set_num_threads(1)
judge = reference.SummaCZS(
    granularity="sentence", model_name="bench", use_con=False, imager_load_cache=False, use_cache=False, device="cpu"
)
judge.score(["A document to warm up with."], ["An answer to warm up with."])  # loads the weights
started = time.process_time()
scores = judge.score(job["documents"], job["answers"])["scores"]
seconds = time.process_time() - started
print(json.dumps({"seconds": seconds, "scores": [float(score) for score in scores]}))
