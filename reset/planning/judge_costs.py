"""What judges that ask a server will be asked and cost, before there is an answer to judge."""

from typing import Any

from reset import registry
from reset.files import schemas, tables
from reset.judges import Answer
from reset.llm.budget import Estimate
from reset.params.answers import Pool
from reset.params.document import Params
from reset.planning import workload
from reset.sampling import decode_settings


def judges(p: Params) -> list[dict[str, Any]]:
    """One row per pool and judge that asks a server: requests, tokens and US dollars, as if nothing was ever asked.

    Every answer is taken to be as long as the first reference and unlike all others, a reply as long as the ledger has
    seen them, else of full length: the most that is to be expected. None where the prompts are not drawn yet.
    """
    found = []
    for judge, row in p.judges.items():
        if "server" not in row.options:
            continue
        by = registry.build(registry.JUDGES, row.kind, f"judges.{judge}.options", name=judge, **row.options)
        for name, pool in p.pools.items():
            answers = _stand_ins(p, pool, by.tasks)
            said: Estimate | None = None if answers is None else by.estimate(answers, name)
            found.append(
                {
                    "judge": judge,
                    "pool": name,
                    "requests": said.questions if said else None,
                    "prompt_tokens": said.prompt_tokens if said else None,
                    "reply_tokens": said.completion_tokens if said else None,
                    "usd": said.usd if said else None,
                }
            )
    return found


def _stand_ins(p: Params, pool: Pool, tasks: frozenset[str]) -> list[Answer] | None:
    """An answer like the first reference to each prompt under each setting, those told apart by the setting's name."""
    path = workload.DATA / "prompts" / f"{pool.prompts}.parquet"
    if not path.is_file():
        return None
    grid = decode_settings.arms(**p.decode[pool.decode].model_dump())
    found = []
    for row in tables.read(path, schemas.EXAMPLES):
        planned = decode_settings.plan(row["example_id"], grid, pool.sweeps, p.seed) if row["task"] in tasks else []
        for one in {one.computed_as: one for one in planned}.values():
            text = f"{(row['references'] or [''])[0]} ({one.computed_as})"
            given = {key: row[key] for key in ("task", "split", "instruction", "question", "passages", "references")}
            found.append(Answer(f"{row['example_id']}|{one.computed_as}", text, checks=None, **given))
    return found
