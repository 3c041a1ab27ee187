"""Estimate the requests and cost of judges that ask a server, before there are answers to judge."""

import json
from typing import Any

from reset import registry
from reset.files import schemas, tables
from reset.judges import Answer, answerable
from reset.llm.budget import Estimate
from reset.params import judged
from reset.params.answers import Pool
from reset.params.document import Params
from reset.planning import workload
from reset.sampling import decode_settings

_READ = ("task", "split", "instruction", "question", "passages", "references")  # of an example


def judges(p: Params) -> list[dict[str, Any]]:
    """One row per pool and judge that asks a server: requests, tokens and US dollars.

    An upper estimate. Every answer is assumed to be as long as the first reference and different from all others, and
    no request to be answered by the ledger. A reply is assumed to have the mean length of those in the ledger, else
    full length. Verdicts that nothing reads are not asked for. Figures are None if the prompts are not drawn yet.
    """
    rows = []
    for name, judge_row in p.judges.items():
        if not judged.asks_a_server(judge_row):
            continue
        read = judged.read(p, name)
        judge = registry.build(
            registry.JUDGES, judge_row.kind, f"judges.{name}.options", name=name, **judge_row.options
        )
        for pool_name, pool in p.pools.items():
            answers = expected_answers(p, pool, judge.tasks)
            estimate: Estimate | None = None if answers is None else judge.estimate(answers, pool_name, read[pool_name])
            rows.append(
                {
                    "judge": name,
                    "pool": pool_name,
                    "requests": estimate.questions if estimate else None,
                    "prompt_tokens": estimate.prompt_tokens if estimate else None,
                    "reply_tokens": estimate.completion_tokens if estimate else None,
                    "usd": estimate.usd if estimate else None,
                }
            )
    return rows


def expected_answers(p: Params, pool: Pool, tasks: frozenset[str]) -> list[Answer] | None:
    """Stand-ins for the answers of a pool: the first reference, made distinct by the name of the decode setting.

    With the reference itself, if the pool has it.
    """
    path = workload.DATA / "prompts" / f"{pool.prompts}.parquet"
    if not path.is_file():
        return None
    grid = decode_settings.arms(**p.decode[pool.decode].model_dump())
    answers = []
    for row in tables.read(path, schemas.EXAMPLES):
        asked = row["task"] in tasks and answerable(json.loads(row["checks"] or "null"))
        planned = decode_settings.plan(row["example_id"], grid, pool.sweeps, p.seed) if asked else []
        first = {answer.computed_as: answer.sweep for answer in reversed(planned)}  # of answers that come out equal
        fields = {key: row[key] for key in (*_READ, "example_id")}
        for text in row["references"][:1] if asked and pool.gold else ():
            answers.append(Answer(f"{row['example_id']}|{schemas.GOLD}", text, checks=None, gold=True, **fields))
        for cache_key, sweep in first.items():
            text = f"{(row['references'] or [''])[0]} ({cache_key})"
            answers.append(Answer(f"{row['example_id']}|{cache_key}", text, checks=None, sweep=sweep, **fields))
    return answers
