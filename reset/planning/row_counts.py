"""How many answers a pool has and how many rows a system trains on, told from the tables of params.yaml alone."""

from reset.params.answers import Pool
from reset.params.document import Params
from reset.params.training import System
from reset.sampling import decode_settings


def computed(example_id: str, grid: decode_settings.Arms, sweeps: int, seed: int) -> int:
    """Number of answers to one prompt that are computed, not copied from another."""
    planned = decode_settings.plan(example_id, grid, sweeps, seed)
    return len(planned) - decode_settings.saved(planned)


def answers(p: Params, pool: Pool) -> int:
    """Number of computed answers of a pool, at most: prompts times the mean over 100 example ids."""
    grid = decode_settings.arms(**p.decode[pool.decode].model_dump())
    count = sum(p.prompts[pool.prompts].rows.values())
    return round(count * sum(computed(str(number), grid, pool.sweeps, p.seed) for number in range(100)) / 100)


def trained_rows(p: Params, system: System) -> float | None:
    """Rows times epochs of a system, each answer of a pair as a row; None if its mixture has no limit."""
    kind, _, name = system.data.partition("/")
    epochs = p.recipes[system.recipe].epochs
    if kind == "curated":
        curated = p.curated[name]
        each = curated.per_prompt * (2 if curated.pick == "pairs" else 1)
        return each * curated.share * sum(p.prompts[curated.prompts].rows.values()) * epochs
    mixture = p.mixtures[name]
    if mixture.rows is not None:
        return len(mixture.parts) * mixture.rows * epochs
    members = [dataset for part in mixture.parts.values() for dataset in part]
    taken = [mixture.take.get(dataset) for dataset in members]
    counts = [count for count in taken if isinstance(count, int)]
    return sum(counts) * epochs if len(counts) == len(members) else None
