"""Invented records of every published source, each in the form in which its data set is published."""

from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
NAMES = [f"{first}{last}" for first in ("mi", "to", "an", "le", "ro") for last in ("ra", "ma", "na", "sa")]


def _answer(name: str) -> str:
    return f"{name} lives in the red mill by the long river and is well known there."


def _retrieved(name: str) -> Record:
    context = {"title": name, "text": f"{name} lives in the red mill. It is old.", "score": "1"}
    return {"question": f"where does {name} live", "answers": ["red mill"], "ctxs": [context]}


def _messages(name: str) -> list[Record]:
    said = {"lang": "en", "deleted": False}
    labels = {"name": ["spam", "quality"], "value": [0.0, 0.75], "count": [3, 3]}
    ask = {"message_id": f"p{name}", "parent_id": None, "role": "prompter", "text": f"Tell of {name}.", "labels": None}
    reply = {"message_id": f"a{name}", "parent_id": f"p{name}", "role": "assistant", "text": _answer(name)}
    return [{**ask, **said}, {**reply, "labels": labels, **said}]


def _biomedical(name: str) -> Record:
    asked = {"id": name, "type": "factoid", "body": f"Where does {name} live?", "exact_answer": [["red mill"]]}
    return {**asked, "ideal_answer": ["In a mill."], "snippets": [{"text": _answer(name), "document": "d"}]}


OF: dict[str, Callable[[str], Record | list[Record]]] = {
    "dolly": lambda n: {"instruction": f"Greet {n}.", "context": "", "response": _answer(n), "category": "open_qa"},
    "sharegpt": lambda n: {"instruction": f"Praise {n}.", "input": "", "output": _answer(n)},
    "self_instruct": lambda n: {"prompt": f"Describe {n}.", "completion": f" {_answer(n)}<|endoftext|>"},
    "oasst1": _messages,
    "alpaca": lambda n: {"instruction": f"Name {n}.", "input": "", "output": _answer(n), "text": "-"},
    "vicuna_eval": lambda n: {"question_id": n, "category": "generic", "turns": [f"Who is {n}?"]},
    "koala_eval": lambda n: {"id": n, "prompt": f"What of {n}?"},
    "ifeval": lambda n: {
        **{"key": n, "prompt": f"Sing of {n}.", "instruction_id_list": ["punctuation:no_comma"]},
        "kwargs": [{"num_words": None}],
    },
    "nq": _retrieved,
    "cnn_dailymail": lambda n: {"id": n, "article": _answer(n), "highlights": f"{n} has a mill .\nIt is red ."},
    "ms_marco": lambda n: {
        **{"query_id": n, "query": f"what is the home of {n}", "wellFormedAnswers": [f"{n} lives in a mill."]},
        **{"passages": {"is_selected": [1], "passage_text": [_answer(n)], "url": ["u"]}, "answers": ["a mill"]},
    },
    "clapnq": lambda n: {
        **{"id": n, "input": f"how does {n} live", "passages": [{"title": n, "text": _answer(n), "sentences": []}]},
        "output": [{"answer": f"{n} lives in a mill.", "selected_sentences": []}],
    },
    "bioasq": _biomedical,
    "searchqa": lambda n: {
        **{"key": n, "question": f"{n} lives in this", "answers": ["red mill"]},
        "context": f"[DOC] [TLE] Mills [PAR] {_answer(n)}",
    },
    "mrqa": lambda n: {
        **{"key": n, "question": f"the place of {n}", "answers": ["red mill"]},
        "context": f"[PAR] [TLE] Mills [SEP] {_answer(n)} [PAR] [TLE] Boats [SEP] A boat is old.",
    },
    "wikisum": lambda n: {"url": n, "title": n, "summary": f"{n} has a mill.", "article": _answer(n)},
}


UNTOLD: dict[str, Record] = {  # what makes a record unanswerable
    "ms_marco": {"wellFormedAnswers": [], "answers": ["No Answer Present."]},
    "clapnq": {"output": []},
}


def of(source: str) -> list[Record]:
    """The records of a source, one for each of `NAMES`, or two; every third that can be is unanswerable."""
    made = [OF[source](name + source.replace("_", "")) for name in NAMES]  # no two sources have a text in common
    rows = [record for one in made for record in (one if isinstance(one, list) else [one])]
    return [{**row, **({} if place % 3 else UNTOLD.get(source, {}))} for place, row in enumerate(rows)]
